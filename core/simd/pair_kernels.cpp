// SPDX-License-Identifier: Apache-2.0
#include "core/simd/pair_kernels.h"

#include <array>
#include <atomic>
#include <bit>

#if defined(__x86_64__)
// Intrinsics hand each other values that are undefined on purpose, which GCC 12 takes for a mistake of who calls them.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#endif

namespace tilegrid::simd {
namespace {

std::atomic<bool> pairs_forbidden{false};

}  // namespace

void forbid_pairs(bool forbidden) { pairs_forbidden = forbidden; }

#if defined(__x86_64__)

// Highway has no target with these instructions and without more that nothing here uses.
#define TILEGRID_PAIRS __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))

namespace {

constexpr float least_of_tame_sums = 0x1p-103F;  // the exponent that stays_tame() asks of DST
constexpr std::size_t block_rows = 8;            // by 32 columns: 16 sums stay in registers over all k
constexpr std::size_t face_pairs = face_side / 2;
constexpr std::size_t face_words = face_side * face_pairs;

/// Rounds DST to 16 bits; sums are neither denormal nor -0 nor NaN, or stay as they are.
TILEGRID_PAIRS inline __m512 half_up(__m512 v) {
  const __m512i sum = _mm512_add_epi32(_mm512_castps_si512(v), _mm512_set1_epi32(0x8000));
  return _mm512_castsi512_ps(_mm512_and_si512(sum, _mm512_set1_epi32(static_cast<int>(0xFFFF0000U))));
}

/// As round_dst() of matrix_fma-inl.h.
template <bool dst_fp32>
TILEGRID_PAIRS inline __m512 written(__m512 v) {
  const __m512i nan = _mm512_set1_epi32(0x7FC00000);
  const __m512i bits = _mm512_mask_mov_epi32(_mm512_castps_si512(v), _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), nan);
  v = _mm512_castsi512_ps(_mm512_maskz_mov_epi32(_mm512_test_epi32_mask(bits, _mm512_set1_epi32(0x7F800000)), bits));
  return dst_fp32 ? v : half_up(v);
}

TILEGRID_PAIRS inline __m512 masked(__m512 v, std::uint32_t mask) {
  return _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32(static_cast<int>(mask))));
}

/// The upper halves of the words of `first`, the upper halves of those of `second` below them.
TILEGRID_PAIRS inline __m512i paired(__m512 first, __m512 second) {
  const __m512i upper = _mm512_castps_si512(masked(first, 0xFFFF0000U));
  return _mm512_or_si512(upper, _mm512_srli_epi32(_mm512_castps_si512(second), 16));
}

/// As paired(), of neighbouring lanes.
TILEGRID_PAIRS inline __m256i paired(__m512 v) {
  const __m512i lanes = _mm512_castps_si512(v);
  const __m512i first = _mm512_and_si512(lanes, _mm512_set1_epi64(0xFFFF0000));
  return _mm512_cvtepi64_epi32(_mm512_or_si512(first, _mm512_srli_epi64(lanes, 48)));
}

/// What becomes of a bf16 whose significand loses its upper bits: by its lowest 5 bits, the change of exponent and mantissa
/// together. `places`: bits that stay.
constexpr std::size_t most_places = 5;
using Rest = std::array<std::uint16_t, std::size_t{1} << most_places>;
constexpr Rest rest_of(unsigned places) {
  Rest rest{};
  for (unsigned i = 0; i < rest.size(); ++i) {
    const unsigned bits = i & ((1U << places) - 1U);
    if (bits == 0) continue;
    const unsigned shift = 8 - static_cast<unsigned>(std::bit_width(bits));
    rest[i] = static_cast<std::uint16_t>((bits << shift & 0x7FU) - (shift << 7U));
  }
  return rest;
}
alignas(64) constexpr std::array<Rest, most_places + 1> rests{rest_of(0), rest_of(1), rest_of(2),
                                                              rest_of(3), rest_of(4), rest_of(5)};

/// Cuts vectors of 32 bf16 to pieces and keeps count of the extent.
class PairCutter {
 public:
  TILEGRID_PAIRS explicit PairCutter(const PairSource& source, PairTile& out)
      : out_(out), wanted_(source.wanted), top_(_mm512_set1_epi16(static_cast<short>(source.top >> 16U))) {
    const auto places = static_cast<unsigned>(std::countr_zero(source.top >> 16U));
    below_ = _mm512_set1_epi16(static_cast<short>((1U << places) - 1U));
    rest_ = _mm512_loadu_si512(rests.at(places).data());
  }
  /// To words from `at` on.
  TILEGRID_PAIRS void put(std::size_t at, __m512i values) {
    const __mmask32 number = _mm512_test_epi16_mask(values, _mm512_set1_epi16(0x7F80));
    values = _mm512_maskz_mov_epi16(number, values);
    const __m512i doubled = _mm512_add_epi16(values, values);
    least_ = _mm512_mask_min_epu16(least_, number, least_, doubled);
    most_ = _mm512_max_epu16(most_, doubled);
    _mm512_store_si512(out_.high.data() + at, _mm512_and_si512(values, top_));
    if (!wanted_) return;
    const __m512i exponent = _mm512_and_si512(values, _mm512_set1_epi16(static_cast<short>(0xFF80)));
    const __mmask32 there = _mm512_test_epi16_mask(values, below_);
    const __m512i low = _mm512_maskz_add_epi16(there, exponent, _mm512_permutexvar_epi16(values, rest_));
    _mm512_store_si512(out_.low.data() + at, low);
  }
  [[nodiscard]] TILEGRID_PAIRS Extent extent() const {
    return {.least = smallest(least_) >> 8U,
            .finite = 0xFFFFU - smallest(_mm512_xor_si512(most_, _mm512_set1_epi16(-1))) < 0xFF00U};
  }

 private:
  TILEGRID_PAIRS static std::uint32_t smallest(__m512i v) {
    const __m256i half = _mm256_min_epu16(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
    const __m128i quarter = _mm_min_epu16(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    return static_cast<std::uint32_t>(_mm_extract_epi16(_mm_minpos_epu16(quarter), 0));
  }

  PairTile& out_;
  bool wanted_;
  __m512i top_;
  __m512i below_;
  __m512i rest_;
  __m512i least_ = _mm512_set1_epi16(-1);
  __m512i most_ = _mm512_setzero_si512();
};

/// A face of 16 rows of 8 words becomes 8 rows of 16: the pairs of a row, one below the other.
TILEGRID_PAIRS inline void transpose_words(const std::byte* face, __m512i (&rows)[face_pairs]) {
  // Four rows of each vector's pairs together: those of words 0 to 3, and those of words 4 to 7.
  const __m512i lower = _mm512_setr_epi32(0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27);
  const __m512i upper = _mm512_setr_epi32(4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31);
  __m512i four[2][4];
  for (std::size_t i = 0; i < 4; ++i) {
    const __m512i first = _mm512_loadu_si512(face + 2 * i * 64);
    const __m512i second = _mm512_loadu_si512(face + (2 * i + 1) * 64);
    four[0][i] = _mm512_permutex2var_epi32(first, lower, second);
    four[1][i] = _mm512_permutex2var_epi32(first, upper, second);
  }
  for (std::size_t half = 0; half < 2; ++half) {
    const __m512i a = _mm512_shuffle_i32x4(four[half][0], four[half][1], 0x44);  // words 0 and 1 of rows 0 to 7
    const __m512i b = _mm512_shuffle_i32x4(four[half][0], four[half][1], 0xEE);
    const __m512i c = _mm512_shuffle_i32x4(four[half][2], four[half][3], 0x44);
    const __m512i d = _mm512_shuffle_i32x4(four[half][2], four[half][3], 0xEE);
    rows[4 * half] = _mm512_shuffle_i32x4(a, c, 0x88);
    rows[4 * half + 1] = _mm512_shuffle_i32x4(a, c, 0xDD);
    rows[4 * half + 2] = _mm512_shuffle_i32x4(b, d, 0x88);
    rows[4 * half + 3] = _mm512_shuffle_i32x4(b, d, 0xDD);
  }
}

/// sums += 16 products along K to each of 8 rows and 32 columns, then rounded; a row as soon as it has its last product,
/// while others still get theirs. `in0` is the row of the face where they begin, `in1` the first of the two faces side by
/// side.
template <bool dst_fp32>
TILEGRID_PAIRS inline void multiply_face(const std::uint32_t* in0, const std::uint32_t* in1, __m512 (&sums)[block_rows][2]) {
#pragma GCC unroll 8
  for (std::size_t k = 0; k < face_pairs; ++k) {
    const auto left = reinterpret_cast<__m512bh>(_mm512_load_si512(in1 + k * face_side));
    const auto right = reinterpret_cast<__m512bh>(_mm512_load_si512(in1 + face_words + k * face_side));
#pragma GCC unroll 8
    for (std::size_t r = 0; r < block_rows; ++r) {
      const auto pair = reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(in0[r * face_pairs + k])));
      sums[r][0] = _mm512_dpbf16_ps(sums[r][0], pair, left);
      sums[r][1] = _mm512_dpbf16_ps(sums[r][1], pair, right);
      if (dst_fp32 || k + 1 < face_pairs) continue;
      sums[r][0] = half_up(sums[r][0]);
      sums[r][1] = half_up(sums[r][1]);
    }
  }
}

/// The DST write of a block. Few have a number that needs repair.
template <bool dst_fp32>
TILEGRID_PAIRS inline void store(__m512 (&sums)[block_rows][2], float* dst) {
  constexpr int nan_negative_zero_denormal = 0x01 | 0x04 | 0x20 | 0x80;
  std::uint32_t found = 0;
  for (const auto& of_row : sums) {
    for (const __m512 sum : of_row) found |= _mm512_fpclass_ps_mask(sum, nan_negative_zero_denormal);
  }
  if (found != 0) {
    for (auto& of_row : sums) {
      for (__m512& sum : of_row) sum = written<dst_fp32>(sum);
    }
  }
  for (std::size_t r = 0; r < block_rows; ++r) {
    for (std::size_t v = 0; v < 2; ++v) _mm512_store_ps(dst + r * face_side + v * face_side * face_side, sums[r][v]);
  }
}

template <bool dst_fp32>
TILEGRID_PAIRS void multiply_to(const PairProduct& p) {
  for (std::size_t row = 0; row < tile_side; row += block_rows) {
    const std::size_t faces = row / face_side * 2;  // of this block, the left one
    const std::size_t in_face = row % face_side;
    float* dst = p.dst + faces * face_side * face_side + in_face * face_side;
    __m512 sums[block_rows][2];
    for (std::size_t r = 0; r < block_rows; ++r) {
      for (std::size_t v = 0; v < 2; ++v) {
        const float* at = dst + r * face_side + v * face_side * face_side;
        sums[r][v] = p.cleared ? _mm512_setzero_ps() : _mm512_load_ps(at);
      }
    }
    for (int phase = 0; phase < p.phases; ++phase) {
      const std::uint32_t* in0 = phase < 2 ? p.in0->high.data() : p.in0->low.data();
      const std::uint32_t* in1 = phase % 2 == 0 ? p.in1->high.data() : p.in1->low.data();
      for (std::size_t half = 0; half < 2; ++half) {
        multiply_face<dst_fp32>(in0 + (faces + half) * face_words + in_face * face_pairs, in1 + 2 * half * face_words, sums);
      }
    }
    if (!dst_fp32 && p.phases == 0) {
      for (auto& of_row : sums) {
        for (__m512& sum : of_row) sum = half_up(sum);
      }
    }
    store<dst_fp32>(sums, dst);
  }
}

}  // namespace

bool multiplies_pairs() {
  static const bool can = __builtin_cpu_supports("avx512bf16") != 0;
  return can && !pairs_forbidden.load(std::memory_order_relaxed) && has_wide_vectors();
}

TILEGRID_PAIRS void pair_in0(const float* values, const PairCut& cut, PairTile& out) {
  for (std::size_t row = 0; row < tile_elements / face_side; ++row) {
    const __m512 whole = masked(_mm512_load_ps(values + row * face_side), cut.keep);
    const __m512 top = masked(whole, cut.top);
    _mm256_store_si256(reinterpret_cast<__m256i*>(out.high.data() + row * face_pairs), paired(top));
    _mm256_store_si256(reinterpret_cast<__m256i*>(out.low.data() + row * face_pairs), paired(_mm512_sub_ps(whole, top)));
  }
}

TILEGRID_PAIRS void pair_in1(const float* values, const PairCut& cut, PairTile& out) {
  for (std::size_t row = 0; row < tile_elements / face_side; row += 2) {
    const __m512 first = masked(_mm512_load_ps(values + row * face_side), cut.keep);
    const __m512 second = masked(_mm512_load_ps(values + (row + 1) * face_side), cut.keep);
    const __m512 first_top = masked(first, cut.top);
    const __m512 second_top = masked(second, cut.top);
    const std::size_t at = row / 2 * face_side;
    _mm512_store_si512(out.high.data() + at, paired(first_top, second_top));
    _mm512_store_si512(out.low.data() + at, paired(_mm512_sub_ps(first, first_top), _mm512_sub_ps(second, second_top)));
  }
}

TILEGRID_PAIRS Extent pair_bf16_in0(const PairSource& source, PairTile& out) {
  PairCutter cutter(source, out);
  for (std::size_t at = 0; at < PairTile::words; at += face_side) {
    cutter.put(at, _mm512_rol_epi32(_mm512_loadu_si512(source.l1 + at * sizeof(std::uint32_t)), 16));
  }
  return cutter.extent();
}

TILEGRID_PAIRS Extent pair_bf16_in1(const PairSource& source, PairTile& out) {
  PairCutter cutter(source, out);
  if (source.transpose) {
    for (std::size_t face = 0; face < 4; ++face) {
      const std::size_t mirrored = face % 2 * 2 + face / 2;
      __m512i rows[face_pairs];
      transpose_words(source.l1 + mirrored * face_words * sizeof(std::uint32_t), rows);
      for (std::size_t row = 0; row < face_pairs; ++row) {
        cutter.put(face * face_words + row * face_side, _mm512_rol_epi32(rows[row], 16));
      }
    }
    return cutter.extent();
  }
  // Of two rows, one behind the other, the first to the upper halves.
  const __m512i two = _mm512_set_epi16(15, 31, 14, 30, 13, 29, 12, 28, 11, 27, 10, 26, 9, 25, 8, 24, 7, 23, 6, 22, 5, 21, 4,
                                       20, 3, 19, 2, 18, 1, 17, 0, 16);
  for (std::size_t at = 0; at < PairTile::words; at += face_side) {
    const __m512i rows = _mm512_loadu_si512(source.l1 + at * sizeof(std::uint32_t));
    cutter.put(at, _mm512_permutexvar_epi16(two, rows));
  }
  return cutter.extent();
}

TILEGRID_PAIRS bool clearly_tame(const float* dst) {
  constexpr int smaller_magnitude = 0b1010;  // without its sign
  __m512 least[4];
  for (__m512& one : least) one = _mm512_set1_ps(1);
  for (std::size_t at = 0; at < tile_elements; at += 4 * face_side) {
    for (std::size_t i = 0; i < 4; ++i) {
      least[i] = _mm512_range_ps(least[i], _mm512_load_ps(dst + at + i * face_side), smaller_magnitude);
    }
  }
  const __m512 all = _mm512_min_ps(_mm512_min_ps(least[0], least[1]), _mm512_min_ps(least[2], least[3]));
  return _mm512_cmp_ps_mask(all, _mm512_set1_ps(least_of_tame_sums), _CMP_LT_OQ) == 0;
}

TILEGRID_PAIRS void multiply_pairs(const PairProduct& product) {
  product.dst_fp32 ? multiply_to<true>(product) : multiply_to<false>(product);
}

#else

bool multiplies_pairs() { return false; }
void pair_in0(const float* /*values*/, const PairCut& /*cut*/, PairTile& /*out*/) {}
void pair_in1(const float* /*values*/, const PairCut& /*cut*/, PairTile& /*out*/) {}
Extent pair_bf16_in0(const PairSource& /*source*/, PairTile& /*out*/) { return {}; }
Extent pair_bf16_in1(const PairSource& /*source*/, PairTile& /*out*/) { return {}; }
bool clearly_tame(const float* /*dst*/) { return false; }
void multiply_pairs(const PairProduct& /*product*/) {}

#endif

}  // namespace tilegrid::simd
