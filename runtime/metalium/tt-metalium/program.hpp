// SPDX-License-Identifier: Apache-2.0
// A program: kernels on cores with their arguments, circular buffers and semaphores.
#pragma once

#include <tt-metalium/circular_buffer_config.hpp>
#include <tt-metalium/core_coord.hpp>
#include <tt-metalium/kernel_types.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace tilegrid::metalium {
struct ProgramParts;
}

namespace tt::tt_metal {

struct ProgramDescriptor;

class Program {
 public:
  Program();
  /// `caller` as of CreateKernel.
  explicit Program(const ProgramDescriptor& descriptor, const char* caller = __builtin_FILE());
  ~Program();
  Program(Program&&) noexcept;
  Program& operator=(Program&&) noexcept;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  [[nodiscard]] std::uint64_t get_id() const;
  void set_runtime_id(std::uint64_t id) { runtime_id_ = id; }
  [[nodiscard]] std::uint64_t get_runtime_id() const { return runtime_id_; }
  [[nodiscard]] std::size_t num_kernels() const;
  [[nodiscard]] tilegrid::metalium::ProgramParts& parts() const { return *parts_; }
  /// For what has to outlive it: a trace.
  [[nodiscard]] const std::shared_ptr<tilegrid::metalium::ProgramParts>& shared_parts() const { return parts_; }

 private:
  std::shared_ptr<tilegrid::metalium::ProgramParts> parts_;
  std::uint64_t runtime_id_ = 0;
};

/// Runtime arguments of a kernel on a core.
using RuntimeArgsData = std::vector<std::uint32_t>;

}  // namespace tt::tt_metal
