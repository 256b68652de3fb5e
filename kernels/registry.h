// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace tilegrid {

/// A kernel: entered by a fiber, finds its core through the kernel API (kernels/api/).
using KernelFunction = void (*)();

/// Makes a kernel known under a name on this rank. All ranks must register the same kernels before a session begins, e.g. by
/// namespace-scope constants. Returns the name. Throws std::logic_error when the name is taken by another function.
std::string register_kernel(const std::string& name, KernelFunction function);

/// Throws UsageError when nothing has this name.
[[nodiscard]] KernelFunction find_kernel(const std::string& name);

}  // namespace tilegrid
