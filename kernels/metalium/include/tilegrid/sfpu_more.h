// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tilegrid/sfpu.h"

// Functions of the vector unit that fewer kernels use: activations, masks, roots of others, three operands, integers,
// random numbers, and moves within a tile. As in sfpu.h, each is charged as an operation that takes about as long.

namespace tilegrid_device {

/// What a store to DST keeps of a value: of BF16 the upper half.
inline float as_stored(float value, bool sixteen) {
  return sixteen ? float_of_bits(bits_of_float(value) & 0xFFFF0000U) : value;
}

}  // namespace tilegrid_device

namespace ckernel {

// ---- Of one tile
TILEGRID_PLAIN(asinh, log, return __builtin_asinhf(x);)
TILEGRID_PLAIN(acosh, log, return __builtin_acoshf(x);)
TILEGRID_PLAIN(atanh, log, return __builtin_atanhf(x);)
TILEGRID_PLAIN(hardmish, relu, const float y = x + 2.0F; return 0.5F * x * (y < 0.0F ? 0.0F : y > 2.0F ? 2.0F : y);)
TILEGRID_PLAIN(logical_not, eqz, return x == 0.0F ? 1.0F : 0.0F;)
// The modified Bessel functions, by their series, whose terms are positive.
TILEGRID_PLAIN(i0, exp_accurate, float sum = 1.0F, term = 1.0F, q = x * x / 4.0F;
               for (int k = 1; k < 64; ++k) sum += term *= q / static_cast<float>(k * k); return sum;)
TILEGRID_PLAIN(i1, exp_accurate, float sum = 1.0F, term = 1.0F, q = x * x / 4.0F;
               for (int k = 1; k < 64; ++k) sum += term *= q / static_cast<float>(k * (k + 1)); return sum * x / 2.0F;)
// By Newton's steps from a first guess.
TILEGRID_PLAIN(erfinv, gelu, if (x <= -1.0F || x >= 1.0F) return x / (1.0F - x * x);
               const float l = __builtin_logf(1.0F - x * x); const float t = 4.3307467F + l / 2.0F;
               float y = __builtin_sqrtf(__builtin_sqrtf(t * t - l / 0.147F) - t); if (x < 0.0F) y = -y;
               for (int k = 0; k < 3; ++k) y -= (__builtin_erff(y) - x) * 0.88622693F * __builtin_expf(y * y); return y;)
TILEGRID_WITH_PARAMETER(selu, exp_accurate, const float scale = float_of_bits(p[0]), alpha = float_of_bits(p[1]);
                        return scale * (x < 0.0F ? alpha * __builtin_expm1f(x) : x);)
TILEGRID_WITH_PARAMETER(prelu, relu, return x < 0.0F ? x * float_of_bits(p[0]) : x;)
TILEGRID_WITH_PARAMETER(celu, exp_accurate,
                        return x < 0.0F ? float_of_bits(p[0]) * __builtin_expm1f(x * float_of_bits(p[1])) : x;)
TILEGRID_WITH_PARAMETER(softshrink, relu, const float width = float_of_bits(p[0]); return x > width    ? x - width
                                                                                          : x < -width ? x + width
                                                                                                       : 0.0F;)
TILEGRID_WITH_PARAMETER(threshold, relu, return x > float_of_bits(p[0]) ? x : float_of_bits(p[1]);)
TILEGRID_WITH_PARAMETER(hardtanh, max_scalar, const float low = float_of_bits(p[0]), high = float_of_bits(p[1]);
                        return x < low    ? low
                               : x > high ? high
                                          : x;)
TILEGRID_WITH_PARAMETER(rpow, exp_accurate, return __builtin_powf(float_of_bits(p[0]), x);)
TILEGRID_WITH_PARAMETER(rdiv, recip, return float_of_bits(p[0]) / x;)
TILEGRID_WITH_PARAMETER(power_iterative, mul_tile, float y = 1.0F; for (uint32_t n = p[0]; n > 0; --n) y *= x; return y;)
TILEGRID_WITH_PARAMETER(round, abs, float scale = 1.0F; for (int n = static_cast<int>(p[0]); n > 0; --n) scale *= 10.0F;
                        for (int n = static_cast<int>(p[0]); n < 0; ++n) scale /= 10.0F;
                        return __builtin_nearbyintf(x * scale) / scale;)
inline void rounding_op_tile_init() {}
// The second parameter of the initialisations and of these two is the divisor's reciprocal.
TILEGRID_FUNCTION(remainder_of, div_tile, const float y = float_of_bits(p[0]); return x - y * __builtin_floorf(x / y);)
TILEGRID_FUNCTION(fmod_of, div_tile, return __builtin_fmodf(x, float_of_bits(p[0]));)
inline void remainder_tile_init(uint32_t = 0, uint32_t = 0) {}
inline void fmod_tile_init(uint32_t = 0, uint32_t = 0) {}
inline void remainder_tile(uint32_t dst, uint32_t divisor, uint32_t = 0, TG_AT) {
  TG.apply(TG_OP(div_tile), dst, 0, dst, 0, 1, TILEGRID_FACE(remainder_of), &divisor, false, at);
}
inline void fmod_tile(uint32_t dst, uint32_t divisor, uint32_t = 0, TG_AT) {
  TG.apply(TG_OP(div_tile), dst, 0, dst, 0, 1, TILEGRID_FACE(fmod_of), &divisor, false, at);
}
/// Columns in pairs are complex numbers: times i.
namespace tilegrid_faces {
TILEGRID_UNCOUNTED inline void rotate90(float* out, const float* a, const float*, int count, const uint32_t*) {
  for (int i = 0; i < count; i += 2) {
    const float re = a[i], im = a[i + 1];
    out[i] = -im;
    out[i + 1] = re;
  }
}
}  // namespace tilegrid_faces
inline void alt_complex_rotate90_tile_init() {}
inline void alt_complex_rotate90_tile(uint32_t dst, TG_AT) {
  TG.apply(TG_OP(copy_dst), dst, 0, dst, 0, 1, TILEGRID_FACE(rotate90), nullptr, false, at);
}

// ---- Of two tiles
#define TILEGRID_TWO(name, cost, ...)                                                      \
  TILEGRID_FUNCTION(name##_two, cost, const float y = b[i]; return __VA_ARGS__;)           \
  template <auto... options>                                                               \
  inline void name##_tile_init() {}                                                        \
  template <auto... options>                                                               \
  inline void name##_tile(uint32_t a, uint32_t b, uint32_t out, TG_AT) {                   \
    TG.apply(TG_OP(cost), a, b, out, 0, 2, TILEGRID_FACE(name##_two), nullptr, false, at); \
  }
TILEGRID_TWO(fmod_binary, div_tile, __builtin_fmodf(x, y))
TILEGRID_TWO(xlogy_binary, log, x == 0.0F && y == y ? 0.0F : x * __builtin_logf(y))
TILEGRID_TWO(eq_binary, eqz, x == y ? 1.0F : 0.0F)
/// The second operand is exp(-x), which this has no need of.
TILEGRID_TWO(logsigmoid, log, (x < 0.0F ? x : 0.0F) - __builtin_log1pf(__builtin_expf(-__builtin_fabsf(x))) + 0.0F * (y - y))
#undef TILEGRID_TWO
/// Where the tile behind the data, its mask, is zero, the data become zero, or infinite.
TILEGRID_FUNCTION(mask_zero, where, return b[i] == 0.0F ? 0.0F : x;)
TILEGRID_FUNCTION(mask_infinite, where, return b[i] == 0.0F ? __builtin_inff() : x;)
inline void mask_tile_init() {}
inline void mask_tile(uint32_t data, uint32_t mask, DataFormat = DataFormat::Float16_b, TG_AT) {
  TG.apply(TG_OP(where), data, mask, data, 0, 2, TILEGRID_FACE(mask_zero), nullptr, true, at);
}
inline void mask_posinf_tile(uint32_t data, uint32_t mask, TG_AT) {
  TG.apply(TG_OP(where), data, mask, data, 0, 2, TILEGRID_FACE(mask_infinite), nullptr, true, at);
}

// ---- Of three tiles
#define TILEGRID_THREE(name, ...)                                                                                    \
  namespace tilegrid_faces {                                                                                         \
  TILEGRID_UNCOUNTED inline void name##_three(float* out, const float* a, const float* b, const float* c, int count, \
                                              const uint32_t* p) {                                                   \
    const float value = ::tilegrid_device::float_of_bits(p[0]);                                                      \
    for (int i = 0; i < count; ++i) out[i] = __VA_ARGS__;                                                            \
  }                                                                                                                  \
  }                                                                                                                  \
  inline void name##_tile_init() {}                                                                                  \
  template <auto... options>                                                                                         \
  inline void name##_tile(uint32_t a, uint32_t b, uint32_t c, uint32_t out, uint32_t value = 0x3F800000, TG_AT) {    \
    TG.apply3(TG_OP(where), a, b, c, out, TILEGRID_FACE(name##_three), &value, at);                                  \
  }
TILEGRID_THREE(addcmul, a[i] + value * b[i] * c[i])
TILEGRID_THREE(addcdiv, a[i] + value * b[i] / c[i])
TILEGRID_THREE(lerp, a[i] + c[i] * (b[i] - a[i]) * value)
#undef TILEGRID_THREE

// ---- Integers: u and v are the operands' bits, s and t their values with sign.
#define TILEGRID_INTEGERS(name, cost, ...)                                                                     \
  TILEGRID_FUNCTION(name##_pair, cost, const uint32_t u = bits_of_float(x), v = bits_of_float(b[i]);           \
                    const auto s = static_cast<int32_t>(u), t = static_cast<int32_t>(v); static_cast<void>(s); \
                    static_cast<void>(t); __VA_ARGS__)                                                         \
  template <auto... options>                                                                                   \
  inline void name##_tile_init() {}                                                                            \
  template <auto... options>                                                                                   \
  inline void name##_tile(uint32_t a, uint32_t b, uint32_t out, TG_AT) {                                       \
    TG.apply(TG_OP(cost), a, b, out, 0, 2, TILEGRID_FACE(name##_pair), nullptr, true, at);                     \
  }
#define TILEGRID_WORD(...) return float_of_bits(static_cast<uint32_t>(__VA_ARGS__));
TILEGRID_INTEGERS(lt_int32, ltz, TILEGRID_WORD(s < t))
TILEGRID_INTEGERS(gt_int32, gtz, TILEGRID_WORD(s > t))
TILEGRID_INTEGERS(le_int32, lez, TILEGRID_WORD(s <= t))
TILEGRID_INTEGERS(ge_int32, gez, TILEGRID_WORD(s >= t))
TILEGRID_INTEGERS(binary_max_int32, max_tile, TILEGRID_WORD(s > t ? s : t))
TILEGRID_INTEGERS(binary_min_int32, min_tile, TILEGRID_WORD(s < t ? s : t))
TILEGRID_INTEGERS(binary_max_uint32, max_tile, TILEGRID_WORD(u > v ? u : v))
TILEGRID_INTEGERS(binary_min_uint32, min_tile, TILEGRID_WORD(u < v ? u : v))
TILEGRID_INTEGERS(binary_logical_right_shift, add_tile, TILEGRID_WORD(v < 32 ? u >> v : 0U))
TILEGRID_INTEGERS(rsub_int, sub_tile, TILEGRID_WORD(v - u))
// What a division by zero gives is nobody's promise: 0 here.
TILEGRID_INTEGERS(div_int32, div_tile, return t == 0 ? 0.0F : static_cast<float>(static_cast<double>(s) / t);)
TILEGRID_INTEGERS(div_int32_trunc, div_tile, TILEGRID_WORD(t == 0 ? 0 : static_cast<int64_t>(s) / t))
TILEGRID_INTEGERS(fmod_int32, div_tile, TILEGRID_WORD(t == 0 ? 0 : static_cast<int64_t>(s) % t))
TILEGRID_INTEGERS(div_int32_floor, div_tile, if (t == 0) return 0.0F; const int64_t q = static_cast<int64_t>(s) / t;
                  TILEGRID_WORD(q - (q * t != s && (s < 0) != (t < 0) ? 1 : 0)))
TILEGRID_INTEGERS(remainder_int32, div_tile, if (t == 0) return 0.0F; const int64_t r = static_cast<int64_t>(s) % t;
                  TILEGRID_WORD(r != 0 && (r < 0) != (t < 0) ? r + t : r))
TILEGRID_INTEGERS(
    gcd, div_tile, uint32_t m = s < 0 ? -u : u, n = t < 0 ? -v : v; while (n != 0) {
      const uint32_t r = m % n;
      m = n;
      n = r;
    } TILEGRID_WORD(m))
TILEGRID_INTEGERS(
    lcm, div_tile, const uint32_t first = s < 0 ? -u : u, second = t < 0 ? -v : v; uint32_t m = first, n = second;
    while (n != 0) {
      const uint32_t r = m % n;
      m = n;
      n = r;
    } TILEGRID_WORD(m == 0 ? 0 : first / m * second))
#undef TILEGRID_INTEGERS
inline void binary_shift_tile_init() {}
inline void binary_bitwise_tile_init() {}

#define TILEGRID_INTEGER(name, cost, ...)                                                                      \
  TILEGRID_FUNCTION(name##_one, cost, const uint32_t u = bits_of_float(x), v = p[0];                           \
                    const auto s = static_cast<int32_t>(u), t = static_cast<int32_t>(v); static_cast<void>(s); \
                    static_cast<void>(t); return float_of_bits(static_cast<uint32_t>(__VA_ARGS__));)           \
  template <auto... options>                                                                                   \
  inline void name(uint32_t dst, uint32_t first = 0, uint32_t second = 0, TG_AT) {                             \
    const uint32_t words[] = {first, second};                                                                  \
    TG.apply(TG_OP(cost), dst, 0, dst, 0, 1, TILEGRID_FACE(name##_one), words, true, at);                      \
  }
TILEGRID_INTEGER(unary_eq_tile_int32, eqz, u == v)
TILEGRID_INTEGER(unary_ne_tile_int32, nez, u != v)
TILEGRID_INTEGER(unary_gt_tile_int32, gtz, s > t)
TILEGRID_INTEGER(unary_ge_tile_int32, gez, s >= t)
TILEGRID_INTEGER(unary_lt_tile_int32, ltz, s < t)
TILEGRID_INTEGER(unary_le_tile_int32, lez, s <= t)
TILEGRID_INTEGER(eqz_tile_int32, eqz, u == 0)
TILEGRID_INTEGER(eqz_tile_uint16, eqz, (u & 0xFFFFU) == 0)
TILEGRID_INTEGER(eqz_tile_uint32, eqz, u == 0)
TILEGRID_INTEGER(nez_tile_int32, nez, u != 0)
TILEGRID_INTEGER(nez_tile_uint16, nez, (u & 0xFFFFU) != 0)
TILEGRID_INTEGER(nez_tile_uint32, nez, u != 0)
TILEGRID_INTEGER(gtz_tile_int32, gtz, s > 0)
TILEGRID_INTEGER(gez_tile_int32, gez, s >= 0)
TILEGRID_INTEGER(ltz_tile_int32, ltz, s < 0)
TILEGRID_INTEGER(lez_tile_int32, lez, s <= 0)
TILEGRID_INTEGER(signbit_tile_int32, ltz, s < 0)
TILEGRID_INTEGER(relu_tile_int32, relu, s < 0 ? 0 : s)
TILEGRID_INTEGER(relu_max_tile_int32, relu, s<0 ? 0 : s> t ? t : s)
TILEGRID_INTEGER(relu_min_tile_int32, relu, s < t ? t : s)
TILEGRID_INTEGER(negative_tile_int32, neg, 0U - u)
TILEGRID_INTEGER(abs_tile_int32, abs, s < 0 ? 0U - u : u)
TILEGRID_INTEGER(clamp_tile_int32, max_scalar, s<t ? t : s> static_cast<int32_t>(p[1]) ? static_cast<int32_t>(p[1]) : s)
TILEGRID_INTEGER(unary_max_int32_tile, max_scalar, s > t ? s : t)
TILEGRID_INTEGER(unary_min_int32_tile, min_scalar, s < t ? s : t)
TILEGRID_INTEGER(unary_max_uint32_tile, max_scalar, u > v ? u : v)
TILEGRID_INTEGER(unary_min_uint32_tile, min_scalar, u < v ? u : v)
TILEGRID_INTEGER(add_unary_tile_int32, add_scalar, u + v)
TILEGRID_INTEGER(sub_unary_tile_int32, add_scalar, u - v)
TILEGRID_INTEGER(rsub_unary_int32_tile, rsub_scalar, v - u)
#undef TILEGRID_INTEGER
#undef TILEGRID_WORD
inline void unary_max_int32_tile_init() {}
inline void unary_min_int32_tile_init() {}
inline void unary_max_uint32_tile_init() {}
inline void unary_min_uint32_tile_init() {}
inline void rsub_unary_int32_tile_init() {}

// ---- Moves within a tile of DST, whose values lie face by face
namespace tilegrid_moves {
constexpr uint32_t at(uint32_t row, uint32_t column) {
  return (row / 16 * 2 + column / 16) * 256 + row % 16 * 16 + column % 16;
}
/// Of the tile above, for a sum that goes on: one for each column.
inline float column_sums[32];
inline uint32_t random_state = 1;
/// 32 bits of a linear generator, mixed; on silicon the lanes have shift registers of their own.
TILEGRID_UNCOUNTED inline uint32_t random() {
  random_state = random_state * 747796405U + 2891336453U;
  const uint32_t word = (random_state >> (random_state >> 28U) + 4U ^ random_state) * 277803737U;
  return word >> 22U ^ word;
}
}  // namespace tilegrid_moves
template <bool is_32bit = false>
inline void transpose_wh_dest_init_short() {}
template <bool is_32bit = false>
TILEGRID_UNCOUNTED inline void transpose_wh_dest(uint32_t dst, TG_AT) {
  bool sixteen = false;
  float* values = TG.dst_values(dst, &sixteen, at);
  for (uint32_t row = 0; row < 32; ++row) {
    for (uint32_t column = 0; column < row; ++column) {
      std::swap(values[tilegrid_moves::at(row, column)], values[tilegrid_moves::at(column, row)]);
    }
  }
  TG.vector_work(is_32bit ? 128 : 64);
}
inline void cumsum_tile_init() {}
/// Sums down the columns; of a tile that is not the first, on top of the one before.
TILEGRID_UNCOUNTED inline void cumsum_tile(uint32_t dst, bool first = true, TG_AT) {
  bool sixteen = false;
  float* values = TG.dst_values(dst, &sixteen, at);
  for (uint32_t column = 0; column < 32; ++column) {
    float sum = first ? 0.0F : tilegrid_moves::column_sums[column];
    for (uint32_t row = 0; row < 32; ++row) {
      float& value = values[tilegrid_moves::at(row, column)];
      sum += value;
      value = ::tilegrid_device::as_stored(sum, sixteen);
    }
    tilegrid_moves::column_sums[column] = sum;
  }
  TG.vector_work(96);
}
/// Random numbers: a core's own sequence, the same in every run. Not silicon's, which differs from start to start.
inline void rand_tile_init(uint32_t seed = 0) { tilegrid_moves::random_state = seed * 2654435761U + 1U; }
inline void init_prng_seed(uint32_t seed) { rand_tile_init(seed); }
/// Evenly from `from` up to `from` + `scale`, both as the bits of a float.
TILEGRID_UNCOUNTED inline void rand_tile(uint32_t dst, uint32_t from, uint32_t scale, TG_AT) {
  bool sixteen = false;
  float* values = TG.dst_values(dst, &sixteen, at);
  const float low = ::tilegrid_device::float_of_bits(from), width = ::tilegrid_device::float_of_bits(scale);
  for (uint32_t i = 0; i < 1024; ++i) {
    const float value = low + width * (static_cast<float>(tilegrid_moves::random() >> 8U) / 16777216.0F);
    values[i] = ::tilegrid_device::as_stored(value, sixteen);
  }
  TG.vector_work(160);
}
inline void dropout_kernel_init(uint32_t seed = 0) { rand_tile_init(seed); }
inline void dropout_tile_init(uint32_t seed = 0) { rand_tile_init(seed); }
/// Each value becomes zero with `probability` of 2^31, else it is scaled.
TILEGRID_UNCOUNTED inline void dropout_tile(uint32_t dst, uint32_t probability, uint32_t scale, TG_AT) {
  bool sixteen = false;
  float* values = TG.dst_values(dst, &sixteen, at);
  for (uint32_t i = 0; i < 1024; ++i) {
    const float value =
        tilegrid_moves::random() >> 1U < probability ? 0.0F : values[i] * ::tilegrid_device::float_of_bits(scale);
    values[i] = ::tilegrid_device::as_stored(value, sixteen);
  }
  TG.vector_work(160);
}

}  // namespace ckernel
