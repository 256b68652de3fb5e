// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tilegrid/compute.h"
#include "tilegrid/sfpi.h"

// The vector unit's functions of the API. What the emulator has an operation for is that; the others are given here, in
// plain loops over a face, and charged as the operation that takes about as long on silicon.

namespace tilegrid_device {

/// The emulator's vector operations, in its order.
enum VectorOp : int {
  op_exp_fast,
  op_exp_accurate,
  op_recip,
  op_sqrt,
  op_rsqrt,
  op_abs,
  op_neg,
  op_relu,
  op_sigmoid,
  op_tanh,
  op_gelu,
  op_log,
  op_square,
  op_add_scalar,
  op_mul_scalar,
  op_max_tile,
  op_min_tile,
  op_silu,
  op_sign,
  op_gtz,
  op_gez,
  op_ltz,
  op_lez,
  op_eqz,
  op_nez,
  op_max_scalar,
  op_min_scalar,
  op_rsub_scalar,
  op_exp2,
  op_expm1,
  op_add_tile,
  op_sub_tile,
  op_mul_tile,
  op_div_tile,
  op_where,
  op_copy_dst,
  op_fill
};

inline float float_of_bits(uint32_t bits) {
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}
inline float scale_of(uint16_t bf16) { return float_of_bits(static_cast<uint32_t>(bf16) << 16); }
inline uint32_t bits_of_float(float value) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return bits;
}

/// Whether a template argument is one of the formats of integers, whose bits are no floats.
template <class T>
constexpr bool is_integer_format(T option) {
  if constexpr (__is_same(T, DataFormat)) {
    return option == DataFormat::Int8 || option == DataFormat::UInt8 || option == DataFormat::UInt16 ||
           option == DataFormat::Int32 || option == DataFormat::UInt32;
  }
  return false;
}

}  // namespace tilegrid_device

namespace ckernel {

struct p_sfpu {
  static constexpr uint32_t kCONST_1_FP16B = 0x3F80;
  static constexpr uint32_t LREG0 = 0, LREG1 = 1, LREG2 = 2, LREG3 = 3, LREG4 = 4, LREG5 = 5, LREG6 = 6, LREG7 = 7;
  static constexpr uint32_t LCONST_0 = 9, LCONST_1 = 10, LCONST_neg1 = 11, LTILEID = 15;
};

#define TG_OP(name) ::tilegrid_device::op_##name
#define TG_MODE(mode) ::tilegrid_device::vector_mode_of(static_cast<int>(mode))
#define TG_RC static_cast<int>(VectorMode::RC)

// ---- What the emulator has
/// The scale of the fast form is one of its constants; the others take it with each tile.
template <bool approx = false, bool fast_and_approx = true, uint32_t scale = 0x3F800000,
          InputClamping = InputClamping::ClampToNegative>
inline void exp_tile_init() {
  TG.exp_scale(approx && fast_and_approx ? ::tilegrid_device::float_of_bits(scale) : 1.0F);
}
template <bool approx = false, bool fast_and_approx = true, bool scale_en = false, bool skip_positive_check = false,
          auto clamping = InputClamping::ClampToNegative, int iterations = 8>
inline void exp_tile(uint32_t dst, int mode = TG_RC, uint16_t scale = 0x3F80, TG_AT) {
  const float factor = scale_en ? ::tilegrid_device::scale_of(scale) : 1.0F;
  if constexpr (!approx) return TG.vector(TG_OP(exp_accurate), dst, TG_MODE(mode), factor, at);
  bool clamps = true;
  if constexpr (__is_same(decltype(clamping), const InputClamping) || __is_same(decltype(clamping), InputClamping))
    clamps = clamping != InputClamping::None;
  if (fast_and_approx && clamps) return TG.vector_checked_exp(dst, TG_MODE(mode), factor, at);
  if (fast_and_approx) return TG.vector_unclamped_exp(dst, TG_MODE(mode), factor, at);
  TG.vector(TG_OP(exp_fast), dst, TG_MODE(mode), factor, at);
}
#define TILEGRID_UNARY(name, op)                                   \
  template <auto... options>                                       \
  inline void name##_tile_init() {}                                \
  template <auto... options>                                       \
  inline void name##_tile(uint32_t dst, int mode = TG_RC, TG_AT) { \
    TG.vector(TG_OP(op), dst, TG_MODE(mode), 1.0F, at);            \
  }                                                                \
  template <auto... options>                                       \
  inline void name##_tile(uint32_t dst, VectorMode mode, TG_AT) {  \
    TG.vector(TG_OP(op), dst, TG_MODE(mode), 1.0F, at);            \
  }
TILEGRID_UNARY(recip, recip)
TILEGRID_UNARY(sqrt, sqrt)
TILEGRID_UNARY(rsqrt, rsqrt)
TILEGRID_UNARY(abs, abs)
TILEGRID_UNARY(negative, neg)
TILEGRID_UNARY(relu, relu)
TILEGRID_UNARY(sigmoid, sigmoid)
TILEGRID_UNARY(tanh, tanh)
TILEGRID_UNARY(gelu, gelu)
TILEGRID_UNARY(log, log)
TILEGRID_UNARY(square, square)
TILEGRID_UNARY(silu, silu)
TILEGRID_UNARY(sign, sign)
TILEGRID_UNARY(gtz, gtz)
TILEGRID_UNARY(gez, gez)
TILEGRID_UNARY(ltz, ltz)
TILEGRID_UNARY(lez, lez)
TILEGRID_UNARY(eqz, eqz)
TILEGRID_UNARY(nez, nez)
TILEGRID_UNARY(exp2, exp2)
TILEGRID_UNARY(expm1, expm1)
#undef TILEGRID_UNARY

/// Scalars come as the bits of a float.
#define TILEGRID_SCALAR(name, op, value)                    \
  template <auto... options>                                \
  inline void name(uint32_t dst, uint32_t bits, TG_AT) {    \
    const float x = ::tilegrid_device::float_of_bits(bits); \
    TG.vector(TG_OP(op), dst, 0, value, at);                \
  }
inline void binop_with_scalar_tile_init() {}
TILEGRID_SCALAR(add_unary_tile, add_scalar, x)
TILEGRID_SCALAR(sub_unary_tile, add_scalar, -x)
TILEGRID_SCALAR(mul_unary_tile, mul_scalar, x)
TILEGRID_SCALAR(div_unary_tile, mul_scalar, x)  // the host gives the reciprocal
TILEGRID_SCALAR(rsub_unary_tile, rsub_scalar, x)
TILEGRID_SCALAR(rsub_tile, rsub_scalar, x)
TILEGRID_SCALAR(unary_max_tile, max_scalar, x)
TILEGRID_SCALAR(unary_min_tile, min_scalar, x)
#undef TILEGRID_SCALAR
inline void rsub_tile_init() {}
inline void unary_max_tile_init() {}
inline void unary_min_tile_init() {}

#define TILEGRID_PAIR(name, op)                                                           \
  template <auto... options>                                                              \
  inline void name##_tile_init() {}                                                       \
  template <auto... options>                                                              \
  inline void name##_tile(uint32_t a, uint32_t b, TG_AT) {                                \
    TG.vector_binary(TG_OP(op), a, b, a, 0, at);                                          \
  }                                                                                       \
  template <auto... options>                                                              \
  inline void name##_tile(uint32_t a, uint32_t b, uint32_t out, TG_AT) {                  \
    TG.vector_binary(TG_OP(op), a, b, out, 0, at);                                        \
  }                                                                                       \
  template <auto... options>                                                              \
  inline void name##_tile(uint32_t a, uint32_t b, uint32_t out, VectorMode mode, TG_AT) { \
    TG.vector_binary(TG_OP(op), a, b, out, TG_MODE(mode), at);                            \
  }                                                                                       \
  template <auto... options>                                                              \
  inline void name##_tile(uint32_t a, uint32_t b, uint32_t out, int mode, TG_AT) {        \
    TG.vector_binary(TG_OP(op), a, b, out, TG_MODE(mode), at);                            \
  }
TILEGRID_PAIR(add_binary, add_tile)
TILEGRID_PAIR(sub_binary, sub_tile)
TILEGRID_PAIR(mul_binary, mul_tile)
TILEGRID_PAIR(div_binary, div_tile)
TILEGRID_PAIR(binary_max, max_tile)
TILEGRID_PAIR(binary_min, min_tile)
#undef TILEGRID_PAIR
inline void max_tile_init() {}
inline void max_tile(uint32_t a, uint32_t b, int mode = TG_RC, TG_AT) {
  TG.vector_binary(TG_OP(max_tile), a, b, a, TG_MODE(mode), at);
}
inline void max_tile(uint32_t a, uint32_t b, VectorMode mode, TG_AT) {
  TG.vector_binary(TG_OP(max_tile), a, b, a, TG_MODE(mode), at);
}
inline void rsub_binary_tile_init() {}
inline void rsub_binary_tile(uint32_t a, uint32_t b, uint32_t out, TG_AT) {
  TG.vector_binary(TG_OP(sub_tile), b, a, out, 0, at);
}
inline void copy_dest_values_init() {}
namespace tilegrid_faces {
TILEGRID_UNCOUNTED inline void same(float* out, const float* a, const float*, int count, const uint32_t*) {
  __builtin_memcpy(out, a, static_cast<size_t>(count) * sizeof(float));
}
}  // namespace tilegrid_faces
template <auto... options>
inline void copy_dest_values(uint32_t to, uint32_t from, TG_AT) {
  constexpr bool integers = (::tilegrid_device::is_integer_format(options) || ...);
  if constexpr (integers) return TG.apply(TG_OP(copy_dst), from, 0, to, 0, 1, tilegrid_faces::same, nullptr, true, at);
  TG.copy_dest(from, to, at);
}
inline void where_tile_init() {}
template <auto... options>
inline void where_tile(uint32_t cond, uint32_t x, uint32_t y, uint32_t out, TG_AT) {
  TG.where(cond, x, y, out, 0, at);
}
inline void fill_tile_init() {}
inline void fill_tile(uint32_t dst, float value, TG_AT) { TG.fill(dst, value, false, at); }
inline void fill_tile_bitcast(uint32_t dst, uint32_t bits, TG_AT) {
  TG.fill(dst, ::tilegrid_device::float_of_bits(bits), false, at);
}
template <auto... options>
inline void fill_tile_int(uint32_t dst, uint32_t value, TG_AT) {
  TG.fill(dst, ::tilegrid_device::float_of_bits(value), true, at);
}
inline void identity_tile_init() {}
inline void identity_tile(uint32_t dst, TG_AT) { TG.copy_dest(dst, dst, at); }

// ---- Functions of one tile that are given here. `x` is the value, `p` the parameters as words.
#define TILEGRID_FACE(name) ::ckernel::tilegrid_faces::name
#define TILEGRID_FUNCTION(name, cost, ...)                                                                        \
  namespace tilegrid_faces {                                                                                      \
  TILEGRID_UNCOUNTED inline void name(float* out, const float* a, const float* b, int count, const uint32_t* p) { \
    using namespace ::tilegrid_device;                                                                            \
    for (int i = 0; i < count; ++i) {                                                                             \
      const float x = a[i];                                                                                       \
      out[i] = [&]() TILEGRID_UNCOUNTED -> float { __VA_ARGS__ }();                                               \
    }                                                                                                             \
  }                                                                                                               \
  }
#define TILEGRID_PLAIN(name, cost, ...)                                                            \
  TILEGRID_FUNCTION(name, cost, __VA_ARGS__)                                                       \
  template <auto... options>                                                                       \
  inline void name##_tile_init() {}                                                                \
  template <auto... options>                                                                       \
  inline void name##_tile(uint32_t dst, int mode = TG_RC, TG_AT) {                                 \
    TG.apply(TG_OP(cost), dst, 0, dst, TG_MODE(mode), 1, TILEGRID_FACE(name), nullptr, false, at); \
  }
#define TILEGRID_WITH_PARAMETER(name, cost, ...)                                                                  \
  TILEGRID_FUNCTION(name, cost, __VA_ARGS__)                                                                      \
  template <auto... options>                                                                                      \
  inline void name##_tile_init() {}                                                                               \
  template <auto... options, class... P>                                                                          \
  inline void name##_tile(uint32_t dst, P... parameters) {                                                        \
    const uint32_t words[] = {static_cast<uint32_t>(parameters)...};                                              \
    TG.apply(TG_OP(cost), dst, 0, dst, 0, 1, TILEGRID_FACE(name), words, false, ::tilegrid_device::Line::here()); \
  }
TILEGRID_PLAIN(sin, exp_accurate, return __builtin_sinf(x);)
TILEGRID_PLAIN(cos, exp_accurate, return __builtin_cosf(x);)
TILEGRID_PLAIN(tan, exp_accurate, return __builtin_tanf(x);)
TILEGRID_PLAIN(asin, exp_accurate, return __builtin_asinf(x);)
TILEGRID_PLAIN(acos, exp_accurate, return __builtin_acosf(x);)
TILEGRID_PLAIN(atan, exp_accurate, return __builtin_atanf(x);)
TILEGRID_PLAIN(sinh, exp_accurate, return __builtin_sinhf(x);)
TILEGRID_PLAIN(cosh, exp_accurate, return __builtin_coshf(x);)
TILEGRID_PLAIN(erf, gelu, return __builtin_erff(x);)
TILEGRID_PLAIN(erfc, gelu, return __builtin_erfcf(x);)
TILEGRID_PLAIN(log1p, log, return __builtin_log1pf(x);)
TILEGRID_PLAIN(cbrt, sqrt, return __builtin_cbrtf(x);)
TILEGRID_PLAIN(floor, abs, return __builtin_floorf(x);)
TILEGRID_PLAIN(ceil, abs, return __builtin_ceilf(x);)
TILEGRID_PLAIN(trunc, abs, return __builtin_truncf(x);)
TILEGRID_PLAIN(frac, abs, return x - __builtin_truncf(x);)
TILEGRID_PLAIN(isinf, nez, return __builtin_isinf(x) ? 1.0F : 0.0F;)
TILEGRID_PLAIN(isposinf, nez, return x == __builtin_inff() ? 1.0F : 0.0F;)
TILEGRID_PLAIN(isneginf, nez, return x == -__builtin_inff() ? 1.0F : 0.0F;)
TILEGRID_PLAIN(isnan, nez, return x != x ? 1.0F : 0.0F;)
TILEGRID_PLAIN(isfinite, nez, return __builtin_isfinite(x) ? 1.0F : 0.0F;)
TILEGRID_PLAIN(signbit, ltz, return __builtin_signbit(x) ? 1.0F : 0.0F;)
TILEGRID_PLAIN(logical_not_unary, eqz, return x == 0.0F ? 1.0F : 0.0F;)
TILEGRID_PLAIN(softsign, recip, return x / (1.0F + __builtin_fabsf(x));)
TILEGRID_PLAIN(hardsigmoid, relu, const float y = x / 6.0F + 0.5F; return y < 0.0F ? 0.0F : y > 1.0F ? 1.0F : y;)
TILEGRID_PLAIN(log_with_base_e, log, return __builtin_logf(x);)
TILEGRID_WITH_PARAMETER(log_with_base, log, return __builtin_logf(x) * float_of_bits(p[0]);)
TILEGRID_WITH_PARAMETER(power, exp_accurate, float y = 1.0F; for (uint32_t n = p[0]; n > 0; --n) y *= x; return y;)
TILEGRID_WITH_PARAMETER(heaviside, gtz, return x < 0.0F ? 0.0F : x > 0.0F ? 1.0F : float_of_bits(p[0]);)
TILEGRID_WITH_PARAMETER(leaky_relu, relu, return x < 0.0F ? x * float_of_bits(p[0]) : x;)
TILEGRID_WITH_PARAMETER(elu, exp_accurate, return x < 0.0F ? float_of_bits(p[0]) * __builtin_expm1f(x) : x;)
TILEGRID_WITH_PARAMETER(relu_max, relu, const float most = float_of_bits(p[0]); return x < 0.0F   ? 0.0F
                                                                                       : x > most ? most
                                                                                                  : x;)
TILEGRID_WITH_PARAMETER(relu_min, relu, const float least = float_of_bits(p[0]); return x < least ? least : x;)
TILEGRID_WITH_PARAMETER(unary_gt, gtz, return x > float_of_bits(p[0]) ? 1.0F : 0.0F;)
TILEGRID_WITH_PARAMETER(unary_lt, ltz, return x < float_of_bits(p[0]) ? 1.0F : 0.0F;)
TILEGRID_WITH_PARAMETER(unary_ge, gez, return x >= float_of_bits(p[0]) ? 1.0F : 0.0F;)
TILEGRID_WITH_PARAMETER(unary_le, lez, return x <= float_of_bits(p[0]) ? 1.0F : 0.0F;)
TILEGRID_WITH_PARAMETER(unary_eq, eqz, return x == float_of_bits(p[0]) ? 1.0F : 0.0F;)
TILEGRID_WITH_PARAMETER(unary_ne, nez, return x != float_of_bits(p[0]) ? 1.0F : 0.0F;)
TILEGRID_WITH_PARAMETER(clamp, max_scalar, const float low = float_of_bits(p[0]), high = float_of_bits(p[1]);
                        return x < low    ? low
                               : x > high ? high
                                          : x;)
TILEGRID_WITH_PARAMETER(softplus, log, const float beta = float_of_bits(p[0]), inverse = float_of_bits(p[1]);
                        return x * beta > float_of_bits(p[2]) ? x : inverse * __builtin_log1pf(__builtin_expf(x * beta));)
TILEGRID_FUNCTION(power_pair, exp_accurate, return __builtin_powf(x, b[i]);)
inline void power_binary_tile_init() {}
inline void power_binary_tile(uint32_t a, uint32_t b, uint32_t out, TG_AT) {
  TG.apply(TG_OP(exp_accurate), a, b, out, 0, 2, TILEGRID_FACE(power_pair), nullptr, false, at);
}
TILEGRID_FUNCTION(lerp_pair, mul_tile, return x + float_of_bits(p[0]) * (b[i] - x);)

// ---- Integers in DST are 32-bit patterns.
#define TILEGRID_INTEGERS(name, face, cost, ...)                                              \
  TILEGRID_FUNCTION(face, cost, const uint32_t u = bits_of_float(x), v = bits_of_float(b[i]); \
                    return float_of_bits(__VA_ARGS__);)                                       \
  template <auto... options>                                                                  \
  inline void name##_tile_init() {}                                                           \
  template <auto... options>                                                                  \
  inline void name##_tile(uint32_t a, uint32_t b, TG_AT) {                                    \
    TG.apply(TG_OP(cost), a, b, a, 0, 2, TILEGRID_FACE(face), nullptr, true, at);             \
  }                                                                                           \
  template <auto... options>                                                                  \
  inline void name##_tile(uint32_t a, uint32_t b, uint32_t out, TG_AT) {                      \
    TG.apply(TG_OP(cost), a, b, out, 0, 2, TILEGRID_FACE(face), nullptr, true, at);           \
  }
TILEGRID_INTEGERS(add_int, add_integers, add_tile, u + v)
TILEGRID_INTEGERS(add_int32, add_integers_32, add_tile, u + v)
TILEGRID_INTEGERS(add_uint16, add_integers_16, add_tile, (u + v) & 0xFFFFU)
TILEGRID_INTEGERS(sub_int, sub_integers, sub_tile, u - v)
TILEGRID_INTEGERS(sub_int32, sub_integers_32, sub_tile, u - v)
TILEGRID_INTEGERS(sub_uint16, sub_integers_16, sub_tile, (u - v) & 0xFFFFU)
TILEGRID_INTEGERS(mul_int, mul_integers, mul_tile, u* v)
TILEGRID_INTEGERS(mul_int32, mul_integers_32, mul_tile, u* v)
TILEGRID_INTEGERS(mul_uint16, mul_integers_16, mul_tile, (u * v) & 0xFFFFU)
TILEGRID_INTEGERS(bitwise_and_binary, and_integers, add_tile, u& v)
TILEGRID_INTEGERS(bitwise_or_binary, or_integers, add_tile, u | v)
TILEGRID_INTEGERS(bitwise_xor_binary, xor_integers, add_tile, u ^ v)
TILEGRID_INTEGERS(binary_left_shift, left_integers, add_tile, v < 32 ? u << v : 0U)
TILEGRID_INTEGERS(binary_right_shift, right_integers, add_tile,
                  static_cast<uint32_t>(static_cast<int32_t>(u) >> (v < 32 ? v : 31U)))
inline void and_binary_tile(uint32_t a, uint32_t b, uint32_t out, TG_AT) { bitwise_and_binary_tile(a, b, out, at); }
#define TILEGRID_INTEGER(name, cost, ...)                                                                \
  TILEGRID_FUNCTION(name, cost, const uint32_t u = bits_of_float(x); return float_of_bits(__VA_ARGS__);) \
  template <auto... options>                                                                             \
  inline void name##_tile_init() {}                                                                      \
  template <auto... options>                                                                             \
  inline void name##_tile(uint32_t dst, uint32_t parameter = 0, TG_AT) {                                 \
    TG.apply(TG_OP(cost), dst, 0, dst, 0, 1, TILEGRID_FACE(name), &parameter, true, at);                 \
  }
TILEGRID_INTEGER(bitwise_and, abs, u& p[0])
TILEGRID_INTEGER(bitwise_or, abs, u | p[0])
TILEGRID_INTEGER(bitwise_xor, abs, u ^ p[0])
TILEGRID_INTEGER(bitwise_not, abs, ~u)
TILEGRID_INTEGER(left_shift, abs, u << (p[0] & 31U))
TILEGRID_INTEGER(right_shift, abs, static_cast<uint32_t>(static_cast<int32_t>(u) >> (p[0] & 31U)))
TILEGRID_INTEGER(add_unary_int32, add_scalar, u + p[0])
TILEGRID_INTEGER(sub_unary_int32, add_scalar, u - p[0])
#undef TILEGRID_INTEGER
#undef TILEGRID_INTEGERS

// ---- Conversions
namespace tilegrid_faces {
TILEGRID_UNCOUNTED inline void typecast(float* out, const float* a, const float*, int count, const uint32_t* p) {
  using namespace ::tilegrid_device;
  const auto is_signed = [](uint32_t f) TILEGRID_UNCOUNTED { return f == 8 || f == 14; };
  const auto is_unsigned = [](uint32_t f) TILEGRID_UNCOUNTED { return f == 9 || f == 24 || f == 30; };
  for (int i = 0; i < count; ++i) {
    const uint32_t bits = bits_of_float(a[i]);
    const double value = is_signed(p[0]) ? static_cast<int32_t>(bits) : is_unsigned(p[0]) ? bits : static_cast<double>(a[i]);
    if (is_signed(p[1])) {
      out[i] = float_of_bits(static_cast<uint32_t>(static_cast<int32_t>(value)));
    } else if (is_unsigned(p[1])) {
      const double most = p[1] == 9 ? 65535.0 : p[1] == 30 ? 255.0 : 4294967295.0;
      out[i] = float_of_bits(static_cast<uint32_t>(value < 0 ? 0 : value > most ? most : value));
    } else {
      out[i] = static_cast<float>(value);
    }
  }
}
}  // namespace tilegrid_faces
template <uint32_t in = 0, uint32_t out = 0>
inline void typecast_tile_init() {}
template <uint32_t in, uint32_t out>
inline void typecast_tile(uint32_t dst, TG_AT) {
  const uint32_t formats[] = {in, out};
  constexpr bool integer = out == 8 || out == 14 || out == 9 || out == 24 || out == 30;
  TG.apply(TG_OP(abs), dst, 0, dst, 0, 1, tilegrid_faces::typecast, formats, integer, at);
}

}  // namespace ckernel
