// SPDX-License-Identifier: Apache-2.0
#include "core/simd/random_kernels.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numbers>

#include "core/simd/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/random_kernels.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace tilegrid::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Products and sums are rounded apart: no instruction set can differ then.
using NumberTag = hn::CappedTag<double, 8>;
using IndexTag = hn::RebindToUnsigned<NumberTag>;
using Numbers = hn::Vec<NumberTag>;
using Indices = hn::Vec<IndexTag>;

HWY_INLINE Numbers number(double value) { return hn::Set(NumberTag(), value); }
HWY_INLINE Indices index(std::uint64_t value) { return hn::Set(IndexTag(), value); }
HWY_INLINE Numbers times(Numbers a, Numbers b) { return hn::Mul(a, b); }

/// c0 + x * (c1 + x * (...)).
HWY_INLINE Numbers polynomial(Numbers /*x*/, double c0) { return number(c0); }
template <class... Rest>
HWY_INLINE Numbers polynomial(Numbers x, double c0, Rest... rest) {
  return hn::Add(number(c0), times(x, polynomial(x, rest...)));
}

/// The product of the lower 32 bits of each lane with `factor`.
HWY_INLINE Indices product(Indices lower, std::uint32_t factor) {
#if HWY_TARGET == HWY_SCALAR
  return index((hn::GetLane(lower) & 0xFFFF'FFFFU) * factor);
#else
  const hn::Repartition<std::uint32_t, IndexTag> halves;
  return hn::MulEven(hn::BitCast(halves, lower), hn::Set(halves, factor));
#endif
}

/// The four words of Philox, each in the lower half of a lane; what is in the upper halves means nothing.
struct Counter {
  Indices word[4];
};

HWY_INLINE Counter philox(Counter c, std::uint64_t seed) {
  auto key0 = static_cast<std::uint32_t>(seed);
  auto key1 = static_cast<std::uint32_t>(seed >> 32U);
  for (int round = 0; round < 10; ++round) {
    const Indices product0 = product(c.word[0], 0xD2511F53U);
    const Indices product1 = product(c.word[2], 0xCD9E8D57U);
    c.word[0] = hn::Xor(hn::Xor(hn::ShiftRight<32>(product1), c.word[1]), index(key0));
    c.word[2] = hn::Xor(hn::Xor(hn::ShiftRight<32>(product0), c.word[3]), index(key1));
    c.word[1] = product1;
    c.word[3] = product0;
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  return c;
}

/// A whole number below 2^53 as a double, exactly: its halves become mantissas of 2^52 and of 2^84.
HWY_INLINE Numbers number_of(Indices value) {
  const Indices low = hn::Or(hn::And(value, index(0xFFFF'FFFFU)), index(0x4330'0000'0000'0000U));
  const Indices high = hn::Or(hn::ShiftRight<32>(value), index(0x4530'0000'0000'0000U));
  const NumberTag d;
  return hn::Add(hn::Sub(hn::BitCast(d, high), number(0x1p84)), hn::Sub(hn::BitCast(d, low), number(0x1p52)));
}

/// 53 bits of two words.
HWY_INLINE Indices joined(Indices high, Indices low) {
  return hn::ShiftRight<11>(hn::Or(hn::ShiftLeft<32>(high), hn::And(low, index(0xFFFF'FFFFU))));
}

// Logarithm, sine and cosine as in Sun's fdlibm, for the arguments that occur here.

/// Of normal numbers from above 0 to 1.
HWY_INLINE Numbers logarithm(Numbers x) {
  constexpr std::uint64_t least = 0x3FE6'A09E'0000'0000U;  // half the root of 2: mantissas lie between it and the root
  const NumberTag d;
  const Indices moved = hn::Add(hn::BitCast(IndexTag(), x), index(0x3FF0'0000'0000'0000U - least));
  const Numbers exponent =
      hn::Sub(hn::BitCast(d, hn::Or(hn::ShiftRight<52>(moved), index(0x4330'0000'0000'0000U))), number(0x1p52 + 1023));
  const Numbers mantissa = hn::BitCast(d, hn::Add(hn::And(moved, index(0x000F'FFFF'FFFF'FFFFU)), index(least)));
  const Numbers f = hn::Sub(mantissa, number(1));
  const Numbers half_square = times(number(0.5), times(f, f));
  const Numbers s = hn::Div(f, hn::Add(number(2), f));
  const Numbers z = times(s, s);
  const Numbers w = times(z, z);
  const Numbers even = times(w, polynomial(w, 3.999999999940941908e-01, 2.222219843214978396e-01, 1.531383769920937332e-01));
  const Numbers odd = times(z, polynomial(w, 6.666666666666735130e-01, 2.857142874366239149e-01, 1.818357216161805012e-01,
                                          1.479819860511658591e-01));
  const Numbers tail =
      hn::Add(times(s, hn::Add(half_square, hn::Add(even, odd))), times(exponent, number(1.90821492927058770002e-10)));
  return hn::Add(hn::Add(hn::Sub(tail, half_square), f), times(exponent, number(6.93147180369123816490e-01)));
}

/// Of angles from 0 to 2 pi.
HWY_INLINE void sine_and_cosine(Numbers angle, Numbers& sine, Numbers& cosine) {
  const Numbers quarter = hn::Round(times(angle, number(2 / std::numbers::pi)));
  // Of pi / 2 the first 33 bits and the rest: what is left of the angle is known to twice the digits of a double.
  const Numbers rough = hn::Sub(angle, times(quarter, number(1.57079632673412561417e+00)));
  const Numbers rest = times(quarter, number(6.07710050650619224932e-11));
  const Numbers x = hn::Sub(rough, rest);
  const Numbers y = hn::Sub(hn::Sub(rough, x), rest);
  const Numbers z = times(x, x);
  const Numbers w = times(z, z);

  const Numbers s_low = polynomial(z, 8.33333333332248946124e-03, -1.98412698298579493134e-04, 2.75573137070700676789e-06);
  const Numbers s_high = polynomial(z, -2.50507602534068634195e-08, 1.58969099521155010221e-10);
  const Numbers s = hn::Add(s_low, times(times(z, w), s_high));
  const Numbers cube = times(z, x);
  const Numbers s_tail = hn::Sub(times(z, hn::Sub(times(number(0.5), y), times(cube, s))), y);
  const Numbers sin_x = hn::Sub(x, hn::Sub(s_tail, times(cube, number(-1.66666666666666324348e-01))));

  const Numbers c_low =
      times(z, polynomial(z, 4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05));
  const Numbers c_high = polynomial(z, -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11);
  const Numbers c = hn::Add(c_low, times(times(w, w), c_high));
  const Numbers half = times(number(0.5), z);
  const Numbers one_less = hn::Sub(number(1), half);
  const Numbers c_tail = hn::Add(hn::Sub(hn::Sub(number(1), one_less), half), hn::Sub(times(z, c), times(x, y)));
  const Numbers cos_x = hn::Add(one_less, c_tail);

  const auto first = hn::Eq(quarter, number(1));
  const auto second = hn::Eq(quarter, number(2));
  const auto third = hn::Eq(quarter, number(3));
  const auto swapped = hn::Or(first, third);
  const Numbers up = hn::IfThenElse(swapped, cos_x, sin_x);
  const Numbers along = hn::IfThenElse(swapped, sin_x, cos_x);
  sine = hn::IfThenElse(hn::Or(second, third), hn::Neg(up), up);
  cosine = hn::IfThenElse(hn::Or(first, second), hn::Neg(along), along);
}

HWY_NOINLINE void normal_pairs(const RandomStream& stream, std::uint64_t first, std::size_t count, float* out) {
  const NumberTag d;
  const hn::Rebind<float, NumberTag> floats;
  const std::size_t lanes = hn::Lanes(d);
  HWY_ALIGN float cosines[8];
  HWY_ALIGN float sines[8];
  for (std::size_t done = 0; done < count; done += lanes) {
    const Indices at = hn::Add(index(first + done), hn::Iota(IndexTag(), 0));
    const Counter w = philox({{at, hn::ShiftRight<32>(at), index(stream.stream), index(stream.purpose)}}, stream.seed);
    // In (0, 1], so that the logarithm is finite, and in [0, 1): 53 bits each.
    const Numbers u = times(number_of(hn::Add(joined(w.word[0], w.word[1]), index(1))), number(0x1p-53));
    const Numbers v = times(number_of(joined(w.word[2], w.word[3])), number(0x1p-53));
    const Numbers radius = hn::Sqrt(times(number(-2), logarithm(u)));
    Numbers sine;
    Numbers cosine;
    sine_and_cosine(times(number(2 * std::numbers::pi), v), sine, cosine);
    hn::Store(hn::DemoteTo(floats, times(radius, cosine)), floats, cosines);
    hn::Store(hn::DemoteTo(floats, times(radius, sine)), floats, sines);
    const std::size_t wanted = std::min(lanes, count - done);
    for (std::size_t i = 0; i < wanted; ++i) {
      out[2 * (done + i)] = cosines[i];
      out[2 * (done + i) + 1] = sines[i];
    }
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace tilegrid::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tilegrid::simd {

HWY_EXPORT(normal_pairs);

void normal_pairs(const RandomStream& stream, std::uint64_t first, std::size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(normal_pairs)(stream, first, count, out);
}

}  // namespace tilegrid::simd
#endif  // HWY_ONCE
