// SPDX-License-Identifier: Apache-2.0
#include "core/format.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <stdexcept>

#include "gtest/gtest.h"

namespace tilegrid {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan_value = std::numeric_limits<float>::quiet_NaN();

float float_of(std::uint32_t bits) { return std::bit_cast<float>(bits); }
std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }

/// `value` rounded half away from zero to `significand` bits, by arithmetic instead of bit patterns. Exact in double.
double round_half_away(float value, int significand) {
  int exponent = 0;
  const double fraction = std::frexp(static_cast<double>(value), &exponent);
  return std::ldexp(std::round(std::ldexp(fraction, significand)), exponent - significand);
}

bool is_normal(float value) { return std::isnormal(value); }

/// Calls check(value) for every upper half of a float with lower halves on, next to and between all rounding ties.
template <class Check>
void for_many_floats(const Check& check) {
  for (std::uint32_t upper = 0; upper < 0x10000U; ++upper) {
    for (const std::uint32_t lower : {0x0000U, 0x0001U, 0x0FFFU, 0x1000U, 0x1001U, 0x2FFFU, 0x3000U, 0x7FFFU, 0x8000U,
                                      0x8001U, 0xEFFFU, 0xF000U, 0xFFFFU}) {
      check(float_of(upper << 16 | lower));
    }
  }
}

TEST(Format, TileSizes) {
  EXPECT_EQ(tile_bytes(DataFormat::fp32), 4096U);
  EXPECT_EQ(tile_bytes(DataFormat::tf32), 4096U);
  EXPECT_EQ(tile_bytes(DataFormat::bf16), 2048U);
  EXPECT_EQ(tile_bytes(DataFormat::fp16), 2048U);
  EXPECT_EQ(tile_bytes(DataFormat::bfp8_b), 1088U);
  EXPECT_EQ(tile_bytes(DataFormat::bfp4_b), 576U);
  EXPECT_EQ(tile_bytes(DataFormat::bfp2_b), 320U);
  EXPECT_THROW((void)tile_bytes(static_cast<DataFormat>(99)), std::invalid_argument);
}

TEST(Format, NamesParseBack) {
  for (const DataFormat format : {DataFormat::fp32, DataFormat::tf32, DataFormat::bf16, DataFormat::fp16, DataFormat::bfp8_b,
                                  DataFormat::bfp4_b, DataFormat::bfp2_b}) {
    EXPECT_EQ(parse_format(name_of(format)), format);
  }
  EXPECT_STREQ(name_of(DataFormat::uint8), "uint8");
  for (const char* text : {"", "bf", "BF16", "bf16 ", "bfp4_", "float", "uint8"})
    EXPECT_FALSE(parse_format(text).has_value()) << text;
}

TEST(Format, Bf16RoundTripOfAllPatterns) {
  for (std::uint32_t pattern = 0; pattern < 0x10000U; ++pattern) {
    const auto bits = static_cast<std::uint16_t>(pattern);
    const float value = scalar::unpack_bf16(bits);
    ASSERT_EQ(bits_of(value), pattern << 16);
    const auto sign = static_cast<std::uint16_t>(bits & 0x8000U);
    std::uint16_t expected = bits;
    if (std::isnan(value)) expected = static_cast<std::uint16_t>(0x7F80U | sign);
    if (value == 0.0F || std::fpclassify(value) == FP_SUBNORMAL) expected = 0;
    ASSERT_EQ(scalar::pack_bf16(value), expected) << pattern;
  }
}

TEST(Format, PackBf16RoundsHalfAway) {
  for_many_floats([](float value) {
    const float packed = scalar::unpack_bf16(scalar::pack_bf16(value));
    if (std::isnan(value)) {
      ASSERT_EQ(packed, std::copysign(infinity, value));
    } else if (!is_normal(value) && !std::isinf(value)) {
      // Of denormals those are left that round to the smallest normal number.
      const bool left = (bits_of(value) & 0x7FFFFFFFU) >= 0x007F8000U;
      ASSERT_EQ(packed, left ? std::copysign(std::numeric_limits<float>::min(), value) : 0.0F) << bits_of(value);
    } else {
      ASSERT_EQ(packed, static_cast<float>(std::isinf(value) ? value : round_half_away(value, 8))) << bits_of(value);
    }
  });
}

TEST(Format, PackBf16AtTheEdges) {
  EXPECT_EQ(scalar::pack_bf16(float_of(0x3F808000U)), 0x3F81);  // a tie goes up, from an even and from an odd value
  EXPECT_EQ(scalar::pack_bf16(float_of(0x3F818000U)), 0x3F82);
  EXPECT_EQ(scalar::pack_bf16(float_of(0xBF808000U)), 0xBF81);
  EXPECT_EQ(scalar::pack_bf16(float_of(0x3F807FFFU)), 0x3F80);
  EXPECT_EQ(scalar::pack_bf16(std::numeric_limits<float>::max()), 0x7F80);
  EXPECT_EQ(scalar::pack_bf16(float_of(0x7F7F7FFFU)), 0x7F7F);
  EXPECT_EQ(scalar::pack_bf16(-0.0F), 0);
  EXPECT_EQ(scalar::pack_bf16(float_of(0x007F7FFFU)), 0);
  EXPECT_EQ(scalar::pack_bf16(float_of(0x807F8000U)), 0x8080);  // rounded, it is no denormal any more
  EXPECT_EQ(scalar::pack_bf16(float_of(0x00800000U)), 0x0080);
  EXPECT_EQ(scalar::pack_bf16(float_of(0xFFFFFFFFU)), 0xFF80);
}

TEST(Format, Fp16ValuesOfAllPatterns) {
  for (std::uint32_t pattern = 0; pattern < 0x10000U; ++pattern) {
    const float value = scalar::unpack_fp16(static_cast<std::uint16_t>(pattern));
    const auto exponent = static_cast<int>((pattern >> 10) & 31U);
    const auto mantissa = static_cast<double>(pattern & 0x3FFU);
    const double magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024.0 + mantissa, exponent - 25);
    ASSERT_EQ(static_cast<double>(std::fabs(value)), magnitude);
    ASSERT_EQ(std::signbit(value), pattern >= 0x8000U);
    ASSERT_EQ(scalar::pack_fp16(value), exponent == 0 ? 0U : pattern);
  }
}

TEST(Format, PackFp16RoundsHalfAwayAndSaturates) {
  for_many_floats([](float value) {
    const float packed = scalar::unpack_fp16(scalar::pack_fp16(value));
    const double rounded = std::isfinite(value) ? std::fabs(round_half_away(value, 11)) : 1e9;
    if (rounded > 131008.0) {
      ASSERT_EQ(packed, std::copysign(131008.0F, value)) << bits_of(value);
    } else if (rounded < std::ldexp(1.0, -14)) {
      ASSERT_EQ(bits_of(packed), 0U);
    } else {
      ASSERT_EQ(static_cast<double>(packed), std::copysign(rounded, static_cast<double>(value))) << bits_of(value);
    }
  });
  EXPECT_EQ(scalar::pack_fp16(nan_value), 0x7FFF);
  EXPECT_EQ(scalar::pack_fp16(-infinity), 0xFFFF);
}

TEST(Format, PackTf32RoundsHalfAway) {
  for_many_floats([](float value) {
    const std::uint32_t packed = scalar::pack_tf32(value);
    ASSERT_EQ(packed & 0x1FFFU, 0U);
    if (std::isnan(value)) {
      ASSERT_EQ(float_of(packed), std::copysign(infinity, value));
    } else if (!is_normal(value) && !std::isinf(value)) {
      ASSERT_EQ(packed, 0U);
    } else {
      ASSERT_EQ(float_of(packed), static_cast<float>(std::isinf(value) ? value : round_half_away(value, 11)));
    }
  });
}

TEST(Format, TruncationCutsBits) {
  for_many_floats([](float value) {
    ASSERT_EQ(bits_of(scalar::truncate_tf32(value)), bits_of(value) & 0xFFFFE000U);
    const bool no_exponent = value == 0.0F || std::fpclassify(value) == FP_SUBNORMAL;
    ASSERT_EQ(bits_of(scalar::truncate_bf16(value)), no_exponent ? 0U : bits_of(value) & 0xFFFF0000U);
  });
}

/// Value of a datum: m * 2^(e - 127 - 6), whose exponent in BF16 has 8 bits that wrap (tensix.md 1.6).
double bfp8_value(int exponent, int datum) {
  const int magnitude = datum & 127;
  const double sign = datum >= 128 ? -1 : 1;
  if (magnitude == 0) return datum == 0 ? 0 : -std::numeric_limits<double>::infinity();
  int own = 0;
  const double fraction = std::frexp(magnitude, &own);  // in [0.5, 1)
  const int field = exponent - 7 + own;                 // of the normalised number
  return sign * std::ldexp(2 * fraction, (field < 0 ? field + 256 : field) - 127);
}

TEST(Format, Bfp8ValuesOfAllDatums) {
  for (int exponent = 0; exponent < 256; ++exponent) {
    for (int datum = 0; datum < 256; ++datum) {
      const float value = scalar::unpack_bfp8_b(static_cast<std::uint8_t>(exponent), static_cast<std::uint8_t>(datum));
      const double expected = bfp8_value(exponent, datum);
      const std::uint32_t pattern = bits_of(value);
      ASSERT_EQ(pattern & 0xFFFFU, 0U) << "not a BF16";
      if (std::isinf(expected) || datum == 0) {
        ASSERT_EQ(static_cast<double>(value), expected);
        continue;
      }
      ASSERT_EQ(std::signbit(value), datum >= 128);
      // Exponents 0 and 255 are ordinary ones to the matrix unit; compared as fields, as floats have none of these.
      const double mantissa = std::fabs(expected) / std::exp2(std::floor(std::log2(std::fabs(expected)))) - 1;
      ASSERT_EQ((pattern >> 23) & 255U, static_cast<std::uint32_t>(std::floor(std::log2(std::fabs(expected))) + 127));
      ASSERT_EQ(static_cast<double>((pattern >> 16) & 127U), mantissa * 128) << exponent << ' ' << datum;
    }
  }
  // By hand: steps of a 64th with exponent 127; what wraps; a sign alone.
  EXPECT_EQ(scalar::unpack_bfp8_b(127, 0x40), 1.0F);
  EXPECT_EQ(scalar::unpack_bfp8_b(127, 0xFF), -127.0F / 64);
  EXPECT_EQ(scalar::unpack_bfp8_b(130, 0x03), 3.0F / 8);
  EXPECT_EQ(bits_of(scalar::unpack_bfp8_b(3, 0x01)), 253U << 23);
  EXPECT_EQ(bits_of(scalar::unpack_bfp8_b(127, 0x80)), 0xFF800000U);
}

using Group = std::array<float, block_float_group>;

/// The nearest multiple of the step, half up, at most 127, by arithmetic in double.
int bfp8_datum(float value, int exponent) {
  if (!std::isnormal(value)) return 0;
  const double steps = std::fabs(static_cast<double>(value)) / std::ldexp(1.0, exponent - 127 - 6);
  const int magnitude = static_cast<int>(std::min(std::floor(steps + 0.5), 127.0));
  return magnitude == 0 ? 0 : magnitude + (std::signbit(value) ? 128 : 0);
}

TEST(Format, PackBfp8RoundsHalfUp) {
  // Every upper half of a float beside a largest value 0 to 12 exponents above it.
  for (const int gap : {0, 1, 2, 6, 7, 8, 12}) {
    for_many_floats([&](float value) {
      const auto own = static_cast<int>((bits_of(value) >> 23) & 255U);
      const int shared = std::max(own, 1) + gap;
      if (!std::isfinite(value) || shared > 254) return;
      Group group{};
      group[3] = value;
      group[11] = -std::ldexp(1.0F, shared - 127);
      const scalar::BlockRow row = scalar::pack_block_row(group, DataFormat::bfp8_b, scalar::BlockRounding::precise);
      ASSERT_EQ(row.exponent, shared) << bits_of(value);
      ASSERT_EQ(row.datums[3], bfp8_datum(value, shared)) << bits_of(value) << ' ' << gap;
      ASSERT_EQ(row.datums[11], 0xC0);
      ASSERT_EQ(row.datums[0], 0);
    });
  }
}

TEST(Format, PackBfp8AtTheEdges) {
  const auto datums = [](std::initializer_list<float> values) {
    Group group{};
    std::copy(values.begin(), values.end(), group.begin());
    return scalar::pack_block_row(group, DataFormat::bfp8_b, scalar::BlockRounding::precise);
  };
  const scalar::BlockRow halves =
      datums({1.0F, 1.0F + 1.0F / 128, -1.0F - 3.0F / 256, 255.0F / 128, 1.0F / 128, -1.0F / 129});
  EXPECT_EQ(halves.exponent, 127);
  EXPECT_EQ(halves.datums[0], 64);
  EXPECT_EQ(halves.datums[1], 65);  // a tie goes up
  EXPECT_EQ(halves.datums[2], 128 + 65);
  EXPECT_EQ(halves.datums[3], 127);  // 127.5 would be 128: clamped, the exponent stays
  EXPECT_EQ(halves.datums[4], 1);
  EXPECT_EQ(halves.datums[5], 0);  // no sign without a magnitude, which would be -inf
  const scalar::BlockRow none = datums({0.0F, -0.0F, float_of(0x007FFFFFU), float_of(0x80000001U)});
  EXPECT_EQ(none.exponent, 0);
  EXPECT_TRUE(std::all_of(none.datums.begin(), none.datums.end(), [](std::uint8_t datum) { return datum == 0; }));
  for (const float large : {infinity, nan_value, float_of(0x7F800001U)}) {
    const scalar::BlockRow row = datums({1e30F, -large, large});
    EXPECT_EQ(row.exponent, 255);
    EXPECT_EQ(row.datums[0], 0);
    EXPECT_EQ(row.datums[1], 0xC0);
    EXPECT_EQ(scalar::unpack_bfp8_b(row.exponent, row.datums[2]), infinity);
  }
  EXPECT_EQ(datums({std::numeric_limits<float>::min()}).exponent, 1);
  EXPECT_EQ(datums({std::numeric_limits<float>::max()}).datums[0], 127);
}

TEST(Format, RoundDst16IsThePackerButKeepsNan) {
  for_many_floats([](float value) {
    const float rounded = scalar::round_dst16(value);
    if (std::isnan(value)) {
      ASSERT_EQ(bits_of(rounded), 0x7FC00000U);
    } else {
      const bool denormal = (bits_of(value) & 0x7F800000U) == 0;  // DST drops those before it rounds
      ASSERT_EQ(bits_of(rounded), denormal ? 0U : static_cast<std::uint32_t>(scalar::pack_bf16(value)) << 16);
    }
  });
}

}  // namespace
}  // namespace tilegrid
