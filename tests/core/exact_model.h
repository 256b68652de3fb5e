// SPDX-License-Identifier: Apache-2.0
// The rules of tensix.md 2.1 for the matrix unit, one value at a time, with 64-bit integers: what the exact kernels are held
// against bit for bit.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>

#include "core/matrix_unit.h"
#include "tests/core/reference_matrix.h"

namespace tilegrid::exact_model {

/// What the sources and DST hold. `half`: fp16 sources, exponents of five bits with a bias of 15; 16-bit DST has it, too.
struct Mode {
  bool dst_fp32 = false;
  bool half = false;
  [[nodiscard]] bool half_dst() const { return half && !dst_fp32; }
};

/// A sign, a biased exponent and an 11-bit significand; exponent 0 is the number 0.
struct Operand {
  explicit Operand(float value, bool half = false) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    negative = (bits >> 31U) != 0;
    exponent = static_cast<int>((bits >> 23U) & 255U);
    if (half) exponent = std::max(exponent - 112, 0);
    significand = exponent == 0 ? 0 : static_cast<std::int64_t>(((bits & 0x7FFFFFU) | 0x800000U) >> 13U);
  }
  bool negative;
  int exponent;
  std::int64_t significand;
};

/// sum * 2^(exponent - 137); exponent 0: nothing.
struct Term {
  std::int64_t sum = 0;
  int exponent = 0;
};

/// value / 2^shift to the nearest, half up.
inline std::int64_t half_up(std::int64_t value, int shift) {
  if (shift == 0) return value;
  if (shift > 40) return 0;
  const std::int64_t unit = std::int64_t{1} << shift;
  const std::int64_t doubled = 2 * value + unit;
  std::int64_t quotient = doubled / (2 * unit);
  if (doubled % (2 * unit) < 0) --quotient;
  return quotient;
}

inline std::int64_t piece(const Operand& operand, bool is_a, int phase) {
  if (is_a) return phase % 2 == 0 ? operand.significand / 64 : operand.significand / 2 % 32;
  return phase < 2 ? operand.significand / 16 : operand.significand % 16 * 8;
}

/// Products of a phase, of one group of eight or fewer.
inline Term group(std::span<const float> a, std::span<const float> b, int phase, Mode mode) {
  constexpr int less[] = {0, 5, 7, 12};
  struct Product {
    std::int64_t magnitude;
    int exponent;
    bool negative;
  };
  const int bias = !mode.half ? -127 : mode.dst_fp32 ? 127 - 30 : -15;
  std::vector<Product> products;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Operand x(a[i], mode.half);
    const Operand y(b[i], mode.half);
    if (x.exponent == 0 || y.exponent == 0) continue;
    products.push_back({piece(x, true, phase) * piece(y, false, phase), x.exponent + y.exponent + bias - less[phase],
                        x.negative != y.negative});
  }
  int top = std::max(bias - less[phase], 0);  // zeros have it
  for (const Product& p : products) top = std::max(top, p.exponent);
  Term out{0, top};
  if (top == 0) return out;
  for (const Product& p : products) {
    const std::int64_t magnitude = half_up(p.magnitude, top - p.exponent);
    out.sum += p.negative ? -magnitude : magnitude;
  }
  return out;
}

inline float add(float dst, Term x, Term y, Mode mode, bool known_faults = false) {
  const bool dst_fp32 = mode.dst_fp32;
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(dst);
  const int own_exponent = static_cast<int>((bits >> 23U) & 255U);
  const int dst_exponent = mode.half_dst() ? std::max(own_exponent - 112, 0) : own_exponent;
  const std::int64_t dst_magnitude = dst_exponent == 0 ? 0 : static_cast<std::int64_t>((bits & 0x7FFFFFU) | 0x800000U);
  int exponent = std::max({x.exponent, y.exponent, dst_exponent});
  const auto aligned = [&](std::int64_t value, int own) {
    if (exponent - own >= 31) return std::int64_t{0};
    const std::int64_t shifted = half_up(value, exponent - own);
    return dst_fp32 ? shifted : half_up(shifted, 13);
  };
  const std::int64_t kept = aligned(dst_magnitude, dst_exponent);
  const std::int64_t sum =
      aligned(x.sum * 8192, x.exponent) + aligned(y.sum * 8192, y.exponent) + ((bits >> 31U) != 0 ? -kept : kept);
  if (sum == 0) return 0.0F;
  if (known_faults && dst_fp32 && sum == -1) exponent += 27;
  const int keep = dst_fp32 ? 24 : mode.half ? 11 : 8;
  std::int64_t magnitude = sum < 0 ? -sum : sum;
  exponent += (dst_fp32 ? 0 : 13) + keep - 24;  // of the unit, if the sum had `keep` bits
  while (magnitude < std::int64_t{1} << (keep - 1)) {
    magnitude *= 2;
    --exponent;
  }
  int excess = 0;
  while (magnitude >> excess >= std::int64_t{1} << keep) ++excess;
  magnitude = half_up(magnitude, excess);
  exponent += excess;
  if (magnitude == std::int64_t{1} << keep) {
    magnitude /= 2;
    ++exponent;
  }
  if (exponent <= 0) return 0.0F;
  std::uint32_t word = mode.half_dst() ? 143U << 23U | 0x3FFU << 13U : 0x7F800000U;
  if (exponent < (mode.half_dst() ? 32 : 255)) {
    if (mode.half_dst()) exponent += 112;
    const auto fraction = static_cast<std::uint32_t>(magnitude - (std::int64_t{1} << (keep - 1)));
    word = (static_cast<std::uint32_t>(exponent) << 23U) | (fraction << static_cast<unsigned>(24 - keep));
  }
  return std::bit_cast<float>(word | (sum < 0 ? 0x80000000U : 0U));
}

/// Up to 16 products, a in SrcA and b in SrcB, added to DST.
inline float dot(float dst, std::span<const float> a, std::span<const float> b, int phase, Mode mode) {
  const std::size_t half = std::min<std::size_t>(8, a.size());
  return add(dst, group(a.first(half), b.first(half), phase, mode), group(a.subspan(half), b.subspan(half), phase, mode),
             mode);
}

inline reference::Matrix matmul(TileOperand in0, TileOperand in1, bool transpose, const reference::Matrix& dst,
                                Fidelity fidelity, bool dst_fp32) {
  const Mode mode{dst_fp32, in0.format == DataFormat::fp16 && in1.format == DataFormat::fp16};
  const reference::Matrix b = reference::source(in0, dst_fp32);
  const reference::Matrix a = reference::source(in1, dst_fp32);
  reference::Matrix out = dst;
  for (std::size_t r = 0; r < 32; ++r) {
    for (std::size_t c = 0; c < 32; ++c) {
      std::array<float, 32> column{};
      for (std::size_t k = 0; k < 32; ++k) column[k] = transpose ? a[c][k] : a[k][c];
      for (int phase = 0; phase < static_cast<int>(fidelity); ++phase) {
        for (const std::size_t k : {0, 16}) {
          out[r][c] = dot(out[r][c], std::span(column).subspan(k, 16), std::span(b[r]).subspan(k, 16), phase, mode);
        }
      }
    }
  }
  return out;
}

/// a op b added to dst.
inline float eltwise(EltwiseOp op, float a, float b, float dst, Fidelity fidelity, Mode mode) {
  if (op == EltwiseOp::mul) {
    for (int phase = 0; phase < static_cast<int>(fidelity); ++phase) {
      dst = add(dst, group({&a, 1}, {&b, 1}, phase, mode), {}, mode);
    }
    return dst;
  }
  const Operand x(a, mode.half);
  const Operand y(b, mode.half);
  const int exponent = std::max(x.exponent, y.exponent);
  const auto part = [&](const Operand& o) { return (o.negative ? -1 : 1) * half_up(o.significand, exponent - o.exponent); };
  int shown = exponent;
  if (mode.half && mode.dst_fp32) shown = exponent == 0 ? 127 - 30 : exponent + 127 - 15;
  return add(dst, {part(x) + (op == EltwiseOp::sub ? -1 : 1) * part(y), shown}, {}, mode);
}

}  // namespace tilegrid::exact_model
