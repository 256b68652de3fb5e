// SPDX-License-Identifier: Apache-2.0
// Compiled for this machine, with relaxed floating point (CMakeLists.txt): the yardstick gets what it can.
#include "scripts/bench/blocked_attention.h"

#include <cblas.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

namespace tilegrid::bench {
namespace {

constexpr float far_below = -1e30F;  // for -infinity, which relaxed floating point does not know

/// exp(x) for x <= 0, relative error below 4e-6: 2^n times a polynomial on [-ln2/2, ln2/2].
inline float fast_exp(float x) {
  const float clamped = std::max(x, -87.0F);
  const float n = std::nearbyint(clamped * 1.44269504F);
  const float r = clamped - n * 0.693147181F;
  const float p = 1.0F + r * (1.0F + r * (0.5F + r * (0.166666667F + r * (0.0416666667F + r * 0.00833333333F))));
  const auto exponent = static_cast<std::uint32_t>(static_cast<std::int32_t>(n) + 127) << 23U;
  return p * std::bit_cast<float>(exponent);
}

struct Row {
  float max = far_below;
  float sum = 0.0F;
};

/// Scores of a row become probabilities; returns what the row's accumulator is to be multiplied with.
float online_softmax(float* scores, int columns, float scale, Row& row) {
  float largest = far_below;
  for (int c = 0; c < columns; ++c) largest = std::max(largest, scores[c]);
  const float new_max = std::max(row.max, largest * scale);
  float sum = 0.0F;
  for (int c = 0; c < columns; ++c) {
    scores[c] = fast_exp(scores[c] * scale - new_max);
    sum += scores[c];
  }
  const float alpha = fast_exp(row.max - new_max);
  row.sum = row.sum * alpha + sum;
  row.max = new_max;
  return alpha;
}

/// One Q block of one head.
void attend(const BlockedAttention& shape, int first_row, const float* q, const float* k, const float* v, float* out,
            std::vector<float>& scores) {
  const int rows = shape.q_block;
  const int dim = shape.dim;
  const float scale = 1.0F / std::sqrt(static_cast<float>(dim));
  std::vector<Row> state(static_cast<std::size_t>(rows));
  const int keys_seen = shape.causal ? first_row + rows : shape.seq;
  for (int first_key = 0; first_key < keys_seen; first_key += shape.k_block) {
    const int columns = std::min(shape.k_block, keys_seen - first_key);
    const std::ptrdiff_t keys = static_cast<std::ptrdiff_t>(first_key) * dim;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, columns, dim, 1.0F, q, dim, k + keys, dim, 0.0F,
                scores.data(), columns);
    for (int r = 0; r < rows; ++r) {
      float* row = scores.data() + static_cast<std::ptrdiff_t>(r) * columns;
      const int seen = shape.causal ? std::clamp(first_row + r + 1 - first_key, 0, columns) : columns;
      std::fill(row + seen, row + columns, far_below);
      const float alpha = online_softmax(row, columns, scale, state[static_cast<std::size_t>(r)]);
      float* sums = out + static_cast<std::ptrdiff_t>(r) * dim;
      for (int c = 0; first_key > 0 && c < dim; ++c) sums[c] *= alpha;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, dim, columns, 1.0F, scores.data(), columns, v + keys, dim,
                first_key > 0 ? 1.0F : 0.0F, out, dim);
  }
  for (int r = 0; r < rows; ++r) {
    const float factor = 1.0F / state[static_cast<std::size_t>(r)].sum;
    for (int c = 0; c < dim; ++c) out[static_cast<std::ptrdiff_t>(r) * dim + c] *= factor;
  }
}

}  // namespace

void blocked_attention(const BlockedAttention& shape, std::span<const float> q, std::span<const float> k,
                       std::span<const float> v, std::span<float> out) {
  std::vector<float> scores(static_cast<std::size_t>(shape.q_block) * static_cast<std::size_t>(shape.k_block));
  const std::ptrdiff_t head_values = static_cast<std::ptrdiff_t>(shape.seq) * shape.dim;
  for (int head = 0; head < shape.heads; ++head) {
    const std::ptrdiff_t kv = head / (shape.heads / shape.kv_heads) * head_values;
    for (int row = 0; row < shape.seq; row += shape.q_block) {
      const std::ptrdiff_t at = head * head_values + static_cast<std::ptrdiff_t>(row) * shape.dim;
      attend(shape, row, q.data() + at, k.data() + kv, v.data() + kv, out.data() + at, scores);
    }
  }
}

}  // namespace tilegrid::bench
