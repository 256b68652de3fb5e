// SPDX-License-Identifier: Apache-2.0
// What the source registers of the matrix unit keep of an operand; inside of core.
#pragma once

#include <cstdint>

#include "core/matrix_unit.h"
#include "core/simd/matrix_kernels.h"

namespace tilegrid {

/// Mask on fp32 patterns that keeps `bits` bits of the significand, the hidden one included.
constexpr std::uint32_t keep_significand(unsigned bits) { return 0xFFFFFFFFU << (24U - bits); }

/// What a source register keeps of a 32-bit operand; other formats fit as they are.
constexpr std::uint32_t keep_word(bool dst_fp32) { return keep_significand(dst_fp32 ? 11 : 8); }

constexpr bool is_word(DataFormat format) { return format == DataFormat::fp32 || format == DataFormat::tf32; }

inline void unpack_source(TileOperand in, bool dst_fp32, std::uint32_t keep, bool transpose, float* out) {
  if (is_word(in.format)) keep &= keep_word(dst_fp32);
  simd::unpack(in.data, {.format = in.format, .keep = keep, .flush = true, .transpose = transpose}, out);
}

/// What the products of a fidelity see of their factors.
[[nodiscard]] inline simd::ProductCut product_cut(Fidelity fidelity, Numerics numerics) {
  const std::uint32_t high_a = keep_significand(5);
  const std::uint32_t both_a = keep_significand(10);
  const std::uint32_t high_b = keep_significand(7);
  if (numerics != Numerics::fast) {
    const bool low_a = fidelity != Fidelity::lofi;
    return {.a_keep = low_a ? both_a : high_a, .b_keep = high_b, .a_top = high_a, .phases = to_underlying(fidelity)};
  }
  switch (fidelity) {
    case Fidelity::lofi:
      return {.a_keep = high_a, .b_keep = high_b};
    case Fidelity::hifi2:
      return {.a_keep = both_a, .b_keep = high_b};
    case Fidelity::hifi3:
      return {.a_keep = both_a, .b_keep = high_b, .a_top = high_a, .second_pass = true};
    case Fidelity::hifi4:
      break;
  }
  return {.a_keep = both_a, .b_keep = keep_significand(11)};
}

/// Fills a tile from its row 0, its column 0 or its element [0,0].
void spread(Broadcast broadcast, float* tile);

}  // namespace tilegrid
