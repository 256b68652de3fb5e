// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/ids.h"
#include "core/numerics.h"

namespace tilegrid {

/// SFPU operations. `*_scalar` take one parameter. Logs store the numbers: new operations go to the end.
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
  max_tile,  ///< max(a, b), sign-magnitude order
  min_tile,
  silu,  ///< x * sigmoid(x)
  sign,  ///< -1, 0 or 1
  gtz,   ///< comparisons with zero by IEEE's rules: 1 or 0; a NaN is unequal to 0 and fails the others
  gez,
  ltz,
  lez,
  eqz,
  nez,
  max_scalar,  ///< max(x, parameter), sign-magnitude order
  min_scalar,
  rsub_scalar,  ///< parameter - x
  exp2,
  expm1,
  add_tile,  ///< a + b
  sub_tile,
  mul_tile,
  div_tile,
  where,     ///< cond != 0 ? x : y; a NaN is not 0
  copy_dst,  ///< from one DST tile to another
  fill,      ///< the parameter everywhere; reads nothing
};
inline constexpr int vector_op_count = count_to(VectorOp::fill);
template <>
inline constexpr int enum_size<VectorOp> = vector_op_count;
/// DST tiles that the operation reads: 0 to 3.
[[nodiscard]] int operands_of(VectorOp op);

/// Which part of a tile: all four faces, the left column of faces (0, 2), the upper row of faces (0, 1), or only columns
/// 0-7 of faces 0 and 2, which hold a column vector (attention.md 1.6).
enum class VectorMode : std::uint8_t { rc, c, r, first_column };
template <>
inline constexpr int enum_size<VectorMode> = count_to(VectorMode::first_column);

/// The SFPU: 32-bit float lanes, fused multiply-add, denormals flushed to zero on input and output; a write to 16-bit DST
/// rounds half away from zero first, as the vendor's kernels do (tensix.md 1.6). In exact numerics exponentials, reciprocal
/// and square roots go through the vendor's steps (core/simd/sfpu_kernels.h), with the errors that these have; in the others
/// they are right to the last bit of DST or two, but for the fast exponential. So are sigmoid, tanh, gelu, log, silu, exp2
/// and expm1 in all numerics; the vendor's tables and polynomials for them differ from version to version, are not among our
/// sources (tensix.md 2.3), and lose more. Results do not depend on the vector width.
class VectorUnit {
 public:
  explicit VectorUnit(bool dst_fp32, Numerics numerics = Numerics::fast) : dst_fp32_(dst_fp32), numerics_(numerics) {}

  /// From now on 16-bit DST is fp16 (MatrixUnit): results have 8 places still, as the vendor's kernels round them for bf16
  /// before the store, which then limits them to +-131008 and makes 0 of what is below 2^-14.
  void set_half_dst(bool half) { half_dst_ = half; }

  /// In place on one DST tile (1024 floats, face order). exp_fast and exp_accurate compute exp(parameter * x) (the scale is
  /// folded in; must be positive; 1 for plain exp); `*_scalar` and fill use `parameter`; others ignore it.
  void unary(VectorOp op, float* tile, VectorMode mode, float parameter) const;
  /// exp_fast without the clamp of its inputs, for who cuts what is negative afterwards: in exact numerics negative and
  /// wrong for scale * x below -88, and exp(0.72) above 0.72; as exp_fast in the others.
  void exp_unclamped(float* tile, VectorMode mode, float scale) const;
  /// Operations of two tiles: out = op(a, b) where `mode` says; the rest of `out` stays. `out` may be a or b.
  void binary(VectorOp op, float* out, const float* a, const float* b, VectorMode mode) const;
  /// out = cond != 0 ? x : y, values as they are but for denormals; `out` may be any operand.
  static void where(float* out, const float* cond, const float* x, const float* y, VectorMode mode);
  /// The whole tile, values as they are but for denormals.
  static void copy(float* out, const float* in);

 private:
  bool dst_fp32_;
  Numerics numerics_;
  bool half_dst_ = false;
};

[[nodiscard]] const char* name_of(VectorOp op);

}  // namespace tilegrid
