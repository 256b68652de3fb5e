// SPDX-License-Identifier: Apache-2.0
// Elementary functions on float vectors for the SFPU kernels. Compiled once per instruction set, hence the guard that
// toggles. Nothing here may depend on how a target treats NaN in Max and Min, or on a product and a sum being contracted.

// clang-format off
#if defined(TILEGRID_CORE_SIMD_VECTOR_MATH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TILEGRID_CORE_SIMD_VECTOR_MATH_INL_H
#undef TILEGRID_CORE_SIMD_VECTOR_MATH_INL_H
#else
#define TILEGRID_CORE_SIMD_VECTOR_MATH_INL_H
#endif
// clang-format on

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace tilegrid::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::CappedTag<float, 16>;
using WordTag = hn::RebindToUnsigned<FloatTag>;
using IntTag = hn::RebindToSigned<FloatTag>;
using Floats = hn::Vec<FloatTag>;
using Words = hn::Vec<WordTag>;

HWY_INLINE Floats number(double value) { return hn::Set(FloatTag(), static_cast<float>(value)); }
HWY_INLINE Words word(std::uint32_t value) { return hn::Set(WordTag(), value); }
HWY_INLINE Words bits_of(Floats v) { return hn::BitCast(WordTag(), v); }
HWY_INLINE Floats float_of(Words bits) { return hn::BitCast(FloatTag(), bits); }

/// a * b + c rounded once, also where the instruction set has no such operation.
HWY_INLINE Floats fused_multiply_add(Floats a, Floats b, Floats c) {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SSSE3 || HWY_TARGET == HWY_SSE4
  const FloatTag d;
  HWY_ALIGN float x[16];
  HWY_ALIGN float y[16];
  HWY_ALIGN float z[16];
  hn::Store(a, d, x);
  hn::Store(b, d, y);
  hn::Store(c, d, z);
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) z[i] = std::fma(x[i], y[i], z[i]);
  return hn::Load(d, z);
#else
  return hn::MulAdd(a, b, c);
#endif
}

/// c0 + x * (c1 + x * (...)).
HWY_INLINE Floats polynomial(Floats /*x*/, double c0) { return number(c0); }
template <class... Rest>
HWY_INLINE Floats polynomial(Floats x, double c0, Rest... rest) {
  return fused_multiply_add(polynomial(x, rest...), x, number(c0));
}

HWY_INLINE Words sign_of(Floats v) { return hn::And(bits_of(v), word(0x80000000U)); }
HWY_INLINE Floats with_sign_of(Floats sign, Floats magnitude) { return float_of(hn::Or(bits_of(magnitude), sign_of(sign))); }

/// +0 where the sign is set, on -0 and NaN too.
HWY_INLINE Floats zero_if_negative(Floats v) {
  const auto negative = hn::BroadcastSignBit(hn::BitCast(IntTag(), v));
  return hn::AndNot(hn::BitCast(FloatTag(), negative), v);
}

/// A denormal becomes zero of its sign.
HWY_INLINE Floats denormals_to_zero(Floats v) {
  const auto tiny = hn::Lt(hn::Abs(v), float_of(word(0x00800000U)));
  return hn::IfThenElse(tiny, float_of(sign_of(v)), v);
}

/// Everything with exponent 0 becomes +0.
HWY_INLINE Words flush(Words bits) {
  return hn::IfThenZeroElse(hn::Eq(hn::And(bits, word(0x7F800000U)), hn::Zero(WordTag())), bits);
}

/// The same for bits without a sign, in fewer instructions.
HWY_INLINE Words flush_positive(Words bits) {
  const auto normal = hn::Gt(hn::BitCast(IntTag(), bits), hn::Set(IntTag(), 0x007FFFFF));
  return hn::IfThenElseZero(hn::RebindMask(WordTag(), normal), bits);
}

/// Order of integers that sign-magnitude floats follow: a set sign turns the magnitude round. -0 comes before +0, a NaN
/// beyond the infinity of its sign.
HWY_INLINE auto order_of(Floats v) {
  const auto bits = hn::BitCast(IntTag(), v);
  const auto negative = hn::BitCast(WordTag(), hn::BroadcastSignBit(bits));
  return hn::BitCast(IntTag(), hn::Xor(bits_of(v), hn::ShiftRight<1>(negative)));
}

/// The larger (smaller) of two values, the first of two equals.
template <bool larger>
HWY_INLINE Floats chosen(Floats a, Floats b) {
  const auto b_is_larger = hn::RebindMask(FloatTag(), hn::Gt(order_of(b), order_of(a)));
  return larger ? hn::IfThenElse(b_is_larger, b, a) : hn::IfThenElse(b_is_larger, a, b);
}

/// The write of an arithmetic result to DST. All NaNs become one, as the sign and payload of a computed NaN differ between
/// processors; zeros and denormals become +0; 16-bit DST rounds half away from zero at bit 16.
class DstWrite {
 public:
  explicit DstWrite(bool dst_fp32)
      : half_(word(dst_fp32 ? 0U : 0x8000U)), kept_(word(dst_fp32 ? 0xFFFFFFFFU : 0xFFFF0000U)) {}
  HWY_INLINE Floats operator()(Floats v) const {
    const Words bits = bits_of(hn::IfThenElse(hn::IsNaN(v), float_of(word(0x7FC00000U)), v));
    return float_of(hn::And(hn::Add(flush(bits), half_), kept_));
  }

 private:
  Words half_;
  Words kept_;
};

/// 2^n * value for the n that `magic_sum` holds: the sum of n and 1.5 * 2^23 has n in its lowest bits. A result below the
/// normal range has a zero exponent field, if value >= 1, and an otherwise meaningless mantissa.
HWY_INLINE Words scaled_by_power(Floats value, Floats magic_sum) {
  return hn::Add(bits_of(value), hn::ShiftLeft<23>(bits_of(magic_sum)));
}
inline constexpr double round_magic = 12582912.0;
inline constexpr double log2_of_e = 1.44269504088896340736;
inline constexpr double ln2_upper = 0.693359375;  // few bits: a product with a small integer is exact
inline constexpr double ln2_lower = -2.12194440054690583e-4;

/// Bits of exp(x + correction), x in [-88, 89]: Cody-Waite and the Taylor polynomial of degree 7 on |r| <= ln2 / 2.
/// Above 128 ln2 the bits exceed those of infinity; below -126 ln2 their exponent field is 0.
HWY_INLINE Words exp_bits(Floats x, Floats correction) {
  const Floats magic = number(round_magic);
  const Floats sum = fused_multiply_add(x, number(log2_of_e), magic);
  const Floats n = hn::Sub(sum, magic);
  const Floats upper = fused_multiply_add(n, number(-ln2_upper), x);
  const Floats r = hn::Add(fused_multiply_add(n, number(-ln2_lower), upper), correction);
  const Floats value = polynomial(r, 1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040);
  return scaled_by_power(value, sum);
}
HWY_INLINE Floats exp_of(Floats x) { return float_of(flush_positive(exp_bits(x, hn::Zero(FloatTag())))); }

/// Natural logarithm; zero gives -inf, below zero NaN. x is no denormal.
HWY_INLINE Floats log_of(Floats x) {
  // x = 2^e * (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)).
  const Words sqrt_half = word(0x3F3504F3U);
  const auto shifted = hn::BitCast(IntTag(), hn::Sub(bits_of(x), sqrt_half));
  const Floats e = hn::ConvertTo(FloatTag(), hn::ShiftRight<23>(shifted));
  const Words mantissa = hn::And(hn::BitCast(WordTag(), shifted), word(0x007FFFFFU));
  const Floats f = hn::Sub(float_of(hn::Add(mantissa, sqrt_half)), number(1.0));
  const Floats f2 = hn::Mul(f, f);
  // (log(1 + f) - f + f^2 / 2) / f^3, minimax on that interval, 7e-10 of the logarithm.
  const Floats p = polynomial(f, 3.333331260e-01, -2.500000960e-01, 2.000211875e-01, -1.666799562e-01, 1.421955055e-01,
                              -1.240559201e-01, 1.188817760e-01, -1.167563884e-01, 6.746591904e-02);
  const Floats tail = fused_multiply_add(e, number(ln2_lower), hn::Mul(hn::Mul(f2, f), p));
  const Floats near_one = hn::Add(f, fused_multiply_add(f2, number(-0.5), tail));
  const Floats regular = fused_multiply_add(e, number(ln2_upper), near_one);
  const Floats infinity = float_of(word(0x7F800000U));
  const Floats above = hn::IfThenElse(hn::Eq(x, infinity), infinity, regular);
  const Floats not_negative = hn::IfThenElse(hn::Eq(x, hn::Zero(FloatTag())), hn::Neg(infinity), above);
  return hn::IfThenElse(hn::Lt(x, hn::Zero(FloatTag())), float_of(word(0x7FC00000U)), not_negative);
}

HWY_INLINE Floats tanh_of(Floats x) {
  const Floats magnitude = hn::Abs(x);
  const Floats x2 = hn::Mul(x, x);
  // (tanh(x) - x) / x^3 in x^2 up to 0.625, minimax, 5e-9 of tanh.
  const Floats p = polynomial(x2, -3.333328194e-01, 1.333144221e-01, -5.373971624e-02, 2.063909054e-02, -5.704990296e-03);
  const Floats small = fused_multiply_add(hn::Mul(x2, x), p, x);
  const Floats e = exp_of(hn::Max(hn::Mul(magnitude, number(-2.0)), number(-88.0)));
  const Floats large = hn::Div(hn::Sub(number(1.0), e), hn::Add(number(1.0), e));
  return hn::IfThenElse(hn::Lt(magnitude, number(0.625)), small, with_sign_of(x, large));
}

HWY_INLINE Floats sigmoid_of(Floats x) {
  const Floats e = exp_of(hn::Max(hn::Neg(hn::Abs(x)), number(-88.0)));
  const Floats numerator = hn::IfThenElse(hn::Lt(x, hn::Zero(FloatTag())), e, number(1.0));
  return hn::Div(numerator, hn::Add(number(1.0), e));
}

/// x * sigmoid(x). Below zero by exp(x / 2) squared, as exp(x) leaves the normal range before the product does.
HWY_INLINE Floats silu_of(Floats x) {
  const Floats e = exp_of(hn::Max(hn::Mul(hn::Abs(x), number(-0.5)), number(-88.0)));
  const Floats below = hn::Mul(hn::Mul(hn::Max(x, number(-200.0)), e), e);
  const Floats numerator = hn::IfThenElse(hn::Lt(x, hn::Zero(FloatTag())), below, x);
  return hn::Div(numerator, fused_multiply_add(e, e, number(1.0)));
}

/// 2^x by the Taylor polynomial of exp(f ln2), |f| <= 1/2. The bounds keep the exponent's bits within reach of
/// scaled_by_power; the results there are 0 and infinity already.
HWY_INLINE Floats exp2_of(Floats x) {
  const Floats z = hn::Min(hn::Max(x, number(-126.75)), number(128.25));
  const Floats sum = hn::Add(z, number(round_magic));
  const Floats f = hn::Sub(z, hn::Sub(sum, number(round_magic)));
  const Floats value =
      polynomial(f, 1.0, 6.93147180559945309e-01, 2.40226506959100712e-01, 5.55041086648215799e-02, 9.61812910762847716e-03,
                 1.33335581464284434e-03, 1.54035303933816099e-04, 1.52527338040598403e-05);
  return float_of(flush_positive(hn::Min(scaled_by_power(value, sum), word(0x7F800000U))));
}

/// exp(x) - 1 = 2^n * (expm1(r) + 1) - 1 with n and r as in exp_bits. Half of it is computed, as 2^128 is no number.
HWY_INLINE Floats expm1_of(Floats x) {
  const Floats z = hn::Min(hn::Max(x, number(-50.0)), number(89.0));
  const Floats sum = fused_multiply_add(z, number(log2_of_e), number(round_magic));
  const Floats n = hn::Sub(sum, number(round_magic));
  const Floats r = fused_multiply_add(n, number(-ln2_lower), fused_multiply_add(n, number(-ln2_upper), z));
  const Floats p = polynomial(r, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320);
  const Floats near_zero = fused_multiply_add(hn::Mul(r, r), p, r);
  const Floats half_power = float_of(scaled_by_power(number(0.5), sum));
  const Floats half = fused_multiply_add(near_zero, half_power, hn::Sub(half_power, number(0.5)));
  return hn::IfThenElse(hn::Eq(n, hn::Zero(FloatTag())), near_zero, hn::Add(half, half));
}

/// x times the normal distribution function, (1 + erf(x / sqrt 2)) / 2. Below the middle the tail comes from the
/// complement, exp(-x^2 / 2) * g, so that nothing cancels there.
HWY_INLINE Floats gelu_of(Floats x) {
  // (erf(x / sqrt 2) / 2) / x in x^2 up to 0.75^2, minimax, 2.5e-9 of the value.
  const Floats slope =
      polynomial(hn::Mul(x, x), 3.989422794e-01, -6.649029505e-02, 9.972349553e-03, -1.181286443e-03, 1.029416593e-04);
  const Floats middle = hn::Mul(x, fused_multiply_add(x, slope, number(0.5)));

  const Floats a = hn::Min(hn::Abs(x), number(13.2));
  const Floats minus_half = hn::Mul(a, number(-0.5));
  const Floats exponent = hn::Mul(a, minus_half);
  const Floats lost = fused_multiply_add(a, minus_half, hn::Neg(exponent));
  const Floats e = float_of(exp_bits(exponent, lost));
  const Floats t = hn::Div(number(1.0), fused_multiply_add(a, number(0.25), number(1.0)));
  // erfc(a / sqrt 2) / 2 * exp(a^2 / 2) in t = 1 / (1 + a / 4) for a from 0.65 to 13.3, minimax, 3.2e-8 of the value.
  const Floats g = polynomial(t, 2.029470103e-05, 9.934465105e-02, 1.028897557e-01, 7.979882780e-02, 1.147982013e-01,
                              2.066207559e-02, 5.341849745e-02, 6.450818534e-02, -3.545134213e-02);
  const Floats tail = hn::Mul(hn::Mul(a, g), e);
  const Floats outside = hn::IfThenElse(hn::Lt(x, hn::Zero(FloatTag())), hn::Neg(tail), hn::Sub(x, tail));
  return hn::IfThenElse(hn::Lt(hn::Abs(x), number(0.7)), middle, outside);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace tilegrid::simd
HWY_AFTER_NAMESPACE();

#endif
