// SPDX-License-Identifier: Apache-2.0
// Arithmetic shared by the matrix kernels, compiled once per instruction set (no plain include guard on purpose).

#if defined(TILEGRID_CORE_SIMD_MATRIX_FMA_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TILEGRID_CORE_SIMD_MATRIX_FMA_INL_H
#undef TILEGRID_CORE_SIMD_MATRIX_FMA_INL_H
#else
#define TILEGRID_CORE_SIMD_MATRIX_FMA_INL_H
#endif

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace tilegrid::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::CappedTag<float, 16>;  // a row of a face is the widest vector that is of use
using WordTag = hn::RebindToUnsigned<FloatTag>;
using IntTag = hn::RebindToSigned<FloatTag>;
using Floats = hn::Vec<FloatTag>;
using Words = hn::Vec<WordTag>;
using Ints = hn::Vec<IntTag>;
inline constexpr std::size_t lanes = hn::MaxLanes(FloatTag());

HWY_INLINE Words bits_of(Floats v) { return hn::BitCast(WordTag(), v); }
HWY_INLINE Floats float_of(Words v) { return hn::BitCast(FloatTag(), v); }
HWY_INLINE Words word(std::uint32_t value) { return hn::Set(WordTag(), value); }

/// a * b + c with one rounding. Every product that meets a sum goes through here: a separate multiply and add would be
/// contracted by the compiler on some instruction sets and not on others.
HWY_INLINE Floats fused(Floats a, Floats b, Floats c) {
#if HWY_NATIVE_FMA
  return hn::MulAdd(a, b, c);
#else
  const FloatTag d;
  HWY_ALIGN float x[lanes];
  HWY_ALIGN float y[lanes];
  HWY_ALIGN float z[lanes];
  hn::Store(a, d, x);
  hn::Store(b, d, y);
  hn::Store(c, d, z);
  for (std::size_t i = 0; i < lanes; ++i) z[i] = std::fma(x[i], y[i], z[i]);
  return hn::Load(d, z);
#endif
}

/// Zero, denormal or -0 (exponent field 0) becomes +0: the matrix unit knows no denormals.
HWY_INLINE Words flush(Words v) {
#if HWY_TARGET == HWY_AVX3
  return hn::IfThenElseZero(hn::TestBit(v, word(0x7F800000U)), v);  // one instruction tests for any of these bits here
#else
  return hn::IfThenZeroElse(hn::Eq(hn::And(v, word(0x7F800000U)), hn::Zero(WordTag())), v);
#endif
}

/// Which NaN an operation returns depends on the operand order the compiler chose, so DST only ever holds this one.
HWY_INLINE Floats one_nan(Floats v) { return hn::IfThenElse(hn::IsNaN(v), float_of(word(0x7FC00000U)), v); }

/// Zero where v is infinite or NaN.
HWY_INLINE Floats finite_or_zero(Floats v) {
  const Words exponent = word(0x7F800000U);
  return hn::IfThenZeroElse(hn::RebindMask(FloatTag(), hn::Eq(hn::And(bits_of(v), exponent), exponent)), v);
}

/// Whether v may hold a NaN, a denormal or -0, which DST does not keep as they are. Where one instruction tells (AVX-512),
/// rare values are put right behind a branch; elsewhere always.
HWY_INLINE bool may_need_repair(Floats v) {
#if HWY_TARGET == HWY_AVX3
  constexpr int quiet_nan = 0x01;
  constexpr int negative_zero = 0x04;
  constexpr int denormal = 0x20;
  constexpr int signalling_nan = 0x80;
  return _mm512_fpclass_ps_mask(v.raw, quiet_nan | negative_zero | denormal | signalling_nan) != 0;
#else
  (void)v;
  return true;
#endif
}

/// Rounds half up on the magnitude to the 8 significand bits of 16-bit DST. 0 stays 0: half a unit is added, then cut.
HWY_INLINE Floats half_up(Floats v) { return float_of(hn::And(hn::Add(bits_of(v), word(0x8000U)), word(0xFFFF0000U))); }

/// A DST write: one NaN, no denormals, no -0; then for 16-bit DST rounded half up on the magnitude to 8 significand bits.
template <bool dst_fp32>
HWY_INLINE Floats round_dst(Floats v) {
  if (HWY_UNLIKELY(may_need_repair(v))) v = float_of(flush(bits_of(one_nan(v))));
  if constexpr (dst_fp32) return v;
  return half_up(v);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace tilegrid::simd
HWY_AFTER_NAMESPACE();

#endif
