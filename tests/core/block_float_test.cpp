// SPDX-License-Identifier: Apache-2.0
// Block floats: the packer against its rules in whole numbers, one bit after the other, and what must hold of any packing.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "core/format.h"
#include "core/packer.h"
#include "core/simd/pack_kernels.h"
#include "core/types.h"
#include "core/unpacker.h"
#include "gtest/gtest.h"
#include "tests/core/each_target.h"

namespace tilegrid {
namespace {

using scalar::BlockRounding;
using Tile = std::array<float, tile_elements>;
using Bytes = std::vector<std::byte>;

constexpr DataFormat formats[] = {DataFormat::bfp8_b, DataFormat::bfp4_b, DataFormat::bfp2_b};
constexpr BlockRounding roundings[] = {BlockRounding::packer, BlockRounding::precise, BlockRounding::nearest};

std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }
float float_of(std::uint32_t bits) { return std::bit_cast<float>(bits); }
int bits_of_datum(DataFormat format) { return format == DataFormat::bfp8_b ? 8 : format == DataFormat::bfp4_b ? 4 : 2; }

int datum_of(const Bytes& tile, DataFormat format, std::size_t index) {
  const std::size_t bit = index * static_cast<std::size_t>(bits_of_datum(format));
  return std::to_integer<int>(tile[64 + bit / 8]) >> (bit % 8) & ((1 << bits_of_datum(format)) - 1);
}

/// A value on its way through the packer: bf16 as sign, exponent field and 7 bits of mantissa (tensix.md 1.6).
struct Early {
  bool negative = false;
  int exponent = 0;
  int mantissa = 0;
};

Early early_of(float value, BlockRounding rounding) {
  Early out;
  out.negative = std::signbit(value);
  if (std::isnan(value) || std::isinf(value)) {
    out.exponent = 255;
    return out;
  }
  int field = static_cast<int>(bits_of(value) >> 16 & 0x7FFFU);
  if (rounding == BlockRounding::packer) field = (field + 1) / 2 * 2;
  if (field < 128) return {};
  out.exponent = field / 128;
  out.mantissa = field % 128;
  return out;
}

/// The packer's datums and exponent of 16 values.
struct Row {
  int exponent = 0;
  std::array<int, 16> datums{};
};

Row packed_by_rules(const float* values, DataFormat format, BlockRounding rounding) {
  Row row;
  std::array<Early, 16> early;
  for (std::size_t i = 0; i < 16; ++i) {
    early[i] = early_of(values[i], rounding);
    row.exponent = std::max(row.exponent, early[i].exponent);
  }
  for (std::size_t i = 0; i < 16; ++i) {
    if (early[i].exponent == 0) continue;
    const int gap = row.exponent - early[i].exponent;
    int magnitude = (128 + early[i].mantissa) >> std::min(gap, 10);
    // What is left of the significand has a half in its lowest place.
    magnitude = std::min((magnitude + 1) / 2, 127);
    magnitude /= 1 << (8 - bits_of_datum(format));
    if (magnitude > 0) row.datums[i] = magnitude + (early[i].negative ? 1 << (bits_of_datum(format) - 1) : 0);
  }
  return row;
}

/// Rows whose 16 values go over all upper halves of floats, beside neighbours of other exponents.
std::vector<Tile> many_tiles() {
  std::vector<Tile> tiles;
  for (const std::uint32_t lower : {0x0000U, 0x7FFFU, 0x8000U, 0xFFFFU}) {
    for (const std::uint32_t stride : {1U, 37U, 129U, 4099U}) {
      for (std::uint32_t first = 0; first < 0x10000U; first += tile_elements) {
        Tile tile;
        for (std::uint32_t i = 0; i < tile_elements; ++i) tile[i] = float_of(((first + i) * stride & 0xFFFFU) << 16 | lower);
        tiles.push_back(tile);
      }
    }
  }
  return tiles;
}

Tile random_tile(unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  Tile tile;
  for (float& value : tile) value = normal(engine) * std::ldexp(1.0F, static_cast<int>(engine() % 8U));
  return tile;
}

Bytes packed(const Tile& tile, DataFormat format, BlockRounding rounding) {
  Bytes l1(tile_bytes(format));
  simd::pack_block_floats(tile.data(), format, rounding, l1.data());
  return l1;
}

Tile unpacked(const Bytes& l1, DataFormat format) {
  alignas(64) Tile out;
  unpack_tile(l1.data(), format, RegisterFormat::bf16, false, out.data());
  return out;
}

TEST(BlockFloat, PackerFollowsItsRules) {
  const std::vector<Tile> tiles = many_tiles();
  const int targets = testing::for_each_simd_target([&] {
    for (const DataFormat format : formats) {
      for (const bool precise : {false, true}) {
        Bytes l1(tile_bytes(format));
        for (std::size_t t = precise ? 1 : 0; t < tiles.size(); t += 3) {
          pack_tile(tiles[t].data(), true, {.format = format, .precise_blocks = precise}, l1.data());
          for (std::size_t row = 0; row < 64; ++row) {
            const Row expected = packed_by_rules(tiles[t].data() + row * 16, format,
                                                 precise ? BlockRounding::precise : BlockRounding::packer);
            ASSERT_EQ(std::to_integer<int>(l1[row]), expected.exponent) << name_of(format) << " row " << row;
            for (std::size_t i = 0; i < 16; ++i) {
              ASSERT_EQ(datum_of(l1, format, row * 16 + i), expected.datums[i])
                  << name_of(format) << std::hex << ' ' << bits_of(tiles[t][row * 16 + i]);
            }
          }
        }
      }
    }
  });
  EXPECT_GE(targets, 1);
}

TEST(BlockFloat, VectorsAgreeWithTheScalarFunction) {
  const std::vector<Tile> tiles = many_tiles();
  testing::for_each_simd_target([&] {
    for (const DataFormat format : formats) {
      for (const BlockRounding rounding : roundings) {
        for (std::size_t t = 0; t < tiles.size(); t += 29) {
          const Bytes l1 = packed(tiles[t], format, rounding);
          for (std::size_t row = 0; row < 64; ++row) {
            const auto group = std::span(tiles[t]).subspan(row * 16).first<16>();
            const scalar::BlockRow plain = scalar::pack_block_row(group, format, rounding);
            ASSERT_EQ(std::to_integer<int>(l1[row]), plain.exponent);
            for (std::size_t i = 0; i < 16; ++i) ASSERT_EQ(datum_of(l1, format, row * 16 + i), plain.datums[i]);
          }
        }
      }
    }
  });
}

TEST(BlockFloat, WhatWasPackedPacksToItself) {
  for (const DataFormat format : formats) {
    for (const BlockRounding rounding : roundings) {
      for (unsigned seed = 0; seed < 20; ++seed) {
        const Bytes once = packed(random_tile(seed), format, rounding);
        EXPECT_EQ(packed(unpacked(once, format), format, rounding), once) << name_of(format);
      }
    }
  }
}

/// Largest error, in steps of the format.
double largest_error(DataFormat format, BlockRounding rounding) {
  double most = 0;
  for (unsigned seed = 0; seed < 40; ++seed) {
    const Tile tile = random_tile(seed);
    const Bytes l1 = packed(tile, format, rounding);
    const Tile back = unpacked(l1, format);
    for (std::size_t i = 0; i < tile.size(); ++i) {
      const double step = std::ldexp(1.0, std::to_integer<int>(l1[i / 16]) - 127 - (bits_of_datum(format) - 2));
      most = std::max(most, std::fabs(static_cast<double>(back[i]) - static_cast<double>(tile[i])) / step);
      EXPECT_TRUE(back[i] == 0 || std::signbit(back[i]) == std::signbit(tile[i]));
    }
  }
  return most;
}

TEST(BlockFloat, ErrorsStayBelowAStep) {
  // To nearest half a step, and up to one where the largest magnitude is what ends the range.
  for (const DataFormat format : formats) EXPECT_LE(largest_error(format, BlockRounding::nearest), 1.0);
  EXPECT_LE(largest_error(DataFormat::bfp8_b, BlockRounding::precise), 1.0);
  // Rounded twice, half a step and a quarter; what is 128 steps goes to the next exponent.
  EXPECT_LE(largest_error(DataFormat::bfp8_b, BlockRounding::packer), 0.75);
  EXPECT_GT(largest_error(DataFormat::bfp8_b, BlockRounding::packer), 0.5);
  // Cut; a sixteenth and a 64th of a step are what the rounding to bfp8 before it may add.
  EXPECT_LE(largest_error(DataFormat::bfp4_b, BlockRounding::packer), 1.0 + 0.75 / 16);
  EXPECT_GT(largest_error(DataFormat::bfp4_b, BlockRounding::packer), 0.9);
  EXPECT_LE(largest_error(DataFormat::bfp2_b, BlockRounding::packer), 1.0 + 0.75 / 64);
}

TEST(BlockFloat, CutFormatsAreBiasedTowardsZero) {
  for (const DataFormat format : {DataFormat::bfp4_b, DataFormat::bfp2_b}) {
    double cut = 0;
    double nearest = 0;
    double truth = 0;
    for (unsigned seed = 0; seed < 20; ++seed) {
      const Tile tile = random_tile(seed);
      const Tile by_packer = unpacked(packed(tile, format, BlockRounding::packer), format);
      const Tile by_host = unpacked(packed(tile, format, BlockRounding::nearest), format);
      for (std::size_t i = 0; i < tile.size(); ++i) {
        cut += std::fabs(static_cast<double>(by_packer[i]));
        nearest += std::fabs(static_cast<double>(by_host[i]));
        truth += std::fabs(static_cast<double>(tile[i]));
      }
    }
    EXPECT_LT(cut, 0.95 * truth) << name_of(format);
    EXPECT_LT(cut, nearest);
  }
}

TEST(BlockFloat, TheExponentIsThatOfTheLargest) {
  Tile tile{};
  tile[3] = -6.0F;
  tile[4] = 0.25F;
  tile[20] = 1.0F;
  for (const DataFormat format : formats) {
    for (const BlockRounding rounding : roundings) {
      const Bytes l1 = packed(tile, format, rounding);
      EXPECT_EQ(std::to_integer<int>(l1[0]), 129);
      EXPECT_EQ(std::to_integer<int>(l1[1]), 127);  // a row of a face does not know of the others
      EXPECT_EQ(std::to_integer<int>(l1[2]), 0);
      EXPECT_EQ(unpacked(l1, format)[20], 1.0F);
    }
  }
}

TEST(BlockFloat, RoundedFirstTheLargestTakesTheNextExponent) {
  Tile tile{};
  tile[0] = 255.0F / 128;
  const Bytes twice = packed(tile, DataFormat::bfp8_b, BlockRounding::packer);
  EXPECT_EQ(unpacked(twice, DataFormat::bfp8_b)[0], 2.0F);
  const Bytes once = packed(tile, DataFormat::bfp8_b, BlockRounding::precise);
  EXPECT_EQ(unpacked(once, DataFormat::bfp8_b)[0], 127.0F / 64);
}

TEST(BlockFloat, NoSignIsLeftWithoutMagnitude) {
  Tile tile{};
  tile[0] = 1.0F;
  tile[1] = -1.0F / 512;
  tile[2] = -0.2F;  // less than a step of bfp4, and cut
  tile[3] = -0.0F;
  for (const DataFormat format : formats) {
    for (const BlockRounding rounding : roundings) {
      for (const float value : unpacked(packed(tile, format, rounding), format)) EXPECT_TRUE(std::isfinite(value));
    }
  }
  EXPECT_EQ(unpacked(packed(tile, DataFormat::bfp4_b, BlockRounding::packer), DataFormat::bfp4_b)[2], 0.0F);
  EXPECT_EQ(unpacked(packed(tile, DataFormat::bfp4_b, BlockRounding::nearest), DataFormat::bfp4_b)[2], -0.25F);
}

/// All 16-bit patterns in 16-bit DST, as numbers of 7 bits of mantissa or fewer.
TEST(BlockFloat, EveryBf16InEveryFormat) {
  testing::for_each_simd_target([] {
    for (std::uint32_t first = 0; first < 0x10000U; first += tile_elements) {
      Tile tile;
      for (std::uint32_t i = 0; i < tile_elements; ++i) tile[i] = float_of((first + i) << 16);
      for (const DataFormat format : formats) {
        Bytes l1(tile_bytes(format));
        pack_tile(tile.data(), false, {.format = format}, l1.data());
        for (std::size_t row = 0; row < 64; ++row) {
          const Row expected = packed_by_rules(tile.data() + row * 16, format, BlockRounding::packer);
          for (std::size_t i = 0; i < 16; ++i) ASSERT_EQ(datum_of(l1, format, row * 16 + i), expected.datums[i]);
        }
      }
    }
  });
}

}  // namespace
}  // namespace tilegrid
