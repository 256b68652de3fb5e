// SPDX-License-Identifier: Apache-2.0
// The matrix unit in plain loops over rows and columns, one value at a time: what core/matrix_unit.h promises, to be
// compared bit for bit.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "core/format.h"
#include "core/matrix_unit.h"
#include "core/tile.h"

namespace tilegrid::reference {

/// A tile by [row][column].
using Matrix = std::array<std::array<float, 32>, 32>;

inline std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }
inline float flushed(float value) { return (bits_of(value) & 0x7F800000U) == 0 ? 0.0F : value; }

/// One element in L1, exact.
inline float decode(const std::byte* l1, DataFormat format, int row, int column) {
  const auto index = static_cast<std::size_t>(tile_index(row, column));
  std::uint16_t half = 0;
  float word = 0.0F;
  switch (format) {
    case DataFormat::bf16:
      std::memcpy(&half, l1 + 2 * index, 2);
      return scalar::unpack_bf16(half);
    case DataFormat::fp16:
      std::memcpy(&half, l1 + 2 * index, 2);
      return scalar::unpack_fp16(half);
    case DataFormat::fp32:
    case DataFormat::tf32:
      std::memcpy(&word, l1 + 4 * index, 4);
      return word;
    default:  // block floats; the matrix unit takes no integers
      break;
  }
  const auto width = static_cast<std::size_t>(magnitude_bits(format)) + 1;  // bits of a datum
  const auto byte = static_cast<unsigned>(l1[64 + index * width / 8]);
  const unsigned datum = byte >> (index * width % 8) & ((1U << width) - 1);
  return scalar::unpack_block_float(format, static_cast<std::uint8_t>(l1[index / 16]), static_cast<std::uint8_t>(datum));
}

inline Matrix decode(TileOperand in) {
  Matrix out{};
  for (int r = 0; r < 32; ++r) {
    for (int c = 0; c < 32; ++c) out[std::size_t(r)][std::size_t(c)] = decode(in.data, in.format, r, c);
  }
  return out;
}

/// As a source register holds it.
inline float source(float value, DataFormat format, bool dst_fp32) {
  if (format == DataFormat::fp32 || format == DataFormat::tf32) {
    value = dst_fp32 ? scalar::truncate_tf32(value) : scalar::truncate_bf16(value);
  }
  if (format == DataFormat::fp16 && std::fabs(value) < 0x1p-14F) return 0.0F;
  return flushed(value);
}

inline Matrix source(TileOperand in, bool dst_fp32) {
  Matrix out = decode(in);
  for (auto& row : out) {
    for (float& value : row) value = source(value, in.format, dst_fp32);
  }
  return out;
}

inline float write_dst(float value, bool dst_fp32) {
  if (!dst_fp32) return scalar::round_dst16(value);
  return std::isnan(value) ? std::bit_cast<float>(0x7FC00000U) : flushed(value);
}

/// Cut to `bits` significand bits, the hidden one included.
inline float cut(float value, int bits) { return std::bit_cast<float>(bits_of(value) & (0xFFFFFFFFU << (24 - bits))); }

/// One product of a (SrcA) and b (SrcB) added to c, first or second pass of the fidelity.
inline float first_pass(float a, float b, float c, Fidelity fidelity) {
  const int a_bits = fidelity == Fidelity::lofi ? 5 : 10;
  const int b_bits = fidelity == Fidelity::hifi4 ? 11 : 7;
  return std::fma(cut(a, a_bits), cut(b, b_bits), c);
}
inline float second_pass(float a, float b, float c) {
  const float a_top = std::isfinite(cut(a, 5)) ? cut(a, 5) : 0.0F;
  const float b_low = std::isfinite(b) ? b - cut(b, 7) : 0.0F;
  return std::fma(a_top, b_low, c);
}
inline float multiply_add(float a, float b, float c, Fidelity fidelity) {
  const float sum = first_pass(a, b, c, fidelity);
  return fidelity == Fidelity::hifi3 ? second_pass(a, b, sum) : sum;
}

inline Matrix transposed(const Matrix& in) {
  Matrix out{};
  for (std::size_t r = 0; r < 32; ++r) {
    for (std::size_t c = 0; c < 32; ++c) out[c][r] = in[r][c];
  }
  return out;
}

/// dst + in0 x in1.
inline Matrix matmul(TileOperand in0, TileOperand in1, bool transpose, const Matrix& dst, Fidelity fidelity, bool dst_fp32) {
  const Matrix b = source(in0, dst_fp32);
  const Matrix a = transpose ? transposed(source(in1, dst_fp32)) : source(in1, dst_fp32);
  Matrix out{};
  for (std::size_t r = 0; r < 32; ++r) {
    for (std::size_t c = 0; c < 32; ++c) {
      float sum = dst[r][c];
      for (std::size_t k = 0; k < 32; ++k) sum = first_pass(a[k][c], b[r][k], sum, fidelity);
      if (fidelity == Fidelity::hifi3) {
        for (std::size_t k = 0; k < 32; ++k) sum = second_pass(a[k][c], b[r][k], sum);
      }
      out[r][c] = write_dst(sum, dst_fp32);
    }
  }
  return out;
}

inline float combine(EltwiseOp op, float a, float b, float c, bool accumulate, Fidelity fidelity) {
  if (op == EltwiseOp::mul) return multiply_add(a, b, accumulate ? c : 0.0F, fidelity);
  const float sum = op == EltwiseOp::add ? a + b : a - b;
  return accumulate ? c + sum : sum;
}

inline Matrix eltwise(EltwiseOp op, Broadcast broadcast, const Matrix& a, const Matrix& b, const Matrix& dst,
                      bool accumulate, Fidelity fidelity, bool dst_fp32) {
  Matrix out{};
  for (std::size_t r = 0; r < 32; ++r) {
    for (std::size_t c = 0; c < 32; ++c) {
      const std::size_t b_row = broadcast == Broadcast::rows || broadcast == Broadcast::scalar ? 0 : r;
      const std::size_t b_column = broadcast == Broadcast::cols || broadcast == Broadcast::scalar ? 0 : c;
      out[r][c] = write_dst(combine(op, a[r][c], b[b_row][b_column], dst[r][c], accumulate, fidelity), dst_fp32);
    }
  }
  return out;
}

/// The larger in sign-magnitude order, where NaN lies beyond infinity.
inline float larger(float a, float b) {
  const auto key = [](float v) {
    const auto magnitude = static_cast<std::int64_t>(bits_of(v) & 0x7FFFFFFFU);
    return std::signbit(v) ? -magnitude - 1 : magnitude;
  };
  return key(a) < key(b) ? b : a;
}

/// Sixteen values to one by halves: j with j + 8, j + 4, j + 2, j + 1.
inline float fold(std::array<float, 16> partial, Pool pool) {
  for (std::size_t half = 8; half > 0; half /= 2) {
    for (std::size_t j = 0; j < half; ++j) {
      const float other = partial[j + half];
      partial[j] = pool == Pool::max ? larger(partial[j], other) : partial[j] + other;
    }
  }
  return partial[0];
}

/// The first row of the scaler's face that element (r, c) belongs to.
inline float scale_of(const Matrix& scaler, std::size_t r, std::size_t c) { return scaler[r / 16 * 16][c]; }

/// An element of a maximum: times the power of two of its scaler, whose sign and mantissa do not count.
inline float raised(float value, float scaler) {
  if (value == 0 || scaler == 0) return 0;
  const float scaled = std::ldexp(value, std::ilogb(scaler));
  return std::fpclassify(scaled) == FP_SUBNORMAL ? 0 : scaled;
}

inline float pool_row(Pool pool, const Matrix& in, const Matrix& scaler, std::size_t r, Fidelity fidelity) {
  std::array<float, 16> partial{};
  for (std::size_t j = 0; j < 16; ++j) {
    const float left = in[r][j];
    const float right = in[r][j + 16];
    const float left_scale = scale_of(scaler, r, j);
    const float right_scale = scale_of(scaler, r, j + 16);
    if (pool == Pool::max) {
      partial[j] = larger(raised(left, left_scale), raised(right, right_scale));
      continue;
    }
    partial[j] = first_pass(right, right_scale, first_pass(left, left_scale, 0.0F, fidelity), fidelity);
    if (fidelity == Fidelity::hifi3) partial[j] = second_pass(right, right_scale, second_pass(left, left_scale, partial[j]));
  }
  return fold(partial, pool);
}

inline float pool_column(Pool pool, const Matrix& in, const Matrix& scaler, std::size_t c, Fidelity fidelity) {
  float value = pool == Pool::max ? -std::numeric_limits<float>::infinity() : 0.0F;
  for (std::size_t r = 0; r < 32; ++r) {
    value = pool == Pool::max ? larger(value, raised(in[r][c], scale_of(scaler, r, c)))
                              : first_pass(in[r][c], scale_of(scaler, r, c), value, fidelity);
  }
  if (pool == Pool::max || fidelity != Fidelity::hifi3) return value;
  for (std::size_t r = 0; r < 32; ++r) value = second_pass(in[r][c], scale_of(scaler, r, c), value);
  return value;
}

inline float pool_all(Pool pool, const Matrix& in, const Matrix& scaler, Fidelity fidelity) {
  std::array<float, 16> partial{};
  for (std::size_t j = 0; j < 16; ++j) {
    const float left = pool_column(pool, in, scaler, j, fidelity);
    const float right = pool_column(pool, in, scaler, j + 16, fidelity);
    partial[j] = pool == Pool::max ? larger(raised(left, scaler[0][j]), raised(right, scaler[0][j + 16]))
                                   : std::fma(right, scaler[0][j + 16], std::fma(left, scaler[0][j], 0.0F));
  }
  return fold(partial, pool);
}

inline Matrix reduce(Pool pool, ReduceDim dim, const Matrix& in, const Matrix& scaler, const Matrix& dst, bool accumulate,
                     Fidelity fidelity, bool dst_fp32) {
  Matrix out{};
  const auto finish = [&](float value, float previous) {
    if (pool == Pool::sum) return write_dst(accumulate ? value + previous : value, dst_fp32);
    const float identity = -std::numeric_limits<float>::infinity();
    const float rounded = write_dst(larger(value, accumulate ? previous : identity), dst_fp32);
    return dst_fp32 ? scalar::truncate_tf32(rounded) : rounded;
  };
  for (std::size_t i = 0; i < 32; ++i) {
    if (dim == ReduceDim::row) out[i][0] = finish(pool_row(pool, in, scaler, i, fidelity), dst[i][0]);
    if (dim == ReduceDim::col) out[0][i] = finish(pool_column(pool, in, scaler, i, fidelity), dst[0][i]);
  }
  if (dim == ReduceDim::scalar) out[0][0] = finish(pool_all(pool, in, scaler, fidelity), dst[0][0]);
  return out;
}

}  // namespace tilegrid::reference
