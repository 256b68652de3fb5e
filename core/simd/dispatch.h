// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace tilegrid {

/// Name of the instruction set that the units use on this machine, e.g. "AVX3". Results do not depend on it.
[[nodiscard]] const char* simd_target_name();

}  // namespace tilegrid
