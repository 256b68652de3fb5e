// SPDX-License-Identifier: Apache-2.0
#include "core/format.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <stdexcept>
#include <string>

namespace tilegrid {
namespace {

constexpr std::uint32_t sign_bit = 0x80000000U;
constexpr std::uint32_t infinity_bits = 0x7F800000U;
constexpr std::uint32_t smallest_normal = 0x00800000U;

std::uint32_t magnitude_of(float value) { return std::min(std::bit_cast<std::uint32_t>(value) & ~sign_bit, infinity_bits); }
std::uint32_t sign_of(float value) { return std::bit_cast<std::uint32_t>(value) & sign_bit; }

/// Half away from zero at bit `dropped` - 1; the bits below `dropped` are cleared.
std::uint32_t half_away(std::uint32_t magnitude, int dropped) {
  return (magnitude + (1U << (dropped - 1))) & ~((1U << dropped) - 1U);
}

/// The value rounded. A NaN ends as infinity of its sign, and whatever has exponent 0, the negative zero too, as +0. The
/// exponent is looked at before rounding.
std::uint32_t round_magnitude(float value, int dropped) {
  const std::uint32_t magnitude = magnitude_of(value);
  return magnitude < smallest_normal ? 0 : half_away(magnitude, dropped) | sign_of(value);
}

}  // namespace

void unknown_format(DataFormat format) {
  throw std::invalid_argument("unknown data format " + std::to_string(static_cast<int>(format)));
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
    case DataFormat::bfp8_b:
      return "bfp8_b";
    case DataFormat::bfp4_b:
      return "bfp4_b";
    case DataFormat::bfp2_b:
      return "bfp2_b";
    case DataFormat::int32:
      return "int32";
    case DataFormat::uint16:
      return "uint16";
    case DataFormat::int8:
      return "int8";
    case DataFormat::uint32:
      return "uint32";
    case DataFormat::uint8:
      return "uint8";
  }
  return "unknown format";
}

std::optional<DataFormat> parse_format(std::string_view text) {
  for (const DataFormat format : {DataFormat::fp32, DataFormat::tf32, DataFormat::bf16, DataFormat::fp16, DataFormat::bfp8_b,
                                  DataFormat::bfp4_b, DataFormat::bfp2_b}) {
    if (text == name_of(format)) return format;
  }
  return std::nullopt;
}

namespace scalar {

std::uint16_t pack_bf16(float value) {
  const std::uint32_t rounded = half_away(magnitude_of(value), 16);
  return rounded < smallest_normal ? std::uint16_t{0} : static_cast<std::uint16_t>((rounded | sign_of(value)) >> 16);
}

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

std::uint16_t cut_fp16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits & sign_bit) >> 16;
  const std::int32_t exponent = static_cast<std::int32_t>((bits >> 23) & 0xFFU) - 112;
  if (exponent < 0) return static_cast<std::uint16_t>(sign);
  if (exponent > 31) return static_cast<std::uint16_t>(sign | 0x7FFFU);
  return static_cast<std::uint16_t>(sign | static_cast<std::uint32_t>(exponent) << 10 | (bits & 0x7FFFFFU) >> 13);
}

std::uint16_t accumulate_fp16(std::uint16_t old, std::uint16_t value) {
  const auto wide = [](std::uint16_t bits) { return unpack_fp16((bits & 0x7C00U) == 0 ? bits & 0x8000U : bits); };
  const auto sum = std::bit_cast<std::uint32_t>(wide(old) + wide(value));
  const std::uint32_t sign = (sum & sign_bit) >> 16;
  if ((sum & ~sign_bit) == 0) {
    const bool large = ((old >> 10) & 31U) >= 30;
    return static_cast<std::uint16_t>(sign | (large ? 0x7FFFU : 0U));
  }
  const std::int32_t exponent = static_cast<std::int32_t>((sum >> 23) & 0xFFU) - 112;
  if (exponent <= 0) return static_cast<std::uint16_t>(sign | (exponent < 0 ? 0x7FFFU : 0U));
  const std::uint32_t fraction = sum & 0x7FFFFFU;
  const std::uint32_t rounded = (fraction + 0xFFFU + (fraction >> 13 & 1U)) >> 13;
  const std::uint32_t packed = (static_cast<std::uint32_t>(exponent) << 10) + rounded;
  return static_cast<std::uint16_t>(sign | std::min(packed, 0x7FFFU));
}

std::uint32_t pack_tf32(float value) { return round_magnitude(value, 13); }

float unpack_bf16(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

float unpack_fp16(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1FU;
  const std::uint32_t mantissa = bits & 0x3FFU;
  if (exponent == 0) return std::copysign(std::ldexp(static_cast<float>(mantissa), -24), std::bit_cast<float>(sign));
  return std::bit_cast<float>(sign | ((exponent + 112U) << 23) | (mantissa << 13));
}

BlockRow pack_block_row(std::span<const float, block_float_group> values, DataFormat format, BlockRounding rounding) {
  // Magnitudes as fp32 patterns: of normal numbers a larger pattern is a larger number.
  std::array<std::uint32_t, block_float_group> magnitudes{};
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint32_t magnitude = magnitude_of(values[i]);
    if (rounding == BlockRounding::packer) magnitude = half_away(magnitude, 17);
    magnitudes.at(i) = magnitude < smallest_normal ? 0 : magnitude;
  }
  const int bits = magnitude_bits(format);
  const int rounded_to = rounding == BlockRounding::nearest ? bits : 7;
  BlockRow row;
  const std::uint32_t shared = *std::max_element(magnitudes.begin(), magnitudes.end()) >> 23;
  row.exponent = static_cast<std::uint8_t>(shared);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (magnitudes.at(i) == 0) continue;
    // From 24 bits with the largest exponent, and one place more for each that the exponent is less.
    const std::uint32_t places = 24U - static_cast<std::uint32_t>(rounded_to) + shared - (magnitudes.at(i) >> 23);
    const std::uint64_t significand = (magnitudes.at(i) & 0x7FFFFFU) | 0x800000U;
    const std::uint64_t rounded = places > 24 ? 0 : (significand + (std::uint64_t{1} << (places - 1))) >> places;
    const std::uint64_t magnitude = std::min((std::uint64_t{1} << rounded_to) - 1, rounded) >> (rounded_to - bits);
    if (magnitude == 0) continue;
    row.datums.at(i) = static_cast<std::uint8_t>(magnitude | (sign_of(values[i]) != 0 ? 1U << bits : 0U));
  }
  return row;
}

float unpack_bfp8_b(std::uint8_t exponent, std::uint8_t datum) {
  const std::uint32_t sign = (datum & 0x80U) << 24U;
  std::uint32_t magnitude = datum & 0x7FU;
  if (magnitude == 0) return std::bit_cast<float>(sign == 0 ? 0U : sign | infinity_bits);
  std::uint32_t own = exponent;
  while ((magnitude & 0x40U) == 0) {
    magnitude <<= 1U;
    --own;
  }
  return std::bit_cast<float>(sign | (own & 0xFFU) << 23U | (magnitude & 0x3FU) << 17U);
}

float unpack_block_float(DataFormat format, std::uint8_t exponent, std::uint8_t datum) {
  // What is narrower has the upper bits of the magnitude.
  const int bits = magnitude_bits(format);
  const unsigned magnitude = (datum & ((1U << bits) - 1U)) << (7 - bits);
  return unpack_bfp8_b(exponent, static_cast<std::uint8_t>((datum >> bits & 1U) << 7U | magnitude));
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
