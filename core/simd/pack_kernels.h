// SPDX-License-Identifier: Apache-2.0
// Conversions of runs of values between DST, L1 and host floats. The results are those of tilegrid::scalar (core/format.h)
// on every instruction set. `count` is a multiple of 32 throughout; pointers need no alignment.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/packer.h"

namespace tilegrid::simd {

/// scalar::pack_bf16, pack_fp16 and pack_tf32 of each value.
void pack_bf16(const float* values, std::size_t count, std::uint16_t* out);
void pack_fp16(const float* values, std::size_t count, std::uint16_t* out);
void pack_tf32(const float* values, std::size_t count, std::uint32_t* out);

/// Values that are bf16 already (16-bit DST): NaN becomes infinity, a denormal and -0 become +0, anything else stays.
void pack_bf16_identity(const float* values, std::size_t count, std::uint16_t* out);

/// A tile of a block-float format by scalar::pack_block_row: 64 exponents, then the datums, the first of a byte lowest.
void pack_block_floats(const float* values, DataFormat format, scalar::BlockRounding rounding, std::byte* tile);

/// What the packer's ReLU makes of values. A set sign counts as negative, also on a NaN.
void relu(ReluMode mode, float threshold, const float* values, std::size_t count, float* out);

/// l1 += values: round to nearest even. Denormals count as zero of their sign on both sides and in the result. A NaN of an
/// fp32 result is 0x7FC00000. The bf16 values come from pack_bf16 or pack_bf16_identity: neither denormals nor NaN; infinity
/// less infinity is 0x7FC0, but a NaN in L1 counts as a number beyond all others, so that infinity of its sign comes of it.
void accumulate_fp32(const float* values, std::size_t count, float* l1);
void accumulate_bf16(const std::uint16_t* values, std::size_t count, std::uint16_t* l1);

/// Exact widening.
void unpack_bf16(const std::uint16_t* bits, std::size_t count, float* out);
void unpack_fp16(const std::uint16_t* bits, std::size_t count, float* out);

}  // namespace tilegrid::simd
