// SPDX-License-Identifier: Apache-2.0
// The SFPU's operations on a run of DST values. The same bits on every instruction set.
#pragma once

#include <cstddef>

#include "core/vector_unit.h"

namespace tilegrid::simd {

/// In place. `count` is a multiple of 16 here and below. `op` reads one tile or none, and is not copy_dst.
void vector_unary(VectorOp op, bool dst_fp32, float parameter, float* values, std::size_t count);

/// out = op(a, b), an operation of two tiles; `out` is a, b or apart from both. max_tile and min_tile follow the
/// sign-magnitude order and give the bits of one of the two, denormals as zero.
void vector_binary(VectorOp op, bool dst_fp32, float* out, const float* a, const float* b, std::size_t count);

/// out = cond != 0 ? x : y, the bits of x or y, denormals as zero. `out` is an operand or apart from all.
void vector_where(float* out, const float* cond, const float* x, const float* y, std::size_t count);

/// out = in, denormals as zero.
void vector_copy(float* out, const float* in, std::size_t count);

}  // namespace tilegrid::simd
