// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tilegrid/device.h"

// Floats as their bits.
inline constexpr uint32_t NEG_INF_FLOAT32 = 0xFF800000U, POS_INF_FLOAT32 = 0x7F800000U, NAN_FLOAT32 = 0x7FFFFFFFU;
inline constexpr uint32_t FLOAT32_SIGN_MASK = 0x80000000U, FLOAT32_EXPONENT_MASK = 0x7F800000U,
                          FLOAT32_MANTISSA_MASK = 0x007FFFFFU, FLOAT32_MAGNITUDE_MASK = 0x7FFFFFFFU;
inline bool float32_greater(uint32_t a, uint32_t b) {
  float x, y;
  __builtin_memcpy(&x, &a, sizeof x);
  __builtin_memcpy(&y, &b, sizeof y);
  return x > y;
}
