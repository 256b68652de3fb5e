// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/format.h"
#include "core/ids.h"
#include "core/numerics.h"

namespace tilegrid {

enum class Fidelity : std::uint8_t { lofi = 1, hifi2 = 2, hifi3 = 3, hifi4 = 4 };  ///< value = number of phases
enum class EltwiseOp : std::uint8_t { add, sub, mul };
enum class Broadcast : std::uint8_t { none, rows, cols, scalar };  ///< row 0, column 0 or [0,0] for all
enum class Pool : std::uint8_t { max, sum };
enum class ReduceDim : std::uint8_t { row, col, scalar };
template <>
inline constexpr int enum_size<EltwiseOp> = count_to(EltwiseOp::mul);
template <>
inline constexpr int enum_size<Broadcast> = count_to(Broadcast::scalar);
template <>
inline constexpr int enum_size<Pool> = count_to(Pool::sum);
template <>
inline constexpr int enum_size<ReduceDim> = count_to(ReduceDim::scalar);

namespace simd {
struct ExactMode;
}

/// A tile in L1.
struct TileOperand {
  const std::byte* data = nullptr;
  DataFormat format = DataFormat::bf16;
};

/// One K step of a block matmul: for r < rt, c < ct: dst[r*ct + c] += in0[r] x in1[c].
struct MatmulBlock {
  TileOperand in0;             ///< first of rt tiles
  std::size_t in0_stride = 0;  ///< bytes from in0[r] to in0[r+1]
  TileOperand in1;             ///< first of ct tiles
  std::size_t in1_stride = 0;  ///< bytes from in1[c] to in1[c+1]
  bool transpose_in1 = false;  ///< the unpacker transposes each in1 tile (exact)
  int rt = 1;
  int ct = 1;
  float* dst = nullptr;       ///< rt*ct tiles of 1024 floats, face order, 64-byte aligned
  std::uint32_t cleared = 0;  ///< bit i: dst tile i is cleared and reads as 0
};

/// The FPU. Operand routing as on hardware: matmul in0 -> SrcB, in1 -> SrcA; element-wise in0 -> SrcA, in1 -> SrcB
/// (tensix.md 2.1). fp32 operands are cut to TF32 when DST is 32-bit, to BF16 when it is 16-bit. Every DST write is rounded
/// to DST's format. 16-bit DST is bf16, but when both operands are fp16 it is fp16: exponents of five bits, what is too
/// large ends at +-131008, what is too small at 0; all numerics compute this exactly. Results do not depend on the vector
/// width.
///
/// Numerics::exact multiplies, aligns and rounds as the silicon does, bit for bit. The others use float FMA in a fixed order
/// over k on operands that are cut as the fidelity says (phase table of tensix.md 2.1; significands include the hidden bit).
/// Numerics::rounded has a pass for each phase, SrcA's upper 5 bits or the next 5 with SrcB's upper 7 or the rest of 11, and
/// rounds DST after every 16 products. Numerics::fast joins the passes and rounds once a tile: LoFi multiplies SrcA cut to 5
/// bits by SrcB cut to 7; HiFi2 SrcA cut to 10 by SrcB cut to 7; HiFi3 adds SrcA cut to 5 times the low bits of SrcB as a
/// second pass; HiFi4 multiplies SrcA cut to 10 by all 11 bits of SrcB.
class MatrixUnit {
 public:
  /// `known_faults`: in exact numerics, Wormhole's fault #38306 as silicon has it (tensix.md 2.1).
  MatrixUnit(Fidelity fidelity, bool dst_fp32, Numerics numerics = default_numerics, bool known_faults = false)
      : fidelity_(fidelity), dst_fp32_(dst_fp32), numerics_(numerics), known_faults_(known_faults) {}

  /// Operands of 8-bit integers make 32-bit DST one of integers, whatever the numerics: magnitudes are cut as the fidelity
  /// says, 3 bits and then 5 of SrcA, all but the lowest 4 and then those of SrcB, and sums end at +-(2^31 - 1). Wider
  /// integers are a fault.
  void matmul_block(const MatmulBlock& block) const;

  /// dst = a op b, or dst += a op b when `accumulate`. Only mul is subject to fidelity.
  void eltwise(EltwiseOp op, Broadcast broadcast, TileOperand a, TileOperand b, float* dst, bool accumulate) const;

  /// binary_dest_reuse_tiles: the DST tile, cut to TF32 (16-bit DST: BF16), replaces operand a; dst = dst op b.
  void eltwise_dest_reuse(EltwiseOp op, bool dst_is_a, TileOperand other, float* dst) const;

  /// Pools `in` times `scaler` (its first row of each face; of a max's the power of two alone) into column 0 (row), row 0
  /// (col) or [0,0] (scalar) of dst; everything else of dst becomes 0. With `accumulate` the previous value takes part (max
  /// or +); without, the identity does. A scalar reduction scales twice, by column and then along the row of column
  /// results, as on hardware (tensix.md 2.2); a max in 32-bit DST has TF32 precision. Order of a fast summation:
  /// core/simd/matrix_kernels.h. The others add 16 products at a time, the phases of a face before the next face, and cut
  /// row and scalar sums as the source register does that they are turned in.
  void reduce(Pool pool, ReduceDim dim, TileOperand in, TileOperand scaler, float* dst, bool accumulate) const;

  /// copy_tile: 16-bit formats exact; fp32 is cut to TF32 (16-bit DST: BF16) unless `unpack_to_dst` (exact).
  /// With a broadcast (unary_bcast), row 0, column 0 or element [0,0] of the copy fills the tile.
  void copy(TileOperand in, float* dst, bool unpack_to_dst, Broadcast broadcast = Broadcast::none) const;
  void transpose(TileOperand in, float* dst) const;

  [[nodiscard]] Fidelity fidelity() const { return fidelity_; }
  [[nodiscard]] bool dst_fp32() const { return dst_fp32_; }
  [[nodiscard]] Numerics numerics() const { return numerics_; }
  /// Sums of exact numerics that fault #38306 strikes; with known_faults it did.
  [[nodiscard]] std::uint64_t faults_struck() const { return faults_struck_; }

 private:
  [[nodiscard]] simd::ExactMode exact_mode(DataFormat a, DataFormat b) const;
  /// Whether operands of these formats make 16-bit DST fp16.
  [[nodiscard]] bool half_dst(DataFormat a, DataFormat b) const {
    return !dst_fp32_ && a == DataFormat::fp16 && b == DataFormat::fp16;
  }
  void matmul_exactly(const MatmulBlock& block) const;
  void matmul_integers(const MatmulBlock& block) const;
  /// Those of bit i: the product that goes to dst tile i.
  void matmul_in_passes(const MatmulBlock& block, std::uint32_t products) const;
  /// Returns the products that have to go in passes, as their numbers are too small or infinite.
  [[nodiscard]] std::uint32_t matmul_in_pairs(const MatmulBlock& block) const;
  void eltwise_exactly(EltwiseOp op, Broadcast broadcast, TileOperand a, TileOperand b, float* dst, bool accumulate) const;
  void dest_reuse_exactly(EltwiseOp op, bool dst_is_a, TileOperand other, float* dst) const;
  void reduce_sum_by_faces(ReduceDim dim, TileOperand in, TileOperand scaler, float* dst, bool accumulate) const;

  Fidelity fidelity_;
  bool dst_fp32_;
  Numerics numerics_;
  bool known_faults_;
  mutable std::uint64_t faults_struck_ = 0;
};

}  // namespace tilegrid
