// SPDX-License-Identifier: Apache-2.0
#include "core/simd/pack_kernels.h"

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

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

/// Of a value: infinity at most.
HWY_INLINE Words magnitude_of(Words bits) { return hn::Min(hn::And(bits, word(0x7FFFFFFFU)), word(0x7F800000U)); }

HWY_INLINE Words round_to_tf32(Words bits) {
  const Words magnitude = magnitude_of(bits);
  const Words rounded = hn::And(hn::Add(magnitude, word(0x1000U)), word(0xFFFFE000U));
  return hn::IfThenZeroElse(hn::Gt(word(0x00800000U), magnitude), with_sign(bits, rounded));
}

/// The lower half is garbage.
HWY_INLINE Words round_to_bf16(Words bits) {
  const Words rounded = hn::Add(magnitude_of(bits), word(0x8000U));
  return hn::IfThenZeroElse(hn::Gt(word(0x00800000U), rounded), with_sign(bits, rounded));
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
    hn::StoreU(round_to_tf32(load_words(values + i)), WordTag(), out + i);
  }
}

/// How a magnitude of a block-float datum is rounded: to places below the shared exponent, of which the upper `bits` are
/// kept; before that half away from zero to 7 places (e8m6) or not.
template <int bits_kept, scalar::BlockRounding how>
struct Block {
  static constexpr int bits = bits_kept;
  static constexpr int rounded_to = how == scalar::BlockRounding::nearest ? bits : 7;
  /// Magnitudes of values: infinity at most, and 0 for whatever has exponent 0.
  HWY_INLINE static Words magnitude(Words value) {
    Words magnitude = magnitude_of(value);
    if constexpr (how == scalar::BlockRounding::packer) {
      magnitude = hn::And(hn::Add(magnitude, word(0x10000U)), word(0xFFFE0000U));
    }
    return hn::IfThenZeroElse(hn::Gt(word(0x00800000U), magnitude), magnitude);
  }
  /// As scalar::pack_block_row. Of a significand of 24 bits a shift by 30 leaves no more than one by any larger number.
  HWY_INLINE static Words datum(Words value, Words magnitude, Words shared) {
    const Words gap = hn::Sub(shared, hn::ShiftRight<23>(magnitude));
    const Words places = hn::Min(hn::Add(gap, word(23 - rounded_to)), word(30));
    const Words significand = hn::Or(hn::And(magnitude, word(0x7FFFFFU)), word(0x800000U));
    Words rounded = hn::ShiftRight<1>(hn::Add(hn::Shr(significand, places), word(1)));
    rounded = hn::ShiftRight<rounded_to - bits>(hn::Min(rounded, word((1U << rounded_to) - 1U)));
    const Words sign = hn::ShiftLeft<bits>(hn::ShiftRight<31>(value));
    const Words zero = hn::Zero(WordTag());
    return hn::IfThenZeroElse(hn::Or(hn::Eq(magnitude, zero), hn::Eq(rounded, zero)), hn::Or(rounded, sign));
  }
};

/// 16 datums in the low bits of their bytes, moved together.
template <int bits>
HWY_INLINE void store_datums(const std::uint8_t* datums, std::byte* out) {
  std::uint64_t halves[2];
  std::memcpy(halves, datums, sizeof halves);
  for (std::size_t i = 0; i < 2; ++i) {
    std::uint64_t v = halves[i];
    if constexpr (bits == 3) {
      v = (v | v >> 4U) & 0x00FF00FF00FF00FFU;
      v = (v | v >> 8U) & 0x0000FFFF0000FFFFU;
      const auto together = static_cast<std::uint32_t>(v | v >> 16U);
      std::memcpy(out + i * sizeof together, &together, sizeof together);
    } else {
      v = (v | v >> 6U) & 0x000F000F000F000FU;
      v = (v | v >> 12U) & 0x000000FF000000FFU;
      const auto together = static_cast<std::uint16_t>(v | v >> 24U);
      std::memcpy(out + i * sizeof together, &together, sizeof together);
    }
  }
}

template <class Rule>
HWY_NOINLINE void pack_block_tile(const float* values, std::byte* tile) {
  constexpr std::size_t vectors = block_float_group / hn::MaxLanes(FloatTag());
  constexpr std::size_t row_bytes = block_float_group * (Rule::bits + 1) / 8;
  const std::size_t lanes = hn::Lanes(FloatTag());
  const hn::RebindToSigned<FloatTag> signed_words;
  const hn::Rebind<std::uint8_t, FloatTag> bytes;
  for (std::size_t row = 0; row < block_float_exponents; ++row) {
    const float* from = values + row * block_float_group;
    Words magnitudes[vectors];
    Words most = hn::Zero(WordTag());
    for (std::size_t v = 0; v < vectors; ++v) {
      magnitudes[v] = Rule::magnitude(load_words(from + v * lanes));
      most = hn::Max(most, magnitudes[v]);
    }
    const Words shared = hn::ShiftRight<23>(hn::MaxOfLanes(WordTag(), most));
    tile[row] = static_cast<std::byte>(hn::GetLane(shared));
    HWY_ALIGN std::uint8_t datums[block_float_group];
    for (std::size_t v = 0; v < vectors; ++v) {
      const Words result = Rule::datum(load_words(from + v * lanes), magnitudes[v], shared);
      hn::StoreU(hn::DemoteTo(bytes, hn::BitCast(signed_words, result)), bytes, datums + v * lanes);
    }
    std::byte* out = tile + block_float_exponents + row * row_bytes;
    if constexpr (Rule::bits == 7) {
      std::memcpy(out, datums, sizeof datums);
    } else {
      store_datums<Rule::bits>(datums, out);
    }
  }
}

template <scalar::BlockRounding how>
void pack_block_floats_by(const float* values, DataFormat format, std::byte* tile) {
  if (format == DataFormat::bfp8_b) return pack_block_tile<Block<7, how>>(values, tile);
  if (format == DataFormat::bfp4_b) return pack_block_tile<Block<3, how>>(values, tile);
  pack_block_tile<Block<1, how>>(values, tile);
}

HWY_NOINLINE void pack_block_floats(const float* values, DataFormat format, scalar::BlockRounding how, std::byte* tile) {
  switch (how) {
    case scalar::BlockRounding::packer:
      return pack_block_floats_by<scalar::BlockRounding::packer>(values, format, tile);
    case scalar::BlockRounding::precise:
      return pack_block_floats_by<scalar::BlockRounding::precise>(values, format, tile);
    case scalar::BlockRounding::nearest:
      return pack_block_floats_by<scalar::BlockRounding::nearest>(values, format, tile);
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

/// Denormals become zero of their sign.
HWY_INLINE Words flush(Words bits) {
  const auto small = hn::Eq(hn::And(bits, word(0x7F800000U)), hn::Zero(WordTag()));
  return hn::IfThenElse(small, hn::And(bits, word(0x80000000U)), bits);
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
  for (std::size_t i = 0; i < count; ++i) out[i] = scalar::pack_bf16(scalar::truncate_bf16(values[i]));
}

/// A bf16 as accumulation takes it: a denormal is zero of its sign.
HWY_INLINE float flushed(std::uint16_t bits) { return scalar::unpack_bf16((bits & 0x7F80U) == 0 ? bits & 0x8000U : bits); }

HWY_NOINLINE void accumulate_bf16(const std::uint16_t* values, std::size_t count, std::uint16_t* l1) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto sum = std::bit_cast<std::uint32_t>(flushed(l1[i]) + flushed(values[i]));
    const std::uint32_t nearest_even = sum + 0x7FFFU + ((sum >> 16U) & 1U);
    std::uint32_t result = nearest_even >> 16U;
    if ((result & 0x7F80U) == 0) result &= 0x8000U;
    if ((sum & 0x7FFFFFFFU) > 0x7F800000U) result = 0x7FC0U;
    if ((l1[i] & 0x7FFFU) > 0x7F80U) result = (values[i] & 0x7FFFU) == 0x7F80U ? values[i] : (l1[i] & 0x8000U) | 0x7F80U;
    l1[i] = static_cast<std::uint16_t>(result);
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
    const Words first = round_to_bf16(load_words(values + i));
    const Words second = round_to_bf16(load_words(values + i + lanes));
    hn::StoreU(upper_halves(first, second), HalfTag(), out + i);
  }
}

HWY_NOINLINE void pack_bf16_identity(const float* values, std::size_t count, std::uint16_t* out) {
  const std::size_t lanes = hn::Lanes(FloatTag());
  for (std::size_t i = 0; i < count; i += 2 * lanes) {
    const Halves bits = upper_halves(load_words(values + i), load_words(values + i + lanes));
    const Halves magnitude = hn::Min(hn::And(bits, half(0x7FFF)), half(0x7F80));
    const Halves result = hn::OrAnd(magnitude, bits, half(0x8000));
    hn::StoreU(hn::IfThenZeroElse(hn::Gt(half(0x80), magnitude), result), HalfTag(), out + i);
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
  const auto small = hn::Eq(hn::And(bits, half(0x7F80)), hn::Zero(HalfTag()));
  return hn::IfThenElse(small, hn::And(bits, half(0x8000)), bits);
}

/// What comes of a sum with a NaN in L1.
HWY_INLINE Halves beyond_all(Halves old, Halves value) {
  const Halves infinity = hn::OrAnd(half(0x7F80), old, half(0x8000));
  return hn::IfThenElse(hn::Eq(hn::And(value, half(0x7FFF)), half(0x7F80)), value, infinity);
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
    const Halves old = hn::LoadU(d, l1 + i);
    const Halves value = hn::LoadU(d, values + i);
    const Words a = hn::BitCast(dw, flush(old));
    const Words b = hn::BitCast(dw, value);
    const Words even = rounded_sum(hn::ShiftLeft<16>(a), hn::ShiftLeft<16>(b));
    const Words odd = rounded_sum(hn::And(a, upper), hn::And(b, upper));
    const Halves sum = flush(hn::BitCast(d, hn::OrAnd(hn::ShiftRight<16>(even), odd, upper)));
    const auto nan = hn::Gt(hn::And(sum, half(0x7FFF)), half(0x7F80));
    if (HWY_LIKELY(hn::AllFalse(d, nan))) {  // also of what was in L1: a NaN stays one
      hn::StoreU(sum, d, l1 + i);
      continue;
    }
    const auto old_nan = hn::Gt(hn::And(old, half(0x7FFF)), half(0x7F80));
    const Halves result = hn::IfThenElse(nan, half(0x7FC0), sum);
    hn::StoreU(hn::IfThenElse(old_nan, beyond_all(old, value), result), d, l1 + i);
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
HWY_EXPORT(pack_block_floats);
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
void pack_block_floats(const float* values, DataFormat format, scalar::BlockRounding how, std::byte* tile) {
  HWY_DYNAMIC_DISPATCH(pack_block_floats)(values, format, how, tile);
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
