// SPDX-License-Identifier: Apache-2.0
#include "core/unpacker.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "tests/core/reference_matrix.h"
#include "tests/support/matrix_tiles.h"

namespace tilegrid {
namespace {

using test::DstTiles;
using test::on_each_target;
using test::RandomTiles;
using test::Values;

float expected_value(float value, DataFormat format, RegisterFormat to) {
  if (format != DataFormat::fp32 && format != DataFormat::tf32) return value;
  if (to == RegisterFormat::tf32) return scalar::truncate_tf32(value);
  if (to == RegisterFormat::bf16) return scalar::truncate_bf16(value);
  return value;
}

class Unpack16 : public testing::TestWithParam<DataFormat> {};

TEST_P(Unpack16, IsExactForEveryPattern) {
  on_each_target([](const std::string& target) {
    for (std::uint32_t first = 0; first < 0x10000U; first += tile_elements) {
      std::vector<std::uint16_t> l1(tile_elements);
      for (std::uint32_t i = 0; i < tile_elements; ++i) l1[i] = static_cast<std::uint16_t>(first + i);
      DstTiles straight(1);
      DstTiles transposed(1);
      const auto* bytes = reinterpret_cast<const std::byte*>(l1.data());
      unpack_tile(bytes, GetParam(), RegisterFormat::bf16, false, straight.data());
      unpack_tile(bytes, GetParam(), RegisterFormat::tf32, true, transposed.data());
      for (std::size_t r = 0; r < 32; ++r) {
        for (std::size_t c = 0; c < 32; ++c) {
          const auto pattern = l1[std::size_t(tile_index(int(r), int(c)))];
          const float expected =
              GetParam() == DataFormat::bf16 ? scalar::unpack_bf16(pattern) : scalar::unpack_fp16(pattern);
          ASSERT_EQ(reference::bits_of(straight.at(0, r, c)), reference::bits_of(expected)) << target << " " << pattern;
          ASSERT_EQ(reference::bits_of(transposed.at(0, c, r)), reference::bits_of(expected)) << target << " " << pattern;
        }
      }
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Formats, Unpack16, testing::Values(DataFormat::bf16, DataFormat::fp16),
                         [](const auto& info) { return std::string(name_of(info.param)); });

TEST(Unpack, EveryFormatToEveryRegisterFormat) {
  on_each_target([](const std::string& target) {
    RandomTiles random(1);
    for (const DataFormat format : {DataFormat::fp32, DataFormat::tf32, DataFormat::bf16, DataFormat::fp16,
                                    DataFormat::bfp8_b, DataFormat::bfp4_b, DataFormat::bfp2_b}) {
      const auto l1 = random.tiles(format, 1, Values::special);
      for (const RegisterFormat to : {RegisterFormat::fp32, RegisterFormat::tf32, RegisterFormat::bf16}) {
        for (const bool transpose : {false, true}) {
          DstTiles out(1);
          unpack_tile(l1.data(), format, to, transpose, out.data());
          for (std::size_t r = 0; r < 32; ++r) {
            for (std::size_t c = 0; c < 32; ++c) {
              const float expected = expected_value(reference::decode(l1.data(), format, int(r), int(c)), format, to);
              const float actual = transpose ? out.at(0, c, r) : out.at(0, r, c);
              ASSERT_EQ(reference::bits_of(actual), reference::bits_of(expected))
                  << target << " " << name_of(format) << " row " << r << " column " << c;
            }
          }
        }
      }
    }
  });
}

TEST(Unpack, Fp16HasNoInfinity) {
  const std::vector<std::uint16_t> l1(tile_elements, 0xFFFF);
  DstTiles out(1);
  unpack_tile(reinterpret_cast<const std::byte*>(l1.data()), DataFormat::fp16, RegisterFormat::tf32, false, out.data());
  EXPECT_EQ(out.at(0, 31, 31), -131008.0F);
}

TEST(Unpack, Bfp4ByHand) {
  std::vector<std::byte> l1(tile_bytes(DataFormat::bfp4_b));
  l1[0] = std::byte{127};          // face 0, row 0: steps of 1/4
  l1[17] = std::byte{130};         // face 1, row 1: steps of 2
  l1[64] = std::byte{0xF4};        // column 0: 4 steps, column 1: -7 steps
  l1[64 + 7] = std::byte{0x80};    // column 14: +0, column 15: sign without magnitude
  l1[64 + 17 * 8] = std::byte{3};  // row 1, column 16: 3 steps
  DstTiles out(1);
  unpack_tile(l1.data(), DataFormat::bfp4_b, RegisterFormat::bf16, false, out.data());
  EXPECT_EQ(out.at(0, 0, 0), 1.0F);
  EXPECT_EQ(out.at(0, 0, 1), -1.75F);
  EXPECT_EQ(reference::bits_of(out.at(0, 0, 14)), 0U);
  EXPECT_EQ(out.at(0, 0, 15), -std::numeric_limits<float>::infinity());
  EXPECT_EQ(out.at(0, 1, 16), 6.0F);
}

class UnpackBlocks : public testing::TestWithParam<DataFormat> {};

TEST_P(UnpackBlocks, OfEveryDatumAndExponent) {
  const DataFormat format = GetParam();
  on_each_target([format](const std::string& target) {
    std::vector<std::byte> l1(tile_bytes(format));
    for (int tile = 0; tile < 64; ++tile) {  // 16 rows of datums beside each of four exponents
      for (std::size_t row = 0; row < 64; ++row) l1[row] = static_cast<std::byte>(tile * 4 + static_cast<int>(row / 16));
      for (std::size_t i = 64; i < l1.size(); ++i) l1[i] = static_cast<std::byte>((i - 64) % 256);
      DstTiles straight(1);
      DstTiles transposed(1);
      unpack_tile(l1.data(), format, RegisterFormat::bf16, false, straight.data());
      unpack_tile(l1.data(), format, RegisterFormat::tf32, true, transposed.data());
      for (std::size_t r = 0; r < 32; ++r) {
        for (std::size_t c = 0; c < 32; ++c) {
          const float expected = reference::decode(l1.data(), format, int(r), int(c));
          ASSERT_EQ(reference::bits_of(straight.at(0, r, c)), reference::bits_of(expected)) << target << " " << tile;
          ASSERT_EQ(reference::bits_of(transposed.at(0, c, r)), reference::bits_of(expected)) << target << " " << tile;
        }
      }
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Formats, UnpackBlocks, testing::Values(DataFormat::bfp8_b, DataFormat::bfp4_b, DataFormat::bfp2_b),
                         [](const auto& info) { return std::string(name_of(info.param)); });

TEST(Unpack, Bfp2ByHand) {
  std::vector<std::byte> l1(tile_bytes(DataFormat::bfp2_b));
  l1[0] = std::byte{127};                // face 0, row 0
  l1[17] = std::byte{130};               // face 1, row 1
  l1[64] = std::byte{0b10'11'01'00};     // columns 0 to 3: 0, 1, -1, the sign alone
  l1[64 + 17 * 4] = std::byte{0b00'01};  // row 1, column 16
  DstTiles out(1);
  unpack_tile(l1.data(), DataFormat::bfp2_b, RegisterFormat::bf16, false, out.data());
  EXPECT_EQ(out.at(0, 0, 0), 0.0F);
  EXPECT_EQ(out.at(0, 0, 1), 1.0F);
  EXPECT_EQ(out.at(0, 0, 2), -1.0F);
  EXPECT_EQ(out.at(0, 0, 3), -std::numeric_limits<float>::infinity());
  EXPECT_EQ(out.at(0, 1, 16), 8.0F);
  EXPECT_EQ(out.at(0, 1, 17), 0.0F);
}

TEST(Unpack, ExponentsOfNarrowBlocksWrap) {
  std::vector<std::byte> l1(tile_bytes(DataFormat::bfp4_b));
  l1[0] = std::byte{1};
  l1[64] = std::byte{0x24};  // 4 and 2 steps of 2^(1 - 129)
  DstTiles out(1);
  unpack_tile(l1.data(), DataFormat::bfp4_b, RegisterFormat::bf16, false, out.data());
  EXPECT_EQ(reference::bits_of(out.at(0, 0, 0)), 1U << 23);
  EXPECT_EQ(reference::bits_of(out.at(0, 0, 1)), 0U);  // exponent 0
  l1[64] = std::byte{0x14};
  unpack_tile(l1.data(), DataFormat::bfp4_b, RegisterFormat::bf16, false, out.data());
  EXPECT_EQ(reference::bits_of(out.at(0, 0, 1)), 255U << 23);
}

TEST(Unpack, NeedsNoAlignmentBeyondTheElement) {
  RandomTiles random(2);
  const auto l1 = random.tiles(DataFormat::bf16, 1, Values::ordinary);
  std::vector<std::byte> shifted(l1.size() + 2);
  std::memcpy(shifted.data() + 2, l1.data(), l1.size());
  DstTiles plain(1);
  DstTiles moved(1);
  for (const bool transpose : {false, true}) {
    unpack_tile(l1.data(), DataFormat::bf16, RegisterFormat::bf16, transpose, plain.data());
    unpack_tile(shifted.data() + 2, DataFormat::bf16, RegisterFormat::bf16, transpose, moved.data());
    EXPECT_EQ(std::memcmp(plain.data(), moved.data(), 4 * plain.size()), 0);
  }
}

}  // namespace
}  // namespace tilegrid
