// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>
#include <memory>

namespace tilegrid {

/// While it lives, a kernel that touches memory outside of its core's L1 through a raw pointer, jumps to where no code is,
/// fills its stack, divides by 0 or comes to an instruction that there is not ends the process with exit code 2 and a line
/// that names core, RISC, file and line, or the kernel's last call, instead of a bare signal. Faults outside of kernels
/// keep their usual effect. Sanitizer builds leave the signals to the sanitizer.
class MemoryFaultGuard {
 public:
  MemoryFaultGuard();
  ~MemoryFaultGuard();
  MemoryFaultGuard(const MemoryFaultGuard&) = delete;
  MemoryFaultGuard& operator=(const MemoryFaultGuard&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tilegrid
