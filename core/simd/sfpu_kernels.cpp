// SPDX-License-Identifier: Apache-2.0
#include "core/simd/sfpu_kernels.h"

#include <cstddef>
#include <cstdint>
#include <limits>

#include "core/simd/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/sfpu_kernels.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// Highway's own headers come first: the functions are written with them.
#include "core/simd/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tilegrid::simd {
namespace HWY_NAMESPACE {
namespace {

// A multiply-add of the SFPU rounds once, as fused_multiply_add does; what it drops beyond three bits below the sum's last
// one would show only where product and sum cancel.

/// Calls function(x), x without denormals, and writes what it gives.
template <class Function>
HWY_INLINE void in_place(float* values, std::size_t count, const Function& function) {
  const FloatTag d;
  for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
    hn::StoreU(function(denormals_to_zero(hn::LoadU(d, values + i))), d, values + i);
  }
}

/// A store to DST without the rounding that most kernels put in front: 16-bit DST cuts, denormals go.
HWY_INLINE Floats stored(Words bits, Words kept) { return float_of(hn::And(flush(bits), kept)); }

/// The nearest integer to a magnitude below 2^16, half away from zero.
HWY_INLINE Words to_integer(Floats magnitude) {
  return hn::BitCast(WordTag(), hn::ConvertTo(IntTag(), hn::Add(magnitude, number(0.5))));
}
/// min(magnitude, most), `most` for NaN.
HWY_INLINE Floats saturated(Floats magnitude, double most) {
  return hn::IfThenElse(hn::Lt(magnitude, number(most)), magnitude, number(most));
}

/// i = A x + (B - C) is, in units of 2^15, the bits of the float that approximates exp(x). With the clamp i is an unsigned
/// integer of 16 bits, whose upper end are the patterns of infinity and NaN; without, one of 15 bits and a sign.
template <bool clamps>
void exp_fast_steps(bool dst_fp32, float scale, float* values, std::size_t count) {
  const Floats slope = hn::Set(FloatTag(), 256.0F * 1.4426950408889634F * scale);
  const Floats intercept = number(32500.818359375);
  const Floats lowest = hn::Set(FloatTag(), -88.5F / scale);
  const Words kept = word(dst_fp32 ? 0xFFFFFFFFU : 0xFFFF0000U);
  in_place(values, count, [&](Floats x) HWY_ATTR {
    if constexpr (clamps) {
      const Floats v = fused_multiply_add(slope, chosen<true>(x, lowest), intercept);
      const Floats positive = hn::IfThenElse(hn::Lt(v, hn::Zero(FloatTag())), hn::Zero(FloatTag()), v);
      return stored(hn::ShiftLeft<15>(to_integer(saturated(positive, 65535.0))), kept);
    }
    const Floats v = fused_multiply_add(slope, x, intercept);
    const Words magnitude = to_integer(saturated(hn::Abs(v), 32767.0));
    const Floats sign = hn::IfThenElse(hn::IsNaN(x), x, v);  // that of a computed NaN differs between processors
    return stored(hn::Or(hn::ShiftLeft<15>(magnitude), sign_of(sign)), kept);
  });
}

/// scale x, which is not computed for a scale of 1.
class Scaled {
 public:
  explicit Scaled(float scale) : one_(scale == 1.0F), factor_(hn::Set(FloatTag(), scale)) {}
  HWY_INLINE Floats operator()(Floats x) const { return one_ ? x : denormals_to_zero(hn::Mul(x, factor_)); }

 private:
  bool one_;
  Floats factor_;
};

/// z = x / ln 2 + 127 as a fixed-point number of 23 bits has the exponent above the point and the fraction below; a
/// polynomial of the fraction is the significand.
void exp_21_bits(float scale, float* values, std::size_t count) {
  const DstWrite write(false);
  const Scaled scaled(scale);
  in_place(values, count, [&](Floats x) HWY_ATTR {
    const Floats sum = fused_multiply_add(scaled(x), hn::Set(FloatTag(), 1.4426950216293335F), number(127.0));
    const Floats z = hn::IfThenElse(hn::IsNaN(x), x, sum);  // a NaN is beyond all numbers, on the side of its sign
    const Floats inside = chosen<false>(chosen<true>(z, hn::Zero(FloatTag())), number(255.0));
    const Words fixed = hn::BitCast(WordTag(), hn::ConvertTo(IntTag(), hn::Mul(inside, number(8388608.0))));
    const Words exponent = hn::And(fixed, word(0x7F800000U));
    const auto fraction = hn::BitCast(IntTag(), hn::And(fixed, word(0x007FFFFFU)));
    const Floats p =
        polynomial(hn::ConvertTo(FloatTag(), fraction), 1.0017248, 7.839635491371155e-08, 4.791750143340323e-15);
    const Words bits = hn::Or(hn::And(bits_of(p), word(0x007FFFFFU)), exponent);
    return write(float_of(hn::IfThenElse(hn::Eq(exponent, word(0x7F800000U)), word(0x7F800000U), bits)));
  });
}

void exp_degree_7(float scale, float* values, std::size_t count) {
  const DstWrite write(true);
  const Scaled scaled(scale);
  in_place(values, count, [&](Floats in) HWY_ATTR {
    const Floats x = scaled(in);
    const Floats z = hn::Mul(x, number(log2_of_e));
    // Within the range alone the exponent's bits are what they should be.
    const auto below = hn::Le(z, number(-127.0));
    const auto above = hn::Ge(z, number(128.0));
    const Floats safe = hn::IfThenElse(hn::Or(below, above), hn::Zero(FloatTag()), x);
    const Floats sum = fused_multiply_add(safe, number(log2_of_e), number(round_magic));
    const Floats k = hn::Sub(sum, number(round_magic));
    const Floats upper = fused_multiply_add(k, number(-0.693115234375), safe);
    const Floats r = fused_multiply_add(k, number(-3.19461832987e-05), upper);
    const Floats p = polynomial(r, 1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040);
    const auto outside = hn::RebindMask(WordTag(), hn::Or(below, above));
    const Words inside = hn::IfThenZeroElse(outside, scaled_by_power(p, sum));
    const Words bits = hn::IfThenElse(hn::RebindMask(WordTag(), above), word(0x7F800000U), flush_positive(inside));
    return write(hn::IfThenElse(hn::IsNaN(x), x, float_of(bits)));
  });
}

/// x = k ln 2 + r with k within a signed byte, and exp(x) = p(r) 2^k.
void exp_column_steps(bool dst_fp32, float scale, float* values, std::size_t count) {
  const DstWrite write(dst_fp32);
  const Scaled scaled(scale);
  in_place(values, count, [&](Floats in) HWY_ATTR {
    const Floats x = scaled(in);
    const Floats q = hn::Mul(x, number(log2_of_e));
    const Words steps = to_integer(saturated(hn::Abs(q), 127.0));
    const Floats k = with_sign_of(in, hn::ConvertTo(FloatTag(), hn::BitCast(IntTag(), steps)));
    const Floats r = fused_multiply_add(k, number(-0.69314718055994530942), x);
    const Floats p = dst_fp32 ? polynomial(r, 1.0000001510806179, 0.9999622811704765, 0.49998365704615426,
                                           0.16792157982882225, 4.1959439860014343e-2)
                              : polynomial(r, 0.9998487929243953, 1.0150876009852106, 0.5062836705674557);
    const Floats biased = hn::Add(k, number(127.0));
    const Words power = hn::ShiftLeft<23>(hn::BitCast(WordTag(), hn::ConvertTo(IntTag(), biased)));
    const Floats result = hn::Mul(p, float_of(power));
    return write(hn::IfThenElse(hn::Eq(biased, hn::Zero(FloatTag())), hn::Zero(FloatTag()), result));
  });
}

/// 1 / x = y 2^-e of x = m 2^e: y by a parabola in m, then Newton's t = 1 - m y, y += y t. Of 0 infinity, of an infinity and
/// of NaN 0, as the power's exponent field is that of x turned round.
void recip_steps(bool dst_fp32, float* values, std::size_t count) {
  const DstWrite write(dst_fp32);
  const int steps = dst_fp32 ? 2 : 1;
  in_place(values, count, [&](Floats x) HWY_ATTR {
    const Floats minus_m = float_of(hn::Or(hn::And(bits_of(x), word(0x007FFFFFU)), word(0xBF800000U)));
    Floats y = polynomial(minus_m, 2.121212482452392578125, 1.4545459747314453125, 0.3232325017452239990234375);
    for (int i = 0; i < steps; ++i) y = fused_multiply_add(y, fused_multiply_add(minus_m, y, number(1.0)), y);
    const Floats power = float_of(hn::AndNot(bits_of(x), word(0x7F800000U)));
    const Floats half = denormals_to_zero(hn::Mul(power, number(0.5)));
    return write(with_sign_of(x, hn::Mul(y, half)));
  });
}

/// y = 1 / sqrt(x) from half of x's bits, a step of degree 2 and one of Newton's.
template <bool reciprocal>
void sqrt_steps(bool dst_fp32, float* values, std::size_t count) {
  const DstWrite write(dst_fp32);
  const Words infinity = word(0x7F800000U);
  in_place(values, count, [&](Floats x) HWY_ATTR {
    const Words half_bits = hn::ShiftRight<1>(bits_of(x));
    const Floats start = float_of(hn::Sub(word(0x5F1110A0U), half_bits));
    const Floats c = hn::Mul(hn::Neg(start), hn::Mul(x, start));
    const Floats inner = hn::Add(number(2.2533049), c);
    const Floats y = hn::Mul(start, fused_multiply_add(c, inner, number(2.2825186)));
    const Floats xy = hn::Mul(x, y);
    const Floats error = fused_multiply_add(hn::Neg(y), xy, number(1.0));
    const auto is_infinite = hn::RebindMask(FloatTag(), hn::Eq(bits_of(x), infinity));
    Floats result = xy;
    if constexpr (reciprocal) {
      const auto is_zero = hn::Eq(x, hn::Zero(FloatTag()));
      const Floats regular = fused_multiply_add(error, hn::Mul(y, number(0.5)), y);
      const Floats at_ends = hn::IfThenElse(is_zero, float_of(infinity), hn::Zero(FloatTag()));
      result = hn::IfThenElse(hn::Or(is_zero, is_infinite), at_ends, regular);
    } else {
      result = hn::IfThenElse(is_infinite, x, fused_multiply_add(error, hn::Mul(number(0.5), xy), xy));
    }
    const auto no_root = hn::Or(hn::Lt(x, hn::Zero(FloatTag())), hn::IsNaN(x));
    return write(hn::IfThenElse(no_root, float_of(word(0x7FC00000U)), result));
  });
}

}  // namespace

HWY_NOINLINE void sfpu(SfpuFunction function, bool dst_fp32, float scale, float* values, std::size_t count) {
  switch (function) {
    case SfpuFunction::exp_clamped:
      return exp_fast_steps<true>(dst_fp32, scale, values, count);
    case SfpuFunction::exp_unclamped:
      return exp_fast_steps<false>(dst_fp32, scale, values, count);
    case SfpuFunction::exp_accurate:
      return dst_fp32 ? exp_degree_7(scale, values, count) : exp_21_bits(scale, values, count);
    case SfpuFunction::exp_column:
      return exp_column_steps(dst_fp32, scale, values, count);
    case SfpuFunction::recip:
      return recip_steps(dst_fp32, values, count);
    case SfpuFunction::sqrt:
      return sqrt_steps<false>(dst_fp32, values, count);
    case SfpuFunction::rsqrt:
      return sqrt_steps<true>(dst_fp32, values, count);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace tilegrid::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tilegrid::simd {

HWY_EXPORT(sfpu);

void sfpu(SfpuFunction function, bool dst_fp32, float scale, float* values, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(sfpu)(function, dst_fp32, scale, values, count);
}

}  // namespace tilegrid::simd
#endif  // HWY_ONCE
