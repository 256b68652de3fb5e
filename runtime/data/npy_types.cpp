// SPDX-License-Identifier: Apache-2.0
#include "runtime/data/npy_types.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace tilegrid {

std::string printable(std::string_view text) {
  constexpr std::size_t longest = 60;
  std::string result;
  for (const char c : text.substr(0, longest)) result += c >= ' ' && c <= '~' ? c : '?';
  if (text.size() > longest) result += "...";
  return result;
}
namespace {

static_assert(std::endian::native == std::endian::little, "values are read as they lie in memory");

std::uint16_t swap_bytes(std::uint16_t bits) { return __builtin_bswap16(bits); }
std::uint32_t swap_bytes(std::uint32_t bits) { return __builtin_bswap32(bits); }
std::uint64_t swap_bytes(std::uint64_t bits) { return __builtin_bswap64(bits); }

/// IEEE half to float, with denormals, infinities and NaN: a file's format, not the device's.
float float_of_half(std::uint16_t half) {
  constexpr std::uint32_t infinite = 0x7F800000U;
  constexpr float two_to_minus_24 = 0x1p-24F;
  const std::uint32_t sign = (half & 0x8000U) << 16U;
  const std::uint32_t exponent = (half >> 10U) & 0x1FU;
  const std::uint32_t mantissa = half & 0x3FFU;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * two_to_minus_24;
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t magnitude = exponent == 31 ? infinite : (exponent + 127 - 15) << 23U;
  return std::bit_cast<float>(sign | magnitude | (mantissa << 13U));
}

float float_of_bfloat16(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16U); }
float float_of_bits(std::uint32_t bits) { return std::bit_cast<float>(bits); }

float float_of_double(std::uint64_t bits) { return static_cast<float>(std::bit_cast<double>(bits)); }

/// Whether a double is a number that float32 does not reach.
bool beyond_float(std::uint64_t bits) {
  return std::isfinite(std::bit_cast<double>(bits)) && std::isinf(float_of_double(bits));
}

template <class Bits, class Convert>
void decode_all(std::span<const std::byte> data, bool swapped, std::span<float> values, const Convert& convert) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    Bits bits;
    std::memcpy(&bits, data.data() + i * sizeof(Bits), sizeof(Bits));
    values[i] = convert(swapped ? swap_bytes(bits) : bits);
  }
}

[[noreturn]] void refuse(std::string_view descr) {
  const char kind = descr.size() > 1 ? descr[1] : '?';
  const char* call = "numpy.save(FILE, x.astype('float32')) makes it readable";
  if (kind == 'c') call = "complex numbers have no place here: numpy.save(FILE, x.real.astype('float32'))";
  if (kind == 'O' || kind == 'U' || kind == 'S' || kind == 'M' || kind == 'm') call = "an array of numbers is needed";
  throw std::runtime_error(
      fmt::format("its type is '{}'; float16, float32, float64 and bfloat16 can be read: {}", printable(descr), call));
}

}  // namespace

NpyType NpyType::parse(std::string_view descr) {
  if (descr.size() < 2) refuse(descr);
  const char order = descr[0];
  const std::string_view type = descr.substr(1);
  // Two raw bytes have no order of their own; '>V2' would be an array that somebody has already swapped by hand.
  if (type == "V2" && (order == '<' || order == '|')) return {Kind::bfloat16, 2, false};
  if (order != '<' && order != '>' && order != '=') refuse(descr);
  const bool swapped = order == '>';
  if (type == "f2") return {Kind::float16, 2, swapped};
  if (type == "f4") return {Kind::float32, 4, swapped};
  if (type == "f8") return {Kind::float64, 8, swapped};
  refuse(descr);
}

std::string NpyType::note() const {
  const char* order = swapped_ ? "big-endian " : "";
  if (kind_ == Kind::bfloat16) return "two raw bytes an element, taken for bfloat16";
  if (kind_ == Kind::float64) return fmt::format("{}float64, rounded to float32", order);
  if (swapped_) return fmt::format("big-endian float{}, turned round", bytes_ * 8);
  return {};
}

std::size_t NpyType::decode(std::span<const std::byte> data, std::span<float> values) const {
  switch (kind_) {
    case Kind::float16:
      decode_all<std::uint16_t>(data, swapped_, values, float_of_half);
      break;
    case Kind::bfloat16:
      decode_all<std::uint16_t>(data, swapped_, values, float_of_bfloat16);
      break;
    case Kind::float32:
      decode_all<std::uint32_t>(data, swapped_, values, float_of_bits);
      break;
    case Kind::float64: {
      std::size_t at = 0;
      std::size_t first = values.size();
      decode_all<std::uint64_t>(data, swapped_, values, [&](std::uint64_t bits) {
        if (beyond_float(bits)) first = std::min(first, at);
        ++at;
        return float_of_double(bits);
      });
      return first;
    }
  }
  return values.size();
}

}  // namespace tilegrid
