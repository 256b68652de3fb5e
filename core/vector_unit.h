// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace tilegrid {

/// SFPU operations. `*_scalar` take one parameter.
enum class VectorOp : std::uint8_t {
  exp_fast,      ///< Schraudolph: i = 369.33 x + 32500.8 to uint16 (saturating), shifted up 15 bits (tensix.md 2.3)
  exp_accurate,  ///< 16-bit DST: below 1 ULP of bf16; 32-bit DST: Cody-Waite and degree 7, below 1 ULP of fp32
  recip,         ///< +-0 gives +-inf
  sqrt,
  rsqrt,
  abs,
  neg,
  relu,
  sigmoid,
  tanh,
  gelu,  ///< by erf
  log,
  square,
  add_scalar,
  mul_scalar,
  max_tile,  ///< dst = max(dst, other), sign-magnitude order
  min_tile,
};
inline constexpr int vector_op_count = 17;

/// Which part of a tile: all four faces, the left column of faces (0, 2), the upper row of faces (0, 1), or only columns
/// 0-7 of faces 0 and 2, which hold a column vector (attention.md 1.6).
enum class VectorMode : std::uint8_t { rc, c, r, first_column };

/// The SFPU in fast numerics: 32-bit float lanes, fused multiply-add, denormals flushed to zero on input and output; a
/// write to 16-bit DST rounds half away from zero first, as the vendor's kernels do (tensix.md 1.6).
/// Results do not depend on the vector width.
class VectorUnit {
 public:
  explicit VectorUnit(bool dst_fp32) : dst_fp32_(dst_fp32) {}

  /// In place on one DST tile (1024 floats, face order). exp_fast and exp_accurate compute exp(parameter * x) (the scale is
  /// folded in; must be positive; 1 for plain exp); add_scalar and mul_scalar use `parameter`; others ignore it.
  void unary(VectorOp op, float* tile, VectorMode mode, float parameter) const;
  /// max_tile, min_tile: tile = op(tile, other).
  void binary(VectorOp op, float* tile, const float* other, VectorMode mode) const;

 private:
  bool dst_fp32_;
};

[[nodiscard]] const char* name_of(VectorOp op);

}  // namespace tilegrid
