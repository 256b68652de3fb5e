// SPDX-License-Identifier: Apache-2.0
// Operations of the vector unit on several tiles, and with a parameter to compare with: bit for bit against one value at a
// time, on every instruction set.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/format.h"
#include "core/tile.h"
#include "core/types.h"
#include "core/vector_unit.h"
#include "gtest/gtest.h"
#include "tests/core/each_target.h"
#include "tests/core/vector_values.h"

namespace tilegrid {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the values

float flushed(float x) { return std::fabs(x) < smallest_normal ? std::copysign(0.0F, x) : x; }

/// The order of max and min: magnitudes turned round where the sign is set.
std::int32_t order_of(float x) {
  const auto bits = static_cast<std::int32_t>(bits_of(x));
  return bits < 0 ? bits ^ 0x7FFFFFFF : bits;
}

/// An operation of two values, one rounding after another.
float reference_pair(VectorOp op, float a, float b, bool dst_fp32) {
  const float x = flushed(a);
  const float y = flushed(b);
  float value = 0;
  switch (op) {
    case VectorOp::max_tile:
      return order_of(x) < order_of(y) ? y : x;
    case VectorOp::min_tile:
      return order_of(x) < order_of(y) ? x : y;
    case VectorOp::add_tile:
      value = x + y;
      break;
    case VectorOp::sub_tile:
      value = x - y;
      break;
    case VectorOp::mul_tile:
      value = x * y;
      break;
    default:
      value = x / y;
  }
  if (std::isnan(value)) return float_of(0x7FC00000U);
  if (std::fabs(value) < smallest_normal) return 0.0F;
  return dst_fp32 ? value : scalar::round_dst16(value);
}

/// Runs `check(first tile, second tile, 32-bit DST)` over pairs of many values on every instruction set.
template <class Check>
void for_pairs_of_tiles(const Check& check) {
  const std::vector<float> special = {0.0F,
                                      -0.0F,
                                      1.0F,
                                      -1.0F,
                                      infinity,
                                      -infinity,
                                      2.5F,
                                      3e38F,
                                      -3e38F,
                                      1.5e-38F,
                                      -1.25e-38F,
                                      smallest_normal / 2,
                                      -smallest_normal / 2,
                                      std::numeric_limits<float>::quiet_NaN(),
                                      float_of(0xFFC00000U)};
  Tile first{};
  Tile second{};
  std::size_t next = 0;
  for (const float a : special) {
    for (const float b : special) {
      first[next] = a;
      second[next++] = b;
    }
  }
  testing::for_each_simd_target([&] {
    check(first, second, true);
    for (std::size_t t = 0; t < many_fp32().size(); t += 2) {
      check(many_fp32()[t], many_fp32()[(t * 7 + 3) % many_fp32().size()], true);
    }
    for (std::size_t t = 0; t < 64; ++t) {
      Tile turned = all_bf16()[(t * 11 + 5) % 64];
      std::rotate(turned.begin(), turned.begin() + static_cast<std::ptrdiff_t>(t * 13), turned.end());
      check(all_bf16()[t], turned, false);
    }
  });
}

TEST(VectorTiles, OperationsOfTwoTilesRoundOnce) {
  for_pairs_of_tiles([](const Tile& a, const Tile& b, bool dst_fp32) {
    for (const VectorOp op : pair_operations()) {
      Tile apart{};
      Tile in_first = a;
      Tile in_second = b;
      const VectorUnit unit(dst_fp32);
      unit.binary(op, apart.data(), a.data(), b.data(), VectorMode::rc);
      unit.binary(op, in_first.data(), in_first.data(), b.data(), VectorMode::rc);
      unit.binary(op, in_second.data(), a.data(), in_second.data(), VectorMode::rc);
      for (std::size_t i = 0; i < elements; ++i) {
        ASSERT_EQ(bits_of(apart[i]), bits_of(reference_pair(op, a[i], b[i], dst_fp32)))
            << name_of(op) << ' ' << a[i] << ' ' << b[i] << " gave " << apart[i];
        ASSERT_EQ(bits_of(in_first[i]), bits_of(apart[i])) << name_of(op);
        ASSERT_EQ(bits_of(in_second[i]), bits_of(apart[i])) << name_of(op);
      }
    }
  });
}

TEST(VectorTiles, ATileWithItself) {
  testing::for_each_simd_target([] {
    Tile tile{};
    tile.fill(3.0F);
    VectorUnit(true).binary(VectorOp::mul_tile, tile.data(), tile.data(), tile.data(), VectorMode::rc);
    EXPECT_EQ(tile[elements - 1], 9.0F);
  });
}

TEST(VectorTiles, ClampsToTheParameter) {
  for_pairs_of_tiles([](const Tile& a, const Tile& b, bool dst_fp32) {
    for (const float parameter : {1.7F, -0.0F, -3.0039F, infinity, smallest_normal / 2, b[7]}) {
      const float bound =
          dst_fp32 ? flushed(parameter) : std::copysign(scalar::round_dst16(std::fabs(parameter)), parameter);
      if (std::isnan(bound)) continue;
      for (const VectorOp op : {VectorOp::max_scalar, VectorOp::min_scalar}) {
        const VectorOp same = op == VectorOp::max_scalar ? VectorOp::max_tile : VectorOp::min_tile;
        Tile tile = a;
        VectorUnit(dst_fp32).unary(op, tile.data(), VectorMode::rc, parameter);
        for (std::size_t i = 0; i < elements; ++i) {
          ASSERT_EQ(bits_of(tile[i]), bits_of(reference_pair(same, a[i], bound, dst_fp32)))
              << name_of(op) << ' ' << a[i] << " and " << parameter;
        }
      }
    }
  });
}

TEST(VectorTiles, WhereAndCopyMoveValues) {
  for_pairs_of_tiles([](const Tile& a, const Tile& b, bool) {
    Tile cond{};
    for (std::size_t i = 0; i < elements; ++i) cond[i] = (i % 3 == 0) ? 0.0F : b[elements - 1 - i];
    cond[3] = -0.0F;
    cond[4] = smallest_normal / 2;
    cond[5] = std::numeric_limits<float>::quiet_NaN();
    Tile apart{};
    Tile in_cond = cond;
    Tile in_x = a;
    Tile in_y = b;
    Tile copied{};
    VectorUnit::where(apart.data(), cond.data(), a.data(), b.data(), VectorMode::rc);
    VectorUnit::where(in_cond.data(), in_cond.data(), a.data(), b.data(), VectorMode::rc);
    VectorUnit::where(in_x.data(), cond.data(), in_x.data(), b.data(), VectorMode::rc);
    VectorUnit::where(in_y.data(), cond.data(), a.data(), in_y.data(), VectorMode::rc);
    VectorUnit::copy(copied.data(), a.data());
    for (std::size_t i = 0; i < elements; ++i) {
      const std::uint32_t expected = bits_of(flushed(flushed(cond[i]) != 0 ? a[i] : b[i]));
      ASSERT_EQ(bits_of(apart[i]), expected) << cond[i] << " ? " << a[i] << " : " << b[i];
      ASSERT_EQ(bits_of(in_cond[i]), expected);
      ASSERT_EQ(bits_of(in_x[i]), expected);
      ASSERT_EQ(bits_of(in_y[i]), expected);
      ASSERT_EQ(bits_of(copied[i]), bits_of(flushed(a[i])));
    }
  });
}

TEST(VectorTiles, ModesLeaveTheRestOfASeparateOutputAlone) {
  testing::for_each_simd_target([] {
    Tile a{};
    Tile b{};
    for (std::size_t i = 0; i < elements; ++i) {
      a[i] = static_cast<float>(i);
      b[i] = static_cast<float>(3 * i + 1);
    }
    for (const VectorMode mode : {VectorMode::rc, VectorMode::c, VectorMode::r, VectorMode::first_column}) {
      Tile sum{};
      Tile selected_values{};
      sum.fill(-7.0F);
      selected_values.fill(-7.0F);
      VectorUnit(true).binary(VectorOp::add_tile, sum.data(), a.data(), b.data(), mode);
      VectorUnit::where(selected_values.data(), a.data(), b.data(), a.data(), mode);
      for (int row = 0; row < tile_side; ++row) {
        for (int column = 0; column < tile_side; ++column) {
          const auto i = static_cast<std::size_t>(tile_index(row, column));
          const bool covered = selected(mode, row, column);
          ASSERT_EQ(sum[i], covered ? a[i] + b[i] : -7.0F) << row << ' ' << column;
          ASSERT_EQ(selected_values[i], !covered ? -7.0F : a[i] != 0 ? b[i] : a[i]) << row << ' ' << column;
        }
      }
    }
  });
}

}  // namespace
}  // namespace tilegrid
