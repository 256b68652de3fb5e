// SPDX-License-Identifier: Apache-2.0
#include "core/simd/matrix_kernels.h"

#include "core/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/matrix_kernels.cpp"  // NOLINT(bugprone-macro-parentheses)
#include "hwy/foreach_target.h"
// After foreach_target.h, which includes this file again for each target.
#include "core/simd/matrix_fma-inl.h"
#include "core/simd/matrix_pool-inl.h"
#include "core/simd/matrix_unpack-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace tilegrid::simd {
namespace HWY_NAMESPACE {

void split(float* HWY_RESTRICT values, std::uint32_t keep, float* HWY_RESTRICT low) {
  const FloatTag d;
  for (std::size_t i = 0; i < tile_elements; i += lanes) {
    const Floats v = hn::Load(d, values + i);
    const Floats top = float_of(hn::And(bits_of(v), word(keep)));
    hn::Store(top, d, values + i);
    hn::Store(finite_or_zero(hn::Sub(v, top)), d, low + i);
  }
}

void cut_finite(const float* HWY_RESTRICT values, std::uint32_t keep, float* HWY_RESTRICT out) {
  const FloatTag d;
  for (std::size_t i = 0; i < tile_elements; i += lanes) {
    const Words cut = hn::And(bits_of(hn::Load(d, values + i)), word(keep));
    hn::Store(finite_or_zero(float_of(cut)), d, out + i);
  }
}

bool has_wide_vectors() { return lanes == face_side; }

Extent extent_of(const float* HWY_RESTRICT values) {
  const FloatTag d;
  // Doubled, so that the sign is gone; one less, so that zeros are above all others.
  Words least = word(0xFFFFFFFFU);
  Words most = word(0);
  for (std::size_t i = 0; i < tile_elements; i += lanes) {
    const Words doubled = hn::ShiftLeft<1>(bits_of(hn::Load(d, values + i)));
    least = hn::Min(least, hn::Sub(doubled, word(1)));
    most = hn::Max(most, doubled);
  }
  const WordTag dw;
  const std::uint32_t smallest = hn::GetLane(hn::MinOfLanes(dw, least));
  const std::uint32_t largest = hn::GetLane(hn::MaxOfLanes(dw, most));
  return {.least = (smallest + (smallest < 0xFFFFFFFFU ? 1U : 0U)) >> 24U, .finite = largest < 0xFF000000U};
}

// Register blocking: `block_rows` rows by `block_vectors` vectors of columns stay in registers over all k. Vectors of 16
// lanes take one column from each face; narrower ones stay within one face.
inline constexpr std::size_t block_rows = lanes == 16 ? 8 : lanes == 8 ? 4 : 2;
inline constexpr std::size_t block_vectors = lanes < 8 ? 4 : 2;
inline constexpr std::size_t block_columns = block_vectors * lanes;
inline constexpr std::size_t vector_stride = lanes == 16 ? face_elements : lanes;

using Accumulators = Floats[block_rows][block_vectors];

/// acc += rows of a face of a (row stride 16) x columns of b.
HWY_INLINE void multiply_face(const float* HWY_RESTRICT a_face, const float* HWY_RESTRICT b_face, Accumulators& acc) {
  const FloatTag d;
  for (std::size_t k = 0; k < face_side; ++k) {
    Floats b_row[block_vectors];
    for (std::size_t v = 0; v < block_vectors; ++v) b_row[v] = hn::Load(d, b_face + k * face_side + v * vector_stride);
    for (std::size_t r = 0; r < block_rows; ++r) {
      const Floats a_value = hn::Set(d, a_face[r * face_side + k]);
      for (std::size_t v = 0; v < block_vectors; ++v) acc[r][v] = fused(a_value, b_row[v], acc[r][v]);
    }
  }
}

/// Between the steps of a product. Of tame sums nothing needs repair that the last step does not repair as well.
template <bool dst_fp32, bool tame>
HWY_INLINE void round_block(Accumulators& acc) {
  if constexpr (tame && dst_fp32) return;
  for (std::size_t r = 0; r < block_rows; ++r) {
    for (std::size_t v = 0; v < block_vectors; ++v) {
      acc[r][v] = tame ? half_up(acc[r][v]) : round_dst<dst_fp32>(acc[r][v]);
    }
  }
}

template <bool dst_fp32>
HWY_INLINE void store_block(const Accumulators& acc, float* HWY_RESTRICT dst) {
  for (std::size_t r = 0; r < block_rows; ++r) {
    for (std::size_t v = 0; v < block_vectors; ++v) {
      hn::Store(round_dst<dst_fp32>(acc[r][v]), FloatTag(), dst + r * face_side + v * vector_stride);
    }
  }
}

enum class Within { nothing, rounded, tame };

template <bool dst_fp32, Within within>
void multiply_tile_to(const TileProduct& p) {
  const FloatTag d;
  for (std::size_t row = 0; row < tile_side; row += block_rows) {
    const std::size_t row_offset = row / face_side * 2 * face_elements + row % face_side * face_side;
    for (std::size_t column = 0; column < tile_side; column += block_columns) {
      const std::size_t column_offset = column / face_side * face_elements + column % face_side;
      float* dst = p.dst + row_offset + column_offset;
      Accumulators acc;
      for (std::size_t r = 0; r < block_rows; ++r) {
        for (std::size_t v = 0; v < block_vectors; ++v) {
          acc[r][v] = p.cleared ? hn::Zero(d) : hn::Load(d, dst + r * face_side + v * vector_stride);
        }
      }
      for (std::size_t pass = 0; pass < p.count; ++pass) {
        for (std::size_t face = 0; face < 2; ++face) {  // the left of a with the upper of b, then right with lower
          multiply_face(p.passes[pass].in0 + row_offset + face * face_elements,
                        p.passes[pass].in1 + column_offset + face * 2 * face_elements, acc);
          if constexpr (within != Within::nothing) round_block<dst_fp32, within == Within::tame>(acc);
        }
      }
      store_block<dst_fp32>(acc, dst);
    }
  }
}

void multiply_tile(const TileProduct& p) {
  if (!p.round_within) {
    return p.dst_fp32 ? multiply_tile_to<true, Within::nothing>(p) : multiply_tile_to<false, Within::nothing>(p);
  }
  if (p.tame) return p.dst_fp32 ? multiply_tile_to<true, Within::tame>(p) : multiply_tile_to<false, Within::tame>(p);
  p.dst_fp32 ? multiply_tile_to<true, Within::rounded>(p) : multiply_tile_to<false, Within::rounded>(p);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace tilegrid::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tilegrid::simd {

HWY_EXPORT(unpack_tile);
HWY_EXPORT(split);
HWY_EXPORT(cut_finite);
HWY_EXPORT(has_wide_vectors);
HWY_EXPORT(extent_of);
HWY_EXPORT(multiply_tile);
HWY_EXPORT(elementwise_tile);
HWY_EXPORT(reduce_tile);
HWY_EXPORT(finish_line);
HWY_EXPORT(pool_face);

void unpack(const std::byte* l1, const UnpackSpec& spec, float* out) { HWY_DYNAMIC_DISPATCH(unpack_tile)(l1, spec, out); }
void split(float* values, std::uint32_t keep, float* low) { HWY_DYNAMIC_DISPATCH(split)(values, keep, low); }
void cut_finite(const float* values, std::uint32_t keep, float* out) { HWY_DYNAMIC_DISPATCH(cut_finite)(values, keep, out); }
bool has_wide_vectors() { return HWY_DYNAMIC_DISPATCH(has_wide_vectors)(); }
Extent extent_of(const float* values) { return HWY_DYNAMIC_DISPATCH(extent_of)(values); }
void multiply_tile(const TileProduct& product) { HWY_DYNAMIC_DISPATCH(multiply_tile)(product); }
void elementwise(const ElementwiseSpec& spec) { HWY_DYNAMIC_DISPATCH(elementwise_tile)(spec); }
void reduce_rows(const ReduceSpec& spec, float* out) { HWY_DYNAMIC_DISPATCH(reduce_tile)(spec, true, out); }
void reduce_columns(const ReduceSpec& spec, float* out) { HWY_DYNAMIC_DISPATCH(reduce_tile)(spec, false, out); }
void pool_in_phases(const PoolSpec& spec) { HWY_DYNAMIC_DISPATCH(pool_face)(spec); }
void finish_line(const LineSpec& spec, const float* previous, float* line) {
  HWY_DYNAMIC_DISPATCH(finish_line)(spec, previous, line);
}

}  // namespace tilegrid::simd
#endif
