// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/verify/verify.h"
#include "kernels/attention/verify/reference.h"
#include "kernels/attention/verify/samples.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <tuple>

namespace tilegrid::attention {
namespace {

// --- random_samples ---------------------------------------------------------------------------------------------------

// From an implementation of Philox-4x32-10 in another language that passes the published known answers. Compared with some
// tolerance, as the last bit is up to the host's logarithm and cosine.
TEST(RandomSamples, KnownValues) {
  const auto expect = [](std::uint64_t seed, int stream, const std::vector<float>& expected) {
    const std::vector<float> actual = random_samples(seed, stream, expected.size(), Distribution::normal);
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-6) << seed << ' ' << stream;
  };
  expect(7, 0, {0.229708165F, 0.200414389F, 0.632674575F, 1.18228662F, 1.13221347F, -2.98750687F});
  expect(7, 1, {-0.444990784F, 1.0991894F, 0.0548831373F, -0.485826135F, -1.51906502F, -0.413155735F});
  expect(7, 2, {-0.274330318F, 0.210576281F, 0.339898735F, -0.17278783F, -0.863330662F, -0.453570247F});
  expect(0x123456789ABCDEF0U, 2, {0.371996433F, 1.04280162F, 0.620699227F, 1.6863184F});
  const std::vector<float> outlier = random_samples(7, 0, 2000, Distribution::outlier);
  EXPECT_NEAR(outlier[107], -9.92253399F, 1e-5);
  EXPECT_NEAR(outlier[1248], -7.50586891F, 1e-5);
  EXPECT_NEAR(outlier[1815], -9.26302338F, 1e-5);
}

TEST(RandomSamples, ASampleDoesNotDependOnTheCount) {
  for (const Distribution distribution : {Distribution::normal, Distribution::outlier}) {
    const std::vector<float> all = random_samples(3, 1, 5000, distribution);
    for (const std::size_t count : {0U, 1U, 2U, 3U, 5U, 1001U, 4999U}) {
      const std::vector<float> some = random_samples(3, 1, count, distribution);
      EXPECT_EQ(some, std::vector<float>(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count))) << count;
    }
  }
}

TEST(RandomSamples, ASampleDoesNotDependOnTheFirst) {
  for (const Distribution distribution : {Distribution::normal, Distribution::outlier}) {
    const std::vector<float> all = random_samples(3, 1, 5000, distribution);
    for (const std::ptrdiff_t first : {1, 2, 3, 1815, 4999}) {
      for (const std::ptrdiff_t count : {0, 1, 2, 7, 1000}) {
        if (first + count > std::ssize(all)) continue;
        const std::vector<float> some =
            random_samples(3, 1, static_cast<std::size_t>(count), distribution, static_cast<std::uint64_t>(first));
        EXPECT_EQ(some, std::vector<float>(all.begin() + first, all.begin() + first + count)) << first << ' ' << count;
      }
    }
  }
}

struct Moments {
  double mean = 0, variance = 0, skewness = 0, kurtosis = 0;
};

Moments moments_of(const std::vector<float>& samples) {
  const auto n = static_cast<double>(samples.size());
  Moments m;
  for (const double x : samples) m.mean += x / n;
  double third = 0;
  double fourth = 0;
  for (const double x : samples) {
    const double d = x - m.mean;
    m.variance += d * d / n;
    third += d * d * d / n;
    fourth += d * d * d * d / n;
  }
  m.skewness = third / std::pow(m.variance, 1.5);
  m.kurtosis = fourth / (m.variance * m.variance);
  return m;
}

// The bounds are five standard errors at a million samples.
TEST(RandomSamples, NormalMomentsAndTails) {
  for (const int stream : {0, 1, 2}) {
    const std::vector<float> samples = random_samples(42, stream, 1'000'000, Distribution::normal);
    const Moments m = moments_of(samples);
    EXPECT_NEAR(m.mean, 0, 0.005);
    EXPECT_NEAR(m.variance, 1, 0.0071);
    EXPECT_NEAR(m.skewness, 0, 0.0123);
    EXPECT_NEAR(m.kurtosis, 3, 0.0245);
    const auto beyond = [&](float x) {
      return static_cast<double>(std::count_if(samples.begin(), samples.end(), [=](float s) { return std::abs(s) > x; }));
    };
    EXPECT_NEAR(beyond(1), 317'311, 5 * 466);
    EXPECT_NEAR(beyond(3), 2'700, 5 * 52);
  }
}

TEST(RandomSamples, SeedsAndStreamsAreIndependent) {
  constexpr std::size_t count = 200'000;
  const std::vector<float> base = random_samples(1, 0, count, Distribution::normal);
  const auto correlation = [&](const std::vector<float>& other, std::size_t lag) {
    double sum = 0;
    for (std::size_t i = 0; i + lag < count; ++i) sum += static_cast<double>(base[i]) * other[i + lag];
    return sum / static_cast<double>(count);
  };
  const double bound = 5 / std::sqrt(static_cast<double>(count));
  for (const std::uint64_t seed : {std::uint64_t{2}, std::uint64_t{1} << 32U, ~std::uint64_t{0}}) {
    EXPECT_NEAR(correlation(random_samples(seed, 0, count, Distribution::normal), 0), 0, bound) << seed;
  }
  EXPECT_NEAR(correlation(random_samples(1, 1, count, Distribution::normal), 0), 0, bound);
  EXPECT_NEAR(correlation(base, 1), 0, bound);
  EXPECT_NEAR(correlation(base, 2), 0, bound);
}

TEST(RandomSamples, OutliersAreRareAndLargeAndTheRestIsUntouched) {
  constexpr std::size_t count = 2'000'000;
  const std::vector<float> normal = random_samples(5, 1, count, Distribution::normal);
  const std::vector<float> outlier = random_samples(5, 1, count, Distribution::outlier);
  std::vector<float> added;
  for (std::size_t i = 0; i < count; ++i) {
    if (normal[i] != outlier[i]) added.push_back(outlier[i] - normal[i]);
  }
  EXPECT_NEAR(static_cast<double>(added.size()), 2000, 5 * std::sqrt(2000.0));
  const Moments m = moments_of(added);
  EXPECT_NEAR(m.mean, 0, 5 * 10 / std::sqrt(2000.0));
  EXPECT_NEAR(m.variance, 100, 5 * 100 * std::sqrt(2 / 2000.0));
}

// --- the reference ----------------------------------------------------------------------------------------------------

VerifyRows make_rows(const Shape& shape, int first_row, int last_row) {
  VerifyRows rows{shape, first_row, last_row, false, {}, {}, {}, {}};
  const auto size = [](int count, int dim) { return static_cast<std::size_t>(count) * static_cast<std::size_t>(dim); };
  rows.q = random_samples(1, 0, size(last_row - first_row, shape.dim), Distribution::outlier);
  rows.k = random_samples(1, 1, size(rows.keys(), shape.dim), Distribution::outlier);
  rows.v = random_samples(1, 2, size(rows.keys(), shape.value_dim()), Distribution::outlier);
  rows.output.assign(size(last_row - first_row, shape.value_dim()), 0.0F);
  return rows;
}

/// Causal with as many queries as keys.
VerifyRows make_rows(int first_row, int last_row, int dim, int seq_kv, bool causal) {
  const int seq_q = causal ? std::max(last_row, seq_kv) : last_row;
  return make_rows({.seq_q = seq_q, .seq_kv = causal ? seq_q : seq_kv, .dim = dim, .causal = causal}, first_row, last_row);
}

/// The textbook, one row and one key at a time, in long double.
std::vector<double> textbook(const VerifyRows& rows) {
  const auto dim = static_cast<std::size_t>(rows.shape.dim);
  const auto v_dim = static_cast<std::size_t>(rows.shape.value_dim());
  const int diagonal = rows.shape.seq_kv - rows.shape.seq_q;
  std::vector<double> result;
  for (int row = rows.first_row; row < rows.last_row; ++row) {
    const float* q = &rows.q[static_cast<std::size_t>(row - rows.first_row) * dim];
    const auto keys = static_cast<std::size_t>(rows.shape.causal ? std::max(0, row + 1 + diagonal) : rows.shape.seq_kv);
    if (keys == 0) {
      result.insert(result.end(), v_dim, 0.0);
      continue;
    }
    std::vector<long double> score(keys);
    for (std::size_t j = 0; j < keys; ++j) {
      for (std::size_t d = 0; d < dim; ++d) score[j] += static_cast<long double>(q[d]) * rows.k[j * dim + d];
      if (rows.shape.scale) {
        score[j] *= *rows.shape.scale;
      } else {
        score[j] /= std::sqrt(static_cast<long double>(dim));
      }
    }
    const long double max = *std::max_element(score.begin(), score.end());
    long double sum = 0;
    std::vector<long double> out(v_dim);
    for (std::size_t j = 0; j < keys; ++j) {
      const long double weight = std::exp(score[j] - max);
      sum += weight;
      for (std::size_t d = 0; d < v_dim; ++d) out[d] += weight * rows.v[j * v_dim + d];
    }
    for (const long double o : out) result.push_back(static_cast<double>(o / sum));
  }
  return result;
}

void expect_textbook(const VerifyRows& rows) {
  const std::vector<double> expected = textbook(rows);
  const std::vector<double> actual = reference_rows(rows);
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) ASSERT_NEAR(actual[i], expected[i], 1e-11) << i;
}

TEST(Reference, EqualsTheTextbookForAllSizes) {
  for (const int rows : {1, 3, 4, 15, 16, 17, 50}) {
    for (const int keys : {1, 2, 15, 16, 33, 255, 256, 257, 600}) {
      SCOPED_TRACE(rows * 1000 + keys);
      expect_textbook(make_rows(0, rows, 32, keys, false));
    }
  }
  for (const int dim : {1, 3, 7, 64, 96, 256}) expect_textbook(make_rows(5, 25, dim, 70, false));
}

TEST(Reference, CausalIsAlignedAtTheBottomRight) {
  for (const auto& [queries, keys] : {std::pair{1, 300}, {33, 70}, {70, 33}, {20, 1}, {100, 17}}) {
    const Shape shape{.seq_q = queries, .seq_kv = keys, .dim = 32, .causal = true};
    expect_textbook(make_rows(shape, 0, queries));
    if (queries > 5) expect_textbook(make_rows(shape, 3, queries - 1));
  }
  // Queries that see no key alone: nothing to compute with.
  const VerifyRows blind = make_rows({.seq_q = 50, .seq_kv = 10, .dim = 32, .causal = true}, 0, 40);
  EXPECT_EQ(blind.keys(), 0);
  EXPECT_EQ(reference_rows(blind), std::vector<double>(std::size_t{40} * 32, 0.0));
}

TEST(Reference, HasADimOfVAndAScale) {
  for (const auto& [dim, v_dim] : {std::pair{32, 64}, {80, 33}, {1, 7}, {31, 1}}) {
    expect_textbook(make_rows({.seq_q = 20, .seq_kv = 50, .dim = dim, .v_dim = v_dim}, 0, 20));
    expect_textbook(make_rows({.seq_q = 20, .seq_kv = 50, .dim = dim, .causal = true, .v_dim = v_dim, .scale = 0.7}, 4, 20));
  }
}

TEST(Reference, CausalRowsSeeKeysUpToThemselves) {
  for (const auto& [first, last] : {std::pair{0, 1}, {0, 16}, {0, 45}, {31, 32}, {100, 133}, {250, 270}, {511, 530}}) {
    SCOPED_TRACE(first);
    expect_textbook(make_rows(first, last, 64, 600, true));
  }
  // Row 0 sees key 0 only: its result is that row of V.
  const VerifyRows rows = make_rows(0, 4, 32, 4, true);
  const std::vector<double> result = reference_rows(rows);
  for (std::size_t d = 0; d < 32; ++d) EXPECT_NEAR(result[d], static_cast<double>(rows.v[d]), 1e-14);
}

TEST(Reference, PartsEqualTheWholeBitForBit) {
  const VerifyRows whole = make_rows(0, 64, 32, 64, true);
  const std::vector<double> all = reference_rows(whole);
  VerifyRows part = whole;
  std::tie(part.first_row, part.last_row) = std::pair(19, 40);
  part.q.assign(whole.q.begin() + 19 * 32, whole.q.begin() + 40 * 32);
  part.k.resize(40 * 32);
  part.v.resize(40 * 32);
  EXPECT_EQ(reference_rows(part), std::vector<double>(all.begin() + 19 * 32, all.begin() + 40 * 32));
}

TEST(Reference, LargeScoresDoNotOverflow) {
  VerifyRows rows = make_rows(0, 8, 32, 40, false);
  for (float& q : rows.q) q *= 1e4F;
  expect_textbook(rows);
}

TEST(Reference, NoRowsAreNoWork) { EXPECT_TRUE(reference_rows(make_rows(7, 7, 32, 40, false)).empty()); }

TEST(Reference, RefusesSizesThatDoNotMatch) {
  for (std::vector<float> VerifyRows::*member : {&VerifyRows::q, &VerifyRows::k, &VerifyRows::v, &VerifyRows::output}) {
    VerifyRows rows = make_rows(0, 8, 32, 40, false);
    (rows.*member).pop_back();
    EXPECT_THROW(static_cast<void>(compare_with_reference(rows)), std::invalid_argument);
  }
}

// --- comparison -------------------------------------------------------------------------------------------------------

TEST(Comparison, SumsAreThoseOfTheDifferences) {
  VerifyRows rows = make_rows(3, 24, 32, 50, false);
  const std::vector<double> reference = textbook(rows);
  double squares = 0;
  double largest = 0;
  double reference_squares = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    rows.output[i] = static_cast<float>(reference[i] + 0.01 * static_cast<double>(static_cast<int>(i % 7) - 3));
    const double diff = static_cast<double>(rows.output[i]) - reference[i];
    squares += diff * diff;
    largest = std::max(largest, std::abs(diff));
    reference_squares += reference[i] * reference[i];
  }
  const VerifySums sums = compare_with_reference(rows);
  EXPECT_EQ(sums.count, 21U * 32);
  EXPECT_EQ(sums.not_finite, 0U);
  EXPECT_NEAR(sums.sum_diff_squared, squares, 1e-12);
  EXPECT_NEAR(sums.max_abs_diff, largest, 1e-12);
  const VerifyFigures f = figures(sums, 32);
  EXPECT_EQ(f.rows, 21U);
  EXPECT_NEAR(f.rmse, 0.02, 1e-4);  // of -3..3 hundredths
  EXPECT_NEAR(f.relative_l2, std::sqrt(squares / reference_squares), 1e-12);
  EXPECT_NEAR(f.max_abs, 0.03, 1e-6);
}

TEST(Comparison, CorrelationIsPearsons) {
  const auto correlate = [](const std::vector<std::pair<double, double>>& points) {
    VerifySums sums;
    for (const auto& [x, y] : points) {
      VerifySums one;
      one.count = 1;
      one.sum_x = x, one.sum_y = y, one.sum_xx = x * x, one.sum_yy = y * y, one.sum_xy = x * y;
      one.sum_diff_squared = (x - y) * (x - y);
      sums.add(one);
    }
    return figures(sums, 1).correlation;
  };
  EXPECT_NEAR(correlate({{1, 3}, {2, 5}, {4, 9}}), 1, 1e-12);
  EXPECT_NEAR(correlate({{1, -3}, {2, -5}, {4, -9}}), -1, 1e-12);
  EXPECT_NEAR(correlate({{1, 2}, {2, 1}, {3, 4}, {4, 3}}), 0.6, 1e-12);
  EXPECT_EQ(correlate({{2, 2}, {2, 2}}), 1) << "equal constants";
  EXPECT_EQ(correlate({{2, 1}, {2, 3}}), 0) << "a constant reference";
  EXPECT_EQ(figures({}, 32).correlation, 0) << "nothing compared is no success";
  EXPECT_EQ(figures({}, 32).rows, 0U);
}

TEST(Comparison, PartsAddUp) {
  VerifyRows rows = make_rows(0, 40, 32, 64, false);
  for (std::size_t i = 0; i < rows.output.size(); ++i) rows.output[i] = rows.q[i];
  const VerifySums whole = compare_with_reference(rows);
  VerifySums added;
  for (const auto& [first, last] : {std::pair{0, 13}, {13, 40}}) {
    VerifyRows part = rows;
    part.first_row = first;
    part.last_row = last;
    part.q.assign(rows.q.begin() + first * 32, rows.q.begin() + last * 32);
    part.output.assign(rows.output.begin() + first * 32, rows.output.begin() + last * 32);
    added.add(compare_with_reference(part));
  }
  EXPECT_EQ(added.count, whole.count);
  EXPECT_NEAR(added.sum_xy, whole.sum_xy, 1e-9);
  EXPECT_NEAR(added.sum_diff_squared, whole.sum_diff_squared, 1e-9);
  EXPECT_EQ(added.max_abs_diff, whole.max_abs_diff);
  EXPECT_EQ(added.worst_row, whole.worst_row);
}

TEST(Comparison, TheWorstRowIsThatOfTheLargestRelativeError) {
  VerifyRows rows = make_rows(3, 6, 32, 50, false);
  const std::vector<double> reference = textbook(rows);
  for (std::size_t i = 0; i < reference.size(); ++i) {
    rows.output[i] = static_cast<float>(reference[i] * (i / 32 == 1 ? 1.25 : 1.125));
  }
  EXPECT_NEAR(figures(compare_with_reference(rows), 32).worst_row, 0.25, 1e-6);
  EXPECT_LT(figures(compare_with_reference(rows), 32).relative_l2, 0.25);
}

// Two keys of equal weight whose values cancel, but for a thousandth: the output is small by chance, its error is not.
TEST(Comparison, FewElementsAreMeasuredByWhatCancels) {
  VerifyRows rows{{.seq_q = 1, .seq_kv = 2, .dim = 1}, 0, 1, true, {0.0F}, {1.0F, 2.0F}, {1.0F, -0.998F}, {0.002F}};
  const VerifySums sums = compare_with_reference(rows);
  EXPECT_NEAR(sums.sum_uncancelled, 0.25 * (1 + 0.998 * 0.998), 1e-6);
  const VerifyFigures result = figures(sums, 1);
  EXPECT_NEAR(result.relative_l2, 1, 1e-3);
  EXPECT_NEAR(result.cancelled, std::sqrt(0.25 * (1 + 0.998 * 0.998)) / 0.001, 1);
  Config config;
  config.shape = rows.shape;
  EXPECT_GT(gate_for(config, result).relative_l2, result.relative_l2) << "0.001 beside values of 1";
  rows.output = {0.2F};
  const VerifyFigures wrong = figures(compare_with_reference(rows), 1);
  EXPECT_LT(gate_for(config, wrong).relative_l2, wrong.relative_l2);
  rows.few = false;
  EXPECT_EQ(figures(compare_with_reference(rows), 1).cancelled, 1);
}

TEST(Gates, AreWiderForAScaleThatIsFarAboveTheUsualOne) {
  Config config;
  config.shape = {.seq_q = 64, .seq_kv = 64, .dim = 64};
  const double usual = gate_for(config, {}).relative_l2;
  config.shape.scale = 1;  // 8 times the usual one
  EXPECT_EQ(gate_for(config, {}).relative_l2, usual);
  config.shape.scale = 4;
  EXPECT_NEAR(gate_for(config, {}).relative_l2, 2 * usual, 1e-12);
  config.shape.scale = 1e6;
  EXPECT_EQ(gate_for(config, {}).relative_l2, 0.5);
}

TEST(Comparison, WhatIsNotFiniteIsCountedAndKeptOut) {
  VerifyRows rows = make_rows(0, 4, 32, 20, false);
  const std::vector<double> reference = reference_rows(rows);
  for (std::size_t i = 0; i < reference.size(); ++i) rows.output[i] = static_cast<float>(reference[i]);
  rows.output[3] = std::numeric_limits<float>::quiet_NaN();
  rows.output[40] = -std::numeric_limits<float>::infinity();
  const VerifySums sums = compare_with_reference(rows);
  EXPECT_EQ(sums.not_finite, 2U);
  EXPECT_EQ(sums.count, 128U);
  const VerifyFigures f = figures(sums, 32);
  EXPECT_EQ(f.rows, 4U);
  EXPECT_GT(f.correlation, 0.999999);
  EXPECT_LT(f.max_abs, 1e-5);
}

TEST(Comparison, NothingFiniteFailsEveryThreshold) {
  VerifyRows rows = make_rows(0, 2, 32, 20, false);
  rows.q.assign(rows.q.size(), std::numeric_limits<float>::quiet_NaN());
  const VerifySums sums = compare_with_reference(rows);
  EXPECT_EQ(sums.not_finite, 64U) << "a reference that is not finite counts too";
  const VerifyFigures f = figures(sums, 32);
  EXPECT_EQ(f.correlation, 0);
  EXPECT_TRUE(std::isinf(f.rmse) && std::isinf(f.relative_l2) && std::isinf(f.max_abs));
}

}  // namespace
}  // namespace tilegrid::attention
