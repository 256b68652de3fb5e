// SPDX-License-Identifier: Apache-2.0
// Functions of the SFPU as the vendor's kernels compute them, step by step (tensix.md 2.3). The same bits on every
// instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tilegrid::simd {

enum class SfpuFunction : std::uint8_t {
  exp_clamped,    ///< Schraudolph's, inputs below -88.5 as -88.5
  exp_unclamped,  ///< without: negative and wrong below -88, and no more than exp(0.72)
  exp_accurate,   ///< 16-bit DST: degree 2 after one multiplication; 32-bit: Cody-Waite and degree 7
  exp_column,     ///< of a column of statistics: degree 2, 4 in 32-bit DST
  recip,          ///< quadratic start and one Newton step, two in 32-bit DST
  sqrt,           ///< integer trick and refinement to 23 bits
  rsqrt,
};

/// In place, `count` a multiple of 16. The exponentials are of scale * x.
void sfpu(SfpuFunction function, bool dst_fp32, float scale, float* values, std::size_t count);

}  // namespace tilegrid::simd
