// SPDX-License-Identifier: Apache-2.0
#include "core/simd/vector_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "core/simd/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/vector_kernels.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// Highway's own headers come first: the functions are written with them.
#include "core/simd/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tilegrid::simd {
namespace HWY_NAMESPACE {

template <class Function>
HWY_INLINE void for_each_vector(float* values, std::size_t count, const Function& function) {
  const FloatTag d;
  for (std::size_t i = 0; i < count; i += hn::Lanes(d)) hn::StoreU(function(hn::LoadU(d, values + i)), d, values + i);
}

template <class Function>
HWY_INLINE void for_each_pair(float* out, const float* a, const float* b, std::size_t count, const Function& function) {
  const FloatTag d;
  for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
    const Floats x = denormals_to_zero(hn::LoadU(d, a + i));
    hn::StoreU(function(x, denormals_to_zero(hn::LoadU(d, b + i))), d, out + i);
  }
}

/// An operation that computes: denormals to zero, the function, a NaN passed on, the DST write.
template <class Function>
HWY_INLINE void arithmetic(float* values, std::size_t count, bool dst_fp32, const Function& function) {
  const DstWrite write(dst_fp32);
  for_each_vector(values, count, [&](Floats in) HWY_ATTR {
    const Floats x = denormals_to_zero(in);
    return write(hn::IfThenElse(hn::IsNaN(x), x, function(x)));
  });
}

/// Schraudolph's exponential: v = 369.33 scale x + 32500.8 is, in units of 2^15, the bits of the float that approximates
/// exp(scale x). Rounded to the nearest integer, ties to even. What would be negative or a denormal is 0, so is NaN; what
/// would be a NaN (v above 65280) is infinity. The hardware's clamp of the input at -88.5 needs no instruction here: v is
/// below 0 there. A denormal x cannot move v, so that it needs no flush.
template <bool dst_fp32>
HWY_NOINLINE void exp_fast(float scale, float* values, std::size_t count) {
  const Floats slope = number(8388608.0 / 0.69314718055994530942 / 32768.0 * static_cast<double>(scale));
  for_each_vector(values, count, [&](Floats x) HWY_ATTR {
    const Floats v = fused_multiply_add(slope, x, number(32500.8));
    const auto normal = hn::RebindMask(WordTag(), hn::Ge(v, number(255.5)));
    // Adding 2^23 rounds to an integer and leaves it in the lowest bits; the shift removes the rest.
    const Words i = bits_of(hn::Add(hn::Min(v, number(65280.0)), number(8388608.0)));
    if constexpr (dst_fp32) return float_of(hn::IfThenElseZero(normal, hn::ShiftLeft<15>(i)));
      // One bit too many for bf16: (i + 1) / 2 is the rounding half away from zero.
#if HWY_TARGET == HWY_SCALAR
    const Words halved = hn::ShiftRight<1>(hn::Add(i, word(1)));
#else
    const hn::Repartition<std::uint16_t, FloatTag> d16;
    const Words halved = hn::BitCast(WordTag(), hn::AverageRound(hn::BitCast(d16, i), hn::Zero(d16)));
#endif
    return float_of(hn::IfThenElseZero(normal, hn::ShiftLeft<16>(halved)));
  });
}

/// Bounds of x that keep scale * x inside [-88, 89], where the results are 0 and infinity already.
struct ExpRange {
  float lower;
  float upper;
  explicit ExpRange(float scale)
      : lower(static_cast<float>(std::max(-88.0 / static_cast<double>(scale), -largest))),
        upper(static_cast<float>(std::min(89.0 / static_cast<double>(scale), largest))) {}
  static constexpr double largest = std::numeric_limits<float>::max();
};

/// 2^z = 2^n * p(z - n): one product takes x to z, and a polynomial of degree 3 (1e-4 of the value, p(0) = 1) is enough for
/// 8 significand bits.
HWY_NOINLINE void exp_accurate16(float scale, float* values, std::size_t count) {
  const ExpRange range(scale);
  const Floats lower = number(range.lower);
  const Floats upper = number(range.upper);
  const Floats to_z = number(log2_of_e * static_cast<double>(scale));
  for_each_vector(values, count, [&](Floats in) HWY_ATTR {
    const Floats x = hn::Min(hn::Max(in, lower), upper);
    const Floats sum = fused_multiply_add(x, to_z, number(round_magic));
    const Floats n = hn::Sub(sum, number(round_magic));
    const Floats f = fused_multiply_add(x, to_z, hn::Neg(n));
    const Floats p = polynomial(f, 1.0, 6.932829327e-01, 2.422109679e-01, 5.500890308e-02);
    const Words bits = hn::Min(scaled_by_power(p, sum), word(0x7F800000U));
    const Words result = hn::And(hn::Add(flush_positive(bits), word(0x8000U)), word(0xFFFF0000U));
    return hn::IfThenElse(hn::IsNaN(in), float_of(word(0x7FC00000U)), float_of(result));
  });
}

/// `product_exact`: scale is a power of two, so that nothing is lost in scale * x.
template <bool product_exact>
HWY_NOINLINE void exp_accurate32(float scale, float* values, std::size_t count) {
  const ExpRange range(scale);
  const Floats lower = number(range.lower);
  const Floats upper = number(range.upper);
  const Floats factor = number(scale);
  for_each_vector(values, count, [&](Floats in) HWY_ATTR {
    const Floats x = hn::Min(hn::Max(in, lower), upper);
    const Floats product = hn::Mul(x, factor);
    const Floats lost = product_exact ? hn::Zero(FloatTag()) : fused_multiply_add(x, factor, hn::Neg(product));
    const Words bits = flush_positive(hn::Min(exp_bits(product, lost), word(0x7F800000U)));
    return hn::IfThenElse(hn::IsNaN(in), float_of(word(0x7FC00000U)), float_of(bits));
  });
}

HWY_INLINE void exp_accurate(bool dst_fp32, float scale, float* values, std::size_t count) {
  int exponent = 0;
  if (!dst_fp32) return exp_accurate16(scale, values, count);
  if (std::frexp(scale, &exponent) == 0.5F) return exp_accurate32<true>(scale, values, count);
  exp_accurate32<false>(scale, values, count);
}

/// Operations that only move or change the sign bit: no rounding, NaN as it is, denormals to zero of their sign.
HWY_NOINLINE void move_bits(VectorOp op, float* values, std::size_t count) {
  const Words cleared = word(op == VectorOp::abs ? 0x7FFFFFFFU : 0xFFFFFFFFU);
  const Words flipped = word(op == VectorOp::neg ? 0x80000000U : 0U);
  if (op == VectorOp::relu) {
    return for_each_vector(values, count, [&](Floats in) HWY_ATTR { return zero_if_negative(denormals_to_zero(in)); });
  }
  for_each_vector(values, count, [&](Floats in) HWY_ATTR {
    return float_of(hn::Xor(hn::And(bits_of(denormals_to_zero(in)), cleared), flipped));
  });
}

HWY_NOINLINE void roots(VectorOp op, bool dst_fp32, float* values, std::size_t count) {
  if (op == VectorOp::recip) {
    return arithmetic(values, count, dst_fp32, [](Floats x) HWY_ATTR { return hn::Div(number(1.0), x); });
  }
  if (op == VectorOp::sqrt) return arithmetic(values, count, dst_fp32, [](Floats x) HWY_ATTR { return hn::Sqrt(x); });
  arithmetic(values, count, dst_fp32, [](Floats x) HWY_ATTR { return hn::Div(number(1.0), hn::Sqrt(x)); });
}

HWY_NOINLINE void products_and_sums(VectorOp op, bool dst_fp32, float parameter, float* values, std::size_t count) {
  const Floats other = denormals_to_zero(number(parameter));
  switch (op) {
    case VectorOp::square:
      return arithmetic(values, count, dst_fp32, [](Floats x) HWY_ATTR { return hn::Mul(x, x); });
    case VectorOp::add_scalar:
      return arithmetic(values, count, dst_fp32, [&](Floats x) HWY_ATTR { return hn::Add(x, other); });
    case VectorOp::rsub_scalar:
      return arithmetic(values, count, dst_fp32, [&](Floats x) HWY_ATTR { return hn::Sub(other, x); });
    default:
      arithmetic(values, count, dst_fp32, [&](Floats x) HWY_ATTR { return hn::Mul(x, other); });
  }
}

/// 1 or 0, exact in every format. Denormals count as zero.
HWY_NOINLINE void compare_with_zero(VectorOp op, float* values, std::size_t count) {
  const Floats zero = hn::Zero(FloatTag());
  const auto compare = [&](const auto& test) HWY_ATTR {
    for_each_vector(values, count,
                    [&](Floats in) HWY_ATTR { return hn::IfThenElseZero(test(denormals_to_zero(in)), number(1.0)); });
  };
  switch (op) {
    case VectorOp::gtz:
      return compare([&](Floats x) HWY_ATTR { return hn::Gt(x, zero); });
    case VectorOp::gez:
      return compare([&](Floats x) HWY_ATTR { return hn::Ge(x, zero); });
    case VectorOp::ltz:
      return compare([&](Floats x) HWY_ATTR { return hn::Lt(x, zero); });
    case VectorOp::lez:
      return compare([&](Floats x) HWY_ATTR { return hn::Le(x, zero); });
    case VectorOp::eqz:
      return compare([&](Floats x) HWY_ATTR { return hn::Eq(x, zero); });
    default:
      compare([&](Floats x) HWY_ATTR { return hn::Not(hn::Eq(x, zero)); });
  }
}

HWY_NOINLINE void signs(bool dst_fp32, float* values, std::size_t count) {
  const Floats zero = hn::Zero(FloatTag());
  arithmetic(values, count, dst_fp32, [&](Floats x) HWY_ATTR {
    const Floats above = hn::IfThenElseZero(hn::Gt(x, zero), number(1.0));
    return hn::IfThenElse(hn::Lt(x, zero), number(-1.0), above);
  });
}

HWY_NOINLINE void transcendental(VectorOp op, bool dst_fp32, float* values, std::size_t count) {
  switch (op) {
    case VectorOp::sigmoid:
      return arithmetic(values, count, dst_fp32, [](Floats x) HWY_ATTR { return sigmoid_of(x); });
    case VectorOp::tanh:
      return arithmetic(values, count, dst_fp32, [](Floats x) HWY_ATTR { return tanh_of(x); });
    case VectorOp::gelu:
      return arithmetic(values, count, dst_fp32, [](Floats x) HWY_ATTR { return gelu_of(x); });
    case VectorOp::silu:
      return arithmetic(values, count, dst_fp32, [](Floats x) HWY_ATTR { return silu_of(x); });
    case VectorOp::exp2:
      return arithmetic(values, count, dst_fp32, [](Floats x) HWY_ATTR { return exp2_of(x); });
    case VectorOp::expm1:
      return arithmetic(values, count, dst_fp32, [](Floats x) HWY_ATTR { return expm1_of(x); });
    default:
      arithmetic(values, count, dst_fp32, [](Floats x) HWY_ATTR { return log_of(x); });
  }
}

/// The parameter is rounded before it is compared: for values that 16-bit DST can hold, the same as after.
HWY_NOINLINE void clamp(VectorOp op, bool dst_fp32, float parameter, float* values, std::size_t count) {
  const Floats exact = denormals_to_zero(number(parameter));
  const Floats bound = dst_fp32 ? exact : with_sign_of(exact, DstWrite(false)(hn::Abs(exact)));
  if (op == VectorOp::max_scalar) {
    return for_each_vector(values, count, [&](Floats in) HWY_ATTR { return chosen<true>(denormals_to_zero(in), bound); });
  }
  for_each_vector(values, count, [&](Floats in) HWY_ATTR { return chosen<false>(denormals_to_zero(in), bound); });
}

HWY_NOINLINE void fill(bool dst_fp32, float parameter, float* values, std::size_t count) {
  const Floats value = DstWrite(dst_fp32)(number(parameter));
  for_each_vector(values, count, [&](Floats) HWY_ATTR { return value; });
}

HWY_NOINLINE void vector_unary(VectorOp op, bool dst_fp32, float parameter, float* values, std::size_t count) {
  switch (op) {
    case VectorOp::exp_fast:
      return dst_fp32 ? exp_fast<true>(parameter, values, count) : exp_fast<false>(parameter, values, count);
    case VectorOp::exp_accurate:
      return exp_accurate(dst_fp32, parameter, values, count);
    case VectorOp::recip:
    case VectorOp::sqrt:
    case VectorOp::rsqrt:
      return roots(op, dst_fp32, values, count);
    case VectorOp::square:
    case VectorOp::add_scalar:
    case VectorOp::mul_scalar:
    case VectorOp::rsub_scalar:
      return products_and_sums(op, dst_fp32, parameter, values, count);
    case VectorOp::sigmoid:
    case VectorOp::tanh:
    case VectorOp::gelu:
    case VectorOp::log:
    case VectorOp::silu:
    case VectorOp::exp2:
    case VectorOp::expm1:
      return transcendental(op, dst_fp32, values, count);
    case VectorOp::gtz:
    case VectorOp::gez:
    case VectorOp::ltz:
    case VectorOp::lez:
    case VectorOp::eqz:
    case VectorOp::nez:
      return compare_with_zero(op, values, count);
    case VectorOp::sign:
      return signs(dst_fp32, values, count);
    case VectorOp::max_scalar:
    case VectorOp::min_scalar:
      return clamp(op, dst_fp32, parameter, values, count);
    case VectorOp::fill:
      return fill(dst_fp32, parameter, values, count);
    default:
      move_bits(op, values, count);
  }
}

HWY_NOINLINE void vector_binary(VectorOp op, bool dst_fp32, float* out, const float* a, const float* b, std::size_t count) {
  const DstWrite write(dst_fp32);
  switch (op) {
    case VectorOp::max_tile:
      return for_each_pair(out, a, b, count, [](Floats x, Floats y) HWY_ATTR { return chosen<true>(x, y); });
    case VectorOp::min_tile:
      return for_each_pair(out, a, b, count, [](Floats x, Floats y) HWY_ATTR { return chosen<false>(x, y); });
    case VectorOp::add_tile:
      return for_each_pair(out, a, b, count, [&](Floats x, Floats y) HWY_ATTR { return write(hn::Add(x, y)); });
    case VectorOp::sub_tile:
      return for_each_pair(out, a, b, count, [&](Floats x, Floats y) HWY_ATTR { return write(hn::Sub(x, y)); });
    case VectorOp::mul_tile:
      return for_each_pair(out, a, b, count, [&](Floats x, Floats y) HWY_ATTR { return write(hn::Mul(x, y)); });
    default:
      for_each_pair(out, a, b, count, [&](Floats x, Floats y) HWY_ATTR { return write(hn::Div(x, y)); });
  }
}

HWY_NOINLINE void vector_where(float* out, const float* cond, const float* x, const float* y, std::size_t count) {
  const FloatTag d;
  for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
    const auto is_zero = hn::Eq(denormals_to_zero(hn::LoadU(d, cond + i)), hn::Zero(d));
    const Floats value = hn::IfThenElse(is_zero, hn::LoadU(d, y + i), hn::LoadU(d, x + i));
    hn::StoreU(denormals_to_zero(value), d, out + i);
  }
}

HWY_NOINLINE void vector_copy(float* out, const float* in, std::size_t count) {
  const FloatTag d;
  for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
    hn::StoreU(denormals_to_zero(hn::LoadU(d, in + i)), d, out + i);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace tilegrid::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tilegrid::simd {

HWY_EXPORT(vector_unary);
HWY_EXPORT(vector_binary);
HWY_EXPORT(vector_where);
HWY_EXPORT(vector_copy);

void vector_unary(VectorOp op, bool dst_fp32, float parameter, float* values, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(vector_unary)(op, dst_fp32, parameter, values, count);
}
void vector_binary(VectorOp op, bool dst_fp32, float* out, const float* a, const float* b, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(vector_binary)(op, dst_fp32, out, a, b, count);
}
void vector_where(float* out, const float* cond, const float* x, const float* y, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(vector_where)(out, cond, x, y, count);
}
void vector_copy(float* out, const float* in, std::size_t count) { HWY_DYNAMIC_DISPATCH(vector_copy)(out, in, count); }

}  // namespace tilegrid::simd
#endif  // HWY_ONCE
