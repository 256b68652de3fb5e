// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "core/core.h"
#include "core/fiber.h"
#include "noc/endpoint.h"

namespace tilegrid {

/// A line of a kernel's source. std::source_location would do, but clang 14, whose clang-tidy we use, lacks it.
struct SourceLine {
  const char* file = "";
  unsigned line = 0;
  [[nodiscard]] static constexpr SourceLine current(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
    return {file, line};
  }
};

/// What a running kernel knows: its core, its NoC, its arguments, and where in the source it is. The kernel API finds it
/// through the running fiber; `where` makes every error and every blocked fiber point at a kernel's line.
struct KernelContext {
  Core* core = nullptr;
  noc::Endpoint* noc = nullptr;
  GridSize grid;
  Risc risc = Risc::trisc;
  NocId default_noc = NocId::noc0;
  const char* kernel_name = "";
  std::span<const std::uint32_t> runtime_args;
  std::span<const std::uint32_t> common_args;
  std::span<const std::uint32_t> compile_args;
  SourceLine where;
};

namespace api {

/// Call site of an API function, by default argument.
using Here = SourceLine;

[[nodiscard]] inline KernelContext& context(const Here& at) {
  auto& kernel = *static_cast<KernelContext*>(current_fiber()->local());
  kernel.where = at;
  return kernel;
}

}  // namespace api
}  // namespace tilegrid
