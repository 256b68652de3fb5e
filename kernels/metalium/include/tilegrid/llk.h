// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tilegrid/sfpu.h"

// What published kernels take from below the API: initialisations, which set nothing that the emulator keeps, and a few
// functions of the vector unit with a part of a tile as their argument.

using uint = unsigned int;

inline constexpr bool UnpackToDestEn = true, UnpackToDestDis = false;
inline constexpr DataCopyType A2D = DataCopyType::A2D, B2D = DataCopyType::B2D;
enum class BinaryOp : uint8_t { ADD = 0, SUB = 1, MUL = 2, DIV = 3, RSUB = 4 };
enum { ADD_UNARY = 0, SUB_UNARY = 1, MUL_UNARY = 2, DIV_UNARY = 3, RSUB_UNARY = 4 };

template <auto... options>
inline void llk_unpack_A_init(...) {}
template <auto... options>
inline void llk_unpack_AB_init(...) {}
template <auto... options>
inline void llk_math_eltwise_unary_datacopy_init(...) {}
template <auto... options>
inline void llk_math_eltwise_binary_init(...) {}

// Changes of formats: those of the unpackers hold for the matrix unit, too.
template <auto... options>
inline void llk_unpack_reconfig_data_format(uint32_t a, uint32_t b, TG_AT) {
  TG.reconfigure(0, a, b, at);
}
template <auto... options>
inline void llk_unpack_reconfig_data_format(uint32_t, uint32_t a, uint32_t, uint32_t b, TG_AT) {
  TG.reconfigure(0, a, b, at);
}
template <auto... options>
inline void llk_math_reconfig_data_format(...) {}
template <auto... options>
inline void llk_pack_reconfig_data_format(uint32_t out, TG_AT) {
  TG.reconfigure(3, out, out, at);
}
template <auto... options>
inline void llk_pack_reconfig_data_format(uint32_t, uint32_t out, TG_AT) {
  TG.reconfigure(3, out, out, at);
}

template <bool approximate, auto op>
inline void llk_math_eltwise_unary_sfpu_binop_with_scalar(uint32_t dst, uint32_t bits, int mode = TG_RC, TG_AT) {
  const float x = ::tilegrid_device::float_of_bits(bits);
  static_assert(static_cast<int>(op) <= 4, "llk_math_eltwise_unary_sfpu_binop_with_scalar has five operations");
  constexpr int ops[] = {TG_OP(add_scalar), TG_OP(add_scalar), TG_OP(mul_scalar), TG_OP(mul_scalar), TG_OP(rsub_scalar)};
  TG.vector(ops[static_cast<int>(op)], dst, TG_MODE(mode), static_cast<int>(op) == 1 ? -x : x, at);
}

namespace sfpi {
/// A scalar whose bits are those of a BF16 value.
TILEGRID_UNCOUNTED inline vFloat s2vFloat16b(int bits) {
  return vFloat(::tilegrid_device::scale_of(static_cast<uint16_t>(bits)));
}
TILEGRID_UNCOUNTED inline vFloat s2vFloat16b(float value) { return vFloat(value); }
}  // namespace sfpi

namespace ckernel::sfpu {
struct Converter {
  TILEGRID_UNCOUNTED static float as_float(uint32_t bits) { return ::tilegrid_device::float_of_bits(bits); }
};
namespace tilegrid_lanes {
template <float (*function)(float)>
TILEGRID_UNCOUNTED inline vFloat each(const vFloat& x, uint32_t instructions) {
  vFloat out;
  for (int lane = 0; lane < 32; ++lane) out.v[lane] = function(x.v[lane]);
  sfpi::detail::state.instructions += instructions;
  return out;
}
TILEGRID_UNCOUNTED inline float reciprocal(float x) { return 1.0F / x; }
TILEGRID_UNCOUNTED inline float exponential(float x) { return __builtin_expf(x); }
TILEGRID_UNCOUNTED inline float softplus_of(float x) { return __builtin_log1pf(__builtin_expf(x)); }
}  // namespace tilegrid_lanes
// Instructions as the published code has them for each: Newton steps for a reciprocal, a polynomial for the others.
template <int iterations>
TILEGRID_UNCOUNTED inline vFloat _sfpu_reciprocal_(const vFloat& x) {
  return tilegrid_lanes::each<tilegrid_lanes::reciprocal>(x, 4 + 3 * iterations);
}
template <int iterations>
TILEGRID_UNCOUNTED inline vFloat _reciprocal_compat_(const vFloat& x) {
  return tilegrid_lanes::each<tilegrid_lanes::reciprocal>(x, 6 + 3 * iterations);
}
template <bool fp32>
TILEGRID_UNCOUNTED inline vFloat _sfpu_exp_improved_(const vFloat& x) {
  const vFloat y = tilegrid_lanes::each<tilegrid_lanes::exponential>(x, 20);
  return fp32 ? y : reinterpret<vFloat>(float_to_fp16b(y, 0));
}
template <bool approximate, bool scale_en, bool skip_positive_check>
TILEGRID_UNCOUNTED inline vFloat _calculate_exponential_piecewise_(const vFloat& x, uint16_t scale) {
  const vFloat scaled = scale_en ? x * s2vFloat16b(static_cast<int>(scale)) : x;
  return tilegrid_lanes::each<tilegrid_lanes::exponential>(scaled, approximate ? 8 : 24);
}
template <bool approximate>
TILEGRID_UNCOUNTED inline void calculate_softplus_body(const vFloat& beta, const vFloat& inverse, const vFloat& threshold) {
  vFloat x = dst_reg[0];
  const vFloat scaled = x * beta;
  v_if(scaled < threshold) { x = inverse * tilegrid_lanes::each<tilegrid_lanes::softplus_of>(scaled, 24); }
  v_endif;
  dst_reg[0] = x;
}
}  // namespace ckernel::sfpu
