// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tilegrid/device.h"

// BF16 values as their bits.
inline constexpr uint16_t NEG_INF_BFLOAT16 = 0xFF80, POS_INF_BFLOAT16 = 0x7F80, NAN_BFLOAT16 = 0x7FFF,
                          BFLOAT16_SIGN_MASK = 0x8000;
/// In the order of sign and magnitude, to which infinities belong, too.
inline bool bfloat16_greater(uint16_t a, uint16_t b) {
  if (((a ^ b) & BFLOAT16_SIGN_MASK) != 0) return (a & BFLOAT16_SIGN_MASK) == 0;
  return (a & BFLOAT16_SIGN_MASK) != 0 ? a < b : a > b;
}
