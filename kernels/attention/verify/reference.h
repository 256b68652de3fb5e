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
  int first_row = 0;
  int last_row = 0;
  int dim = 0;
  int seq_kv = 0;
  bool causal = false;
  std::vector<float> q;  ///< [rows, dim]
  std::vector<float> k;  ///< [seq_kv or, causal, last_row; dim]
  std::vector<float> v;
  std::vector<float> output;  ///< [rows, dim], what the device computed
  template <class Archive>
  void serialize(Archive& archive) {
    archive(first_row, last_row, dim, seq_kv, causal, q, k, v, output);
  }
};

/// Sums from which the figures come; they add up over parts in a fixed order.
struct VerifySums {
  std::uint64_t count = 0;
  std::uint64_t not_finite = 0;  ///< elements of the output that are NaN or inf; they enter no other sum
  double sum_x = 0, sum_y = 0, sum_xx = 0, sum_yy = 0, sum_xy = 0;  ///< x: reference, y: output
  double sum_diff_squared = 0;
  double max_abs_diff = 0;
  void add(const VerifySums& other);
  template <class Archive>
  void serialize(Archive& archive) {
    archive(count, not_finite, sum_x, sum_y, sum_xx, sum_yy, sum_xy, sum_diff_squared, max_abs_diff);
  }
};

struct VerifyFigures {
  std::uint64_t rows = 0;
  double correlation = 0;  ///< Pearson
  double rmse = 0;
  double relative_l2 = 0;
  double max_abs = 0;
  double spread = 0;  ///< standard deviation of the reference over its root mean square: 0 for a constant, 1 for mean 0
};

/// softmax(q k^T / sqrt(dim)) v in double precision for the given rows, compared with `output`.
[[nodiscard]] VerifySums compare_with_reference(const VerifyRows& rows);
/// The reference itself, [rows, dim].
[[nodiscard]] std::vector<double> reference_rows(const VerifyRows& rows);
[[nodiscard]] VerifyFigures figures(const VerifySums& sums, int dim);

}  // namespace tilegrid::attention
