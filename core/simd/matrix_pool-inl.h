// SPDX-License-Identifier: Apache-2.0
// Element-wise operations and reductions; compiled once per instruction set.

#if defined(TILEGRID_CORE_SIMD_MATRIX_POOL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TILEGRID_CORE_SIMD_MATRIX_POOL_INL_H
#undef TILEGRID_CORE_SIMD_MATRIX_POOL_INL_H
#else
#define TILEGRID_CORE_SIMD_MATRIX_POOL_INL_H
#endif

#include <cstddef>
#include <cstdint>

#include "core/simd/matrix_fma-inl.h"
#include "core/simd/matrix_kernels.h"
#include "core/simd/matrix_unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tilegrid::simd {
namespace HWY_NAMESPACE {

/// The vector at column `column` of face row `row` (0..15) of `face`.
template <Source source>
HWY_INLINE Floats read(const void* data, std::size_t face, std::size_t row, std::size_t column) {
  const FloatTag d;
  const std::size_t index = face * face_elements + row * face_side + column;
  if constexpr (source == Source::bf16) {
    return float_of(load_flushed<Bf16Format>(static_cast<const std::uint16_t*>(data) + index));
  } else {
    const auto* values = static_cast<const float*>(data);
    if constexpr (source == Source::floats) return hn::Load(d, values + index);
    if constexpr (source == Source::rows) return hn::Load(d, values + (face % 2) * face_side + column);
    return hn::Set(d, values[(face / 2) * face_side + row]);
  }
}

/// ProductCut in vectors: c + a * b as the fidelity sees it.
template <bool second_pass>
class Product {
 public:
  explicit Product(const ProductCut& cut) : a_keep_(word(cut.a_keep)), b_keep_(word(cut.b_keep)), a_top_(word(cut.a_top)) {}
  HWY_INLINE Floats first(Floats a, Floats b, Floats c) const { return fused(masked(a, a_keep_), masked(b, b_keep_), c); }
  HWY_INLINE Floats second(Floats a, Floats b, Floats c) const {
    const Floats b_low = finite_or_zero(hn::Sub(b, masked(b, b_keep_)));
    return fused(finite_or_zero(masked(a, a_top_)), b_low, c);
  }
  template <bool accumulate>
  HWY_INLINE Floats apply(Floats a, Floats b, Floats c) const {
    const Floats sum = first(a, b, accumulate ? c : hn::Zero(FloatTag()));
    if constexpr (second_pass) return second(a, b, sum);
    return sum;
  }

 private:
  HWY_INLINE static Floats masked(Floats v, Words keep) { return float_of(hn::And(bits_of(v), keep)); }
  Words a_keep_;
  Words b_keep_;
  Words a_top_;
};

/// The pieces that the phases of a fidelity multiply, one phase after the other (tensix.md 2.1): of SrcA the bits of `a_top`
/// and the rest, of SrcB those of `b_keep` and the rest. DST is rounded in between. Infinite factors have a say in the first
/// phase alone.
template <bool dst_fp32>
class PhasedProduct {
 public:
  explicit PhasedProduct(const ProductCut& cut)
      : phases_(cut.phases), a_keep_(word(cut.a_keep)), a_top_(word(cut.a_top)), b_top_(word(cut.b_keep)) {}
  [[nodiscard]] HWY_INLINE int phases() const { return phases_; }
  HWY_INLINE Floats a_piece(Floats a, int phase) const {
    const Floats top = masked(a, a_top_);
    if (phase == 0) return top;
    return finite_or_zero(phase % 2 == 0 ? top : hn::Sub(masked(a, a_keep_), top));
  }
  HWY_INLINE Floats b_piece(Floats b, int phase) const {
    const Floats top = masked(b, b_top_);
    if (phase == 0) return top;
    return finite_or_zero(phase < 2 ? top : hn::Sub(b, top));
  }
  /// Of two vectors: the sum of all phases, rounded.
  template <bool accumulate>
  HWY_INLINE Floats apply(Floats a, Floats b, Floats c) const {
    return sum_of<accumulate>(a, c, [&](int phase) HWY_ATTR { return b_piece(b, phase); });
  }
  /// The same, where `piece(phase)` is what b_piece() would be of phases 0, 1 and 2.
  template <bool accumulate, class Piece>
  HWY_INLINE Floats sum_of(Floats a, Floats c, const Piece& piece) const {
    const Floats top = masked(a, a_top_);
    Floats sum = round_dst<dst_fp32>(fused(top, piece(0), accumulate ? c : hn::Zero(FloatTag())));
    if (phases_ == 1) return sum;
    const Floats rest = finite_or_zero(hn::Sub(masked(a, a_keep_), top));
    sum = round_dst<dst_fp32>(fused(rest, piece(1), sum));
    if (phases_ == 2) return sum;
    const Floats low = piece(2);
    sum = round_dst<dst_fp32>(fused(finite_or_zero(top), low, sum));
    return phases_ == 3 ? sum : round_dst<dst_fp32>(fused(rest, low, sum));
  }

 private:
  HWY_INLINE static Floats masked(Floats v, Words keep) { return float_of(hn::And(bits_of(v), keep)); }
  int phases_;
  Words a_keep_;
  Words a_top_;
  Words b_top_;
};

/// a + b or a - b. The sign is flipped by bits, so that one addition serves both.
class Sum {
 public:
  explicit Sum(bool negate_b) : flip_(word(negate_b ? 0x80000000U : 0U)) {}
  template <bool accumulate>
  HWY_INLINE Floats apply(Floats a, Floats b, Floats c) const {
    const Floats sum = hn::Add(a, float_of(hn::Xor(bits_of(b), flip_)));
    return accumulate ? hn::Add(c, sum) : sum;
  }

 private:
  Words flip_;
};

template <Source a_source, Source b_source, bool accumulate, bool dst_fp32, class Operation>
void elementwise_loop(const ElementwiseSpec& spec, const Operation& operation) {
  const FloatTag d;
  float* HWY_RESTRICT dst = spec.dst;
  for (std::size_t face = 0; face < 4; ++face) {
    for (std::size_t row = 0; row < face_side; ++row) {
      for (std::size_t column = 0; column < face_side; column += lanes) {
        const Floats a = read<a_source>(spec.a, face, row, column);
        const Floats b = read<b_source>(spec.b, face, row, column);
        float* at = dst + face * face_elements + row * face_side + column;
        const Floats result = operation.template apply<accumulate>(a, b, hn::Load(d, at));
        hn::Store(round_dst<dst_fp32>(result), d, at);
      }
    }
  }
}

/// Products with a column: the pieces of its 32 numbers are made once. Sums come rounded.
template <Source a_source, bool accumulate, bool dst_fp32>
void multiply_columns(const ElementwiseSpec& spec) {
  const FloatTag d;
  const PhasedProduct<dst_fp32> product(spec.cut);
  constexpr int pieces = 3;  // that differ
  HWY_ALIGN float column[pieces][tile_side];
  for (int phase = 0; phase < pieces; ++phase) {
    for (std::size_t i = 0; i < tile_side; i += lanes) {
      const Floats b = hn::LoadU(d, static_cast<const float*>(spec.b) + i);
      hn::Store(product.b_piece(b, phase), d, column[phase] + i);
    }
  }
  for (std::size_t i = 0; i < tile_elements; i += lanes) {
    const std::size_t face = i / face_elements;
    const std::size_t row = i % face_elements / face_side;
    const std::size_t line = face / 2 * face_side + row;
    float* at = spec.dst + i;
    const Floats a = read<a_source>(spec.a, face, row, i % face_side);
    const auto piece = [&](int phase) HWY_ATTR { return hn::Set(d, column[phase][line]); };
    hn::Store(product.template sum_of<accumulate>(a, hn::Load(d, at), piece), d, at);
  }
}

template <Source a_source, Source b_source, bool accumulate, class Operation>
void elementwise_to(const ElementwiseSpec& spec, const Operation& operation) {
  spec.dst_fp32 ? elementwise_loop<a_source, b_source, accumulate, true>(spec, operation)
                : elementwise_loop<a_source, b_source, accumulate, false>(spec, operation);
}

template <Source a_source, Source b_source, bool accumulate>
void elementwise_operation(const ElementwiseSpec& spec) {
  if (!spec.multiply) {
    elementwise_to<a_source, b_source, accumulate>(spec, Sum(spec.negate_b));
  } else if (spec.cut.phases > 0 && b_source == Source::columns) {
    spec.dst_fp32 ? multiply_columns<a_source, accumulate, true>(spec) : multiply_columns<a_source, accumulate, false>(spec);
  } else if (spec.cut.phases > 0 && spec.dst_fp32) {
    elementwise_loop<a_source, b_source, accumulate, true>(spec, PhasedProduct<true>(spec.cut));
  } else if (spec.cut.phases > 0) {
    elementwise_loop<a_source, b_source, accumulate, false>(spec, PhasedProduct<false>(spec.cut));
  } else if (spec.cut.second_pass) {
    elementwise_to<a_source, b_source, accumulate>(spec, Product<true>(spec.cut));
  } else {
    elementwise_to<a_source, b_source, accumulate>(spec, Product<false>(spec.cut));
  }
}

template <Source a_source, Source b_source>
void elementwise_accumulate(const ElementwiseSpec& spec) {
  spec.accumulate ? elementwise_operation<a_source, b_source, true>(spec)
                  : elementwise_operation<a_source, b_source, false>(spec);
}

template <Source a_source>
void elementwise_b(const ElementwiseSpec& spec) {
  switch (spec.b_source) {
    case Source::bf16:
      return elementwise_accumulate<a_source, Source::bf16>(spec);
    case Source::floats:
      return elementwise_accumulate<a_source, Source::floats>(spec);
    case Source::rows:
      return elementwise_accumulate<a_source, Source::rows>(spec);
    case Source::columns:
      return elementwise_accumulate<a_source, Source::columns>(spec);
  }
}

inline void elementwise_tile(const ElementwiseSpec& spec) {
  spec.a_source == Source::bf16 ? elementwise_b<Source::bf16>(spec) : elementwise_b<Source::floats>(spec);
}

/// Sign-magnitude order as a signed integer order; its own inverse. It is total, so a maximum does not depend on the order
/// of comparison even with NaN.
HWY_INLINE Floats order_key(Floats v) {
  const Ints bits = hn::BitCast(IntTag(), v);
  const Ints magnitude = hn::And(hn::ShiftRight<31>(bits), hn::Set(IntTag(), 0x7FFFFFFF));
  return hn::BitCast(FloatTag(), hn::Xor(bits, magnitude));
}

/// The two ways of pooling: how an element enters a partial result, and how partial results join.
template <bool second_pass>
class SumPool {
 public:
  explicit SumPool(const ReduceSpec& spec) : product_(spec.cut), scaler_(spec.scaler) {}
  HWY_INLINE static Floats start() { return hn::Zero(FloatTag()); }
  HWY_INLINE Floats scale(std::size_t face, std::size_t column) const {
    return hn::Load(FloatTag(), scaler_ + face * face_side + column);
  }
  HWY_INLINE Floats first(Floats v, Floats scale, Floats partial) const { return product_.first(v, scale, partial); }
  HWY_INLINE Floats second(Floats v, Floats scale, Floats partial) const { return product_.second(v, scale, partial); }
  template <class V>
  HWY_INLINE static V join(V a, V b) {
    return hn::Add(a, b);
  }
  HWY_INLINE static Floats value(Floats v) { return v; }
  static constexpr bool two_passes = second_pass;

 private:
  Product<second_pass> product_;
  const float* scaler_;
};

class MaxPool {
 public:
  explicit MaxPool(const ReduceSpec& /*spec*/) {}
  HWY_INLINE static Floats start() { return order_key(float_of(word(0xFF800000U))); }
  HWY_INLINE static Floats scale(std::size_t /*face*/, std::size_t /*column*/) { return hn::Zero(FloatTag()); }
  HWY_INLINE static Floats first(Floats v, Floats /*scale*/, Floats partial) { return join(order_key(v), partial); }
  HWY_INLINE static Floats second(Floats /*v*/, Floats /*scale*/, Floats partial) { return partial; }
  template <class V>
  HWY_INLINE static V join(V a, V b) {
    const hn::RebindToSigned<hn::DFromV<V>> di;
    return hn::BitCast(hn::DFromV<V>(), hn::Max(hn::BitCast(di, a), hn::BitCast(di, b)));
  }
  HWY_INLINE static Floats value(Floats key) { return order_key(key); }
  static constexpr bool two_passes = false;
};

/// Sixteen partial results of one row, by column mod 16.
using RowPartials = Floats[face_side / lanes];

template <Source source, class Pool>
HWY_INLINE void pool_row(const ReduceSpec& spec, const Pool& pool, std::size_t left_face, std::size_t row,
                         RowPartials& partial) {
  for (std::size_t i = 0; i < face_side / lanes; ++i) {
    const std::size_t column = i * lanes;
    const Floats left = read<source>(spec.in, left_face, row, column);
    const Floats right = read<source>(spec.in, left_face + 1, row, column);
    const Floats left_scale = pool.scale(left_face, column);
    const Floats right_scale = pool.scale(left_face + 1, column);
    partial[i] = pool.first(right, right_scale, pool.first(left, left_scale, Pool::start()));
    if constexpr (Pool::two_passes) {
      partial[i] = pool.second(right, right_scale, pool.second(left, left_scale, partial[i]));
    }
  }
}

#if HWY_TARGET == HWY_SCALAR

template <Source source, class Pool>
void pool_rows(const ReduceSpec& spec, float* HWY_RESTRICT out) {
  const Pool pool(spec);
  for (std::size_t row = 0; row < tile_side; ++row) {
    RowPartials partial;
    pool_row<source>(spec, pool, row / face_side * 2, row % face_side, partial);
    for (std::size_t half = face_side / 2; half > 0; half /= 2) {
      for (std::size_t i = 0; i < half; ++i) partial[i] = Pool::join(partial[i], partial[i + half]);
    }
    hn::Store(Pool::value(partial[0]), FloatTag(), out + row);
  }
}

#else

using FourTag = hn::FixedTag<float, 4>;
using Four = hn::Vec<FourTag>;

/// Joins lanes j and j + n/2 until four are left.
template <class Pool, class V>
HWY_INLINE Four fold_lanes(V v) {
  const hn::DFromV<V> d;
  if constexpr (hn::MaxLanes(hn::DFromV<V>()) == 4) {
    return v;
  } else {
    return fold_lanes<Pool>(Pool::join(hn::LowerHalf(v), hn::UpperHalf(hn::Half<decltype(d)>(), v)));
  }
}

/// Sixteen partial results of a row to four: j with j + 8, then j with j + 4.
template <class Pool>
HWY_INLINE Four fold_row(const RowPartials& partial) {
  if constexpr (lanes == 4) {
    return Pool::join(Pool::join(partial[0], partial[2]), Pool::join(partial[1], partial[3]));
  } else if constexpr (lanes == 8) {
    return fold_lanes<Pool>(Pool::join(partial[0], partial[1]));
  } else {
    return fold_lanes<Pool>(partial[0]);
  }
}

/// Four rows of four partial results each: j with j + 2, then the last two; lane r of the result is row r.
template <class Pool>
HWY_INLINE Four fold_four_rows(Four r0, Four r1, Four r2, Four r3) {
  const FourTag d;
  const hn::RepartitionToWide<FourTag> wide;
  const auto low01 = hn::BitCast(wide, hn::InterleaveLower(d, r0, r1));  // r0[0] r1[0] r0[1] r1[1]
  const auto low23 = hn::BitCast(wide, hn::InterleaveLower(d, r2, r3));
  const auto high01 = hn::BitCast(wide, hn::InterleaveUpper(d, r0, r1));
  const auto high23 = hn::BitCast(wide, hn::InterleaveUpper(d, r2, r3));
  const Four c0 = hn::BitCast(d, hn::InterleaveLower(wide, low01, low23));
  const Four c1 = hn::BitCast(d, hn::InterleaveUpper(wide, low01, low23));
  const Four c2 = hn::BitCast(d, hn::InterleaveLower(wide, high01, high23));
  const Four c3 = hn::BitCast(d, hn::InterleaveUpper(wide, high01, high23));
  return Pool::join(Pool::join(c0, c2), Pool::join(c1, c3));
}

template <Source source, class Pool>
void pool_rows(const ReduceSpec& spec, float* HWY_RESTRICT out) {
  const Pool pool(spec);
  for (std::size_t row = 0; row < tile_side; row += 4) {
    const std::size_t face = row / face_side * 2;
    const std::size_t r = row % face_side;
    RowPartials partials[4];
    for (std::size_t i = 0; i < 4; ++i) pool_row<source>(spec, pool, face, r + i, partials[i]);
    const Four folded = fold_four_rows<Pool>(fold_row<Pool>(partials[0]), fold_row<Pool>(partials[1]),
                                             fold_row<Pool>(partials[2]), fold_row<Pool>(partials[3]));
    hn::StoreU(folded, FourTag(), out + row);
  }
  for (std::size_t i = 0; i < tile_side; i += lanes) {
    hn::StoreU(Pool::value(hn::LoadU(FloatTag(), out + i)), FloatTag(), out + i);
  }
}

#endif  // HWY_SCALAR

/// Both column faces together: two chains of fused multiply-adds hide more latency than one.
template <Source source, class Pool>
void pool_columns(const ReduceSpec& spec, float* HWY_RESTRICT out) {
  const FloatTag d;
  const Pool pool(spec);
  for (std::size_t column = 0; column < face_side; column += lanes) {
    Floats left = Pool::start();
    Floats right = Pool::start();
    const auto sweep = [&](auto second) HWY_ATTR {
      for (std::size_t face = 0; face < 4; face += 2) {
        const Floats left_scale = pool.scale(face, column);
        const Floats right_scale = pool.scale(face + 1, column);
        for (std::size_t row = 0; row < face_side; ++row) {
          const Floats l = read<source>(spec.in, face, row, column);
          const Floats r = read<source>(spec.in, face + 1, row, column);
          if constexpr (decltype(second)::value) {
            left = pool.second(l, left_scale, left);
            right = pool.second(r, right_scale, right);
          } else {
            left = pool.first(l, left_scale, left);
            right = pool.first(r, right_scale, right);
          }
        }
      }
    };
    sweep(std::false_type());
    if constexpr (Pool::two_passes) sweep(std::true_type());
    hn::StoreU(Pool::value(left), d, out + column);
    hn::StoreU(Pool::value(right), d, out + face_side + column);
  }
}

template <Source source, class Pool>
void reduce_with(const ReduceSpec& spec, bool rows, float* out) {
  rows ? pool_rows<source, Pool>(spec, out) : pool_columns<source, Pool>(spec, out);
}

template <Source source>
void reduce_from(const ReduceSpec& spec, bool rows, float* out) {
  if (spec.maximum) return reduce_with<source, MaxPool>(spec, rows, out);
  if (spec.cut.second_pass) return reduce_with<source, SumPool<true>>(spec, rows, out);
  return reduce_with<source, SumPool<false>>(spec, rows, out);
}

inline void reduce_tile(const ReduceSpec& spec, bool rows, float* out) {
  spec.source == Source::bf16 ? reduce_from<Source::bf16>(spec, rows, out) : reduce_from<Source::floats>(spec, rows, out);
}

template <bool dst_fp32>
void pool_face_to(const PoolSpec& spec) {
  const FloatTag d;
  const PhasedProduct<dst_fp32> product(spec.cut);
  for (std::size_t column = 0; column < face_side; column += lanes) {
    Floats sum = hn::LoadU(d, spec.sums + column);
    for (int phase = 0; phase < product.phases(); ++phase) {
      for (std::size_t row = 0; row < face_side; ++row) {
        const Floats a = product.a_piece(hn::Load(d, spec.in + row * face_side + column), phase);
        sum = fused(a, product.b_piece(hn::Set(d, spec.scaler[row]), phase), sum);
      }
      sum = round_dst<dst_fp32>(sum);
    }
    hn::StoreU(sum, d, spec.sums + column);
  }
}

inline void pool_face(const PoolSpec& spec) { spec.dst_fp32 ? pool_face_to<true>(spec) : pool_face_to<false>(spec); }

inline void finish_line(const LineSpec& spec, const float* HWY_RESTRICT previous, float* HWY_RESTRICT line) {
  const FloatTag d;
  for (std::size_t i = 0; i < tile_side; i += lanes) {
    Floats v = hn::LoadU(d, line + i);
    const Floats before = hn::LoadU(d, previous + i);
    v = spec.maximum ? order_key(MaxPool::join(order_key(v), order_key(before))) : hn::Add(v, before);
    v = spec.dst_fp32 ? round_dst<true>(v) : round_dst<false>(v);
    // GMPOOL hands a TF32 value to 32-bit DST too (tensix.md 2.2).
    if (spec.maximum) v = float_of(hn::And(bits_of(v), word(0xFFFFE000U)));
    hn::StoreU(v, d, line + i);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace tilegrid::simd
HWY_AFTER_NAMESPACE();

#endif
