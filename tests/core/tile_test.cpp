// SPDX-License-Identifier: Apache-2.0
#include "core/tile.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace tilegrid {
namespace {

struct Shape {
  int rows;
  int columns;
};
constexpr Shape shapes[] = {{1, 1}, {32, 32}, {31, 33}, {16, 17}, {33, 64}, {65, 15}, {100, 70}, {5, 129}};

std::size_t product(int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }

std::vector<float> random_matrix(Shape shape) {
  std::mt19937 generator(7);
  std::normal_distribution<float> normal;
  std::vector<float> matrix(product(shape.rows, shape.columns));
  for (float& value : matrix) value = normal(generator);
  return matrix;
}

std::vector<std::byte> tilized(const std::vector<float>& matrix, Shape shape, DataFormat format) {
  std::vector<std::byte> tiles(product(tiles_of(shape.rows), tiles_of(shape.columns)) * tile_bytes(format));
  tilize(matrix, shape.rows, shape.columns, format, tiles);
  return tiles;
}

float packed_value(float value, DataFormat format) {
  switch (format) {
    case DataFormat::bf16:
      return scalar::unpack_bf16(scalar::pack_bf16(value));
    case DataFormat::fp16:
      return scalar::unpack_fp16(scalar::pack_fp16(value));
    case DataFormat::tf32:
      return std::bit_cast<float>(scalar::pack_tf32(value));
    default:
      return value;
  }
}

TEST(Tile, IndexFollowsFaces) {
  EXPECT_EQ(tile_index(0, 0), 0);
  EXPECT_EQ(tile_index(0, 15), 15);
  EXPECT_EQ(tile_index(1, 0), 16);
  EXPECT_EQ(tile_index(0, 16), 256);
  EXPECT_EQ(tile_index(16, 0), 512);
  EXPECT_EQ(tile_index(31, 31), 1023);
  std::vector<bool> seen(tile_elements, false);
  for (int row = 0; row < tile_side; ++row) {
    for (int column = 0; column < tile_side; ++column) seen[static_cast<std::size_t>(tile_index(row, column))] = true;
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), tile_elements);
}

TEST(Tile, TilizePlacesAndPads) {
  for (const Shape shape : shapes) {
    const std::vector<float> matrix = random_matrix(shape);
    const std::vector<std::byte> tiles = tilized(matrix, shape, DataFormat::fp32);
    for (int row = 0; row < tiles_of(shape.rows) * tile_side; ++row) {
      for (int column = 0; column < tiles_of(shape.columns) * tile_side; ++column) {
        const int tile = row / tile_side * tiles_of(shape.columns) + column / tile_side;
        const auto index =
            product(tile, tile_elements) + static_cast<std::size_t>(tile_index(row % tile_side, column % tile_side));
        float value = -1.0F;
        std::memcpy(&value, tiles.data() + index * sizeof(float), sizeof value);
        const bool inside = row < shape.rows && column < shape.columns;
        ASSERT_EQ(value, inside ? matrix[product(row, shape.columns) + static_cast<std::size_t>(column)] : 0.0F);
      }
    }
  }
}

TEST(Tile, RoundTripInEveryFormat) {
  for (const DataFormat format : {DataFormat::bf16, DataFormat::fp16, DataFormat::tf32, DataFormat::fp32}) {
    for (const Shape shape : shapes) {
      const std::vector<float> matrix = random_matrix(shape);
      const std::vector<std::byte> tiles = tilized(matrix, shape, format);
      std::vector<float> back(matrix.size(), -1.0F);
      untilize(tiles, shape.rows, shape.columns, format, back);
      for (std::size_t i = 0; i < matrix.size(); ++i) {
        ASSERT_EQ(back[i], packed_value(matrix[i], format)) << name_of(format) << ' ' << shape.rows << 'x' << shape.columns;
      }
    }
  }
}

TEST(Tile, UnalignedBuffers) {
  const Shape shape{33, 40};
  const std::vector<float> matrix = random_matrix(shape);
  const std::vector<std::byte> tiles = tilized(matrix, shape, DataFormat::bf16);
  std::vector<std::byte> shifted(tiles.size() + 1);
  const std::span<std::byte> odd(shifted.data() + 1, tiles.size());
  tilize(matrix, shape.rows, shape.columns, DataFormat::bf16, odd);
  EXPECT_TRUE(std::equal(tiles.begin(), tiles.end(), odd.begin()));
  std::vector<float> back(matrix.size());
  untilize(odd, shape.rows, shape.columns, DataFormat::bf16, back);
  EXPECT_EQ(back[1], packed_value(matrix[1], DataFormat::bf16));
}

TEST(Tile, ReadsBlockFloat4) {
  std::vector<std::byte> tile(tile_bytes(DataFormat::bfp4_b));
  std::vector<float> values(tile_elements, 1.0F);
  tile[0] = std::byte{127};  // exponents of face 0, rows 0 and 1
  tile[1] = std::byte{130};
  tile[64] = std::byte{0xC5};      // row 0: magnitude 5, then magnitude 4 with the sign
  tile[65] = std::byte{0x80};      // 0, then a zero with the sign
  tile[64 + 8] = std::byte{0x07};  // row 1: 7
  untilize(tile, 32, 32, DataFormat::bfp4_b, values);
  EXPECT_EQ(values[0], 1.25F);
  EXPECT_EQ(values[1], -1.0F);
  EXPECT_EQ(values[2], 0.0F);
  EXPECT_EQ(values[3], -std::numeric_limits<float>::infinity());
  EXPECT_EQ(values[32], 14.0F);
  EXPECT_EQ(values[33], 0.0F);
}

/// Runs of 16 columns of a row share an exponent; the row's end and what is padded count as zeros.
void round_trip(Shape shape, DataFormat format) {
  const std::vector<float> matrix = random_matrix(shape);
  const std::vector<std::byte> tiles = tilized(matrix, shape, format);
  std::vector<float> back(matrix.size(), -1.0F);
  untilize(tiles, shape.rows, shape.columns, format, back);
  for (int row = 0; row < shape.rows; ++row) {
    for (int first = 0; first < shape.columns; first += face_side) {
      const std::size_t at = product(row, shape.columns) + static_cast<std::size_t>(first);
      const auto count = static_cast<std::size_t>(std::min(face_side, shape.columns - first));
      std::array<float, block_float_group> group{};
      std::copy_n(matrix.begin() + static_cast<std::ptrdiff_t>(at), count, group.begin());
      const scalar::BlockRow packed = scalar::pack_block_row(group, format, scalar::BlockRounding::nearest);
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(back[at + i], scalar::unpack_block_float(format, packed.exponent, packed.datums[i]))
            << row << ' ' << first;
        // A step, as of the largest ones that would need one more.
        ASSERT_LE(std::fabs(back[at + i] - group[i]), std::ldexp(1.0F, packed.exponent - 127 - magnitude_bits(format) + 1));
      }
    }
  }
}

TEST(Tile, RoundTripInBlockFloats) {
  for (const Shape shape : shapes) {
    for (const DataFormat format : {DataFormat::bfp8_b, DataFormat::bfp4_b, DataFormat::bfp2_b}) round_trip(shape, format);
  }
}

TEST(Tile, ReadsBlockFloat8) {
  std::vector<std::byte> tile(tile_bytes(DataFormat::bfp8_b));
  std::vector<float> values(tile_elements, 1.0F);
  tile[0] = std::byte{127};       // face 0, row 0
  tile[16] = std::byte{3};        // face 1, row 0
  tile[64] = std::byte{0xC1};     // -65 64ths
  tile[65] = std::byte{0x80};     // a zero with the sign
  tile[64 + 256] = std::byte{1};  // less than the smallest normal number: exact on the host
  untilize(tile, 32, 32, DataFormat::bfp8_b, values);
  EXPECT_EQ(values[0], -65.0F / 64);
  EXPECT_EQ(values[1], -std::numeric_limits<float>::infinity());
  EXPECT_EQ(values[2], 0.0F);
  EXPECT_EQ(values[16], std::ldexp(1.0F, 3 - 133));
}

TEST(Tile, ReadsBlockFloat2) {
  std::vector<std::byte> tile(tile_bytes(DataFormat::bfp2_b));
  std::vector<float> values(tile_elements);
  tile[0] = std::byte{130};
  tile[64] = std::byte{0b10'11'01'00};
  untilize(tile, 32, 32, DataFormat::bfp2_b, values);
  EXPECT_EQ(values[0], 0.0F);
  EXPECT_EQ(values[1], 8.0F);
  EXPECT_EQ(values[2], -8.0F);
  EXPECT_EQ(values[3], -std::numeric_limits<float>::infinity());
  EXPECT_EQ(values[4], 0.0F);
}

template <class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no exception";
}

TEST(Tile, WrongSizesAreNamed) {
  std::vector<float> matrix(product(10, 20));
  std::vector<std::byte> tiles(2048);
  const std::string short_matrix = message_of([&] { tilize(matrix, 10, 21, DataFormat::bf16, tiles); });
  EXPECT_NE(short_matrix.find("has 200, needs 210"), std::string::npos) << short_matrix;
  const std::string short_tiles = message_of([&] { tilize(matrix, 10, 20, DataFormat::fp32, tiles); });
  EXPECT_NE(short_tiles.find("has 2048, needs 4096"), std::string::npos) << short_tiles;
  const std::string untilized = message_of([&] { untilize(tiles, 10, 19, DataFormat::bf16, matrix); });
  EXPECT_NE(untilized.find("has 200, needs 190"), std::string::npos) << untilized;
  EXPECT_NE(message_of([&] { tilize(matrix, -10, -20, DataFormat::bf16, tiles); }).find("-10 x -20"), std::string::npos);
  EXPECT_NO_THROW(tilize({}, 0, 5, DataFormat::bf16, {}));
}

}  // namespace
}  // namespace tilegrid
