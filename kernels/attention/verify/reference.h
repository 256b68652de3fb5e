// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cereal/types/vector.hpp>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/attention/config.h"

namespace tilegrid::attention {

/// Rows [first_row, last_row) of one head of one batch, to be compared with the reference on one rank.
struct VerifyRows {
  Shape shape;  ///< of the whole; batch and heads do not matter
  int first_row = 0;
  int last_row = 0;
  bool few = false;           ///< sum up VerifySums::sum_uncancelled, too
  std::vector<float> q;       ///< [rows, dim]
  std::vector<float> k;       ///< [keys, dim], as many keys as the last row sees
  std::vector<float> v;       ///< [keys, v_dim]
  std::vector<float> output;  ///< [rows, v_dim], what the device computed
  [[nodiscard]] int keys() const { return last_row > first_row ? shape.keys_seen(last_row - 1) : 0; }
};

/// Sums from which the figures come; they add up over parts in a fixed order.
struct VerifySums {
  std::uint64_t count = 0;
  std::uint64_t not_finite = 0;  ///< elements of the output that are NaN or inf; they enter no other sum
  double sum_x = 0, sum_y = 0, sum_xx = 0, sum_yy = 0, sum_xy = 0;  ///< x: reference, y: output
  double sum_diff_squared = 0;
  double max_abs_diff = 0;
  double worst_row = 0;        ///< largest over rows of the square of |output - reference| / |reference|
  double sum_uncancelled = 0;  ///< of the squares of all weighted values that make up the reference; 0: not wanted
  void add(const VerifySums& other);
  template <class Archive>
  void serialize(Archive& archive) {
    archive(count, not_finite, sum_x, sum_y, sum_xx, sum_yy, sum_xy, sum_diff_squared, max_abs_diff, worst_row,
            sum_uncancelled);
  }
};

struct VerifyFigures {
  std::uint64_t rows = 0;
  double correlation = 0;  ///< Pearson
  double rmse = 0;
  double relative_l2 = 0;
  double max_abs = 0;
  double worst_row = 0;  ///< largest relative L2 of a row
  /// How much larger the reference would be, as a root mean square, if weighted values of random signs made it up: of a few
  /// elements, all may be small by chance. At least 1; 1 when not wanted.
  double cancelled = 1;
  double spread = 0;  ///< standard deviation of the reference over its root mean square: 0 for a constant, 1 for mean 0
};

/// softmax(q k^T scale) v in double precision for the given rows, 0 for those that see no key, compared with `output`.
[[nodiscard]] VerifySums compare_with_reference(const VerifyRows& rows);
/// The reference itself, [rows, v_dim].
[[nodiscard]] std::vector<double> reference_rows(const VerifyRows& rows);
[[nodiscard]] VerifyFigures figures(const VerifySums& sums, int v_dim);

}  // namespace tilegrid::attention
