// SPDX-License-Identifier: Apache-2.0
#include "core/number_watch.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "core/tile.h"
#include "gtest/gtest.h"

namespace tilegrid {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float denormal = std::numeric_limits<float>::min() / 4;

struct alignas(64) Slots {
  std::array<float, 3 * tile_elements> values{};
  float* data() { return values.data(); }
};

/// Element [row, column] of a tile, in face order.
std::size_t at(int tile, int row, int column) {
  return static_cast<std::size_t>(tile * tile_elements + tile_index(row, column));
}

const NumberRecord& only(const std::vector<NumberRecord>& records) {
  EXPECT_EQ(records.size(), 1U);
  static const NumberRecord none{};
  return records.empty() ? none : records.front();
}

TEST(NumberWatch, SumsThatStayAlthoughSomethingOfTheirSignIsAdded) {
  NumberWatch watch;
  Slots dst;
  // 256 in bf16 swallows 1; 1 does not, and a part of the other sign, or nothing, is no loss.
  dst.values[at(1, 20, 3)] = 256.0F;
  dst.values[at(1, 20, 4)] = 1.0F;
  dst.values[at(1, 20, 5)] = 256.0F;
  dst.values[at(1, 20, 6)] = -256.0F;
  const auto run = [&](float* to, std::uint32_t cleared) {
    for (int tile = 0; tile < 2; ++tile) {
      const bool adds = (cleared >> tile & 1U) == 0;
      const std::array<float, 4> parts{1.0F, 1.0F, -1.0F, -1.0F};
      for (int i = 0; i < 4; ++i) {
        float& element = to[at(tile, 20, 3 + i)];
        const float sum = (adds ? element : 0.0F) + parts.at(static_cast<std::size_t>(i));
        element = std::fabs(sum) > 250 ? std::copysign(256.0F, sum) : sum;
      }
    }
  };
  watch.accumulates("matmul_block", dst.data(), 4, 2, 1U, run);
  const std::vector<NumberRecord> records = watch.take();
  const NumberRecord& record = only(records);
  EXPECT_EQ(record.event, NumberEvent::stopped_sum);
  EXPECT_EQ(record.operation, "matmul_block");
  EXPECT_EQ(record.count, 2U);  // slot 4 was cleared and only begins
  EXPECT_EQ(record.first.cb, -1);
  EXPECT_EQ(record.first.tile, 5U);
  EXPECT_EQ(record.first.row, 20);
  EXPECT_EQ(record.first.column, 3);
  EXPECT_EQ(dst.values[at(1, 20, 4)], 2.0F);  // the trial run has left no trace
  EXPECT_TRUE(watch.take().empty());
}

TEST(NumberWatch, WhatIsNotFiniteIsTheOperationsThatMadeIt) {
  NumberWatch watch;
  Slots dst;
  dst.values[at(0, 1, 1)] = infinity;
  dst.values[at(0, 2, 2)] = not_a_number;
  const float* in = dst.data();
  const auto reciprocal = [&](auto&& change) { watch.computes("recip", dst.data(), 0, std::span(&in, 1), change); };
  reciprocal([] {});
  EXPECT_TRUE(watch.take().empty());
  reciprocal([&] {
    dst.values[at(0, 31, 31)] = -infinity;
    dst.values[at(0, 1, 1)] = not_a_number;
  });
  const std::vector<NumberRecord> records = watch.take();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].event, NumberEvent::nan);
  EXPECT_EQ(records[0].first.row, 1);
  EXPECT_EQ(records[1].event, NumberEvent::infinity);
  EXPECT_EQ(records[1].first.column, 31);
}

TEST(NumberWatch, DenormalsOfEachFormatThatAreRead) {
  NumberWatch watch;
  std::array<std::uint16_t, tile_elements> bf16{};
  bf16[5] = 0x8001;  // the others are zeros, a normal and an infinity
  bf16[6] = 0x8000;
  bf16[7] = 0x0080;
  bf16[8] = 0x7F80;
  watch.reads("add_tiles", {reinterpret_cast<const std::byte*>(bf16.data()), DataFormat::bf16}, 3, 7);
  const std::vector<NumberRecord> from_cb = watch.take();
  EXPECT_EQ(only(from_cb).count, 1U);
  EXPECT_EQ(only(from_cb).first.cb, 3);
  EXPECT_EQ(only(from_cb).first.tile, 7U);
  EXPECT_EQ(only(from_cb).first.column, 5);
  // In block floats the same bytes are something else.
  watch.reads("add_tiles", {reinterpret_cast<const std::byte*>(bf16.data()), DataFormat::bfp8_b}, 3, 7);
  EXPECT_TRUE(watch.take().empty());
  Slots dst;
  dst.values[0] = denormal;
  watch.reads("exp_fast", dst.data(), 2);
  EXPECT_EQ(only(watch.take()).event, NumberEvent::denormal);
}

TEST(NumberWatch, WhatPackingDoes) {
  NumberWatch watch;
  Slots dst;
  alignas(64) std::array<std::byte, 4096> l1{};
  const auto pack = [&](const PackConfig& config) {
    watch.packs(dst.data(), config, l1.data(), 24, 1, [&] { pack_tile(dst.data(), true, config, l1.data()); });
    return watch.take();
  };
  PackConfig config;
  dst.values[at(0, 0, 0)] = 1.0F;
  EXPECT_TRUE(pack(config).empty());
  dst.values[at(0, 0, 1)] = denormal;
  dst.values[at(0, 0, 2)] = not_a_number;
  dst.values[at(0, 0, 3)] = std::numeric_limits<float>::max();  // beyond bf16's largest
  dst.values[at(0, 0, 4)] = infinity;                           // is none of the packer's
  const std::vector<NumberRecord> records = pack(config);
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].event, NumberEvent::denormal);
  EXPECT_EQ(records[1].event, NumberEvent::nan);
  EXPECT_EQ(records[2].event, NumberEvent::infinity);
  for (const NumberRecord& record : records) {
    EXPECT_EQ(record.count, 1U);
    EXPECT_EQ(record.operation, "pack_tile");
    EXPECT_EQ(record.first.cb, 24);
  }

  // The 16 datums that share an exponent have steps of 2 up to 254.
  dst = {};
  dst.values[at(0, 9, 0)] = 255.0F;
  dst.values[at(0, 9, 1)] = 254.0F;
  config.format = DataFormat::bfp8_b;
  config.precise_blocks = true;  // else 255 is rounded to 256, which takes the next exponent
  const std::vector<NumberRecord> saturated = pack(config);
  EXPECT_EQ(only(saturated).event, NumberEvent::saturation);
  EXPECT_EQ(only(saturated).count, 1U);
  EXPECT_EQ(only(saturated).first.row, 9);

  // Sums in L1: 256 + 1 is 256 in bf16, 4 + 1 is 5.
  config = {};
  dst = {};
  dst.values[0] = 256.0F;
  dst.values[1] = 4.0F;
  EXPECT_TRUE(pack(config).empty());
  dst.values[0] = dst.values[1] = 1.0F;
  config.l1_accumulate = true;
  const std::vector<NumberRecord> sums = pack(config);
  EXPECT_EQ(only(sums).event, NumberEvent::stopped_sum);
  EXPECT_EQ(only(sums).operation, "pack_tile onto L1");
  EXPECT_EQ(only(sums).count, 1U);
}

}  // namespace
}  // namespace tilegrid
