// SPDX-License-Identifier: Apache-2.0
#include "core/simd/exact_kernels.h"

#include <type_traits>

#include "core/simd/targets.h"
#include "core/tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/exact_kernels.cpp"  // NOLINT(bugprone-macro-parentheses)
#include "hwy/foreach_target.h"
// After foreach_target.h, which includes this file again for each target.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace tilegrid::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using IntTag = hn::CappedTag<std::int32_t, 16>;
using WordTag = hn::RebindToUnsigned<IntTag>;
using FloatTag = hn::RebindToFloat<IntTag>;
using Ints = hn::Vec<IntTag>;
using Words = hn::Vec<WordTag>;
inline constexpr std::size_t int_lanes = hn::MaxLanes(IntTag());

// Exponents are 16-bit here. A zero's is so low that a product with it never leads a group, and that two of them still fit.
inline constexpr std::int16_t no_exponent = -1000;
inline constexpr int bias = 127;
inline constexpr int max_phases = 4;
/// What a phase's product counts less than that of the first, in powers of two.
inline constexpr int phase_exponent[max_phases] = {0, -5, -7, -12};
/// Exponent 0 of a number whose exponent has five bits and a bias of 15.
inline constexpr int fp16_zero = bias - 15;

/// What DST holds: fp32, or in 16 bits bf16 or, when the sources are fp16, fp16.
enum class Accumulator : std::uint8_t { bf16, fp16, fp32 };

HWY_INLINE Ints number(int value) { return hn::Set(IntTag(), value); }
HWY_INLINE Ints as_ints(Words v) { return hn::BitCast(IntTag(), v); }
HWY_INLINE Words as_words(Ints v) { return hn::BitCast(WordTag(), v); }
HWY_INLINE Ints exponent_of(Words v) { return as_ints(hn::And(hn::ShiftRight<23>(v), hn::Set(WordTag(), 0xFFU))); }
/// -1 where the sign is set, else 0.
HWY_INLINE Ints sign_of(Words v) { return hn::ShiftRight<31>(as_ints(v)); }
HWY_INLINE Ints with_sign(Ints magnitude, Ints sign) { return hn::Sub(hn::Xor(magnitude, sign), sign); }
/// All 24 bits, the hidden one included; 0 for zeros and denormals.
HWY_INLINE Ints significand_of(Words v) {
  const Ints fraction = as_ints(hn::Or(hn::And(v, hn::Set(WordTag(), 0x7FFFFFU)), hn::Set(WordTag(), 0x800000U)));
  return hn::IfThenZeroElse(hn::Eq(exponent_of(v), hn::Zero(IntTag())), fraction);
}
/// The pieces of an 11-bit significand that the phases multiply.
HWY_INLINE Ints high_piece(SourceRegister source, Ints significand) {
  return source == SourceRegister::a ? hn::ShiftRight<6>(significand) : hn::ShiftRight<4>(significand);
}
HWY_INLINE Ints low_piece(SourceRegister source, Ints significand) {
  return source == SourceRegister::a ? hn::And(hn::ShiftRight<1>(significand), number(0x1F))
                                     : hn::ShiftLeft<3>(hn::And(significand, number(0xF)));
}

void split_exactly(SourceRegister source, const float* HWY_RESTRICT values, ExactOperand& out) {
  const hn::Rebind<std::int16_t, IntTag> d16;
  const hn::Rebind<std::uint16_t, IntTag> du16;
  for (std::size_t i = 0; i < tile_elements; i += int_lanes) {
    const std::size_t face = i / (face_side * face_side);
    const std::size_t row = face / 2 * face_side + i / face_side % face_side;
    const std::size_t at = row * tile_side + face % 2 * face_side + i % face_side;
    const Words bits = hn::BitCast(WordTag(), hn::Load(FloatTag(), values + i));
    const Ints exponent = exponent_of(bits);
    const Ints significand = hn::ShiftRight<13>(significand_of(bits));
    const Ints shown = hn::IfThenElse(hn::Eq(exponent, hn::Zero(IntTag())), number(no_exponent), exponent);
    hn::StoreU(hn::DemoteTo(d16, shown), d16, out.exponent.data() + at);
    hn::StoreU(hn::DemoteTo(d16, sign_of(bits)), d16, out.sign.data() + at);
    hn::StoreU(hn::DemoteTo(du16, high_piece(source, significand)), du16, out.high.data() + at);
    hn::StoreU(hn::DemoteTo(du16, low_piece(source, significand)), du16, out.low.data() + at);
  }
}

/// A number on its way to DST: sum * 2^(exponent - bias - 10), of at most 15 bits and a sign.
struct Term {
  Ints sum;
  Ints exponent;
};

/// Groups of products whose exponent is not above `least` count as 0 with that exponent.
HWY_INLINE Term term(Ints sum, Ints exponent, Ints least) {
  const auto counts = hn::Gt(exponent, least);
  return {.sum = hn::IfThenElseZero(counts, sum), .exponent = hn::IfThenElse(counts, exponent, least)};
}

/// floor(half of `doubled` / 2^shift + 1/2).
HWY_INLINE Ints aligned(Ints doubled, Ints shift) {
  return hn::ShiftRight<1>(hn::Add(hn::Shr(doubled, hn::Min(shift, number(31))), number(1)));
}

/// The last step of every operation: two terms and what DST holds, aligned, added and rounded; counts known faults.
template <Accumulator accumulator>
class Adder {
 public:
  explicit Adder(const ExactMode& mode)
      : known_faults_(mode.known_faults), wide_products_(mode.five_bit_exponents && dst_fp32) {}

  /// The exponent that zeros have among the terms of a phase. Products of fp16 for 32-bit DST get a bias of 127 with the
  /// phase's part of it, before which a zero has none.
  [[nodiscard]] HWY_INLINE Ints least(int phase) const {
    if constexpr (accumulator == Accumulator::fp16) return number(fp16_zero);
    return number(wide_products_ ? 2 * fp16_zero - bias + phase_exponent[phase] : 0);
  }

  HWY_INLINE Words add(Words dst, Term x, Term y) {
    const Ints dst_exponent = exponent_of(dst);
    const Ints exponent = hn::Max(hn::Max(x.exponent, y.exponent), dst_exponent);
    // DST is rounded on its magnitude, terms are not: half of a negative unit goes towards zero.
    const Ints held = hn::ShiftLeft<1>(significand_of(dst));
    const Ints doubled =
        accumulator == Accumulator::fp16 ? hn::IfThenElseZero(hn::Gt(dst_exponent, number(fp16_zero)), held) : held;
    const Ints magnitude = dropped(aligned(doubled, hn::Sub(exponent, dst_exponent)));
    const Ints kept = with_sign(magnitude, sign_of(dst));
    return normalised(hn::Add(kept, hn::Add(align(x, exponent), align(y, exponent))), exponent);
  }
  HWY_INLINE Words add(Words dst, Term x) {
    return add(dst, x, {.sum = hn::Zero(IntTag()), .exponent = hn::Zero(IntTag())});
  }

  [[nodiscard]] std::uint64_t struck() const { return struck_; }

 private:
  static constexpr bool dst_fp32 = accumulator == Accumulator::fp32;
  static constexpr int fraction_bits = dst_fp32 ? 23 : accumulator == Accumulator::fp16 ? 10 : 7;
  /// The largest exponent of a number, and what is beyond: infinity, or the largest number that fp16 has.
  static constexpr int most = accumulator == Accumulator::fp16 ? fp16_zero + 31 : 254;
  static constexpr int beyond = accumulator == Accumulator::fp16 ? 0x47FFE000 : 0x7F800000;
  static constexpr int nothing = accumulator == Accumulator::fp16 ? fp16_zero : 0;

  /// 16-bit DST: 13 bits fewer take part in the sum.
  HWY_INLINE static Ints dropped(Ints v) { return dst_fp32 ? v : hn::ShiftRight<13>(hn::Add(v, number(1 << 12))); }
  HWY_INLINE static Ints align(Term t, Ints exponent) {
    return dropped(aligned(hn::ShiftLeft<14>(t.sum), hn::Sub(exponent, t.exponent)));
  }

  HWY_INLINE Words normalised(Ints sum, Ints exponent) {
    if constexpr (dst_fp32) {
      const auto fault = hn::Eq(sum, number(-1));
      if (HWY_UNLIKELY(!hn::AllFalse(IntTag(), fault))) {
        struck_ += hn::CountTrue(IntTag(), fault);
        if (known_faults_) exponent = hn::IfThenElse(fault, hn::Add(exponent, number(27)), exponent);
      }
    }
    const Ints magnitude = hn::Abs(sum);
    // The conversion may round, but with the second bit cleared it can't round up to the next power of two.
    const Ints leading = hn::AndNot(hn::ShiftRight<1>(magnitude), magnitude);
    const auto as_float = hn::BitCast(IntTag(), hn::ConvertTo(FloatTag(), leading));
    const Ints top_bit = hn::Sub(hn::ShiftRight<23>(as_float), number(bias));
    const Ints at_bit_30 = hn::Shl(magnitude, hn::Min(hn::Sub(number(30), top_bit), number(31)));
    const Ints rounded = hn::ShiftRight<1>(hn::Add(hn::ShiftRight<30 - fraction_bits - 1>(at_bit_30), number(1)));
    const Ints scale = hn::Add(hn::Add(exponent, top_bit), number(dst_fp32 ? -23 : -10));
    const Ints fraction = hn::ShiftLeft<23 - fraction_bits>(hn::Sub(rounded, number(1 << fraction_bits)));
    const Ints word = hn::Add(hn::ShiftLeft<23>(scale), fraction);  // a carry out of the fraction goes to the exponent
    const Ints carried = hn::Add(scale, hn::ShiftRight<fraction_bits + 1>(rounded));
    const Ints finite = hn::IfThenElse(hn::Gt(carried, number(most)), number(beyond), word);
    const Ints signed_word = hn::Or(finite, hn::And(sum, number(INT32_MIN)));
    const auto is_zero = hn::Or(hn::Eq(sum, hn::Zero(IntTag())), hn::Lt(carried, number(nothing + 1)));
    return as_words(hn::IfThenZeroElse(is_zero, signed_word));
  }

  bool known_faults_;
  bool wide_products_;
  std::uint64_t struck_ = 0;
};

/// The sums of eight products each, one to a phase and a lane, and the exponent that they are aligned to in the first phase.
/// `in0` and `in1` are offsets of the first element of SrcB, which all lanes share, and of the first row of SrcA.
template <int phases, class D>
HWY_INLINE void sum_eight(const ExactOperand& b, std::size_t in0, const ExactOperand& a, std::size_t in1,
                          hn::Vec<D> (&sums)[max_phases], hn::Vec<D>& exponent) {
  const D d;
  const hn::RebindToUnsigned<D> du;
  using Shorts = hn::Vec<D>;
  constexpr std::size_t group = 8;
  Shorts exponents[group];
  exponent = hn::Set(d, 2 * no_exponent);
  for (std::size_t k = 0; k < group; ++k) {
    exponents[k] = hn::Add(hn::Load(d, a.exponent.data() + in1 + k * tile_side), hn::Set(d, b.exponent[in0 + k]));
    exponent = hn::Max(exponent, exponents[k]);
  }
  for (int phase = 0; phase < phases; ++phase) sums[phase] = hn::Zero(d);
  for (std::size_t k = 0; k < group; ++k) {
    // Products have at most 12 bits.
    const auto shift = hn::BitCast(du, hn::Min(hn::Sub(exponent, exponents[k]), hn::Set(d, 15)));
    const Shorts sign = hn::Xor(hn::Load(d, a.sign.data() + in1 + k * tile_side), hn::Set(d, b.sign[in0 + k]));
    for (int phase = 0; phase < phases; ++phase) {
      const auto& a_piece = phase % 2 == 0 ? a.high : a.low;
      const auto& b_piece = phase < 2 ? b.high : b.low;
      const auto doubled = hn::Mul(hn::Load(du, a_piece.data() + in1 + k * tile_side),
                                   hn::Set(du, static_cast<std::uint16_t>(2 * b_piece[in0 + k])));
      const auto magnitude = hn::ShiftRight<1>(hn::Add(hn::Shr(doubled, shift), hn::Set(du, 1)));
      sums[phase] = hn::Add(sums[phase], hn::Sub(hn::Xor(hn::BitCast(d, magnitude), sign), sign));
    }
  }
}

/// Groups of a row of 16 or 32 columns, as the adder reads them.
template <std::size_t columns>
struct Groups {
  alignas(64) std::int16_t sums[max_phases][columns];
  alignas(64) std::int16_t exponents[columns];

  template <int phases>
  HWY_INLINE void fill(const ExactOperand& b, std::size_t in0, const ExactOperand& a, std::size_t in1) {
    using D = hn::CappedTag<std::int16_t, columns>;
    const D d;
    for (std::size_t column = 0; column < columns; column += hn::MaxLanes(d)) {
      hn::Vec<D> parts[max_phases];
      hn::Vec<D> exponent;
      sum_eight<phases, D>(b, in0, a, in1 + column, parts, exponent);
      for (int phase = 0; phase < phases; ++phase) hn::Store(parts[phase], d, sums[phase] + column);
      hn::Store(exponent, d, exponents + column);
    }
  }
  [[nodiscard]] HWY_INLINE Term at(std::size_t column, int phase, Ints least) const {
    const hn::Rebind<std::int16_t, IntTag> d16;
    const IntTag d;
    const Ints exponent = hn::PromoteTo(d, hn::LoadU(d16, exponents + column));
    return term(hn::PromoteTo(d, hn::LoadU(d16, sums[phase] + column)),
                hn::Add(exponent, number(phase_exponent[phase] - bias)), least);
  }
};

template <Accumulator accumulator, int phases>
std::uint64_t multiply_rows(const ExactMode& mode, const ExactOperand& in0, const ExactOperand& in1, bool cleared,
                            float* HWY_RESTRICT dst) {
  Adder<accumulator> adder(mode);
  Groups<tile_side> groups[4];
  for (std::size_t row = 0; row < tile_side; ++row) {
    for (std::size_t g = 0; g < 4; ++g) {
      groups[g].template fill<phases>(in0, row * tile_side + 8 * g, in1, 8 * g * tile_side);
    }
    for (std::size_t column = 0; column < tile_side; column += int_lanes) {
      float* at = dst + tile_index(static_cast<int>(row), static_cast<int>(column));
      Words sum = cleared ? hn::Zero(WordTag()) : hn::BitCast(WordTag(), hn::Load(FloatTag(), at));
      for (int phase = 0; phase < phases; ++phase) {
        const Ints least = adder.least(phase);
        sum = adder.add(sum, groups[0].at(column, phase, least), groups[1].at(column, phase, least));
        sum = adder.add(sum, groups[2].at(column, phase, least), groups[3].at(column, phase, least));
      }
      hn::Store(hn::BitCast(FloatTag(), sum), FloatTag(), at);
    }
  }
  return adder.struck();
}

template <Accumulator accumulator, int phases>
std::uint64_t pool_face(const ExactMode& mode, const ExactOperand& scaler, const ExactOperand& in, std::size_t first,
                        float* HWY_RESTRICT sums) {
  Adder<accumulator> adder(mode);
  Groups<face_side> groups[2];
  for (std::size_t g = 0; g < 2; ++g) groups[g].template fill<phases>(scaler, 8 * g, in, first + 8 * g * tile_side);
  for (std::size_t column = 0; column < face_side; column += int_lanes) {
    Words sum = hn::BitCast(WordTag(), hn::LoadU(FloatTag(), sums + column));
    for (int phase = 0; phase < phases; ++phase) {
      const Ints least = adder.least(phase);
      sum = adder.add(sum, groups[0].at(column, phase, least), groups[1].at(column, phase, least));
    }
    hn::StoreU(hn::BitCast(FloatTag(), sum), FloatTag(), sums + column);
  }
  return adder.struck();
}

/// One product of a phase; the other operand's sign is in both.
HWY_INLINE Term product(Words a, Words b, int phase, Ints least) {
  const Ints a_bits = hn::ShiftRight<13>(significand_of(a));
  const Ints b_bits = hn::ShiftRight<13>(significand_of(b));
  const Ints a_piece = phase % 2 == 0 ? high_piece(SourceRegister::a, a_bits) : low_piece(SourceRegister::a, a_bits);
  const Ints b_piece = phase < 2 ? high_piece(SourceRegister::b, b_bits) : low_piece(SourceRegister::b, b_bits);
  const Ints a_exponent = exponent_of(a);
  const Ints b_exponent = exponent_of(b);
  const Ints exponent = hn::Add(hn::Add(a_exponent, b_exponent), number(phase_exponent[phase] - bias));
  const auto zero = hn::Or(hn::Eq(a_exponent, hn::Zero(IntTag())), hn::Eq(b_exponent, hn::Zero(IntTag())));
  const Ints magnitude = hn::Mul(a_piece, b_piece);
  return term(with_sign(magnitude, sign_of(hn::Xor(a, b))), hn::IfThenZeroElse(zero, exponent), least);
}

/// a + b: the smaller is aligned to the larger in 11 bits.
HWY_INLINE Term sum_of(Words a, Words b, Ints least) {
  const Ints a_exponent = exponent_of(a);
  const Ints b_exponent = exponent_of(b);
  const Ints exponent = hn::Max(a_exponent, b_exponent);
  const auto part = [&](Words v, Ints own) HWY_ATTR {
    const Ints doubled = hn::ShiftLeft<1>(hn::ShiftRight<13>(significand_of(v)));
    return with_sign(aligned(doubled, hn::Sub(exponent, own)), sign_of(v));
  };
  return term(hn::Add(part(a, a_exponent), part(b, b_exponent)), exponent, least);
}

template <Accumulator accumulator>
std::uint64_t elementwise_on(const ExactMode& mode, const ExactElementwise& operation) {
  const FloatTag d;
  Adder<accumulator> adder(mode);
  const Words flip = hn::Set(WordTag(), operation.negate_b ? 0x80000000U : 0U);
  for (std::size_t i = 0; i < tile_elements; i += int_lanes) {
    const Words a = hn::BitCast(WordTag(), hn::Load(d, operation.a + i));
    const Words b = hn::BitCast(WordTag(), hn::Load(d, operation.b + i));
    Words sum = operation.accumulate ? hn::BitCast(WordTag(), hn::Load(d, operation.dst + i)) : hn::Zero(WordTag());
    if (operation.multiply) {
      for (int phase = 0; phase < mode.phases; ++phase) sum = adder.add(sum, product(a, b, phase, adder.least(phase)));
    } else {
      sum = adder.add(sum, sum_of(a, hn::Xor(b, flip), adder.least(0)));
    }
    hn::Store(hn::BitCast(FloatTag(), sum), d, operation.dst + i);
  }
  return adder.struck();
}

template <Accumulator accumulator, class Body>
std::uint64_t with_phases(int phases, const Body& body) {
  using std::integral_constant;
  constexpr integral_constant<Accumulator, accumulator> dst;
  switch (phases) {
    case 1:
      return body(dst, integral_constant<int, 1>());
    case 2:
      return body(dst, integral_constant<int, 2>());
    case 3:
      return body(dst, integral_constant<int, 3>());
    default:
      return body(dst, integral_constant<int, 4>());
  }
}

Accumulator accumulator_of(const ExactMode& mode) {
  if (mode.dst_fp32) return Accumulator::fp32;
  return mode.five_bit_exponents ? Accumulator::fp16 : Accumulator::bf16;
}

/// Calls body(what DST holds) with that as a constant.
template <class Body>
std::uint64_t with_accumulator(const ExactMode& mode, const Body& body) {
  using std::integral_constant;
  switch (accumulator_of(mode)) {
    case Accumulator::fp32:
      return body(integral_constant<Accumulator, Accumulator::fp32>());
    case Accumulator::fp16:
      return body(integral_constant<Accumulator, Accumulator::fp16>());
    case Accumulator::bf16:
      break;
  }
  return body(integral_constant<Accumulator, Accumulator::bf16>());
}

/// Calls body(what DST holds, phases) with both as constants.
template <class Body>
std::uint64_t with_constants(const ExactMode& mode, const Body& body) {
  return with_accumulator(mode,
                          [&](auto accumulator) HWY_ATTR { return with_phases<accumulator.value>(mode.phases, body); });
}

std::uint64_t multiply_tiles(const ExactMode& mode, const ExactOperand& in0, const ExactOperand& in1, bool cleared,
                             float* dst) {
  return with_constants(mode, [&](auto accumulator, auto phases) HWY_ATTR {
    return multiply_rows<accumulator.value, phases.value>(mode, in0, in1, cleared, dst);
  });
}

std::uint64_t pool_tile_face(const ExactMode& mode, const ExactOperand& scaler, const ExactOperand& in, std::size_t first,
                             float* sums) {
  return with_constants(mode, [&](auto accumulator, auto phases) HWY_ATTR {
    return pool_face<accumulator.value, phases.value>(mode, scaler, in, first, sums);
  });
}

std::uint64_t elementwise_tile(const ExactMode& mode, const ExactElementwise& operation) {
  return with_accumulator(mode,
                          [&](auto accumulator) HWY_ATTR { return elementwise_on<accumulator.value>(mode, operation); });
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace tilegrid::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tilegrid::simd {

HWY_EXPORT(split_exactly);
HWY_EXPORT(multiply_tiles);
HWY_EXPORT(elementwise_tile);
HWY_EXPORT(pool_tile_face);

void split_exactly(SourceRegister source, const float* values, ExactOperand& out) {
  HWY_DYNAMIC_DISPATCH(split_exactly)(source, values, out);
}
std::uint64_t multiply_exactly(const ExactMode& mode, const ExactOperand& in0, const ExactOperand& in1, bool cleared,
                               float* dst) {
  return HWY_DYNAMIC_DISPATCH(multiply_tiles)(mode, in0, in1, cleared, dst);
}
std::uint64_t elementwise_exactly(const ExactMode& mode, const ExactElementwise& operation) {
  return HWY_DYNAMIC_DISPATCH(elementwise_tile)(mode, operation);
}
std::uint64_t pool_exactly(const ExactMode& mode, const ExactOperand& scaler, const ExactOperand& in, int face_row,
                           int face_column, float* sums) {
  const std::size_t row = face_row;
  const std::size_t column = face_column;
  const std::size_t first = row * face_side * tile_side + column * face_side;
  return HWY_DYNAMIC_DISPATCH(pool_tile_face)(mode, scaler, in, first, sums);
}

}  // namespace tilegrid::simd
#endif
