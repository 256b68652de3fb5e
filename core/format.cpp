// SPDX-License-Identifier: Apache-2.0
#include "core/format.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>
#include <string>

namespace tilegrid {
namespace {

constexpr std::uint32_t sign_bit = 0x80000000U;
constexpr std::uint32_t infinity_bits = 0x7F800000U;
constexpr std::uint32_t smallest_normal = 0x00800000U;

[[noreturn]] void unknown(DataFormat format) {
  throw std::invalid_argument("unknown data format " + std::to_string(static_cast<int>(format)));
}

/// Half away from zero at bit `dropped` - 1; the bits below `dropped` are cleared. A NaN ends as infinity of its sign, and
/// whatever has exponent 0, the negative zero too, as +0. The exponent is looked at before rounding.
std::uint32_t round_magnitude(float value, int dropped) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = std::min(bits & ~sign_bit, infinity_bits);
  if (magnitude < smallest_normal) return 0;
  const std::uint32_t rounded = (magnitude + (1U << (dropped - 1))) & ~((1U << dropped) - 1U);
  return rounded | (bits & sign_bit);
}

}  // namespace

std::uint32_t tile_bytes(DataFormat format) {
  switch (format) {
    case DataFormat::fp32:
    case DataFormat::tf32:
      return 4096;
    case DataFormat::fp16:
    case DataFormat::bf16:
      return 2048;
    case DataFormat::bfp4_b:
      return 576;
  }
  unknown(format);
}

const char* name_of(DataFormat format) {
  switch (format) {
    case DataFormat::fp32:
      return "fp32";
    case DataFormat::fp16:
      return "fp16";
    case DataFormat::tf32:
      return "tf32";
    case DataFormat::bf16:
      return "bf16";
    case DataFormat::bfp4_b:
      return "bfp4_b";
  }
  return "unknown format";
}

std::optional<DataFormat> parse_format(std::string_view text) {
  for (const DataFormat format : {DataFormat::fp32, DataFormat::tf32, DataFormat::bf16, DataFormat::fp16}) {
    if (text == name_of(format)) return format;
  }
  return std::nullopt;
}

namespace scalar {

std::uint16_t pack_bf16(float value) { return static_cast<std::uint16_t>(round_magnitude(value, 16) >> 16); }

std::uint16_t pack_fp16(float value) {
  // 0x47FFE000 is 131008, the float of 0x7FFF; 0x38800000 is 2^-14, the smallest normal. The exponents differ by 127 - 15.
  constexpr std::uint32_t largest = 0x47FFE000U;
  constexpr std::uint32_t smallest = 0x38800000U;
  constexpr std::uint32_t exponent_gap = 112U << 23;
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = std::min(bits & ~sign_bit, largest) + (1U << 12);
  if (rounded < smallest) return 0;
  return static_cast<std::uint16_t>(((rounded - exponent_gap) >> 13) | ((bits & sign_bit) >> 16));
}

std::uint32_t pack_tf32(float value) { return round_magnitude(value, 13); }

float unpack_bf16(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

float unpack_fp16(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1FU;
  const std::uint32_t mantissa = bits & 0x3FFU;
  if (exponent == 0) return std::copysign(std::ldexp(static_cast<float>(mantissa), -24), std::bit_cast<float>(sign));
  return std::bit_cast<float>(sign | ((exponent + 112U) << 23) | (mantissa << 13));
}

float truncate_tf32(float value) { return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) & 0xFFFFE000U); }

float truncate_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return (bits & infinity_bits) == 0 ? 0.0F : std::bit_cast<float>(bits & 0xFFFF0000U);
}

float round_dst16(float value) {
  // DST keeps a NaN, as one pattern only; it is the packer that turns it into infinity.
  return std::bit_cast<float>(std::isnan(value) ? 0x7FC00000U : round_magnitude(value, 16));
}

}  // namespace scalar
}  // namespace tilegrid
