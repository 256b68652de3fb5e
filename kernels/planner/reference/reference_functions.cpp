// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/reference/reference_functions.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "core/tile.h"
#include "kernels/planner/reference/reference.h"

namespace tilegrid::planner {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
using Operands = std::span<const Bounded>;

/// The larger one; a NaN counts as infinite.
double worse(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return infinite;
  return std::max(a, b);
}

/// Farthest that f gets from f(x) over the interval of x: at its ends, or at the one point where f turns.
template <class F>
double spread_of(const F& f, Bounded x, double turning_point = infinite) {
  if (x.bound == 0) return 0;
  const double middle = f(x.value);
  double spread = worse(std::fabs(f(x.value - x.bound) - middle), std::fabs(f(x.value + x.bound) - middle));
  if (std::fabs(turning_point - x.value) < x.bound) spread = worse(spread, std::fabs(f(turning_point) - middle));
  return spread;
}

/// Places of accuracy before the DST write: units in the last place of fp32 that tests/core/vector_unit_test.cpp holds the
/// vector unit to. With 16-bit DST the rounding to bf16 covers them (exp: 0.6 instead of 0.5 units).
struct Accuracy {
  double ulps32 = 0.5;
  double ulps16 = 0.501;
};
constexpr Accuracy exact{.ulps32 = 0, .ulps16 = 0};
/// Of the vendor's steps (tensix.md 2.3): the exponential of a column has the largest error, 0.25 percent, 4e-6 in 32 bits.
Accuracy exp_accuracy(const ElementErrors& errors) {
  return errors.sfpu_steps ? Accuracy{.ulps32 = 64, .ulps16 = 0.9} : Accuracy{.ulps32 = 1.0, .ulps16 = 0.6};
}
Accuracy root_accuracy(const ElementErrors& errors) {
  return errors.sfpu_steps ? Accuracy{.ulps32 = 2, .ulps16 = 0.7} : Accuracy{};
}

Bounded rounded(const ElementErrors& errors, double value, double spread, Accuracy accuracy) {
  const double unit = errors.dst_fp32 ? accuracy.ulps32 * 0x1p-23 : accuracy.ulps16 * 0x1p-7;
  // Finite bounds of the operands do not move an infinity.
  if (std::isinf(value)) return {.value = value, .bound = std::isfinite(spread) ? 0 : infinite};
  const double flushed = (unit == 0 && spread == 0) || !errors.limited_range ? 0 : smallest_normal;
  const Bounded result{.value = value, .bound = spread + unit * (std::fabs(value) + spread) + flushed};
  if (errors.half_dst) return settled_half({.value = value, .bound = result.bound + smallest_half});
  return settled(result, errors.limited_range);
}

template <class F>
Bounded monotone(const ElementErrors& errors, Bounded x, const F& f, Accuracy accuracy) {
  return rounded(errors, f(x.value), spread_of(f, x), accuracy);
}

/// For f that needs x > 0 (`zero_too`: or x = 0): nothing is known when the device's x may be outside.
template <class F>
Bounded positive_only(const ElementErrors& errors, Bounded x, const F& f, bool zero_too, Accuracy accuracy) {
  const double least = x.value - x.bound;
  if (zero_too ? !(least >= 0) : !(least > 0)) return {.value = f(x.value), .bound = infinite};
  return monotone(errors, x, f, accuracy);
}

Bounded exponential(const ElementErrors& errors, Bounded x, double parameter, bool fast) {
  const double scale = parameter == 0 ? 1 : parameter;
  const auto f = [scale](double at) { return std::exp(scale * at); };
  if (!fast) return monotone(errors, x, f, exp_accuracy(errors));
  const double value = f(x.value);
  const double spread = spread_of(f, x);
  // The ripple includes the DST write; the approximation reaches 0 a little earlier.
  const double flushed = errors.limited_range ? 2 * smallest_normal : 0;
  const double ripple = errors.sfpu_steps ? 0.05 : 0.04;  // these cut where others round
  const Bounded result{.value = value, .bound = spread + ripple * (value + spread) + flushed};
  if (errors.half_dst) return settled_half({.value = value, .bound = result.bound + smallest_half});
  return settled(result, errors.limited_range);
}
Bounded exp_either(const ElementErrors& errors, Operands in, double parameter) {
  return exponential(errors, in[0], parameter, errors.fast_exp);
}
Bounded exp_fast(const ElementErrors& errors, Operands in, double parameter) {
  return exponential(errors, in[0], parameter, true);
}

Bounded exp2_of(const ElementErrors& errors, Operands in, double /*parameter*/) {
  return monotone(errors, in[0], [](double x) { return std::exp2(x); }, {.ulps32 = 2});
}
Bounded expm1_of(const ElementErrors& errors, Operands in, double /*parameter*/) {
  return monotone(errors, in[0], [](double x) { return std::expm1(x); }, {.ulps32 = 3});
}

Bounded quotient(const ElementErrors& errors, Bounded a, Bounded b, Accuracy accuracy) {
  const double value = a.value / b.value;
  const double least = std::fabs(b.value) - b.bound;
  if (!(least > 0)) return {.value = value, .bound = infinite};
  if (std::isinf(a.value)) return rounded(errors, value, a.bound + b.bound, accuracy);
  return rounded(errors, value, (a.bound + std::fabs(value) * b.bound) / least, accuracy);
}
Bounded recip(const ElementErrors& errors, Operands in, double /*parameter*/) {
  return quotient(errors, {.value = 1, .bound = 0}, in[0], root_accuracy(errors));
}
Bounded div(const ElementErrors& errors, Operands in, double /*parameter*/) {
  return quotient(errors, in[0], in[1], {.ulps32 = 2, .ulps16 = 0.501});
}
Bounded sqrt_of(const ElementErrors& errors, Operands in, double /*parameter*/) {
  return positive_only(
      errors, in[0], [](double x) { return std::sqrt(x); }, true, root_accuracy(errors));
}
Bounded rsqrt(const ElementErrors& errors, Operands in, double /*parameter*/) {
  return positive_only(errors, in[0], [](double x) { return 1 / std::sqrt(x); }, false, {.ulps32 = 1.5});
}
Bounded log_of(const ElementErrors& errors, Operands in, double /*parameter*/) {
  return positive_only(errors, in[0], [](double x) { return std::log(x); }, false, {.ulps32 = 1.5});
}

Bounded abs_of(const ElementErrors& errors, Operands in, double /*parameter*/) {
  return rounded(errors, std::fabs(in[0].value), in[0].bound, exact);
}
Bounded neg(const ElementErrors& errors, Operands in, double /*parameter*/) {
  return rounded(errors, -in[0].value, in[0].bound, exact);
}
Bounded relu(const ElementErrors& errors, Operands in, double /*parameter*/) {
  return monotone(
      errors, in[0], [](double x) { return x < 0 ? 0 : x; }, exact);
}
Bounded square(const ElementErrors& errors, Operands in, double /*parameter*/) {
  const auto f = [](double x) { return x * x; };
  return rounded(errors, f(in[0].value), spread_of(f, in[0], 0.0), {});
}

/// By way of exp(-|x|), so that nothing overflows and small results keep their digits.
double sigmoid_at(double x) {
  const double e = std::exp(-std::fabs(x));
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}
double gelu_at(double x) {
  const double probability = std::erfc(-x * std::sqrt(0.5)) / 2;
  return probability == 0 ? 0 : x * probability;
}
double silu_at(double x) { return std::isinf(x) ? std::max(x, 0.0) : x * sigmoid_at(x); }
constexpr double gelu_least = -0.7517915525;  // where the slope is 0
constexpr double silu_least = -1.2784645428;

Bounded sigmoid(const ElementErrors& errors, Operands in, double /*parameter*/) {
  return monotone(errors, in[0], sigmoid_at, {.ulps32 = 2.5});
}
Bounded tanh_of(const ElementErrors& errors, Operands in, double /*parameter*/) {
  return monotone(errors, in[0], [](double x) { return std::tanh(x); }, {.ulps32 = 2.5});
}
Bounded gelu(const ElementErrors& errors, Operands in, double /*parameter*/) {
  return rounded(errors, gelu_at(in[0].value), spread_of(gelu_at, in[0], gelu_least), {.ulps32 = 5});
}
Bounded silu(const ElementErrors& errors, Operands in, double /*parameter*/) {
  return rounded(errors, silu_at(in[0].value), spread_of(silu_at, in[0], silu_least), {.ulps32 = 5});
}

Bounded add_scalar(const ElementErrors& errors, Operands in, double parameter) {
  return rounded(errors, in[0].value + parameter, in[0].bound, {});
}
Bounded rsub_scalar(const ElementErrors& errors, Operands in, double parameter) {
  return rounded(errors, parameter - in[0].value, in[0].bound, {});
}
Bounded mul_scalar(const ElementErrors& errors, Operands in, double parameter) {
  return rounded(errors, in[0].value * parameter, in[0].bound * std::fabs(parameter), {});
}

/// The parameter is rounded as DST holds it before it is compared.
double parameter_spread(const ElementErrors& errors, double parameter) {
  return errors.dst_fp32 ? 0 : bf16_unit * std::fabs(parameter);
}
Bounded max_scalar(const ElementErrors& errors, Operands in, double parameter) {
  const double spread = worse(in[0].bound, parameter_spread(errors, parameter));
  return rounded(errors, std::max(in[0].value, parameter), spread, exact);
}
Bounded min_scalar(const ElementErrors& errors, Operands in, double parameter) {
  const double spread = worse(in[0].bound, parameter_spread(errors, parameter));
  return rounded(errors, std::min(in[0].value, parameter), spread, exact);
}

/// Results of comparisons with 0: off by the whole step when the device may see the other side of `f`'s switch.
template <class F>
Bounded comparison(Bounded x, const F& f) {
  return {.value = f(x.value), .bound = spread_of(f, x, 0.0)};
}
Bounded gtz(const ElementErrors& /*errors*/, Operands in, double /*parameter*/) {
  return comparison(in[0], [](double x) { return x > 0 ? 1.0 : 0.0; });
}
Bounded gez(const ElementErrors& /*errors*/, Operands in, double /*parameter*/) {
  return comparison(in[0], [](double x) { return x >= 0 ? 1.0 : 0.0; });
}
Bounded ltz(const ElementErrors& /*errors*/, Operands in, double /*parameter*/) {
  return comparison(in[0], [](double x) { return x < 0 ? 1.0 : 0.0; });
}
Bounded lez(const ElementErrors& /*errors*/, Operands in, double /*parameter*/) {
  return comparison(in[0], [](double x) { return x <= 0 ? 1.0 : 0.0; });
}
Bounded eqz(const ElementErrors& /*errors*/, Operands in, double /*parameter*/) {
  return comparison(in[0], [](double x) { return x == 0 ? 1.0 : 0.0; });
}
Bounded nez(const ElementErrors& /*errors*/, Operands in, double /*parameter*/) {
  return comparison(in[0], [](double x) { return x != 0 ? 1.0 : 0.0; });
}
Bounded sign(const ElementErrors& /*errors*/, Operands in, double /*parameter*/) {
  return comparison(in[0], [](double x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : 0.0; });
}

/// What both operands of a sum bring along, and what their alignment takes.
double spread_of_sum(const ElementErrors& errors, Operands in) {
  const double spread = in[0].bound + in[1].bound;
  if (errors.sum_cut == 0) return spread;
  return spread + errors.sum_cut * std::max(std::fabs(in[0].value) + in[0].bound, std::fabs(in[1].value) + in[1].bound);
}
Bounded add(const ElementErrors& errors, Operands in, double /*parameter*/) {
  return rounded(errors, in[0].value + in[1].value, spread_of_sum(errors, in), {});
}
Bounded sub(const ElementErrors& errors, Operands in, double /*parameter*/) {
  return rounded(errors, in[0].value - in[1].value, spread_of_sum(errors, in), {});
}
Bounded mul(const ElementErrors& errors, Operands in, double /*parameter*/) {
  const Bounded& a = in[0];
  const Bounded& b = in[1];
  if (std::isinf(a.value) || std::isinf(b.value)) {
    const bool certain = std::fabs(a.value) > a.bound && std::fabs(b.value) > b.bound;
    return {.value = a.value * b.value, .bound = certain ? 0 : infinite};
  }
  const double spread = std::fabs(a.value) * b.bound + a.bound * (std::fabs(b.value) + b.bound);
  const double value = a.value * b.value;
  const double most = std::fabs(value) + spread;
  const double earlier = (errors.product_roundings - 1) * dst_unit(errors.dst_fp32);
  // HiFi3 rounds after each of its two passes.
  return rounded(errors, value, spread + (errors.product_cut + earlier) * most, {.ulps32 = 1});
}
Bounded maximum(const ElementErrors& errors, Operands in, double /*parameter*/) {
  return rounded(errors, std::max(in[0].value, in[1].value), worse(in[0].bound, in[1].bound), exact);
}
Bounded minimum(const ElementErrors& errors, Operands in, double /*parameter*/) {
  return rounded(errors, std::min(in[0].value, in[1].value), worse(in[0].bound, in[1].bound), exact);
}
Bounded where(const ElementErrors& errors, Operands in, double /*parameter*/) {
  const Bounded& chosen = in[0].value != 0 ? in[1] : in[2];
  const Bounded& other = in[0].value != 0 ? in[2] : in[1];
  if (in[0].bound == 0 || std::fabs(in[0].value) > in[0].bound) return settled(chosen, errors.limited_range);
  const double far = std::fabs(chosen.value - other.value) + other.bound;
  return settled({.value = chosen.value, .bound = worse(chosen.bound, far)}, errors.limited_range);
}

struct Entry {
  VectorOp op;
  Evaluator evaluator;
};
constexpr std::array table = std::to_array<Entry>({
    {VectorOp::exp_accurate, exp_either},
    {VectorOp::exp_fast, exp_fast},
    {VectorOp::exp2, exp2_of},
    {VectorOp::expm1, expm1_of},
    {VectorOp::recip, recip},
    {VectorOp::sqrt, sqrt_of},
    {VectorOp::rsqrt, rsqrt},
    {VectorOp::log, log_of},
    {VectorOp::abs, abs_of},
    {VectorOp::neg, neg},
    {VectorOp::relu, relu},
    {VectorOp::square, square},
    {VectorOp::sigmoid, sigmoid},
    {VectorOp::tanh, tanh_of},
    {VectorOp::gelu, gelu},
    {VectorOp::silu, silu},
    {VectorOp::sign, sign},
    {VectorOp::gtz, gtz},
    {VectorOp::gez, gez},
    {VectorOp::ltz, ltz},
    {VectorOp::lez, lez},
    {VectorOp::eqz, eqz},
    {VectorOp::nez, nez},
    {VectorOp::add_scalar, add_scalar},
    {VectorOp::mul_scalar, mul_scalar},
    {VectorOp::rsub_scalar, rsub_scalar},
    {VectorOp::max_scalar, max_scalar},
    {VectorOp::min_scalar, min_scalar},
    {VectorOp::add_tile, add},
    {VectorOp::sub_tile, sub},
    {VectorOp::mul_tile, mul},
    {VectorOp::div_tile, div},
    {VectorOp::max_tile, maximum},
    {VectorOp::min_tile, minimum},
    {VectorOp::where, where},
});

}  // namespace

ErrorModel error_model(const Machine& machine) {
  // The matrix unit is exact on fp16 in 16-bit DST, whatever the numerics.
  const bool half_dst = !machine.dst_fp32 && machine.format == DataFormat::fp16;
  return {.dst_fp32 = machine.dst_fp32,
          .fidelity = machine.fidelity,
          .numerics = half_dst ? Numerics::exact : machine.numerics,
          .format = machine.format,
          .output_format = machine.output_format,
          .allow_tf32 = machine.precision == Precision::allow_tf32,
          .fpu = machine.precision == Precision::allow_tf32};
}

float rounded_to(float value, DataFormat format) {
  switch (format) {
    case DataFormat::bf16:
      return scalar::unpack_bf16(scalar::pack_bf16(value));
    case DataFormat::fp16:
      return scalar::unpack_fp16(scalar::pack_fp16(value));
    case DataFormat::tf32:
      return std::bit_cast<float>(scalar::pack_tf32(value));
    default:
      return std::fabs(value) < std::numeric_limits<float>::min() ? 0.0F : value;
  }
}

Bounded settled(Bounded x, bool limited_range) {
  if (std::isinf(x.value) && x.bound == 0) return x;
  const double most = limited_range ? largest_result : std::numeric_limits<double>::max();
  if (!(std::fabs(x.value) + x.bound <= most)) x.bound = infinite;
  return x;
}

Bounded settled_half(Bounded x) {
  if (!(std::fabs(x.value) + x.bound < largest_half)) x.bound = std::numeric_limits<double>::infinity();
  return x;
}

Bounded with_loss(Bounded x, double relative) {
  if (!std::isinf(x.value)) x.bound += relative * (std::fabs(x.value) + x.bound);
  return x;
}

bool has_pole(const Function& function) {
  constexpr std::array with_poles{VectorOp::recip, VectorOp::rsqrt, VectorOp::log, VectorOp::div_tile};
  return function.vector && std::find(with_poles.begin(), with_poles.end(), *function.vector) != with_poles.end();
}

Evaluator find_evaluator(const Function& function) {
  if (!function.vector) return nullptr;
  const auto* found = std::find_if(table.begin(), table.end(), [&](const Entry& e) { return e.op == *function.vector; });
  return found == table.end() ? nullptr : found->evaluator;
}

}  // namespace tilegrid::planner
