// SPDX-License-Identifier: Apache-2.0
#include "core/simd/pack_kernels.h"

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "core/format.h"
#include "core/simd/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/pack_kernels.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace tilegrid::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::CappedTag<float, 16>;
using WordTag = hn::RebindToUnsigned<FloatTag>;
using Floats = hn::Vec<FloatTag>;
using Words = hn::Vec<WordTag>;

HWY_INLINE Words word(std::uint32_t value) { return hn::Set(WordTag(), value); }
HWY_INLINE Words load_words(const float* values) { return hn::BitCast(WordTag(), hn::LoadU(FloatTag(), values)); }
HWY_INLINE Floats float_of(Words bits) { return hn::BitCast(FloatTag(), bits); }

/// A magnitude with the sign of `bits`.
HWY_INLINE Words with_sign(Words bits, Words magnitude) { return hn::OrAnd(magnitude, bits, word(0x80000000U)); }

template <int dropped>
HWY_INLINE Words round_magnitude(Words bits) {
  const Words magnitude = hn::Min(hn::And(bits, word(0x7FFFFFFFU)), word(0x7F800000U));
  const Words rounded = hn::Add(magnitude, word(1U << (dropped - 1)));
  return hn::IfThenZeroElse(hn::Gt(word(0x00800000U), magnitude), with_sign(bits, rounded));
}

HWY_INLINE Words fp16_bits(Words bits) {
  // Numbers as in scalar::pack_fp16: the largest and the smallest normal as floats, and the gap of the exponents.
  const Words magnitude = hn::Min(hn::And(bits, word(0x7FFFFFFFU)), word(0x47FFE000U));
  const Words rounded = hn::Add(magnitude, word(0x1000U));
  const Words result = hn::ShiftRight<13>(hn::Sub(rounded, word(112U << 23)));
  const Words sign = hn::ShiftRight<16>(hn::And(bits, word(0x80000000U)));
  return hn::IfThenZeroElse(hn::Gt(word(0x38800000U), rounded), hn::Or(result, sign));
}

HWY_NOINLINE void pack_tf32(const float* values, std::size_t count, std::uint32_t* out) {
  for (std::size_t i = 0; i < count; i += hn::Lanes(FloatTag())) {
    hn::StoreU(hn::And(round_magnitude<13>(load_words(values + i)), word(0xFFFFE000U)), WordTag(), out + i);
  }
}

/// Magnitudes of values for a block-float format: infinity at most, and 0 for whatever has exponent 0.
HWY_INLINE Words block_magnitude(Words bits) {
  const Words magnitude = hn::Min(hn::And(bits, word(0x7FFFFFFFU)), word(0x7F800000U));
  return hn::IfThenZeroElse(hn::Gt(word(0x00800000U), magnitude), magnitude);
}

/// As scalar::pack_bfp8_b. Of a significand of 24 bits a shift by 30 leaves no more than one by any larger number.
HWY_INLINE Words bfp8_datum(Words bits, Words magnitude, Words shared) {
  const Words gap = hn::Sub(shared, hn::ShiftRight<23>(magnitude));
  const Words places = hn::Min(hn::Add(gap, word(16)), word(30));
  const Words significand = hn::Or(hn::And(magnitude, word(0x7FFFFFU)), word(0x800000U));
  const Words rounded = hn::ShiftRight<1>(hn::Add(hn::Shr(significand, places), word(1)));
  const Words result = hn::Or(hn::Min(rounded, word(127)), hn::ShiftRight<24>(hn::And(bits, word(0x80000000U))));
  const Words zero = hn::Zero(WordTag());
  return hn::IfThenZeroElse(hn::Or(hn::Eq(magnitude, zero), hn::Eq(rounded, zero)), result);
}

HWY_NOINLINE void pack_bfp8_b(const float* values, std::size_t count, std::uint8_t* exponents, std::uint8_t* datums) {
  constexpr std::size_t vectors = block_float_group / hn::MaxLanes(FloatTag());
  const std::size_t lanes = hn::Lanes(FloatTag());
  const hn::RebindToSigned<FloatTag> signed_words;
  const hn::Rebind<std::uint8_t, FloatTag> bytes;
  for (std::size_t row = 0; row < count / block_float_group; ++row) {
    const float* from = values + row * block_float_group;
    Words magnitudes[vectors];
    Words most = hn::Zero(WordTag());
    for (std::size_t v = 0; v < vectors; ++v) {
      magnitudes[v] = block_magnitude(load_words(from + v * lanes));
      most = hn::Max(most, magnitudes[v]);
    }
    const Words shared = hn::ShiftRight<23>(hn::MaxOfLanes(WordTag(), most));
    exponents[row] = static_cast<std::uint8_t>(hn::GetLane(shared));
    for (std::size_t v = 0; v < vectors; ++v) {
      const Words result = bfp8_datum(load_words(from + v * lanes), magnitudes[v], shared);
      hn::StoreU(hn::DemoteTo(bytes, hn::BitCast(signed_words, result)), bytes,
                 datums + row * block_float_group + v * lanes);
    }
  }
}

template <ReluMode mode>
HWY_INLINE Floats relu_of(Floats value, Floats threshold) {
  if constexpr (mode == ReluMode::min_threshold) return hn::IfThenZeroElse(hn::Le(value, threshold), value);
  const auto negative = hn::BroadcastSignBit(hn::BitCast(hn::RebindToSigned<FloatTag>(), value));
  const Floats positive = hn::AndNot(hn::BitCast(FloatTag(), negative), value);
  if constexpr (mode == ReluMode::zero) return positive;
  return hn::IfThenElse(hn::Gt(positive, threshold), threshold, positive);
}

template <ReluMode mode>
HWY_NOINLINE void relu_run(float threshold, const float* values, std::size_t count, float* out) {
  const FloatTag d;
  for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
    hn::StoreU(relu_of<mode>(hn::LoadU(d, values + i), hn::Set(d, threshold)), d, out + i);
  }
}

HWY_NOINLINE void relu(ReluMode mode, float threshold, const float* values, std::size_t count, float* out) {
  switch (mode) {
    case ReluMode::zero:
      return relu_run<ReluMode::zero>(threshold, values, count, out);
    case ReluMode::min_threshold:
      return relu_run<ReluMode::min_threshold>(threshold, values, count, out);
    case ReluMode::max_threshold:
      return relu_run<ReluMode::max_threshold>(threshold, values, count, out);
    case ReluMode::none:
      break;
  }
  for (std::size_t i = 0; i < count; ++i) out[i] = values[i];
}

/// Zero of either sign and denormals become +0.
HWY_INLINE Words flush(Words bits) {
  return hn::IfThenZeroElse(hn::Eq(hn::And(bits, word(0x7F800000U)), hn::Zero(WordTag())), bits);
}
HWY_NOINLINE void accumulate_fp32(const float* values, std::size_t count, float* l1) {
  const FloatTag d;
  for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
    const Floats sum = hn::Add(float_of(flush(load_words(l1 + i))), float_of(flush(load_words(values + i))));
    const Floats result = float_of(flush(hn::BitCast(WordTag(), sum)));
    hn::StoreU(hn::IfThenElse(hn::IsNaN(sum), float_of(word(0x7FC00000U)), result), d, l1 + i);
  }
}

#if HWY_TARGET == HWY_SCALAR

// One lane cannot hold two 16-bit values: here the reference functions do the work.
HWY_NOINLINE void pack_bf16(const float* values, std::size_t count, std::uint16_t* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = scalar::pack_bf16(values[i]);
}

HWY_NOINLINE void pack_fp16(const float* values, std::size_t count, std::uint16_t* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = scalar::pack_fp16(values[i]);
}

HWY_NOINLINE void pack_bf16_identity(const float* values, std::size_t count, std::uint16_t* out) {
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = values[i] == 0.0F ? static_cast<std::uint16_t>(std::signbit(values[i]) << 15) : scalar::pack_bf16(values[i]);
  }
}

HWY_NOINLINE void accumulate_bf16(const std::uint16_t* values, std::size_t count, std::uint16_t* l1) {
  for (std::size_t i = 0; i < count; ++i) {
    const float sum =
        scalar::truncate_bf16(scalar::unpack_bf16(l1[i])) + scalar::truncate_bf16(scalar::unpack_bf16(values[i]));
    const auto bits = std::bit_cast<std::uint32_t>(sum);
    const std::uint32_t nearest_even = bits + 0x7FFFU + ((bits >> 16) & 1U);
    l1[i] = (nearest_even & 0x7F800000U) == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(nearest_even >> 16);
    if (std::isnan(sum)) l1[i] = 0x7FC0;
  }
}

#else

using HalfTag = hn::Repartition<std::uint16_t, FloatTag>;  // one such vector holds the values of two float vectors
using Halves = hn::Vec<HalfTag>;
HWY_INLINE Halves half(std::uint32_t value) { return hn::Set(HalfTag(), static_cast<std::uint16_t>(value)); }

/// The upper halves of the words of two vectors, in order.
HWY_INLINE Halves upper_halves(Words first, Words second) {
  const HalfTag d;
  return hn::ConcatOdd(d, hn::BitCast(d, second), hn::BitCast(d, first));
}
HWY_INLINE Halves lower_halves(Words first, Words second) {
  const HalfTag d;
  return hn::ConcatEven(d, hn::BitCast(d, second), hn::BitCast(d, first));
}

HWY_NOINLINE void pack_bf16(const float* values, std::size_t count, std::uint16_t* out) {
  const std::size_t lanes = hn::Lanes(FloatTag());
  for (std::size_t i = 0; i < count; i += 2 * lanes) {
    const Words first = round_magnitude<16>(load_words(values + i));
    const Words second = round_magnitude<16>(load_words(values + i + lanes));
    hn::StoreU(upper_halves(first, second), HalfTag(), out + i);
  }
}

HWY_NOINLINE void pack_bf16_identity(const float* values, std::size_t count, std::uint16_t* out) {
  const std::size_t lanes = hn::Lanes(FloatTag());
  for (std::size_t i = 0; i < count; i += 2 * lanes) {
    const Halves bits = upper_halves(load_words(values + i), load_words(values + i + lanes));
    const Halves magnitude = hn::Min(hn::And(bits, half(0x7FFF)), half(0x7F80));
    const Halves result = hn::OrAnd(magnitude, bits, half(0x8000));
    // One less than the magnitude of a denormal is below 0x7F; that of zero wraps to the largest value.
    const auto denormal = hn::Gt(half(0x7F), hn::Sub(magnitude, half(1)));
    hn::StoreU(hn::IfThenZeroElse(denormal, result), HalfTag(), out + i);
  }
}

HWY_NOINLINE void pack_fp16(const float* values, std::size_t count, std::uint16_t* out) {
  const std::size_t lanes = hn::Lanes(FloatTag());
  for (std::size_t i = 0; i < count; i += 2 * lanes) {
    const Words first = fp16_bits(load_words(values + i));
    const Words second = fp16_bits(load_words(values + i + lanes));
    hn::StoreU(lower_halves(first, second), HalfTag(), out + i);
  }
}

HWY_INLINE Halves flush(Halves bits) {
  return hn::IfThenZeroElse(hn::Eq(hn::And(bits, half(0x7F80)), hn::Zero(HalfTag())), bits);
}

/// Sum of two bf16 in the upper half of float bits. Rounded to nearest even at bit 16; the lower half is garbage.
HWY_INLINE Words rounded_sum(Words a, Words b) {
  const Words sum = hn::BitCast(WordTag(), hn::Add(float_of(a), float_of(b)));
  const Words up = hn::Add(sum, word(0x7FFFU));
  return hn::IfThenElse(hn::TestBit(sum, word(0x10000U)), hn::Add(up, word(1)), up);
}

HWY_NOINLINE void accumulate_bf16(const std::uint16_t* values, std::size_t count, std::uint16_t* l1) {
  const HalfTag d;
  const WordTag dw;
  const Words upper = word(0xFFFF0000U);
  for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
    // A word holds two neighbours; the float of the upper one is the word without its lower half. The sum of two bf16
    // rounded first to a float and then to bf16 is the sum rounded once: a float has room for 16 binary places more.
    const Words a = hn::BitCast(dw, flush(hn::LoadU(d, l1 + i)));
    const Words b = hn::BitCast(dw, hn::LoadU(d, values + i));
    const Words even = rounded_sum(hn::ShiftLeft<16>(a), hn::ShiftLeft<16>(b));
    const Words odd = rounded_sum(hn::And(a, upper), hn::And(b, upper));
    const Halves sum = flush(hn::BitCast(d, hn::OrAnd(hn::ShiftRight<16>(even), odd, upper)));
    const auto nan = hn::Gt(hn::And(sum, half(0x7FFF)), half(0x7F80));
    hn::StoreU(hn::IfThenElse(nan, half(0x7FC0), sum), d, l1 + i);
  }
}

#endif

HWY_NOINLINE void unpack_bf16(const std::uint16_t* bits, std::size_t count, float* out) {
  const hn::Rebind<std::uint16_t, WordTag> d16;
  for (std::size_t i = 0; i < count; i += hn::Lanes(FloatTag())) {
    const Words words = hn::ShiftLeft<16>(hn::PromoteTo(WordTag(), hn::LoadU(d16, bits + i)));
    hn::StoreU(float_of(words), FloatTag(), out + i);
  }
}

HWY_NOINLINE void unpack_fp16(const std::uint16_t* bits, std::size_t count, float* out) {
  const FloatTag d;
  const hn::Rebind<std::uint16_t, WordTag> d16;
  for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
    const Words words = hn::PromoteTo(WordTag(), hn::LoadU(d16, bits + i));
    const Words magnitude = hn::And(words, word(0x7FFFU));
    const Words normal = hn::Add(hn::ShiftLeft<13>(magnitude), word(112U << 23));
    // The smallest fp16 exponent with the hidden bit, minus the hidden bit, leaves an exact denormal.
    const Floats shifted = float_of(hn::Or(hn::ShiftLeft<13>(magnitude), word(113U << 23)));
    const Floats denormal = hn::Sub(shifted, float_of(word(113U << 23)));
    const auto is_normal = hn::RebindMask(d, hn::Gt(magnitude, word(0x3FFU)));
    const Floats value = hn::IfThenElse(is_normal, float_of(normal), denormal);
    const Words sign = hn::ShiftLeft<16>(hn::And(words, word(0x8000U)));
    hn::StoreU(float_of(hn::Or(hn::BitCast(WordTag(), value), sign)), d, out + i);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace tilegrid::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tilegrid::simd {

HWY_EXPORT(pack_bf16);
HWY_EXPORT(pack_bf16_identity);
HWY_EXPORT(pack_fp16);
HWY_EXPORT(pack_tf32);
HWY_EXPORT(pack_bfp8_b);
HWY_EXPORT(relu);
HWY_EXPORT(accumulate_fp32);
HWY_EXPORT(accumulate_bf16);
HWY_EXPORT(unpack_bf16);
HWY_EXPORT(unpack_fp16);

void pack_bf16(const float* values, std::size_t count, std::uint16_t* out) {
  HWY_DYNAMIC_DISPATCH(pack_bf16)(values, count, out);
}
void pack_bf16_identity(const float* values, std::size_t count, std::uint16_t* out) {
  HWY_DYNAMIC_DISPATCH(pack_bf16_identity)(values, count, out);
}
void pack_fp16(const float* values, std::size_t count, std::uint16_t* out) {
  HWY_DYNAMIC_DISPATCH(pack_fp16)(values, count, out);
}
void pack_tf32(const float* values, std::size_t count, std::uint32_t* out) {
  HWY_DYNAMIC_DISPATCH(pack_tf32)(values, count, out);
}
void pack_bfp8_b(const float* values, std::size_t count, std::uint8_t* exponents, std::uint8_t* datums) {
  HWY_DYNAMIC_DISPATCH(pack_bfp8_b)(values, count, exponents, datums);
}
void relu(ReluMode mode, float threshold, const float* values, std::size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(relu)(mode, threshold, values, count, out);
}
void accumulate_fp32(const float* values, std::size_t count, float* l1) {
  HWY_DYNAMIC_DISPATCH(accumulate_fp32)(values, count, l1);
}
void accumulate_bf16(const std::uint16_t* values, std::size_t count, std::uint16_t* l1) {
  HWY_DYNAMIC_DISPATCH(accumulate_bf16)(values, count, l1);
}
void unpack_bf16(const std::uint16_t* bits, std::size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(unpack_bf16)(bits, count, out);
}
void unpack_fp16(const std::uint16_t* bits, std::size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(unpack_fp16)(bits, count, out);
}

}  // namespace tilegrid::simd
#endif  // HWY_ONCE
