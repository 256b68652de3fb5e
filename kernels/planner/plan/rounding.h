// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>

#include "core/format.h"
#include "core/matrix_unit.h"

/// Places of significands and what is lost when they are cut, for plans and for the evaluation that judges them. Relative
/// errors all; hidden bits count as places.
namespace tilegrid::planner {

inline constexpr double fp32_unit = 0x1p-24;         ///< half a unit in the last of 24 places
inline constexpr double bf16_unit = 0x1p-8 * 1.002;  ///< of 8 places, and what the fp32 result before it was off

/// Relative error of one rounding in DST.
[[nodiscard]] inline double dst_unit(bool dst_fp32) { return dst_fp32 ? fp32_unit : bf16_unit; }

[[nodiscard]] inline int places_of(DataFormat format) {
  switch (format) {
    case DataFormat::bfp8_b:
    case DataFormat::bfp4_b:
    case DataFormat::bfp2_b:
      return magnitude_bits(format);
    case DataFormat::bf16:
      return 8;
    case DataFormat::fp16:
    case DataFormat::tf32:
      return 11;
    default:
      return 24;
  }
}

/// Of a DST slot, and of a source register, into which fp32 goes as TF32 or, with 16-bit DST, as BF16 (tensix.md 2.1).
[[nodiscard]] constexpr int dst_places(bool dst_fp32) { return dst_fp32 ? 24 : 8; }
[[nodiscard]] constexpr int source_places(bool dst_fp32) { return dst_fp32 ? 11 : 8; }

/// Largest loss when a significand of `places` is truncated to `kept`.
[[nodiscard]] inline double truncation(int places, int kept) { return places > kept ? std::ldexp(1.0, 1 - kept) : 0; }

/// What the fidelity takes from a product, for factors in the sources they are bound for: a in SrcA, b in SrcB (tensix.md
/// 2.1). What the sources themselves cut is part of it.
[[nodiscard]] inline double product_cut(Fidelity fidelity, bool dst_fp32, int places_a, int places_b) {
  const int kept = source_places(dst_fp32);
  const auto cut_to = [kept](int places, int bits) { return truncation(places, std::min(kept, bits)); };
  const double a10 = cut_to(places_a, 10);
  const double b7 = cut_to(places_b, 7);
  switch (fidelity) {
    case Fidelity::lofi:
      return cut_to(places_a, 5) + b7;
    case Fidelity::hifi2:
      return a10 + b7;
    case Fidelity::hifi3:
      // The second pass multiplies 5 places of a by what b lost.
      return a10 + b7 * cut_to(places_a, 5) + cut_to(places_b, 11);
    case Fidelity::hifi4:
      break;
  }
  return a10 + cut_to(places_b, 11);
}

}  // namespace tilegrid::planner
