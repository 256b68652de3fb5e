// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "runtime/jit/compile.h"

namespace tilegrid::jit {

/// The source that the compiler is given for a kernel: what the host said as constants, the device headers (many kernels
/// include nothing, or only some of what they use), the kernel, and its entry. Throws UsageError for names that are none.
[[nodiscard]] std::string wrapper_of(const KernelSource& source);

}  // namespace tilegrid::jit
