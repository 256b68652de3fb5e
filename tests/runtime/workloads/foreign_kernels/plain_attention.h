// SPDX-License-Identifier: Apache-2.0
// Attention over bf16 tiles in L1 by plain loops of one RISC, with online softmax: what kernels that have the interface of
// the vendor's have to compute, in the shortest form.
#pragma once

#include <cstdint>

namespace plain {

inline float value_of(uint16_t bits) {
  const uint32_t wide = uint32_t{bits} << 16;
  float value;
  __builtin_memcpy(&value, &wide, 4);
  return value;
}
inline uint16_t bits_of(float value) {  // to nearest, ties to even
  uint32_t wide;
  __builtin_memcpy(&wide, &value, 4);
  return static_cast<uint16_t>((wide + 0x7FFF + (wide >> 16 & 1)) >> 16);
}

/// exp(x) for x <= 0.
inline float exp_of(float x) {
  if (x < -80.0f) return 0.0f;
  float product = 1.0f + x / 4096.0f + x * x / (2.0f * 4096.0f * 4096.0f);
  for (int i = 0; i < 12; ++i) product *= product;
  return product;
}

/// A matrix of `columns` tiles a row; four faces of 16x16 a tile.
struct Matrix {
  uint16_t* words;
  uint32_t columns;
  uint16_t& at(uint32_t row, uint32_t column) const {
    const uint32_t tile = row / 32 * columns + column / 32;
    return words[tile * 1024 + (row % 32 / 16 * 2 + column % 32 / 16) * 256 + row % 16 * 16 + column % 16];
  }
  float get(uint32_t row, uint32_t column) const { return value_of(at(row, column)); }
};

template <uint32_t rows, uint32_t dim>
struct State {
  float most[rows], sum[rows], out[rows][dim];
  void clear() {
    for (uint32_t row = 0; row < rows; ++row) {
      most[row] = -1e30f;
      sum[row] = 0;
      for (uint32_t d = 0; d < dim; ++d) out[row][d] = 0;
    }
  }
  void add(uint32_t row, float score, const Matrix& v, uint32_t key) {
    if (score > most[row]) {
      const float alpha = exp_of(most[row] - score);
      sum[row] *= alpha;
      for (uint32_t d = 0; d < dim; ++d) out[row][d] *= alpha;
      most[row] = score;
    }
    const float p = exp_of(score - most[row]);
    sum[row] += p;
    for (uint32_t d = 0; d < dim; ++d) out[row][d] += p * v.get(key, d);
  }
  void store(const Matrix& to) const {
    for (uint32_t row = 0; row < rows; ++row) {
      for (uint32_t d = 0; d < dim; ++d) to.at(row, d) = bits_of(out[row][d] / sum[row]);
    }
  }
};

inline float dot(const Matrix& q, uint32_t row, const Matrix& k, uint32_t key, uint32_t dim) {
  float sum = 0;
  for (uint32_t d = 0; d < dim; ++d) sum += q.get(row, d) * k.get(key, d);
  return sum;
}

inline float scale_of(uint32_t bits) {
  float scale;
  __builtin_memcpy(&scale, &bits, 4);
  return scale;
}

/// The chunk that a core does as its i-th of `count`.
inline uint32_t chunk_of(uint32_t i, uint32_t first, uint32_t count, uint32_t chunks) {
#if defined(BALANCED_Q_PARALLEL)
  if (i >= count / 2) return chunks - 1 - (first + i - count / 2);
#endif
  return first + i;
}

}  // namespace plain
