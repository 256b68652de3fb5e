// SPDX-License-Identifier: Apache-2.0
#include "core/simd/pair_kernels.h"

#include <atomic>

#include "core/simd/matrix_kernels.h"

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

constexpr std::size_t block_rows = 8;  // by 32 columns: 16 sums stay in registers over all k
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
  constexpr int nan_zero_denormal = 0x01 | 0x02 | 0x04 | 0x20 | 0x80;
  if (_mm512_fpclass_ps_mask(v, nan_zero_denormal) != 0) {
    const __m512i nan = _mm512_set1_epi32(0x7FC00000);
    const __m512i bits = _mm512_mask_mov_epi32(_mm512_castps_si512(v), _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), nan);
    v = _mm512_castsi512_ps(_mm512_maskz_mov_epi32(_mm512_test_epi32_mask(bits, _mm512_set1_epi32(0x7F800000)), bits));
  }
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

/// sums += 16 products along K to each of 8 rows and 32 columns. `in0` is the row of the face where they begin, `in1` the
/// first of the two faces side by side.
TILEGRID_PAIRS inline void multiply_face(const std::uint32_t* in0, const std::uint32_t* in1, __m512 (&sums)[block_rows][2]) {
  for (std::size_t k = 0; k < face_pairs; ++k) {
    const auto left = reinterpret_cast<__m512bh>(_mm512_load_si512(in1 + k * face_side));
    const auto right = reinterpret_cast<__m512bh>(_mm512_load_si512(in1 + face_words + k * face_side));
#pragma GCC unroll 8
    for (std::size_t r = 0; r < block_rows; ++r) {
      const auto pair = reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(in0[r * face_pairs + k])));
      sums[r][0] = _mm512_dpbf16_ps(sums[r][0], pair, left);
      sums[r][1] = _mm512_dpbf16_ps(sums[r][1], pair, right);
    }
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
        multiply_face(in0 + (faces + half) * face_words + in_face * face_pairs, in1 + 2 * half * face_words, sums);
        if (dst_fp32) continue;
        for (auto& of_row : sums) {
          for (__m512& sum : of_row) sum = half_up(sum);
        }
      }
    }
    for (std::size_t r = 0; r < block_rows; ++r) {
      for (std::size_t v = 0; v < 2; ++v) {
        _mm512_store_ps(dst + r * face_side + v * face_side * face_side, written<dst_fp32>(sums[r][v]));
      }
    }
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

TILEGRID_PAIRS void multiply_pairs(const PairProduct& product) {
  product.dst_fp32 ? multiply_to<true>(product) : multiply_to<false>(product);
}

#else

bool multiplies_pairs() { return false; }
void pair_in0(const float* /*values*/, const PairCut& /*cut*/, PairTile& /*out*/) {}
void pair_in1(const float* /*values*/, const PairCut& /*cut*/, PairTile& /*out*/) {}
void multiply_pairs(const PairProduct& /*product*/) {}

#endif

}  // namespace tilegrid::simd
