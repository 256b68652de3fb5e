// SPDX-License-Identifier: Apache-2.0
// Rounded numerics where the machine multiplies pairs of bf16 (AVX-512 BF16): one instruction adds two products, one after
// the other, each with one rounding, as two fused multiply-adds do. The pieces that the phases of a fidelity multiply have
// at most seven bits, so that bf16 holds them. The bits are those of multiply_tile(), in half its time, as long as no sum on
// the way is denormal (Extent).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/simd/matrix_kernels.h"
#include "core/types.h"

namespace tilegrid::simd {

/// Whether this machine can, with the instruction set that was chosen.
[[nodiscard]] bool multiplies_pairs();
/// For tests: as on a machine that can't.
void forbid_pairs(bool forbidden);

/// A tile as pairs of bf16 that are neighbours along K, the first of them in the upper half of a word.
struct PairTile {
  static constexpr std::size_t words = tile_elements / 2;
  alignas(64) std::array<std::uint32_t, words> high;  ///< the upper bits of significands
  alignas(64) std::array<std::uint32_t, words> low;   ///< the rest
};

/// How a source register's significands are cut in two: those of `keep`, of these those of `top`, and the rest.
struct PairCut {
  std::uint32_t keep = 0xFFFFFFFFU;
  std::uint32_t top = 0xFFFFFFFFU;
};
/// From 1024 floats in face order: of in0 neighbours stand in a row, of in1 in a column.
void pair_in0(const float* values, const PairCut& cut, PairTile& out);
void pair_in1(const float* values, const PairCut& cut, PairTile& out);

/// The same of a tile of bf16 in L1, in one go, with its extent: denormals are flushed; `top` as in PairCut, of 3 to 8 bits;
/// `low` is made if it is `wanted`. What is small or infinite has no low piece that is of use.
struct PairSource {
  const std::byte* l1 = nullptr;
  std::uint32_t top = 0xFFFF0000U;
  bool wanted = true;      ///< the low pieces are
  bool transpose = false;  ///< of in1: the tile is
};
Extent pair_bf16_in0(const PairSource& source, PairTile& out);
Extent pair_bf16_in1(const PairSource& source, PairTile& out);

/// A quick look at a tile of DST: if it says yes, stays_tame() need not look; it says no of zeros, too.
[[nodiscard]] bool clearly_tame(const float* dst);

/// As TileProduct.
struct PairProduct {
  const PairTile* in0 = nullptr;
  const PairTile* in1 = nullptr;
  int phases = 1;  ///< none: dst is rounded, as it is when a tile of zeros goes into its sums
  bool cleared = false;
  bool dst_fp32 = true;
  float* dst = nullptr;
};
void multiply_pairs(const PairProduct& product);

}  // namespace tilegrid::simd
