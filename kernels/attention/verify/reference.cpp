// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/verify/reference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

namespace tilegrid::attention {
namespace {

// The reference works on panels of 4 columns that lie one behind the other: keys of K^T, or columns of V. For four rows of
// queries and one panel the sums stay in registers. 128-bit vectors are what every 64-bit host has; they need no choice of
// instruction set at run time and make the figures the same on all x86-64 hosts.
constexpr std::size_t lane_count = 2;
constexpr std::size_t panel_width = 2 * lane_count;
constexpr std::size_t row_group = 4;
constexpr std::size_t rows_at_once = 16;  // these share a pass over K and V
constexpr std::size_t key_block = 256;    // as much of a panel of V, and of the scores, as the first cache keeps
using Lanes = double __attribute__((vector_size(lane_count * sizeof(double)), aligned(sizeof(double)), may_alias));

std::size_t round_up(std::size_t value, std::size_t step) { return (value + step - 1) / step * step; }

/// sums[r][0..4) += sum over i < depth of a[r * a_stride + i] * panel[i][0..4), for four rows r.
void multiply_panel(const double* a, std::size_t a_stride, const double* panel, std::size_t depth, double* sums,
                    std::size_t sums_stride) {
  Lanes low[row_group];   // NOLINT(modernize-avoid-c-arrays): std::array's subscripts keep these out of registers
  Lanes high[row_group];  // NOLINT(modernize-avoid-c-arrays)
  for (std::size_t r = 0; r < row_group; ++r) {
    const auto* row = reinterpret_cast<const Lanes*>(sums + r * sums_stride);
    low[r] = row[0];
    high[r] = row[1];
  }
  for (std::size_t i = 0; i < depth; ++i) {
    const auto* line = reinterpret_cast<const Lanes*>(panel + i * panel_width);
    const Lanes left = line[0];
    const Lanes right = line[1];
    for (std::size_t r = 0; r < row_group; ++r) {
      const double factor = a[r * a_stride + i];
      low[r] += factor * left;
      high[r] += factor * right;
    }
  }
  for (std::size_t r = 0; r < row_group; ++r) {
    auto* row = reinterpret_cast<Lanes*>(sums + r * sums_stride);
    row[0] = low[r];
    row[1] = high[r];
  }
}

/// Panels of K^T: [keys / 4][dim][4], keys behind the last are zero.
std::vector<double> panels_of_keys(const std::vector<float>& k, std::size_t keys, std::size_t dim) {
  std::vector<double> panels(round_up(keys, panel_width) * dim);
  for (std::size_t j = 0; j < keys; ++j) {
    double* panel = &panels[j / panel_width * panel_width * dim + j % panel_width];
    for (std::size_t d = 0; d < dim; ++d) panel[d * panel_width] = k[j * dim + d];
  }
  return panels;
}

/// Panels of V: [dim / 4][keys][4], columns behind the last are zero.
std::vector<double> panels_of_values(const std::vector<float>& v, std::size_t keys, std::size_t dim) {
  std::vector<double> panels(round_up(dim, panel_width) * keys);
  for (std::size_t j = 0; j < keys; ++j) {
    for (std::size_t d = 0; d < dim; ++d) {
      panels[(d / panel_width * keys + j) * panel_width + d % panel_width] = v[j * dim + d];
    }
  }
  return panels;
}

class Reference {
 public:
  explicit Reference(const VerifyRows& rows)
      : rows_(rows),
        dim_(rows.shape.dim),
        v_dim_(rows.shape.value_dim()),
        keys_(rows.keys()),
        padded_dim_(round_up(v_dim_, panel_width)),
        stride_(round_up(keys_, panel_width)),
        key_panels_(panels_of_keys(rows.k, keys_, dim_)),
        value_panels_(panels_of_values(rows.v, keys_, v_dim_)),
        scores_(rows_at_once * stride_) {}

  /// Up to 16 rows from `first` (counted from rows.first_row) into `result`, [count, v_dim].
  void compute(std::size_t first, std::size_t count, double* result) {
    const std::size_t keys = keys_seen(first + count - 1);
    if (keys == 0) return;  // the result has zeros already
    std::vector<double> query(rows_at_once * dim_);
    const double scale = rows_.shape.score_scale();
    for (std::size_t i = 0; i < count * dim_; ++i) query[i] = scale * rows_.q[first * dim_ + i];
    std::fill(scores_.begin(), scores_.end(), 0.0);
    for (std::size_t j = 0; j < keys; j += panel_width) {
      for (std::size_t r = 0; r < count; r += row_group) {
        multiply_panel(&query[r * dim_], dim_, &key_panels_[j * dim_], dim_, &scores_[r * stride_ + j], stride_);
      }
    }
    std::array<double, rows_at_once> sums{};
    for (std::size_t r = 0; r < count; ++r) sums.at(r) = exponentiate(&scores_[r * stride_], keys_seen(first + r), keys);
    std::vector<double> out(rows_at_once * padded_dim_);
    weigh_values(count, keys, out);
    if (rows_.few) add_uncancelled(count, keys, sums);
    for (std::size_t r = 0; r < count; ++r) {
      if (keys_seen(first + r) == 0) continue;  // the result has zeros already
      for (std::size_t d = 0; d < v_dim_; ++d) result[r * v_dim_ + d] = out[r * padded_dim_ + d] / sums.at(r);
    }
  }

  [[nodiscard]] double uncancelled() const { return uncancelled_; }

 private:
  [[nodiscard]] std::size_t keys_seen(std::size_t row) const {
    return rows_.shape.keys_seen(rows_.first_row + static_cast<int>(row));
  }

  /// Turns a row of scores into exp(score - max), zero for keys that the row does not see; gives the sum.
  static double exponentiate(double* scores, std::size_t seen, std::size_t keys) {
    if (seen == 0) return std::fill(scores, scores + keys, 0.0), 0;
    const double max = *std::max_element(scores, scores + seen);
    double sum = 0;
    for (std::size_t j = 0; j < seen; ++j) {
      scores[j] = std::exp(scores[j] - max);
      sum += scores[j];
    }
    std::fill(scores + seen, scores + keys, 0.0);
    return sum;
  }

  void weigh_values(std::size_t count, std::size_t keys, std::vector<double>& out) const {
    for (std::size_t d = 0; d < v_dim_; d += panel_width) {
      const double* panel = &value_panels_[d * keys_];
      for (std::size_t j = 0; j < keys; j += key_block) {
        const std::size_t depth = std::min(key_block, keys - j);
        for (std::size_t r = 0; r < count; r += row_group) {
          multiply_panel(&scores_[r * stride_ + j], stride_, panel + j * panel_width, depth, &out[r * padded_dim_ + d],
                         padded_dim_);
        }
      }
    }
  }

  void add_uncancelled(std::size_t count, std::size_t keys, const std::array<double, rows_at_once>& sums) {
    for (std::size_t r = 0; r < count; ++r) {
      for (std::size_t j = 0; j < keys; ++j) {
        const double weight = scores_[r * stride_ + j];
        if (weight == 0) continue;
        for (std::size_t d = 0; d < v_dim_; ++d) {
          const double value = weight / sums.at(r) * rows_.v[j * v_dim_ + d];
          uncancelled_ += value * value;
        }
      }
    }
  }

  const VerifyRows& rows_;
  double uncancelled_ = 0;
  std::size_t dim_;
  std::size_t v_dim_;
  std::size_t keys_;
  std::size_t padded_dim_;
  std::size_t stride_;  ///< of a row of scores
  std::vector<double> key_panels_;
  std::vector<double> value_panels_;
  std::vector<double> scores_;
};

void check_sizes(const VerifyRows& rows) {
  const auto sized = [](const std::vector<float>& values, int count, int dim) {
    return values.size() == std::size_t{1} * count * dim;
  };
  const Shape& shape = rows.shape;
  const int count = rows.last_row - rows.first_row;
  if (rows.first_row < 0 || count < 0 || shape.dim < 1 || shape.value_dim() < 1 || (count > 0 && shape.seq_kv < 1) ||
      !sized(rows.q, count, shape.dim) || !sized(rows.k, rows.keys(), shape.dim) ||
      !sized(rows.v, rows.keys(), shape.value_dim())) {
    throw std::invalid_argument("attention reference: sizes of Q, K and V do not match the rows");
  }
}

}  // namespace

void VerifySums::add(const VerifySums& other) {
  count += other.count;
  not_finite += other.not_finite;
  sum_x += other.sum_x;
  sum_y += other.sum_y;
  sum_xx += other.sum_xx;
  sum_yy += other.sum_yy;
  sum_xy += other.sum_xy;
  sum_diff_squared += other.sum_diff_squared;
  max_abs_diff = std::max(max_abs_diff, other.max_abs_diff);
  worst_row = std::max(worst_row, other.worst_row);
  sum_uncancelled += other.sum_uncancelled;
}

namespace {

/// The reference, and VerifySums::sum_uncancelled.
std::pair<std::vector<double>, double> reference_and_uncancelled(const VerifyRows& rows) {
  check_sizes(rows);
  const std::size_t count = rows.last_row - rows.first_row;
  const std::size_t v_dim = rows.shape.value_dim();
  std::vector<double> result(count * v_dim);
  if (count == 0) return {std::move(result), 0.0};
  Reference reference(rows);
  for (std::size_t first = 0; first < count; first += rows_at_once) {
    reference.compute(first, std::min(rows_at_once, count - first), &result[first * v_dim]);
  }
  return {std::move(result), reference.uncancelled()};
}

}  // namespace

std::vector<double> reference_rows(const VerifyRows& rows) { return reference_and_uncancelled(rows).first; }

/// The square of |output - reference| / |reference| of a row; 0 for equal ones.
static double row_error(std::span<const double> reference, std::span<const float> output) {
  double wrong = 0, all = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double diff = output[i] - reference[i];
    wrong += diff * diff;
    all += reference[i] * reference[i];
  }
  if (wrong == 0) return 0;
  return std::isfinite(wrong) && all > 0 ? wrong / all : std::numeric_limits<double>::infinity();
}

VerifySums compare_with_reference(const VerifyRows& rows) {
  const auto [reference, uncancelled] = reference_and_uncancelled(rows);
  if (rows.output.size() != reference.size()) throw std::invalid_argument("attention reference: size of the output");
  VerifySums sums;
  sums.count = reference.size();
  sums.sum_uncancelled = uncancelled;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double x = reference[i];
    const double y = rows.output[i];
    // A reference that is not finite comes from inputs that are not; one such element must not blind the other figures.
    if (!std::isfinite(x) || !std::isfinite(y)) {
      ++sums.not_finite;
      continue;
    }
    const double diff = y - x;
    sums.sum_x += x;
    sums.sum_y += y;
    sums.sum_xx += x * x;
    sums.sum_yy += y * y;
    sums.sum_xy += x * y;
    sums.sum_diff_squared += diff * diff;
    sums.max_abs_diff = std::max(sums.max_abs_diff, std::abs(diff));
  }
  const std::size_t width = rows.shape.value_dim();
  for (std::size_t i = 0; i < reference.size(); i += width) {
    sums.worst_row = std::max(sums.worst_row,
                              row_error(std::span(reference).subspan(i, width), std::span(rows.output).subspan(i, width)));
  }
  return sums;
}

VerifyFigures figures(const VerifySums& sums, int v_dim) {
  VerifyFigures result;
  if (v_dim > 0) result.rows = sums.count / static_cast<std::uint64_t>(v_dim);
  if (sums.count <= sums.not_finite) {
    // Nothing could be compared: figures that fail every threshold, unless there was nothing to compare.
    const double worst = sums.count == 0 ? 0 : std::numeric_limits<double>::infinity();
    result.rmse = result.relative_l2 = result.max_abs = result.worst_row = worst;
    return result;
  }
  const auto n = static_cast<double>(sums.count - sums.not_finite);
  const double variance_x = sums.sum_xx - sums.sum_x * sums.sum_x / n;
  const double variance_y = sums.sum_yy - sums.sum_y * sums.sum_y / n;
  const double covariance = sums.sum_xy - sums.sum_x * sums.sum_y / n;
  if (variance_x > 0 && variance_y > 0) {
    result.correlation = std::clamp(covariance / std::sqrt(variance_x) / std::sqrt(variance_y), -1.0, 1.0);
  } else {
    result.correlation = sums.sum_diff_squared == 0 ? 1 : 0;  // a constant correlates with nothing but itself
  }
  if (sums.sum_xx > 0) result.cancelled = std::sqrt(std::max(1.0, sums.sum_uncancelled / sums.sum_xx));
  if (variance_x > 0) result.spread = std::sqrt(variance_x / sums.sum_xx);
  result.rmse = std::sqrt(sums.sum_diff_squared / n);
  if (sums.sum_diff_squared > 0) {
    result.relative_l2 =
        sums.sum_xx > 0 ? std::sqrt(sums.sum_diff_squared / sums.sum_xx) : std::numeric_limits<double>::infinity();
  }
  result.max_abs = sums.max_abs_diff;
  result.worst_row = std::sqrt(sums.worst_row);
  return result;
}

}  // namespace tilegrid::attention
