// SPDX-License-Identifier: Apache-2.0
// The SFPU's operations on a run of DST values, in place. The same bits on every instruction set.
#pragma once

#include <cstddef>

#include "core/vector_unit.h"

namespace tilegrid::simd {

/// `count` is a multiple of 16. `op` is not max_tile or min_tile.
void vector_unary(VectorOp op, bool dst_fp32, float parameter, float* values, std::size_t count);

/// values = max or min of values and others, in sign-magnitude order; the bits of one of the two, denormals as zero.
void vector_max(float* values, const float* others, std::size_t count);
void vector_min(float* values, const float* others, std::size_t count);

}  // namespace tilegrid::simd
