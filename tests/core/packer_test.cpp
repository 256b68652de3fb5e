// SPDX-License-Identifier: Apache-2.0
#include "core/packer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "core/error.h"
#include "core/types.h"
#include "gtest/gtest.h"
#include "tests/core/each_target.h"

namespace tilegrid {
namespace {

constexpr std::size_t elements = tile_elements;
using Tile = std::array<float, elements>;
struct alignas(64) L1Tile {
  std::array<std::byte, 4096> bytes{};
  template <class T>
  [[nodiscard]] T at(std::size_t index) const {
    T value;
    std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
    return value;
  }
  template <class T>
  void set(std::size_t index, T value) {
    std::memcpy(bytes.data() + index * sizeof(T), &value, sizeof(T));
  }
};

std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }
float float_of(std::uint32_t bits) { return std::bit_cast<float>(bits); }

/// Tiles that hold every upper half of a float with lower halves around the rounding ties of all formats.
const std::vector<Tile>& many_tiles() {
  static const std::vector<Tile> tiles = [] {
    std::vector<Tile> made;
    for (const std::uint32_t lower :
         {0x0000U, 0x0001U, 0x0FFFU, 0x1000U, 0x1001U, 0x7FFFU, 0x8000U, 0x8001U, 0xF000U, 0xFFFFU}) {
      for (std::uint32_t first = 0; first < 0x10000U; first += elements) {
        Tile tile;
        for (std::uint32_t i = 0; i < elements; ++i) tile[i] = float_of((first + i) << 16 | lower);
        made.push_back(tile);
      }
    }
    return made;
  }();
  return tiles;
}

const std::vector<float>& specials() {
  static const std::vector<float> values = [] {
    std::vector<float> made;
    for (const std::uint32_t magnitude :
         {0x00000000U, 0x00000001U, 0x00400000U, 0x007FFFFFU, 0x00800000U, 0x00810000U, 0x01000000U, 0x04000000U,
          0x33800000U, 0x3F7F8000U, 0x3F800000U, 0x3F808000U, 0x3F810000U, 0x40490FDBU, 0x42F00000U, 0x7F000000U,
          0x7F7F0000U, 0x7F7FFFFFU, 0x7F800000U, 0x7F800001U, 0x7FC00000U, 0x7FFFFFFFU}) {
      made.push_back(float_of(magnitude));
      made.push_back(float_of(magnitude | 0x80000000U));
    }
    return made;
  }();
  return values;
}

/// Pairs (packed operand, old content of L1): all pairs of special values, then pseudo-random bits and similar magnitudes.
struct Pairs {
  std::vector<Tile> first;
  std::vector<Tile> second;
};
Pairs make_pairs() {
  Pairs pairs;
  std::mt19937 generator(11);
  std::normal_distribution<float> normal;
  const std::vector<float>& values = specials();
  std::size_t next = 0;
  for (int tile = 0; tile < 64; ++tile) {
    Tile a;
    Tile b;
    for (std::size_t i = 0; i < elements; ++i, ++next) {
      if (next < values.size() * values.size()) {
        a[i] = values[next / values.size()];
        b[i] = values[next % values.size()];
      } else if (tile % 2 == 0) {
        a[i] = float_of(static_cast<std::uint32_t>(generator()));
        b[i] = float_of(static_cast<std::uint32_t>(generator()));
      } else {
        a[i] = normal(generator);
        b[i] = normal(generator) * std::ldexp(1.0F, static_cast<int>(generator() % 12U));
      }
    }
    pairs.first.push_back(a);
    pairs.second.push_back(b);
  }
  return pairs;
}

/// Of a denormal its sign is left.
float daz(float value) { return std::fpclassify(value) == FP_SUBNORMAL ? std::copysign(0.0F, value) : value; }

std::uint32_t reference_add_fp32(float a, float b) {
  const auto sum = static_cast<float>(static_cast<double>(daz(a)) + static_cast<double>(daz(b)));
  return std::isnan(sum) ? 0x7FC00000U : bits_of(daz(sum));
}

/// The exact sum, rounded to 8 significand bits by the processor's round to nearest even. A NaN in L1 counts as a number
/// that is larger than the others.
std::uint16_t reference_add_bf16(std::uint16_t a, std::uint16_t b) {
  if ((b & 0x7FFFU) > 0x7F80U) return (a & 0x7FFFU) == 0x7F80U ? a : static_cast<std::uint16_t>((b & 0x8000U) | 0x7F80U);
  const double sum = static_cast<double>(daz(scalar::unpack_bf16(a))) + static_cast<double>(daz(scalar::unpack_bf16(b)));
  if (std::isnan(sum)) return 0x7FC0;
  int exponent = 0;
  const double fraction = std::frexp(sum, &exponent);
  const auto rounded = std::isinf(sum)
                           ? static_cast<float>(sum)
                           : static_cast<float>(std::ldexp(std::nearbyint(std::ldexp(fraction, 8)), exponent - 8));
  return static_cast<std::uint16_t>(bits_of(daz(rounded)) >> 16);
}

std::uint16_t reference_identity(float value) {
  return std::fpclassify(value) == FP_SUBNORMAL ? std::uint16_t{0} : scalar::pack_bf16(value);
}

TEST(Packer, MatchesScalarOnEveryTarget) {
  const int targets = testing::for_each_simd_target([] {
    L1Tile bf16;
    L1Tile fp16;
    L1Tile tf32;
    L1Tile fp32;
    for (const Tile& tile : many_tiles()) {
      pack_tile(tile.data(), true, {.format = DataFormat::bf16}, bf16.bytes.data());
      pack_tile(tile.data(), true, {.format = DataFormat::fp16}, fp16.bytes.data());
      pack_tile(tile.data(), true, {.format = DataFormat::tf32}, tf32.bytes.data());
      pack_tile(tile.data(), true, {.format = DataFormat::fp32}, fp32.bytes.data());
      for (std::size_t i = 0; i < elements; ++i) {
        ASSERT_EQ(bf16.at<std::uint16_t>(i), scalar::pack_bf16(tile[i])) << bits_of(tile[i]);
        ASSERT_EQ(fp16.at<std::uint16_t>(i), scalar::cut_fp16(tile[i])) << bits_of(tile[i]);
        ASSERT_EQ(tf32.at<std::uint32_t>(i), scalar::pack_tf32(tile[i])) << bits_of(tile[i]);
        ASSERT_EQ(fp32.at<std::uint32_t>(i), bits_of(tile[i]));
      }
    }
  });
  EXPECT_GE(targets, 1);
}

TEST(Packer, SixteenBitDstIsTheIdentity) {
  testing::for_each_simd_target([] {
    L1Tile packed;
    for (std::size_t t = 0; t < 64; ++t) {  // the tiles with an empty lower half
      const Tile& tile = many_tiles()[t];
      pack_tile(tile.data(), false, {}, packed.bytes.data());
      for (std::size_t i = 0; i < elements; ++i) {
        const auto upper = static_cast<std::uint16_t>(bits_of(tile[i]) >> 16);
        ASSERT_EQ(packed.at<std::uint16_t>(i), reference_identity(tile[i])) << upper;
        if (std::isnormal(tile[i])) {
          ASSERT_EQ(packed.at<std::uint16_t>(i), upper);
        }
      }
      pack_tile(tile.data(), false, {.format = DataFormat::fp32}, packed.bytes.data());
      for (std::size_t i = 0; i < elements; ++i) ASSERT_EQ(packed.at<std::uint32_t>(i), bits_of(tile[i]));
    }
  });
}

TEST(Packer, ClearedTilePacksZeros) {
  for (const DataFormat format :
       {DataFormat::bf16, DataFormat::fp16, DataFormat::tf32, DataFormat::fp32, DataFormat::bfp8_b, DataFormat::bfp4_b,
        DataFormat::bfp2_b, DataFormat::int8, DataFormat::uint16, DataFormat::int32}) {
    L1Tile packed;
    packed.bytes.fill(std::byte{0x55});
    pack_tile(nullptr, true, {.format = format}, packed.bytes.data());
    const auto size = static_cast<std::ptrdiff_t>(tile_bytes(format));
    EXPECT_EQ(std::count(packed.bytes.begin(), packed.bytes.begin() + size, std::byte{0}), size);
    // Nothing is written past the tile.
    EXPECT_EQ(std::count(packed.bytes.begin() + size, packed.bytes.end(), std::byte{0x55}), 4096 - size);
  }
}

TEST(Packer, BlockFloatsAfterRelu) {
  Tile tile{};
  tile[5] = -8.0F;  // would set the exponent of its row
  tile[6] = 1.0F;
  L1Tile l1;
  pack_tile(tile.data(), true, {.format = DataFormat::bfp8_b, .relu = ReluMode::zero}, l1.bytes.data());
  EXPECT_EQ(l1.at<std::uint8_t>(0), 127);
  EXPECT_EQ(l1.at<std::uint8_t>(64 + 5), 0);
  EXPECT_EQ(l1.at<std::uint8_t>(64 + 6), 64);
}

TEST(Packer, ShortIntegersSaturate) {
  const std::vector<std::int32_t> values{0, 1, -1, 127, 128, -127, -128, 200, 255, 256, 70000, -70000};
  Tile tile{};
  for (std::size_t i = 0; i < values.size(); ++i) tile[i] = std::bit_cast<float>(values[i]);
  L1Tile packed;
  for (std::size_t i = 0; i < values.size(); ++i) {
    pack_tile(tile.data(), true, {.format = DataFormat::int8}, packed.bytes.data());
    EXPECT_EQ(packed.at<std::int8_t>(i), std::clamp(values[i], -127, 127)) << values[i];
    pack_tile(tile.data(), true, {.format = DataFormat::uint8}, packed.bytes.data());
    EXPECT_EQ(packed.at<std::uint8_t>(i), std::clamp(values[i], 0, 255)) << values[i];
    pack_tile(tile.data(), true, {.format = DataFormat::uint16}, packed.bytes.data());
    EXPECT_EQ(packed.at<std::uint16_t>(i), values[i] & 0xFFFF) << values[i];
    pack_tile(tile.data(), true, {.format = DataFormat::int32}, packed.bytes.data());
    EXPECT_EQ(packed.at<std::int32_t>(i), values[i]);
  }
}

float reference_relu(ReluMode mode, float threshold, float value) {
  if (mode == ReluMode::min_threshold) return value <= threshold ? 0.0F : value;
  const float positive = std::signbit(value) ? 0.0F : value;
  return mode == ReluMode::max_threshold && positive > threshold ? threshold : positive;
}

TEST(Packer, ReluModes) {
  testing::for_each_simd_target([] {
    L1Tile packed;
    for (const ReluMode mode : {ReluMode::zero, ReluMode::min_threshold, ReluMode::max_threshold}) {
      for (const float threshold : {0.0F, 0.75F, 1e10F}) {
        for (std::size_t t = 0; t < many_tiles().size(); t += 7) {
          const Tile& tile = many_tiles()[t];
          pack_tile(tile.data(), true, {.relu = mode, .relu_threshold = threshold}, packed.bytes.data());
          for (std::size_t i = 0; i < elements; ++i) {
            ASSERT_EQ(packed.at<std::uint16_t>(i),
                      scalar::pack_bf16(reference_relu(mode, threshold, scalar::unpack_bf16(scalar::pack_bf16(tile[i])))))
                << tile[i];
          }
        }
      }
    }
  });
}

TEST(Packer, AccumulatesFp32) {
  const Pairs pairs = make_pairs();
  testing::for_each_simd_target([&] {
    for (std::size_t t = 0; t < pairs.first.size(); ++t) {
      L1Tile l1;
      std::memcpy(l1.bytes.data(), pairs.second[t].data(), sizeof(Tile));
      pack_tile(pairs.first[t].data(), true, {.format = DataFormat::fp32, .l1_accumulate = true}, l1.bytes.data());
      for (std::size_t i = 0; i < elements; ++i) {
        ASSERT_EQ(l1.at<std::uint32_t>(i), reference_add_fp32(pairs.first[t][i], pairs.second[t][i]))
            << pairs.first[t][i] << " + " << pairs.second[t][i];
      }
    }
  });
}

TEST(Packer, AccumulatesBf16) {
  const Pairs pairs = make_pairs();
  for (const bool dst_fp32 : {true, false}) {
    testing::for_each_simd_target([&] {
      for (std::size_t t = 0; t < pairs.first.size(); ++t) {
        L1Tile l1;
        Tile source = pairs.first[t];
        std::array<std::uint16_t, elements> old{};
        for (std::size_t i = 0; i < elements; ++i) {
          if (!dst_fp32) source[i] = float_of(bits_of(source[i]) & 0xFFFF0000U);
          old[i] = static_cast<std::uint16_t>(bits_of(pairs.second[t][i]) >> 16);
          l1.set(i, old[i]);
        }
        pack_tile(source.data(), dst_fp32, {.l1_accumulate = true}, l1.bytes.data());
        for (std::size_t i = 0; i < elements; ++i) {
          const std::uint16_t packed = dst_fp32 ? scalar::pack_bf16(source[i]) : reference_identity(source[i]);
          ASSERT_EQ(l1.at<std::uint16_t>(i), reference_add_bf16(packed, old[i])) << bits_of(source[i]) << ' ' << old[i];
        }
      }
    });
  }
}

/// Every bf16 in L1 beside sums of all kinds.
TEST(Packer, AccumulatesOnEveryBf16) {
  const std::vector<std::uint16_t> others{0x0000, 0x0080, 0x8080, 0x0100, 0x3F80, 0xBF80, 0x3F81, 0x4049,
                                          0x7F7F, 0xFF7F, 0x7F80, 0xFF80, 0x7F00, 0x3B80, 0xC2F7, 0x0D12};
  testing::for_each_simd_target([&] {
    for (const std::uint16_t other : others) {
      Tile source;
      source.fill(scalar::unpack_bf16(other));
      for (std::uint32_t first = 0; first < 0x10000U; first += elements) {
        L1Tile l1;
        for (std::uint32_t i = 0; i < elements; ++i) l1.set(i, static_cast<std::uint16_t>(first + i));
        pack_tile(source.data(), false, {.l1_accumulate = true}, l1.bytes.data());
        for (std::uint32_t i = 0; i < elements; ++i) {
          ASSERT_EQ(l1.at<std::uint16_t>(i), reference_add_bf16(other, static_cast<std::uint16_t>(first + i)))
              << first + i << " + " << other;
        }
      }
    }
  });
}

TEST(Packer, AccumulationRoundsToEvenWherePackingRoundsAway) {
  L1Tile l1;
  Tile tile{};
  l1.set<std::uint16_t>(0, 0x3F80);  // 1 + 2^-8 lies between 1 and the next bf16
  tile[0] = std::ldexp(1.0F, -8);
  l1.set<std::uint16_t>(1, 0x3F81);
  tile[1] = tile[0];
  l1.set<std::uint16_t>(2, 0x7F7F);
  tile[2] = scalar::unpack_bf16(0x7F7F);
  l1.set<std::uint16_t>(3, 0x0081);
  tile[3] = -scalar::unpack_bf16(0x0080);
  pack_tile(tile.data(), true, {.l1_accumulate = true}, l1.bytes.data());
  EXPECT_EQ(l1.at<std::uint16_t>(0), 0x3F80);
  EXPECT_EQ(l1.at<std::uint16_t>(1), 0x3F82);
  EXPECT_EQ(l1.at<std::uint16_t>(2), 0x7F80);
  EXPECT_EQ(l1.at<std::uint16_t>(3), 0);
  l1.set<std::uint16_t>(4, 0x7F80);
  tile[4] = -std::numeric_limits<float>::infinity();
  l1.set<std::uint16_t>(5, 0xFFC0);
  l1.set<std::uint16_t>(6, 0x8001);
  tile[6] = -0.0F;  // is packed as +0
  pack_tile(tile.data(), true, {.l1_accumulate = true}, l1.bytes.data());
  EXPECT_EQ(l1.at<std::uint16_t>(4), 0x7FC0);
  EXPECT_EQ(l1.at<std::uint16_t>(5), 0xFF80);
  EXPECT_EQ(l1.at<std::uint16_t>(6), 0);
}

/// fp32 loses its last 13 bits on the way to fp16; what is beyond 131008 ends there.
TEST(Packer, CutsFp32ToFp16) {
  EXPECT_EQ(scalar::cut_fp16(1.0F + 0x1.FFEp-11F), 0x3C00);
  EXPECT_EQ(scalar::cut_fp16(-1.5F), 0xBE00);
  EXPECT_EQ(scalar::cut_fp16(1e6F), 0x7FFF);
  EXPECT_EQ(scalar::cut_fp16(-std::numeric_limits<float>::infinity()), 0xFFFF);
  EXPECT_EQ(scalar::cut_fp16(0x1.8p-15F), 0x0200);  // exponent 0, the fraction stays
  EXPECT_EQ(scalar::cut_fp16(-0x1p-16F), 0x8000);
}

TEST(Packer, AccumulatesFp16InL1) {
  Tile tile{};
  L1Tile l1;
  const auto sum = [&](std::uint16_t old, float value) {
    l1.set<std::uint16_t>(0, old);
    tile[0] = value;
    pack_tile(tile.data(), false, {.format = DataFormat::fp16, .l1_accumulate = true}, l1.bytes.data());
    return l1.at<std::uint16_t>(0);
  };
  EXPECT_EQ(sum(0x3C00, 2), 0x4200);
  EXPECT_EQ(sum(0x3C00, 0x1p-11F), 0x3C00);  // a tie goes to even
  EXPECT_EQ(sum(0x3C01, 0x1p-11F), 0x3C02);
  EXPECT_EQ(sum(0x7C00, 65536), 0x7FFF);  // the largest number
  EXPECT_EQ(sum(0x3C00, -1), 0);
  EXPECT_EQ(sum(0x0401, -0x1p-14F), 0x7FFF);  // below the range, as the simulator has it
  EXPECT_EQ(sum(0x0001, 1), 0x3C00);          // a denormal is 0
}

/// ReLU sees what the first conversion leaves: bf16, e8m6 for block floats, fp32 else.
TEST(Packer, ReluComesBehindTheFirstConversion) {
  Tile tile{};
  tile[0] = 1.0F + 0x1p-10F;  // in bf16 the threshold itself
  tile[1] = 1.0F + 0x1p-6F;
  tile[2] = -3;
  L1Tile l1;
  PackConfig config{.relu = ReluMode::min_threshold, .relu_threshold = 1};
  pack_tile(tile.data(), true, config, l1.bytes.data());
  EXPECT_EQ(l1.at<std::uint16_t>(0), 0);
  EXPECT_EQ(l1.at<std::uint16_t>(1), 0x3F82);
  EXPECT_EQ(l1.at<std::uint16_t>(2), 0);
  config.format = DataFormat::fp32;
  pack_tile(tile.data(), true, config, l1.bytes.data());
  EXPECT_EQ(l1.at<float>(0), tile[0]);
  // A maximum of fp32 looks at 19 bits.
  tile[0] = 1.0F + 0x1p-20F;
  config.relu = ReluMode::max_threshold;
  pack_tile(tile.data(), true, config, l1.bytes.data());
  EXPECT_EQ(l1.at<float>(0), tile[0]);
  EXPECT_EQ(l1.at<float>(1), 1.0F);
  EXPECT_EQ(l1.at<float>(2), 0.0F);
}

TEST(Packer, ReluOfIntegers) {
  Tile tile{};
  tile[0] = std::bit_cast<float>(-5);
  tile[1] = std::bit_cast<float>(7);
  L1Tile l1;
  pack_tile(tile.data(), true, {.format = DataFormat::int32, .relu = ReluMode::zero}, l1.bytes.data());
  EXPECT_EQ(l1.at<std::int32_t>(0), 0);
  EXPECT_EQ(l1.at<std::int32_t>(1), 7);
}

TEST(Packer, RefusesWhatTheHardwareCannot) {
  const Tile tile{};
  L1Tile l1;
  for (const DataFormat format : {DataFormat::tf32, DataFormat::bfp8_b, DataFormat::bfp2_b}) {
    try {
      pack_tile(tile.data(), true, {.format = format, .l1_accumulate = true}, l1.bytes.data());
      FAIL() << name_of(format);
    } catch (const Fault& fault) {
      EXPECT_EQ(fault.error_class, "Packer L1 accumulation");
      EXPECT_NE(fault.action.find(name_of(format)), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace tilegrid
