// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/reference/judgement.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/types.h"
#include "gtest/gtest.h"
#include "kernels/planner/graph/expression.h"
#include "kernels/planner/reference/reference.h"

namespace tilegrid::planner {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// `text` of one row of tensors, which are 32 equal rows, and what stands in row 0 of the device's output.
struct OneRow {
  OneRow(const std::string& text, const std::vector<std::vector<float>>& rows, ErrorModel model = {}) {
    const int tiles = static_cast<int>(rows.front().size()) / tile_side;
    const Graph graph = parse_expression(text, {.block = {{1}, {tiles}}, .inner = 1});
    std::vector<Tensor> inputs;
    for (const std::vector<float>& row : rows) {
      Tensor& tensor = inputs.emplace_back(Tensor{tile_side, tiles * tile_side, {}});
      for (int r = 0; r < tile_side; ++r) tensor.values.insert(tensor.values.end(), row.begin(), row.end());
    }
    expected = evaluate(graph, inputs, model).front();
  }
  /// With `value` in all elements of row 0, and the true values elsewhere.
  [[nodiscard]] Comparison with(float value) const {
    Tensor output{expected.rows, expected.cols, {}};
    for (const double x : expected.values) output.values.push_back(static_cast<float>(x));
    std::fill_n(output.values.begin(), at(output.cols), value);
    return compare(expected, output);
  }
  Evaluated expected;
};
constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();
const std::string softmax_without_maximum = "p = exp(x); out = p * recip(rowsum(p))";

TEST(FusedJudgement, WhatLeavesTheRangeOnItsWayIsWrongWhereTheTrueValueIsANumber) {
  for (const float x : {83.F, 87.F, 200.F}) {
    const OneRow row(softmax_without_maximum, {std::vector<float>(64, x)});
    ASSERT_NEAR(row.expected.values.front(), 1.0 / 64, 1e-12);
    for (const float got : {inf, -inf, nan}) {
      const Comparison broken = row.with(got);
      EXPECT_FALSE(broken.passed()) << x;
      EXPECT_EQ(broken.not_finite, 64U) << x;
      EXPECT_EQ(broken.first_wrong, 0U);
      EXPECT_TRUE(std::isinf(broken.rmse)) << "figures are over all elements";
    }
    const Comparison zeros = row.with(0);
    EXPECT_FALSE(zeros.passed()) << x;
    EXPECT_EQ(zeros.outside, 64U) << x;
    EXPECT_TRUE(row.with(1.0F / 64).passed()) << x;
    EXPECT_EQ(row.with(1.0F / 64).undecided, 0U) << "roundings alone have a bound";
  }
}

TEST(FusedJudgement, NaNBeyondDoublePrecisionExcusesNothing) {
  const OneRow row(softmax_without_maximum, {std::vector<float>(64, 1000)});
  EXPECT_FALSE(row.with(inf).passed());
  const Tensor right{32, 64, std::vector<float>(32 * 64, 1.0F / 64)};
  EXPECT_EQ(compare(row.expected, right).wrong(), 0U);
  EXPECT_EQ(compare(row.expected, right).undecided, 32U * 64);
}

TEST(FusedJudgement, WithoutATrueValueNaNIsRight) {
  std::vector<float> x(32, 2);
  x[5] = -3;
  const OneRow root("sqrt(x)", {x});
  Tensor output{32, 32, {}};
  for (const double value : root.expected.values) output.values.push_back(static_cast<float>(value));
  for (const float got : {nan, inf}) {  // packers make infinities of NaN
    output.values[5] = got;
    const Comparison right = compare(root.expected, output);
    EXPECT_TRUE(right.passed());
    EXPECT_EQ(right.undefined, 32U);
    EXPECT_EQ(right.first_undefined, 5U);
  }
  output.values[6] = inf;
  EXPECT_FALSE(compare(root.expected, output).passed());
  EXPECT_EQ(compare(root.expected, output).first_wrong, 6U);
}

TEST(FusedJudgement, BeyondTheFormatAnInfinityIsRight) {
  std::vector<float> x(32, 1);
  x[0] = 100;
  const OneRow row("exp(x)", {x});
  Tensor output{32, 32, {}};
  for (const double value : row.expected.values) output.values.push_back(static_cast<float>(std::min(value, 1e39)));
  EXPECT_TRUE(compare(row.expected, output).passed());
  EXPECT_EQ(compare(row.expected, output).beyond, 32U);
  output.values[0] = 3;
  EXPECT_FALSE(compare(row.expected, output).passed());
}

TEST(FusedJudgement, MasksGiveZeroWeights) {
  const std::string masked = "s = x + m; p = exp(s - rowmax(s)); out = p * recip(rowsum(p))";
  for (const float mask : {-inf, std::numeric_limits<float>::lowest(), -3.3e38F, -1e9F}) {
    std::vector<float> m(64, 0);
    std::fill(m.begin() + 32, m.end(), mask);
    const OneRow row(masked, {std::vector<float>(64, 1), m});
    EXPECT_NEAR(row.expected.values[0], 1.0 / 32, 1e-12) << mask;
    EXPECT_EQ(row.expected.values[63], 0) << mask;
    Tensor output{32, 64, {}};
    for (const double value : row.expected.values) output.values.push_back(static_cast<float>(value));
    const Comparison right = compare(row.expected, output);
    EXPECT_TRUE(right.passed()) << mask;
    EXPECT_EQ(right.undecided, 0U) << mask;
    output.values[63] = 1.0F / 32;
    EXPECT_FALSE(compare(row.expected, output).passed()) << mask;
  }
  const OneRow all(masked, {std::vector<float>(64, 1), std::vector<float>(64, -inf)});
  EXPECT_EQ(all.with(nan).undefined, 32U * 64);
  EXPECT_TRUE(all.with(nan).passed() && !all.with(nan).verified()) << "no number is there";
}

}  // namespace
}  // namespace tilegrid::planner
