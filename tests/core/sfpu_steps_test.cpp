// SPDX-License-Identifier: Apache-2.0
// The vector unit in exact numerics: against a plain model of the vendor's steps, and against what these promise.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <vector>

#include "core/vector_unit.h"
#include "gtest/gtest.h"
#include "tests/core/each_target.h"
#include "tests/core/vector_values.h"

namespace tilegrid {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the values

// ---- The model: one value at a time, as tensix.md 2.3 and the kernels of the vendor say it

float flushed(float x) { return std::fabs(x) < smallest_normal ? std::copysign(0.0F, x) : x; }
float cut_for(bool dst_fp32, std::uint32_t bits) {
  if ((bits >> 23 & 0xFFU) == 0) return 0;
  return float_of(dst_fp32 ? bits : bits & 0xFFFF0000U);
}
/// Half away from zero where DST has 16 bits; one NaN.
float rounded_for(bool dst_fp32, float x) {
  if (std::isnan(x)) return float_of(0x7FC00000U);
  if (std::fabs(x) < smallest_normal) return 0;
  return dst_fp32 ? x : float_of((bits_of(x) + 0x8000U) & 0xFFFF0000U);
}
/// Larger in the order of sign and magnitude, where NaN is beyond infinity.
bool above(float a, float b) {
  const auto key = [](float v) {
    const auto magnitude = static_cast<std::int64_t>(bits_of(v) & 0x7FFFFFFFU);
    return std::signbit(v) ? -magnitude - 1 : magnitude;
  };
  return key(a) > key(b);
}
std::uint32_t integer(float magnitude, std::uint32_t most) {
  if (!(magnitude < static_cast<float>(most))) return most;
  return static_cast<std::uint32_t>(std::floor(static_cast<double>(magnitude) + 0.5));
}

float exp_clamped(float x, float scale, bool dst_fp32) {
  const float lowest = -88.5F / scale;
  if (!above(x, lowest)) x = lowest;
  const float v = std::fma(256.0F * 1.4426950408889634F * scale, x, 32500.818359375F);
  return cut_for(dst_fp32, v < 0 ? 0U : integer(v, 65535) << 15);
}
float exp_unclamped(float x, float scale, bool dst_fp32) {
  const float v = std::fma(256.0F * 1.4426950408889634F * scale, x, 32500.818359375F);
  const bool negative = std::signbit(std::isnan(x) ? x : v);
  return cut_for(dst_fp32, integer(std::fabs(v), 32767) << 15 | (negative ? 0x80000000U : 0U));
}
float exp_16(float x, float scale) {
  const float z = std::fma(scale == 1 ? x : flushed(x * scale), 1.4426950216293335F, 127.0F);
  if (std::isnan(x)) return std::signbit(x) ? 0 : infinity;
  if (!(z > 0)) return 0;
  if (z >= 255) return infinity;
  // The significand with its hidden bit, moved until the point stands before bit 23.
  const int exponent = std::ilogb(z);
  if (exponent < 0) return 0;
  const std::uint32_t fixed = ((bits_of(z) & 0x7FFFFFU) | 0x800000U) << exponent;
  const auto fraction = static_cast<float>(fixed & 0x7FFFFFU);
  const float p = std::fma(std::fma(4.791750143340323e-15F, fraction, 7.839635491371155e-08F), fraction, 1.0017248F);
  return rounded_for(false, std::ldexp(p, static_cast<int>(fixed >> 23) - 127));
}
float exp_32(float x, float scale) {
  if (scale != 1) x = flushed(x * scale);
  const float z = x * 1.44269504088896340736F;
  if (std::isnan(x)) return rounded_for(true, x);
  if (z >= 128) return infinity;
  if (z <= -127) return 0;
  const float k = std::fma(x, 1.44269504088896340736F, 12582912.0F) - 12582912.0F;
  const float r = std::fma(k, -3.19461832987e-05F, std::fma(k, -0.693115234375F, x));
  float p = 1.0F / 5040;
  for (const int factorial : {720, 120, 24, 6, 2, 1, 1}) p = std::fma(p, r, static_cast<float>(1.0 / factorial));
  return rounded_for(true, std::ldexp(p, static_cast<int>(k)));
}
float exp_column(float in, float scale, bool dst_fp32) {
  const float x = scale == 1 ? in : flushed(in * scale);
  const auto steps = static_cast<float>(integer(std::fabs(x * 1.44269504088896340736F), 127));
  const float k = std::copysign(steps, in);
  if (k == -127) return 0;
  const float r = std::fma(k, -0.69314718055994530942F, x);
  const auto horner = [r](std::initializer_list<float> from_above) {
    float p = *from_above.begin();
    for (const float* c = from_above.begin() + 1; c != from_above.end(); ++c) p = std::fma(p, r, *c);
    return p;
  };
  const float p = dst_fp32 ? horner({4.1959439860014343e-2F, 0.16792157982882225F, 0.49998365704615426F, 0.9999622811704765F,
                                     1.0000001510806179F})
                           : horner({0.5062836705674557F, 1.0150876009852106F, 0.9998487929243953F});
  return rounded_for(dst_fp32, p * std::ldexp(1.0F, static_cast<int>(k)));
}
float recip(float x, bool dst_fp32) {
  const std::uint32_t exponent = bits_of(x) >> 23 & 0xFFU;
  const float m = float_of((bits_of(x) & 0x7FFFFFU) | 0x3F800000U);
  float y = std::fma(std::fma(0.3232325017452239990234375F, -m, 1.4545459747314453125F), -m, 2.121212482452392578125F);
  for (int i = 0; i < (dst_fp32 ? 2 : 1); ++i) y = std::fma(y, std::fma(-m, y, 1.0F), y);
  float power = 0;
  if (exponent == 0) power = infinity;
  if (exponent > 0 && exponent < 254) power = std::ldexp(1.0F, 127 - static_cast<int>(exponent));
  return rounded_for(dst_fp32, std::copysign(y * power, x));
}
float root(float x, bool dst_fp32, bool reciprocal) {
  if (x < 0 || std::isnan(x)) return float_of(0x7FC00000U);
  if (std::isinf(x)) return reciprocal ? 0 : x;
  if (x == 0) return reciprocal ? infinity : 0;
  float y = float_of(0x5F1110A0U - (bits_of(x) >> 1));
  const float c = -y * (x * y);
  y = y * std::fma(c, 2.2533049F + c, 2.2825186F);
  const float error = std::fma(-y, x * y, 1.0F);
  return rounded_for(dst_fp32, reciprocal ? std::fma(error, y * 0.5F, y) : std::fma(error, 0.5F * (x * y), x * y));
}

/// The value of one that stands in column 0, by the model.
float model(VectorOp op, VectorMode mode, float in, float scale, bool dst_fp32) {
  const float x = flushed(in);
  switch (op) {
    case VectorOp::exp_fast:
      return exp_clamped(x, scale, dst_fp32);
    case VectorOp::exp_accurate:
      if (mode == VectorMode::first_column) return exp_column(x, scale, dst_fp32);
      return dst_fp32 ? exp_32(x, scale) : exp_16(x, scale);
    case VectorOp::recip:
      return recip(x, dst_fp32);
    default:
      return root(x, dst_fp32, op == VectorOp::rsqrt);
  }
}

constexpr std::array steps{VectorOp::exp_fast, VectorOp::exp_accurate, VectorOp::recip, VectorOp::sqrt, VectorOp::rsqrt};

TEST(SfpuSteps, AllSixteenBitInputsAndManyOthersFollowTheModel) {
  for (const bool dst_fp32 : {false, true}) {
    const VectorUnit unit(dst_fp32, Numerics::exact);
    for (const VectorOp op : steps) {
      const bool exponential = op == VectorOp::exp_fast || op == VectorOp::exp_accurate;
      for (const float scale : {1.0F, 0.0883883461F}) {
        if (scale != 1 && !exponential) continue;
        for (const Tile& input : dst_fp32 ? many_fp32() : all_bf16()) {
          Tile tile = input;
          unit.unary(op, tile.data(), VectorMode::rc, scale);
          for (std::size_t i = 0; i < elements; ++i) {
            ASSERT_EQ(bits_of(tile[i]), bits_of(model(op, VectorMode::rc, input[i], scale, dst_fp32)))
                << name_of(op) << '(' << input[i] << " * " << scale << "), 32-bit DST: " << dst_fp32;
          }
        }
      }
    }
  }
}

TEST(SfpuSteps, TheExponentialOfAColumnIsAnother) {
  for (const bool dst_fp32 : {false, true}) {
    const VectorUnit unit(dst_fp32, Numerics::exact);
    for (const Tile& input : dst_fp32 ? many_fp32() : all_bf16()) {
      Tile tile = input;
      unit.unary(VectorOp::exp_accurate, tile.data(), VectorMode::first_column, 0.125F);
      for (std::size_t i = 0; i < elements; ++i) {
        const bool covered = i / 256 % 2 == 0 && i % 16 < 8;
        const float expected = covered ? exp_column(flushed(input[i]), 0.125F, dst_fp32) : input[i];
        ASSERT_EQ(bits_of(tile[i]), bits_of(expected)) << input[i];
      }
    }
  }
}

TEST(SfpuSteps, WithoutItsClampTheFastExponentialIsGarbageBelow88) {
  for (const bool dst_fp32 : {false, true}) {
    const VectorUnit unit(dst_fp32, Numerics::exact);
    for (const Tile& input : dst_fp32 ? many_fp32() : all_bf16()) {
      Tile tile = input;
      unit.exp_unclamped(tile.data(), VectorMode::rc, 1.0F);
      for (std::size_t i = 0; i < elements; ++i) {
        ASSERT_EQ(bits_of(tile[i]), bits_of(exp_unclamped(flushed(input[i]), 1.0F, dst_fp32))) << input[i];
      }
    }
    Tile some{};
    some[0] = -100.0F;
    some[1] = -infinity;
    some[2] = 0.5F;
    some[3] = 50.0F;
    unit.exp_unclamped(some.data(), VectorMode::rc, 1.0F);
    EXPECT_LT(some[0], -1e-35F);
    EXPECT_LT(some[1], -1.9F);
    EXPECT_NEAR(some[2], std::exp(0.5F), 0.06);
    EXPECT_NEAR(some[3], std::exp(0.72F), 0.07);
    // Numerics that do not go by steps have no garbage.
    some[0] = -100.0F;
    VectorUnit(dst_fp32, Numerics::rounded).exp_unclamped(some.data(), VectorMode::rc, 1.0F);
    EXPECT_EQ(some[0], 0.0F);
  }
  EXPECT_THROW(VectorUnit(true, Numerics::exact).exp_unclamped(nullptr, VectorMode::rc, 0.0F), std::invalid_argument);
}

/// Largest error over inputs from `from` to `to`, in units of the last place of the 8 or 24 bits that DST has.
double worst_ulps(VectorOp op, VectorMode mode, bool dst_fp32, double from, double to, double (*truth)(double)) {
  const VectorUnit unit(dst_fp32, Numerics::exact);
  double worst = 0;
  for (int step = 0; step < 2000; ++step) {
    const auto wanted = static_cast<float>(from + (to - from) * step / 2000);
    const float x = dst_fp32 ? wanted : bf16(bits_of(wanted) >> 16);
    Tile tile{};
    tile[0] = x;
    unit.unary(op, tile.data(), mode, 1.0F);
    const double expected = truth(static_cast<double>(x));
    const double ulp = std::ldexp(1.0, std::ilogb(expected) - (dst_fp32 ? 23 : 7));
    worst = std::max(worst, std::fabs(static_cast<double>(tile[0]) - expected) / ulp);
  }
  return worst;
}

/// The bounds of tensix.md 2.3.
TEST(SfpuSteps, ErrorsStayWithinWhatIsPublished) {
  const auto e = [](double x) { return std::exp(x); };
  const auto r = [](double x) { return 1 / x; };
  const auto q = [](double x) { return std::sqrt(x); };
  constexpr VectorMode all = VectorMode::rc;
  EXPECT_LT(worst_ulps(VectorOp::exp_accurate, all, false, -87, 88, e), 1.0);
  EXPECT_LT(worst_ulps(VectorOp::exp_accurate, all, true, -87, 88, e), 1.5);
  EXPECT_LT(worst_ulps(VectorOp::recip, all, false, 1, 2, r), 0.52);  // half of one is the rounding
  EXPECT_LE(worst_ulps(VectorOp::recip, all, true, 1, 2, r), 1.0);
  EXPECT_LT(worst_ulps(VectorOp::sqrt, all, true, 1, 4, q), 1.0);
  // BALANCED and ACCURATE: 0.24 and 0.10 percent, rounding to bf16 aside.
  EXPECT_LT(worst_ulps(VectorOp::exp_accurate, VectorMode::first_column, true, -87, 88, e), 0.0010 * 0x1p23);
  EXPECT_LT(worst_ulps(VectorOp::exp_accurate, VectorMode::first_column, false, -87, 88, e), 0.5 + 0.0026 * 0x1p8);
  // It is not the exponential to the last bit: with the steps errors are there that other numerics do not have.
  EXPECT_GT(worst_ulps(VectorOp::exp_accurate, VectorMode::first_column, false, -87, 88, e), 0.7);
}

TEST(SfpuSteps, TheSameBitsOnEveryInstructionSet) {
  std::vector<Tile> first;
  for_each_simd_target([&] {
    std::vector<Tile> results;
    for (const bool dst_fp32 : {false, true}) {
      const VectorUnit unit(dst_fp32, Numerics::exact);
      for (std::size_t part = 0; part < 64; part += 3) {
        for (const VectorOp op : steps) {
          for (const VectorMode mode : {VectorMode::rc, VectorMode::first_column}) {
            Tile tile = dst_fp32 ? many_fp32()[part] : all_bf16()[part];
            unit.unary(op, tile.data(), mode, 1.0F);
            results.push_back(tile);
          }
        }
        Tile tile = dst_fp32 ? many_fp32()[part] : all_bf16()[part];
        unit.exp_unclamped(tile.data(), VectorMode::rc, 0.25F);
        results.push_back(tile);
      }
    }
    if (first.empty()) first = results;
    for (std::size_t i = 0; i < first.size(); ++i) {
      for (std::size_t at = 0; at < elements; ++at) ASSERT_EQ(bits_of(first[i][at]), bits_of(results[i][at])) << i;
    }
  });
}

}  // namespace
}  // namespace tilegrid
