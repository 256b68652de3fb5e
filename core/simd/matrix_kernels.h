// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/format.h"

/// Vectorised parts of the matrix unit and the unpacker. Tiles of floats are 1024 values in face order, 64-byte aligned;
/// tiles in L1 need no alignment beyond that of their elements. Every function gives the same bits on every instruction set.
namespace tilegrid::simd {

/// Unpacking: the fp32 pattern of each element is and-ed with `keep`; `flush` then makes zeros, denormals and -0 a +0.
struct UnpackSpec {
  DataFormat format = DataFormat::bf16;
  std::uint32_t keep = 0xFFFFFFFFU;
  bool flush = false;
  bool transpose = false;
};
void unpack(const std::byte* l1, const UnpackSpec& spec, float* out);

/// Splits 1024 values into values cut to `keep` (in place) and the exact rest (`low`); the rest of inf and NaN is 0.
void split(float* values, std::uint32_t keep, float* low);
/// out = values cut to `keep`; inf and NaN become 0.
void cut_finite(const float* values, std::uint32_t keep, float* out);

/// Whether a row of a face is one vector of the instruction set that was chosen, AVX-512.
[[nodiscard]] bool has_wide_vectors();

/// How small the numbers of a tile get. Sums of products of small numbers may be denormal on their way to DST, and need
/// care.
struct Extent {
  std::uint32_t least = 255;  ///< biased exponent of the smallest number that is not zero; 255: none is finite and not zero
  bool finite = true;         ///< all numbers are
};
[[nodiscard]] Extent extent_of(const float* values);
/// No sum on the way of products of such numbers to a tile of DST (null: a cleared one) is denormal, or NaN that DST was
/// not: source registers have at most eleven bits, so that all products are multiples of 2^-126 and so are their sums.
[[nodiscard]] inline bool stays_tame(Extent in0, Extent in1, const float* dst) {
  constexpr std::uint32_t least_of_one = 16;                   // whose low piece is no denormal itself
  constexpr std::uint32_t least_of_both = 2 * 127 + 20 - 126;  // the last bits of both have a product of 2^-126
  constexpr std::uint32_t least_of_dst = 127 + 23 - 126;       // 24 bits of it end there
  return in0.finite && in1.finite && in0.least >= least_of_one && in1.least >= least_of_one &&
         in0.least + in1.least >= least_of_both && (dst == nullptr || extent_of(dst).least >= least_of_dst);
}

/// dst = (cleared ? 0 : dst) + in0 x in1 of one pass after the other, in each k = 0..31 in order with fused multiply-add;
/// then dst is rounded. With `round_within` it is rounded after every 16 products, too, as silicon does.
struct TileProduct {
  struct Pass {
    const float* in0 = nullptr;
    const float* in1 = nullptr;
  };
  std::array<Pass, 4> passes{};
  std::size_t count = 1;  ///< of passes
  bool round_within = false;
  bool tame = false;  ///< with round_within: no sum on the way is denormal, which saves looking
  bool cleared = false;
  bool dst_fp32 = true;
  float* dst = nullptr;
};
void multiply_tile(const TileProduct& product);

/// How a kernel reads an operand.
enum class Source : std::uint8_t {
  bf16,     ///< 1024 bf16 elements in L1
  floats,   ///< 1024 floats, already cut and flushed
  rows,     ///< 32 floats, one row for all
  columns,  ///< 32 floats, one column for all
};

/// Cuts of the fidelity (tensix.md 2.1): first pass a & a_keep times b & b_keep; second pass a & a_top times the rest of b.
struct ProductCut {
  std::uint32_t a_keep = 0xFFFFFFFFU;
  std::uint32_t b_keep = 0xFFFFFFFFU;
  std::uint32_t a_top = 0;
  bool second_pass = false;
  int phases = 0;  ///< above 0: instead of all that, the products of so many phases, DST rounded after each
};

struct ElementwiseSpec {
  const void* a = nullptr;
  Source a_source = Source::bf16;  ///< bf16 or floats
  const void* b = nullptr;
  Source b_source = Source::bf16;
  bool multiply = false;  ///< else add
  bool negate_b = false;  ///< with add: subtract
  ProductCut cut;         ///< of multiply
  bool accumulate = false;
  bool dst_fp32 = true;
  float* dst = nullptr;
};
void elementwise(const ElementwiseSpec& spec);

struct ReduceSpec {
  const void* in = nullptr;
  Source source = Source::bf16;   ///< bf16 or floats
  const float* scaler = nullptr;  ///< 64 floats: the first row of each face; not read for max
  bool maximum = false;           ///< else sum
  ProductCut cut;                 ///< of sum; a is `in`, b the scaler
};
/// out[r] of 32 rows. A sum has 16 partial sums by column mod 16, each of in * scaler in column order from 0 with fused
/// multiply-add (HiFi3: then the second pass, in column order again), which are then added j with j + 8, j + 4, j + 2, j
/// + 1. A maximum follows sign-magnitude order with NaN beyond infinity, and does not depend on the order of comparison.
void reduce_rows(const ReduceSpec& spec, float* out);
/// out[c] of 32 columns: one sum per column over rows 0..31 in order; the second pass of HiFi3 after all rows.
void reduce_columns(const ReduceSpec& spec, float* out);

/// GAPOOL with DST rounded where silicon rounds it: sums[c] += scaler . column c of the 16x16 face at `in`, in order over
/// the 16 rows with fused multiply-add, then rounded; once for each phase of `cut`. `scaler` has 16 values.
struct PoolSpec {
  const float* in = nullptr;  ///< 256 floats, a face
  const float* scaler = nullptr;
  ProductCut cut;
  bool dst_fp32 = true;
  float* sums = nullptr;  ///< 16, DST values
};
void pool_in_phases(const PoolSpec& spec);

/// The DST write of 32 results: line = max(line, previous), as a source register holds it, or line + previous; rounded.
struct LineSpec {
  bool maximum = false;
  bool dst_fp32 = true;
};
void finish_line(const LineSpec& spec, const float* previous, float* line);

}  // namespace tilegrid::simd
