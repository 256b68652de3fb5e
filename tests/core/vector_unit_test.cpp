// SPDX-License-Identifier: Apache-2.0
#include "core/vector_unit.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/format.h"
#include "core/tile.h"
#include "core/types.h"
#include "gtest/gtest.h"
#include "tests/core/each_target.h"
#include "tests/core/vector_values.h"

namespace tilegrid {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the values

/// |got - expected| in units of the last of `significand` places of expected.
double ulps(float got, long double expected, int significand) {
  const int exponent = expected == 0 ? -126 : std::max(std::ilogb(expected), -126);
  return static_cast<double>(std::fabs(static_cast<long double>(got) - expected) /
                             std::ldexp(1.0L, exponent - significand + 1));
}

struct Expectation {
  VectorOp op;
  float parameter;
  long double (*reference)(long double x, long double parameter);
  double ulps32;  ///< bound in 32-bit DST, of fp32
  double ulps16;  ///< bound in 16-bit DST, of bf16; half of one is the rounding
};

long double exp_of(long double x, long double scale) { return std::exp(scale * x); }
long double gelu_of(long double x, long double /*parameter*/) {
  const long double probability = std::erfc(-x * std::sqrt(0.5L)) / 2;
  return probability == 0 ? 0 : x * probability;  // at -infinity the limit
}
long double silu_of(long double x, long double /*parameter*/) {
  const long double factor = 1 / (1 + std::exp(-x));
  return factor == 0 ? 0 : x * factor;  // at -infinity the limit
}
long double sign_of(long double x, long double /*parameter*/) {
  if (std::isnan(x)) return x;
  return x > 0 ? 1 : x < 0 ? -1 : 0;
}
const std::vector<Expectation>& expectations() {
  static const std::vector<Expectation> table = {
      {VectorOp::exp_accurate, 1.0F, exp_of, 1.0, 0.6},
      {VectorOp::exp_accurate, 0.125F, exp_of, 1.0, 0.6},
      {VectorOp::exp_accurate, 0.0883883461F, exp_of, 1.0, 0.6},
      {VectorOp::exp_accurate, 3.7F, exp_of, 1.0, 0.6},
      {VectorOp::recip, 0.0F, [](long double x, long double) { return 1 / x; }, 0.5, 0.501},
      {VectorOp::sqrt, 0.0F, [](long double x, long double) { return std::sqrt(x); }, 0.5, 0.501},
      {VectorOp::rsqrt, 0.0F, [](long double x, long double) { return 1 / std::sqrt(x); }, 1.5, 0.501},
      {VectorOp::abs, 0.0F, [](long double x, long double) { return std::fabs(x); }, 0.0, 0.0},
      {VectorOp::neg, 0.0F, [](long double x, long double) { return -x; }, 0.0, 0.0},
      {VectorOp::relu, 0.0F, [](long double x, long double) { return std::signbit(x) ? 0 : x; }, 0.0, 0.0},
      {VectorOp::sigmoid, 0.0F, [](long double x, long double) { return 1 / (1 + std::exp(-x)); }, 2.5, 0.501},
      {VectorOp::tanh, 0.0F, [](long double x, long double) { return std::tanh(x); }, 2.5, 0.501},
      {VectorOp::gelu, 0.0F, gelu_of, 5.0, 0.501},
      {VectorOp::log, 0.0F, [](long double x, long double) { return std::log(x); }, 1.5, 0.501},
      {VectorOp::square, 0.0F, [](long double x, long double) { return x * x; }, 0.5, 0.501},
      {VectorOp::add_scalar, 1.7F, [](long double x, long double p) { return x + p; }, 0.5, 0.501},
      {VectorOp::mul_scalar, 1.7F, [](long double x, long double p) { return x * p; }, 0.5, 0.501},
      {VectorOp::rsub_scalar, 1.7F, [](long double x, long double p) { return p - x; }, 0.5, 0.501},
      {VectorOp::silu, 0.0F, silu_of, 4.0, 0.501},
      {VectorOp::exp2, 0.0F, [](long double x, long double) { return std::exp2(x); }, 1.0, 0.501},
      {VectorOp::expm1, 0.0F, [](long double x, long double) { return std::expm1(x); }, 1.5, 0.501},
      {VectorOp::sign, 0.0F, sign_of, 0.0, 0.0},
      {VectorOp::gtz, 0.0F, [](long double x, long double) { return x > 0 ? 1.0L : 0; }, 0.0, 0.0},
      {VectorOp::gez, 0.0F, [](long double x, long double) { return x >= 0 ? 1.0L : 0; }, 0.0, 0.0},
      {VectorOp::ltz, 0.0F, [](long double x, long double) { return x < 0 ? 1.0L : 0; }, 0.0, 0.0},
      {VectorOp::lez, 0.0F, [](long double x, long double) { return x <= 0 ? 1.0L : 0; }, 0.0, 0.0},
      {VectorOp::eqz, 0.0F, [](long double x, long double) { return x == 0 ? 1.0L : 0; }, 0.0, 0.0},
      {VectorOp::nez, 0.0F, [](long double x, long double) { return x != 0 ? 1.0L : 0; }, 0.0, 0.0},
      {VectorOp::fill, 1.7F, [](long double, long double p) { return p; }, 0.0, 0.5},
  };
  return table;
}

/// Whether `got` stands for `expected`: NaN, infinity and zero as such, a normal value within `bound` ulps. Where the range
/// ends, both neighbours may be right, as the exact value is rounded first.
::testing::AssertionResult close(float got, long double expected, int significand, double bound, double& worst) {
  const auto fail = [&] { return ::testing::AssertionFailure() << got << " instead of " << expected; };
  if (std::isnan(expected)) return std::isnan(got) ? ::testing::AssertionSuccess() : fail();
  const long double last = std::ldexp(2.0L - std::ldexp(1.0L, 1 - significand), 127);
  if (std::isinf(got)) {
    const bool right = std::fabs(expected) > last && std::signbit(got) == std::signbit(expected);
    return right ? ::testing::AssertionSuccess() : fail();
  }
  if (std::fabs(got) < smallest_normal) {
    const bool right = got == 0 && std::fabs(expected) < static_cast<long double>(smallest_normal) * (1 + 1e-6L);
    return right ? ::testing::AssertionSuccess() : fail();
  }
  const double error = ulps(got, expected, significand);
  worst = std::max(worst, error);
  return error <= bound ? ::testing::AssertionSuccess() : fail() << ", " << error << " ulp";
}

/// What the operation sees and is judged by: the input after denormals became zero.
long double exact(const Expectation& expectation, float input) {
  const float x = std::fabs(input) < smallest_normal ? std::copysign(0.0F, input) : input;
  return expectation.reference(static_cast<long double>(x), static_cast<long double>(expectation.parameter));
}

void expect_close(const Expectation& expectation, bool dst_fp32, const std::vector<Tile>& tiles) {
  const VectorUnit unit(dst_fp32);
  const int significand = dst_fp32 ? 24 : 8;
  double worst = 0;
  for (const Tile& input : tiles) {
    Tile tile = input;
    unit.unary(expectation.op, tile.data(), VectorMode::rc, expectation.parameter);
    for (std::size_t i = 0; i < elements; ++i) {
      const double bound = dst_fp32 ? expectation.ulps32 : expectation.ulps16;
      ASSERT_TRUE(close(tile[i], exact(expectation, input[i]), significand, bound, worst))
          << name_of(expectation.op) << '(' << input[i] << ") parameter " << expectation.parameter;
      if (!dst_fp32) {
        ASSERT_EQ(bits_of(tile[i]) & 0xFFFFU, 0U);
      }
    }
  }
  const std::string name = std::string(name_of(expectation.op)) + "_" + std::to_string(expectation.parameter);
  ::testing::Test::RecordProperty(name, std::to_string(worst));
}

TEST(VectorUnit, AllBf16InputsInSixteenBitDst) {
  for (const Expectation& expectation : expectations()) expect_close(expectation, false, all_bf16());
}

TEST(VectorUnit, DenseInputsInThirtyTwoBitDst) {
  for (const Expectation& expectation : expectations()) expect_close(expectation, true, many_fp32());
}

/// Schraudolph's formula, step by step.
float reference_exp_fast(float x, float scale, bool dst_fp32) {
  const auto slope = static_cast<float>(8388608.0 / std::log(2.0) / 32768.0 * static_cast<double>(scale));
  const float v = std::fma(slope, x, 32500.8F);
  if (std::isnan(v)) return 0.0F;
  const auto i = static_cast<std::uint32_t>(std::nearbyint(std::clamp(v, 0.0F, 65535.0F)));
  if (i < 0x100U) return 0.0F;
  const float value = i > 0xFF00U ? infinity : float_of(i << 15);
  return dst_fp32 ? value : scalar::round_dst16(value);
}

TEST(VectorUnit, ExpFastFollowsTheFormula) {
  for (const bool dst_fp32 : {false, true}) {
    for (const float scale : {1.0F, 0.0883883461F, 4.0F}) {
      for (const Tile& input : dst_fp32 ? many_fp32() : all_bf16()) {
        Tile tile = input;
        VectorUnit(dst_fp32).unary(VectorOp::exp_fast, tile.data(), VectorMode::rc, scale);
        for (std::size_t i = 0; i < elements; ++i) {
          ASSERT_EQ(bits_of(tile[i]), bits_of(reference_exp_fast(input[i], scale, dst_fp32))) << input[i] << " * " << scale;
        }
      }
    }
  }
}

TEST(VectorUnit, ExpFastStaysWithinItsRipple) {
  for (const bool dst_fp32 : {false, true}) {
    for (const Tile& input : dst_fp32 ? many_fp32() : all_bf16()) {
      Tile tile = input;
      VectorUnit(dst_fp32).unary(VectorOp::exp_fast, tile.data(), VectorMode::rc, 1.0F);
      for (std::size_t i = 0; i < elements; ++i) {
        if (input[i] >= -87.0F && input[i] <= 88.0F) {
          ASSERT_NEAR(static_cast<double>(tile[i]) / std::exp(static_cast<double>(input[i])), 1.0, 0.04) << input[i];
        } else if (input[i] < -88.0F) {
          ASSERT_EQ(bits_of(tile[i]), 0U);
        } else if (input[i] > 89.0F) {
          ASSERT_EQ(tile[i], infinity);
        }
      }
    }
  }
}

TEST(VectorUnit, SpecialValues) {
  const auto of = [](VectorOp op, float x) {
    Tile tile{};
    tile[5] = x;
    VectorUnit(true).unary(op, tile.data(), VectorMode::rc, 1.0F);
    return tile[5];
  };
  EXPECT_EQ(of(VectorOp::recip, 0.0F), infinity);
  EXPECT_EQ(of(VectorOp::recip, -0.0F), -infinity);
  EXPECT_EQ(of(VectorOp::recip, -smallest_normal / 2), -infinity);
  EXPECT_EQ(bits_of(of(VectorOp::recip, -infinity)), 0U);
  EXPECT_EQ(of(VectorOp::exp_accurate, 0.0F), 1.0F);
  EXPECT_EQ(of(VectorOp::exp_accurate, 88.72284F), infinity);
  EXPECT_LT(of(VectorOp::exp_accurate, 88.72283F), infinity);
  EXPECT_EQ(bits_of(of(VectorOp::exp_accurate, -infinity)), 0U);
  EXPECT_EQ(bits_of(of(VectorOp::exp_fast, -infinity)), 0U);
  EXPECT_EQ(of(VectorOp::log, 0.0F), -infinity);
  EXPECT_EQ(of(VectorOp::log, infinity), infinity);
  EXPECT_EQ(bits_of(of(VectorOp::log, -1.0F)), 0x7FC00000U);
  EXPECT_EQ(bits_of(of(VectorOp::sqrt, -1.0F)), 0x7FC00000U);
  EXPECT_EQ(of(VectorOp::gelu, infinity), infinity);
  EXPECT_EQ(bits_of(of(VectorOp::gelu, -infinity)), 0U);
  EXPECT_EQ(of(VectorOp::tanh, -infinity), -1.0F);
  EXPECT_EQ(bits_of(of(VectorOp::sigmoid, -infinity)), 0U);
  EXPECT_EQ(bits_of(of(VectorOp::neg, 0.0F)), 0x80000000U);
  EXPECT_EQ(of(VectorOp::silu, infinity), infinity);
  EXPECT_EQ(bits_of(of(VectorOp::silu, -infinity)), 0U);
  EXPECT_EQ(of(VectorOp::exp2, 127.0F), 0x1p127F);
  EXPECT_EQ(of(VectorOp::exp2, 128.0F), infinity);
  EXPECT_EQ(of(VectorOp::exp2, -126.0F), smallest_normal);
  EXPECT_EQ(bits_of(of(VectorOp::exp2, -infinity)), 0U);
  EXPECT_EQ(of(VectorOp::expm1, smallest_normal), smallest_normal);
  EXPECT_EQ(of(VectorOp::expm1, infinity), infinity);
  EXPECT_EQ(of(VectorOp::expm1, -infinity), -1.0F);
  EXPECT_EQ(of(VectorOp::eqz, -0.0F), 1.0F);
  EXPECT_EQ(of(VectorOp::nez, std::numeric_limits<float>::quiet_NaN()), 1.0F);
  EXPECT_EQ(of(VectorOp::gez, std::numeric_limits<float>::quiet_NaN()), 0.0F);
  EXPECT_EQ(of(VectorOp::sign, -infinity), -1.0F);
  EXPECT_EQ(bits_of(of(VectorOp::sign, -0.0F)), 0U);
}

/// Bits of every operation over the special and spread values, in both widths of DST and several modes.
std::vector<std::uint32_t> fingerprint() {
  std::vector<std::uint32_t> bits;
  const auto record = [&bits](const Tile& tile) {
    for (const float value : tile) bits.push_back(bits_of(value));
  };
  for (const bool dst_fp32 : {false, true}) {
    const VectorUnit unit(dst_fp32);
    const std::vector<Tile>& tiles = dst_fp32 ? many_fp32() : all_bf16();
    for (std::size_t t = 0; t < tiles.size(); t += 3) {
      const VectorMode mode = t % 2 == 0 ? VectorMode::rc : VectorMode::first_column;
      for (const VectorOp op : in_place_operations()) {
        Tile tile = tiles[t];
        unit.unary(op, tile.data(), mode, 0.3F);
        record(tile);
      }
      Tile tile = tiles[t];
      for (const VectorOp op : pair_operations()) {
        unit.binary(op, tile.data(), tiles[t].data(), tiles[tiles.size() - 1 - t].data(), mode);
        record(tile);
      }
    }
  }
  return bits;
}

TEST(VectorUnit, SameBitsOnEveryTarget) {
  std::vector<std::uint32_t> first;
  std::set<std::int64_t> chosen;
  const int targets = testing::for_each_simd_target([&] {
    chosen.insert(hwy::SupportedTargets() & HWY_TARGETS);
    const std::vector<std::uint32_t> bits = fingerprint();
    if (first.empty()) first = bits;
    const auto difference = std::mismatch(first.begin(), first.end(), bits.begin(), bits.end());
    ASSERT_EQ(difference.first, first.end()) << "value " << difference.first - first.begin() << ": " << std::hex
                                             << *difference.first << " and " << *difference.second;
  });
  EXPECT_EQ(chosen.size(), static_cast<std::size_t>(targets));
}

TEST(VectorUnit, ModesLeaveTheRestAlone) {
  testing::for_each_simd_target([] {
    for (const VectorMode mode : {VectorMode::rc, VectorMode::c, VectorMode::r, VectorMode::first_column}) {
      Tile tile{};
      Tile other{};
      Tile larger{};
      for (std::size_t i = 0; i < elements; ++i) {
        tile[i] = static_cast<float>(i + 1);
        other[i] = static_cast<float>(2 * i + 3);
      }
      Tile result = tile;
      larger = tile;
      VectorUnit(true).unary(VectorOp::add_scalar, result.data(), mode, 0.5F);
      VectorUnit(true).binary(VectorOp::max_tile, larger.data(), larger.data(), other.data(), mode);
      for (int row = 0; row < tile_side; ++row) {
        for (int column = 0; column < tile_side; ++column) {
          const auto i = static_cast<std::size_t>(tile_index(row, column));
          ASSERT_EQ(result[i], tile[i] + (selected(mode, row, column) ? 0.5F : 0.0F)) << row << ' ' << column;
          ASSERT_EQ(larger[i], selected(mode, row, column) ? other[i] : tile[i]) << row << ' ' << column;
        }
      }
    }
  });
}

TEST(VectorUnit, MaxAndMinFollowSignMagnitudeOrder) {
  // Ascending: the order of the hardware's swap, NaNs included.
  const std::vector<std::uint32_t> ordered = {0xFFFFFFFFU, 0xFFC00000U, 0xFF800000U, 0xC0000000U, 0xBF800000U,
                                              0x80800000U, 0x80000000U, 0x00000000U, 0x00800000U, 0x3F800000U,
                                              0x3F810000U, 0x40000000U, 0x7F800000U, 0x7FC00000U, 0x7FFFFFFFU};
  testing::for_each_simd_target([&] {
    Tile tile{};
    Tile other{};
    std::size_t next = 0;
    for (const std::uint32_t a : ordered) {
      for (const std::uint32_t b : ordered) {
        tile[next] = float_of(a);
        other[next++] = float_of(b);
      }
    }
    Tile largest = tile;
    Tile smallest = tile;
    VectorUnit(true).binary(VectorOp::max_tile, largest.data(), tile.data(), other.data(), VectorMode::rc);
    VectorUnit(true).binary(VectorOp::min_tile, smallest.data(), tile.data(), other.data(), VectorMode::rc);
    for (std::size_t a = 0; a < ordered.size(); ++a) {
      for (std::size_t b = 0; b < ordered.size(); ++b) {
        ASSERT_EQ(bits_of(largest[a * ordered.size() + b]), ordered[std::max(a, b)]);
        ASSERT_EQ(bits_of(smallest[a * ordered.size() + b]), ordered[std::min(a, b)]);
      }
    }
  });
}

TEST(VectorUnit, DenormalsCountAsZero) {
  for (const float denormal : {smallest_normal / 2, -smallest_normal / 2}) {
    for (const VectorOp op : in_place_operations()) {
      Tile tile{};
      tile[0] = denormal;
      tile[1] = std::copysign(0.0F, denormal);
      VectorUnit(true).unary(op, tile.data(), VectorMode::rc, 2.0F);
      EXPECT_EQ(bits_of(tile[0]), bits_of(tile[1])) << name_of(op);
    }
    Tile tile{};
    tile[0] = denormal;
    const Tile zeros{};
    VectorUnit(true).binary(VectorOp::max_tile, tile.data(), tile.data(), zeros.data(), VectorMode::rc);
    EXPECT_EQ(bits_of(tile[0]), 0U);
  }
}

TEST(VectorUnit, NamesAreDistinct) {
  std::set<std::string> names;
  for (int op = 0; op < vector_op_count; ++op) names.insert(name_of(static_cast<VectorOp>(op)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(vector_op_count));
  EXPECT_STREQ(name_of(VectorOp::exp_fast), "exp_fast");
  EXPECT_STREQ(name_of(VectorOp::min_tile), "min_tile");
  EXPECT_STREQ(name_of(VectorOp::fill), "fill");
}

TEST(VectorUnit, RefusesWrongCalls) {
  Tile tile{};
  const VectorUnit unit(true);
  EXPECT_THROW(unit.unary(VectorOp::max_tile, tile.data(), VectorMode::rc, 0.0F), std::invalid_argument);
  EXPECT_THROW(unit.unary(VectorOp::where, tile.data(), VectorMode::rc, 0.0F), std::invalid_argument);
  EXPECT_THROW(unit.unary(VectorOp::copy_dst, tile.data(), VectorMode::rc, 0.0F), std::invalid_argument);
  EXPECT_THROW(unit.binary(VectorOp::exp_fast, tile.data(), tile.data(), tile.data(), VectorMode::rc),
               std::invalid_argument);
  EXPECT_THROW(unit.binary(VectorOp::where, tile.data(), tile.data(), tile.data(), VectorMode::rc), std::invalid_argument);
  EXPECT_THROW(unit.unary(VectorOp::exp_accurate, tile.data(), VectorMode::rc, 0.0F), std::invalid_argument);
  EXPECT_THROW(unit.unary(VectorOp::exp_fast, tile.data(), VectorMode::rc, -1.0F), std::invalid_argument);
}

}  // namespace
}  // namespace tilegrid
