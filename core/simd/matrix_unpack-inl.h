// SPDX-License-Identifier: Apache-2.0
// From L1 formats to float vectors, straight and transposed; compiled once per instruction set.

#if defined(TILEGRID_CORE_SIMD_MATRIX_UNPACK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TILEGRID_CORE_SIMD_MATRIX_UNPACK_INL_H
#undef TILEGRID_CORE_SIMD_MATRIX_UNPACK_INL_H
#else
#define TILEGRID_CORE_SIMD_MATRIX_UNPACK_INL_H
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "core/format.h"
#include "core/simd/matrix_fma-inl.h"
#include "core/simd/matrix_kernels.h"
#include "core/types.h"

HWY_BEFORE_NAMESPACE();
namespace tilegrid::simd {
namespace HWY_NAMESPACE {

inline constexpr std::size_t face_elements = std::size_t{face_side} * face_side;

/// How the elements of a format become fp32 patterns. A 16-bit format can be read as one element to a 32-bit lane
/// (`element`) or two (`even`: low half, `odd`: high half), which saves the transposing path half of its shuffles.
struct Bf16Format {
  using Storage = std::uint16_t;
  HWY_INLINE static Words element(Words v) { return hn::ShiftLeft<16>(v); }
  HWY_INLINE static Words even(Words pair) { return hn::ShiftLeft<16>(pair); }
  HWY_INLINE static Words odd(Words pair) { return hn::And(pair, word(0xFFFF0000U)); }
};

/// Denormals are numbers to DST, and to source registers 0.
template <bool flushes>
struct Fp16Format {
  using Storage = std::uint16_t;
  HWY_INLINE static Words element(Words v) {
    const Words magnitude = hn::And(v, word(0x7FFFU));
    const Words sign = hn::ShiftLeft<16>(hn::AndNot(word(0x7FFFU), v));
    const Words normal = hn::Add(hn::ShiftLeft<13>(magnitude), word(112U << 23U));
    const auto is_small = hn::Eq(hn::And(magnitude, word(0x7C00U)), hn::Zero(WordTag()));
    if constexpr (flushes) return hn::IfThenZeroElse(is_small, hn::Or(sign, normal));
    const Floats count = hn::ConvertTo(FloatTag(), hn::BitCast(IntTag(), magnitude));
    const Words small = bits_of(hn::Mul(count, hn::Set(FloatTag(), 0x1p-24F)));
    return hn::Or(sign, hn::IfThenElse(is_small, small, normal));
  }
  HWY_INLINE static Words even(Words pair) { return element(hn::And(pair, word(0xFFFFU))); }
  HWY_INLINE static Words odd(Words pair) { return element(hn::ShiftRight<16>(pair)); }
};

struct WordFormat {
  using Storage = std::uint32_t;
  HWY_INLINE static Words element(Words v) { return v; }
};

/// One vector of consecutive elements as fp32 patterns.
template <class Format>
HWY_INLINE Words load_elements(const typename Format::Storage* from) {
  const WordTag d;
  if constexpr (sizeof(typename Format::Storage) == 4) {
    return hn::LoadU(d, from);
  } else {
    const hn::Rebind<std::uint16_t, WordTag> d16;
    return Format::element(hn::PromoteTo(d, hn::LoadU(d16, from)));
  }
}

/// load_elements and flush. For bf16 the exponent is tested before the shift, so that both become one masked shift.
template <class Format>
HWY_INLINE Words load_flushed(const typename Format::Storage* from) {
#if HWY_TARGET == HWY_AVX3
  if constexpr (std::is_same_v<Format, Bf16Format>) {
    const WordTag d;
    const hn::Rebind<std::uint16_t, WordTag> d16;
    const Words v = hn::PromoteTo(d, hn::LoadU(d16, from));
    return hn::IfThenElseZero(hn::TestBit(v, word(0x7F80U)), hn::ShiftLeft<16>(v));
  }
#endif
  return flush(load_elements<Format>(from));
}

/// What happens to every unpacked pattern: bits cut away, denormals flushed.
struct Cut {
  explicit Cut(const UnpackSpec& spec) : keep(word(spec.keep)) {}
  Words keep;
  template <bool flushing>
  HWY_INLINE Floats apply(Words v) const {
    const Words cut = hn::And(v, keep);
    if constexpr (flushing) return float_of(flush(cut));
    return float_of(cut);
  }
};

template <class Format, bool flushing>
void unpack_straight(const std::byte* l1, const UnpackSpec& spec, float* HWY_RESTRICT out) {
  const auto* from = reinterpret_cast<const typename Format::Storage*>(l1);
  const Cut cut(spec);
  for (std::size_t i = 0; i < tile_elements; i += lanes) {
    if constexpr (flushing) {
      hn::Store(cut.apply<false>(load_flushed<Format>(from + i)), FloatTag(), out + i);
    } else {
      hn::Store(cut.apply<false>(load_elements<Format>(from + i)), FloatTag(), out + i);
    }
  }
}

#if HWY_TARGET == HWY_SCALAR

template <class Format, bool flushing>
HWY_INLINE void transpose_face(const typename Format::Storage* face, const Cut& cut, float* HWY_RESTRICT out) {
  for (std::size_t row = 0; row < face_side; ++row) {
    for (std::size_t column = 0; column < face_side; ++column) {
      const Words v = load_elements<Format>(face + row * face_side + column);
      hn::Store(cut.apply<flushing>(v), FloatTag(), out + column * face_side + row);
    }
  }
}

#else

/// A vector whose b-th 128-bit block is read from `from + b * stride`.
template <class D>
HWY_INLINE hn::Vec<D> load_blocks(D d, const std::uint32_t* from, std::size_t stride) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    return hn::LoadU(d, from);
  } else {
    const hn::Half<D> half;
    const auto low = load_blocks(half, from, stride);
    return hn::Combine(d, load_blocks(half, from + stride * (hn::MaxLanes(D()) / 8), stride), low);
  }
}

/// Transposes the 4x4 words in each 128-bit block of four vectors.
HWY_INLINE void transpose_blocks(Words& v0, Words& v1, Words& v2, Words& v3) {
  const hn::RepartitionToWide<WordTag> wide;
  const auto a = hn::BitCast(wide, hn::InterleaveLower(WordTag(), v0, v1));
  const auto b = hn::BitCast(wide, hn::InterleaveLower(WordTag(), v2, v3));
  const auto c = hn::BitCast(wide, hn::InterleaveUpper(WordTag(), v0, v1));
  const auto e = hn::BitCast(wide, hn::InterleaveUpper(WordTag(), v2, v3));
  v0 = hn::BitCast(WordTag(), hn::InterleaveLower(wide, a, b));
  v1 = hn::BitCast(WordTag(), hn::InterleaveUpper(wide, a, b));
  v2 = hn::BitCast(WordTag(), hn::InterleaveLower(wide, c, e));
  v3 = hn::BitCast(WordTag(), hn::InterleaveUpper(wide, c, e));
}

/// One face. The face is read as 16 rows of 32-bit words (8 words of two elements for 16-bit formats): four word columns of
/// `lanes` rows at a time become four vectors, which are rows of the result.
template <class Format, bool flushing>
HWY_INLINE void transpose_face(const typename Format::Storage* face, const Cut& cut, float* HWY_RESTRICT out) {
  constexpr std::size_t per_word = 4 / sizeof(typename Format::Storage);
  constexpr std::size_t row_words = face_side / per_word;
  const auto* words = reinterpret_cast<const std::uint32_t*>(face);
  const WordTag d;
  const FloatTag df;
  for (std::size_t row = 0; row < face_side; row += lanes) {
    for (std::size_t column = 0; column < row_words; column += 4) {
      const std::uint32_t* from = words + row * row_words + column;
      Words v0 = load_blocks(d, from, 4 * row_words);
      Words v1 = load_blocks(d, from + row_words, 4 * row_words);
      Words v2 = load_blocks(d, from + 2 * row_words, 4 * row_words);
      Words v3 = load_blocks(d, from + 3 * row_words, 4 * row_words);
      transpose_blocks(v0, v1, v2, v3);
      float* to = out + column * per_word * face_side + row;
      const auto put = [&](std::size_t index, Words v) HWY_ATTR {
        float* at = to + index * per_word * face_side;
        if constexpr (per_word == 1) {
          hn::Store(cut.apply<flushing>(v), df, at);
        } else {
          hn::Store(cut.apply<flushing>(Format::even(v)), df, at);
          hn::Store(cut.apply<flushing>(Format::odd(v)), df, at + face_side);
        }
      };
      put(0, v0);
      put(1, v1);
      put(2, v2);
      put(3, v3);
    }
  }
}

#endif  // HWY_SCALAR

template <class Format, bool flushing>
void unpack_transposed(const std::byte* l1, const UnpackSpec& spec, float* out) {
  const auto* from = reinterpret_cast<const typename Format::Storage*>(l1);
  const Cut cut(spec);
  for (std::size_t face = 0; face < 4; ++face) {
    const std::size_t mirrored = (face % 2) * 2 + face / 2;
    transpose_face<Format, flushing>(from + mirrored * face_elements, cut, out + face * face_elements);
  }
}

/// Eight datums of 4 or 2 bits, sign and magnitude, as bytes of bfp8_b: the narrow formats have the upper bits of those.
template <int bits>
HWY_INLINE std::uint64_t widened(const std::byte* packed) {
  if constexpr (bits == 3) {
    std::uint32_t narrow = 0;
    std::memcpy(&narrow, packed, sizeof narrow);
    std::uint64_t v = narrow;
    v = (v | v << 16U) & 0x0000FFFF0000FFFFU;
    v = (v | v << 8U) & 0x00FF00FF00FF00FFU;
    return (v | v << 4U) << 4U & 0xF0F0F0F0F0F0F0F0U;
  } else {
    std::uint16_t narrow = 0;
    std::memcpy(&narrow, packed, sizeof narrow);
    std::uint64_t v = narrow;
    v = (v | v << 24U) & 0x000000FF000000FFU;
    v = (v | v << 12U) & 0x000F000F000F000FU;
    return (v | v << 6U) << 6U & 0xC0C0C0C0C0C0C0C0U;
  }
}

/// Block floats to fp32 patterns, straight: 64 exponent bytes (one to a face row), then signs and magnitudes, the first of a
/// byte lowest.
template <int bits>
void expand_block_floats(const std::byte* l1, float* out) {
  constexpr std::size_t row_bytes = block_float_group * (bits + 1) / 8;
  const WordTag d;
  const hn::Rebind<std::uint8_t, WordTag> d8;
  for (std::size_t row = 0; row < block_float_exponents; ++row) {
    const std::byte* packed = l1 + block_float_exponents + row * row_bytes;
    HWY_ALIGN std::uint8_t datums[block_float_group];
    if constexpr (bits == 7) {
      std::memcpy(datums, packed, sizeof datums);
    } else {
      const std::uint64_t wide[2] = {widened<bits>(packed), widened<bits>(packed + row_bytes / 2)};
      std::memcpy(datums, wide, sizeof datums);
    }
    // The magnitude as a float has exponent 127 where the datum's is the shared one less 6; what wraps below 0 or beyond
    // 255 leaves the field at its upper end, where the sign goes.
    const Words shift = word((static_cast<std::uint32_t>(l1[row]) - 133U) << 23U);
    for (std::size_t i = 0; i < face_side; i += lanes) {
      const Words datum = hn::PromoteTo(d, hn::LoadU(d8, datums + i));
      const Words magnitude = hn::And(datum, word(0x7F));
      const Words sign = hn::ShiftLeft<24>(hn::And(datum, word(0x80)));
      const Words scaled = hn::Add(bits_of(hn::ConvertTo(FloatTag(), hn::BitCast(IntTag(), magnitude))), shift);
      const Words number = hn::Or(hn::And(scaled, word(0x7FFFFFFFU)), sign);
      const Words nothing = hn::IfThenElseZero(hn::Eq(datum, word(0x80)), word(0xFF800000U));
      const Words pattern = hn::IfThenElse(hn::Eq(magnitude, hn::Zero(d)), nothing, number);
      hn::Store(float_of(pattern), FloatTag(), out + row * face_side + i);
    }
  }
}

template <class Format>
void unpack_format(const std::byte* l1, const UnpackSpec& spec, float* out) {
  if (spec.transpose) {
    spec.flush ? unpack_transposed<Format, true>(l1, spec, out) : unpack_transposed<Format, false>(l1, spec, out);
  } else {
    spec.flush ? unpack_straight<Format, true>(l1, spec, out) : unpack_straight<Format, false>(l1, spec, out);
  }
}

inline void unpack_tile(const std::byte* l1, const UnpackSpec& spec, float* out) {
  switch (spec.format) {
    case DataFormat::bf16:
      return unpack_format<Bf16Format>(l1, spec, out);
    case DataFormat::fp16:
      return spec.flush ? unpack_format<Fp16Format<true>>(l1, spec, out) : unpack_format<Fp16Format<false>>(l1, spec, out);
    case DataFormat::fp32:
    case DataFormat::tf32:
    case DataFormat::int32:
    case DataFormat::uint32:
    case DataFormat::uint16:  // and shorter integers: the caller has widened them
    case DataFormat::int8:
    case DataFormat::uint8:
      return unpack_format<WordFormat>(l1, spec, out);
    case DataFormat::bfp8_b:
    case DataFormat::bfp4_b:
    case DataFormat::bfp2_b:
      break;
  }
  HWY_ALIGN float straight[tile_elements];
  if (spec.format == DataFormat::bfp8_b) expand_block_floats<7>(l1, straight);
  if (spec.format == DataFormat::bfp4_b) expand_block_floats<3>(l1, straight);
  if (spec.format == DataFormat::bfp2_b) expand_block_floats<1>(l1, straight);
  unpack_format<WordFormat>(reinterpret_cast<const std::byte*>(straight), spec, out);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace tilegrid::simd
HWY_AFTER_NAMESPACE();

#endif
