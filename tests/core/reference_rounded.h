// SPDX-License-Identifier: Apache-2.0
// Rounded numerics in plain loops, one value at a time: DST is rounded after 16 products of a phase, what lies between is
// float. To be compared bit for bit.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>

#include "tests/core/reference_matrix.h"

namespace tilegrid::reference {

/// How the matrix unit of a test computes.
struct Unit {
  Fidelity fidelity = Fidelity::hifi4;
  bool dst_fp32 = true;
};

/// The piece of SrcA (or SrcB) that a phase multiplies; what is infinite has a say in the first phase alone.
inline float piece(float value, bool is_a, int phase) {
  const float top = cut(value, is_a ? 5 : 7);
  if (phase == 0) return top;
  const bool low = is_a ? phase % 2 == 1 : phase >= 2;
  const float out = low ? (is_a ? cut(value, 10) : value) - top : top;
  return std::isfinite(out) ? out : 0.0F;
}

/// sum + a . b of one phase, as DST holds it then.
inline float rounded_dot(float sum, std::span<const float> a, std::span<const float> b, int phase, bool dst_fp32) {
  for (std::size_t k = 0; k < a.size(); ++k) sum = std::fma(piece(a[k], true, phase), piece(b[k], false, phase), sum);
  return write_dst(sum, dst_fp32);
}

inline int phases_of(Fidelity fidelity) { return static_cast<int>(fidelity); }

inline Matrix matmul_rounded(TileOperand in0, TileOperand in1, bool transpose, const Matrix& dst, Unit unit) {
  const Matrix b = source(in0, unit.dst_fp32);
  // By columns, so that the inner products run along rows of both.
  const Matrix a = transpose ? source(in1, unit.dst_fp32) : transposed(source(in1, unit.dst_fp32));
  Matrix out = dst;
  for (std::size_t r = 0; r < 32; ++r) {
    for (std::size_t c = 0; c < 32; ++c) {
      for (int phase = 0; phase < phases_of(unit.fidelity); ++phase) {
        for (const std::size_t k : {0, 16}) {
          out[r][c] =
              rounded_dot(out[r][c], std::span(a[c]).subspan(k, 16), std::span(b[r]).subspan(k, 16), phase, unit.dst_fp32);
        }
      }
    }
  }
  return out;
}

/// One product, with a rounding for each phase.
inline float rounded_product(float a, float b, float c, Unit unit) {
  for (int phase = 0; phase < phases_of(unit.fidelity); ++phase) {
    c = rounded_dot(c, std::span(&a, 1), std::span(&b, 1), phase, unit.dst_fp32);
  }
  return c;
}

inline Matrix eltwise_rounded(EltwiseOp op, Broadcast broadcast, const Matrix& a, const Matrix& b, const Matrix& dst,
                              bool accumulate, Unit unit) {
  // Additions have neither phases nor sums of sixteen: they are those of fast numerics.
  if (op != EltwiseOp::mul) return eltwise(op, broadcast, a, b, dst, accumulate, unit.fidelity, unit.dst_fp32);
  Matrix out{};
  for (std::size_t r = 0; r < 32; ++r) {
    for (std::size_t c = 0; c < 32; ++c) {
      const std::size_t b_row = broadcast == Broadcast::rows || broadcast == Broadcast::scalar ? 0 : r;
      const std::size_t b_column = broadcast == Broadcast::cols || broadcast == Broadcast::scalar ? 0 : c;
      out[r][c] = rounded_product(a[r][c], b[b_row][b_column], accumulate ? dst[r][c] : 0.0F, unit);
    }
  }
  return out;
}

/// Sums by faces with the first row of the scaler's first face. `in_format` says how long the source register is that the
/// results of rows are turned in.
inline Matrix sum_rounded(ReduceDim dim, const Matrix& in, DataFormat in_format, const Matrix& scaler, const Matrix& dst,
                          bool accumulate, Unit unit) {
  const std::span<const float> factors(scaler[0].data(), 16);
  const auto pooled = [&](float sum, std::span<const float> line) {
    for (int phase = 0; phase < phases_of(unit.fidelity); ++phase) {
      sum = rounded_dot(sum, line, factors, phase, unit.dst_fp32);
    }
    return sum;
  };
  const bool words = in_format == DataFormat::fp32 || in_format == DataFormat::tf32;
  const int bits = in_format == DataFormat::fp16 || (words && unit.dst_fp32) ? 11 : 8;
  const Matrix columns = transposed(in);
  const Matrix& lines = dim == ReduceDim::row ? in : columns;
  const auto half = [&](std::size_t line, std::size_t from) { return std::span(lines[line]).subspan(from, 16); };
  Matrix out{};
  if (dim == ReduceDim::scalar) {
    std::array<float, 16> partial{};
    for (std::size_t c = 0; c < 16; ++c) {
      float sum = pooled(pooled(0, half(c, 0)), half(c + 16, 0));
      sum = pooled(pooled(sum, half(c, 16)), half(c + 16, 16));
      partial[c] = cut(sum, bits);
    }
    out[0][0] = pooled(accumulate ? dst[0][0] : 0.0F, partial);
    return out;
  }
  for (std::size_t i = 0; i < 32; ++i) {
    const bool rows = dim == ReduceDim::row;
    const float before = !accumulate ? 0.0F : rows ? dst[i][0] : dst[0][i];
    const float sum = pooled(pooled(before, half(i, 0)), half(i, 16));
    (rows ? out[i][0] : out[0][i]) = rows ? cut(sum, bits) : sum;
  }
  return out;
}

}  // namespace tilegrid::reference
