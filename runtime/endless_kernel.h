// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>
#include <memory>

namespace tilegrid {

/// While it lives, a kernel from a file that goes round in a loop without any effect, of which the compiler counts nothing
/// (`while (true) {}`), ends the process after some seconds of the processor's time, with exit code 3 and a line that names
/// core, RISC and line. Other loops are found by what they count (kernels/metalium/README.md).
class EndlessKernelGuard {
 public:
  explicit EndlessKernelGuard(bool has_kernel_files);
  ~EndlessKernelGuard();
  EndlessKernelGuard(const EndlessKernelGuard&) = delete;
  EndlessKernelGuard& operator=(const EndlessKernelGuard&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tilegrid
