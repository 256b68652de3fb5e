// SPDX-License-Identifier: Apache-2.0
// The matrix unit bit for bit (tensix.md 2.1, 2.2): products of pieces of significands as integers, aligned to the largest
// exponent of their group of eight, and two such groups added to DST with one rounding. The same bits on every instruction
// set.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/types.h"

namespace tilegrid::simd {

/// A tile as a source register shows it to the multipliers, row by row of 32.
struct ExactOperand {
  template <class T>
  using Tile = std::array<T, tile_elements>;
  alignas(64) Tile<std::int16_t> exponent;  ///< with its bias of 127, fp16's too; far below any for zeros and denormals
  alignas(64) Tile<std::int16_t> sign;      ///< 0 or -1
  alignas(64) Tile<std::uint16_t> high;     ///< SrcA: hidden bit and four more; SrcB: hidden bit and six more
  alignas(64) Tile<std::uint16_t> low;      ///< SrcA: the next five bits; SrcB: the last four, where seven bits would end
};

/// SrcA or SrcB from 1024 floats in face order, 64-byte aligned. Of a significand 11 bits are looked at.
enum class SourceRegister : std::uint8_t { a, b };
void split_exactly(SourceRegister source, const float* values, ExactOperand& out);

/// What all exact operations need to know.
struct ExactMode {
  int phases = 1;  ///< of the fidelity
  bool dst_fp32 = false;
  /// Wormhole's fault #38306: a sum of one negative unit comes out 2^27 times too large. How often it strikes, or would,
  /// is counted.
  bool known_faults = false;
  /// Both sources are fp16: exponents have five bits, and 16-bit DST is fp16, without infinity.
  bool five_bit_exponents = false;
};

/// dst = (cleared ? 0 : dst) + in0 x in1; 1024 DST values in face order. The phases are the outer loop, in each k = 0..15 is
/// added, then k = 16..31. Returns how often the known fault strikes.
std::uint64_t multiply_exactly(const ExactMode& mode, const ExactOperand& in0, const ExactOperand& in1, bool cleared,
                               float* dst);

/// Element-wise on 1024 values each: a is SrcA, b SrcB; they may not overlap with dst.
struct ExactElementwise {
  const float* a = nullptr;
  const float* b = nullptr;
  bool multiply = false;    ///< else add
  bool negate_b = false;    ///< with add: subtract
  bool accumulate = false;  ///< onto what DST holds; else onto 0
  float* dst = nullptr;
};
std::uint64_t elementwise_exactly(const ExactMode& mode, const ExactElementwise& operation);

/// GAPOOL: sums[c] += scaler . column c of face (face_row, face_column) of `in`, c < 16. `scaler` is the first row of in0.
std::uint64_t pool_exactly(const ExactMode& mode, const ExactOperand& scaler, const ExactOperand& in, int face_row,
                           int face_column, float* sums);

}  // namespace tilegrid::simd
