// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/format.h"
#include "core/ids.h"

namespace tilegrid {

enum class ReluMode : std::uint8_t {
  none,
  zero,           ///< max(x, 0)
  min_threshold,  ///< x <= threshold gives 0
  max_threshold,  ///< max(x, 0), and x > threshold gives threshold
};
template <>
inline constexpr int enum_size<ReluMode> = count_to(ReluMode::max_threshold);

struct PackConfig {
  DataFormat format = DataFormat::bf16;  ///< of L1
  bool precise_blocks = false;           ///< block floats by BlockRounding::precise
  bool l1_accumulate = false;  ///< fp32: RNE add with flush to zero; bf16, fp16: wide add, then RNE (tensix.md 1.6)
  ReluMode relu = ReluMode::none;
  float relu_threshold = 0.0F;
};

/// Packs one DST tile (1024 floats, face order) to L1 with the rounding of tensix.md 1.6. In 16-bit DST mode the values are
/// bf16 already, and the rounding is the identity except for NaN, denormals and -0; of fp16 values bf16 gets the upper bits.
/// Format fp32 from 32-bit DST is the identity; fp16 from it is cut. l1_accumulate supports fp32, bf16 and fp16; others are
/// the caller's error. ReLU comes behind the conversion to bf16 or e8m6 and before any other, as in the vendor's simulator.
/// Integers are 32-bit words in DST, and know ReluMode::zero on int32 alone. int8 saturates to -127..127 and uint8 to
/// 0..255; others are the word's low bits. `source` may be null: a cleared DST tile, which packs as zeros.
void pack_tile(const float* source, bool dst_fp32, const PackConfig& config, std::byte* l1);

}  // namespace tilegrid
