// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/graph/functions.h"

#include <algorithm>

namespace tilegrid::planner {
namespace {

/// The generic law of tensix.md 2.3 and 3.2: issue slots of each of the tile's 32 vectors, and 5 to 10 cycles a face.
constexpr double law(double slots) { return slots * 32 + 4 * 7.5; }

// Measured on Wormhole (tensix.md 3.2).
constexpr double exp_accurate = 1344;
constexpr double exp_fast = 107;
constexpr double sqrt_accurate = law(28);
constexpr double rsqrt_accurate = law(32);
// Measured on Blackhole only (tensix.md 3.2).
constexpr double recip = 288;

// Slots counted by hand: a load, a store, and what is between them. A multiply-add has a latency of two, and with one
// vector in flight its second cycle is lost; so does a swap, which minimum and maximum are made of (tensix.md 3.1).
constexpr double bit_operation = law(3);
constexpr double multiply_add = law(4);
constexpr double swap_scalar = law(4);
constexpr double comparison = law(5);
constexpr double multiply_add_tiles = law(5);
constexpr double compare_tiles = law(7);
constexpr double select_tiles = law(7);

// Estimates: a polynomial's multiply-adds with their lost cycles, range reduction and selections; no public figure.
constexpr double short_polynomial = law(20);
constexpr double long_polynomial = law(40);
constexpr double rounding = law(8);

// Compositions of the figures above.
constexpr double sigmoid = exp_accurate + recip + 32;
constexpr double quotient = recip + 3 * 32;

using V = VectorOp;

Function unary(std::string_view name, VectorOp vector, double cycles) {
  return {.name = name, .kind = OpKind::unary, .vector = vector, .sfpu_cycles = cycles};
}
Function scalar(std::string_view name, VectorOp vector, double cycles) {
  return {.name = name, .kind = OpKind::unary, .has_parameter = true, .vector = vector, .sfpu_cycles = cycles};
}
Function tiles(std::string_view name, OpKind kind, VectorOp vector, double cycles) {
  return {.name = name, .kind = kind, .operands = kind == OpKind::ternary ? 3 : 2, .vector = vector, .sfpu_cycles = cycles};
}
Function planned_unary(std::string_view name, double cycles) {
  return {.name = name, .kind = OpKind::unary, .vector = std::nullopt, .sfpu_cycles = cycles};
}
Function planned_scalar(std::string_view name, double cycles) {
  return {.name = name, .kind = OpKind::unary, .has_parameter = true, .vector = std::nullopt, .sfpu_cycles = cycles};
}
Function planned_tiles(std::string_view name, OpKind kind, double cycles) {
  return {.name = name,
          .kind = kind,
          .operands = kind == OpKind::ternary ? 3 : 2,
          .vector = std::nullopt,
          .sfpu_cycles = cycles};
}

void add_unary(std::vector<Function>& table) {
  table.insert(table.end(), {
                                unary("exp", V::exp_accurate, exp_accurate),
                                unary("exp_fast", V::exp_fast, exp_fast),
                                unary("recip", V::recip, recip),
                                unary("sqrt", V::sqrt, sqrt_accurate),
                                unary("rsqrt", V::rsqrt, rsqrt_accurate),
                                unary("abs", V::abs, bit_operation),
                                unary("neg", V::neg, bit_operation),
                                unary("relu", V::relu, swap_scalar),
                                unary("sigmoid", V::sigmoid, sigmoid),
                                unary("tanh", V::tanh, sigmoid + 2 * 32),
                                unary("gelu", V::gelu, long_polynomial),
                                unary("log", V::log, short_polynomial),
                                unary("square", V::square, multiply_add),
                                unary("silu", V::silu, sigmoid + 2 * 32),
                                unary("sign", V::sign, comparison),
                                unary("gtz", V::gtz, comparison),
                                unary("gez", V::gez, comparison),
                                unary("ltz", V::ltz, comparison),
                                unary("lez", V::lez, comparison),
                                unary("eqz", V::eqz, comparison),
                                unary("nez", V::nez, comparison),
                                unary("exp2", V::exp2, exp_accurate + 32),
                                unary("expm1", V::expm1, exp_accurate + 32),
                                scalar("add_scalar", V::add_scalar, multiply_add),
                                scalar("mul_scalar", V::mul_scalar, multiply_add),
                                scalar("rsub_scalar", V::rsub_scalar, multiply_add),
                                scalar("max_scalar", V::max_scalar, swap_scalar),
                                scalar("min_scalar", V::min_scalar, swap_scalar),
                            });
}

void add_planned_unary(std::vector<Function>& table) {
  for (const std::string_view name :
       {"sin", "cos", "log2", "log10", "log1p", "erf", "softsign", "celu", "selu", "elu", "cbrt", "mish"}) {
    table.push_back(planned_unary(name, short_polynomial));
  }
  for (const std::string_view name : {"tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "erfc",
                                      "erfinv", "softplus", "lgamma", "digamma", "i0", "logit"}) {
    table.push_back(planned_unary(name, long_polynomial));
  }
  for (const std::string_view name : {"floor", "ceil", "round", "trunc", "frac", "hardsigmoid", "hardswish", "relu6"}) {
    table.push_back(planned_unary(name, rounding));
  }
  for (const std::string_view name : {"typecast", "identity", "logical_not", "bitwise_not"}) {
    table.push_back(planned_unary(name, bit_operation));
  }
  for (const std::string_view name : {"isnan", "isinf", "isfinite", "isposinf", "isneginf", "signbit", "heaviside"}) {
    table.push_back(planned_unary(name, comparison));
  }
  for (const std::string_view name : {"leaky_relu", "prelu", "threshold", "relu_max", "relu_min"}) {
    table.push_back(planned_scalar(name, comparison));
  }
  table.push_back(planned_scalar("power_scalar", 2 * short_polynomial));
}

void add_tiles(std::vector<Function>& table) {
  // The FPU does the first three too; these cycles are those of their SFPU form.
  table.push_back(tiles("add", OpKind::binary, V::add_tile, multiply_add_tiles));
  table.push_back(tiles("sub", OpKind::binary, V::sub_tile, multiply_add_tiles));
  table.push_back(tiles("mul", OpKind::binary, V::mul_tile, multiply_add_tiles));
  table.push_back(tiles("div", OpKind::sfpu_binary, V::div_tile, quotient));
  for (const std::string_view name : {"maximum", "max"}) {
    table.push_back(tiles(name, OpKind::sfpu_binary, V::max_tile, multiply_add_tiles));
  }
  for (const std::string_view name : {"minimum", "min"}) {
    table.push_back(tiles(name, OpKind::sfpu_binary, V::min_tile, multiply_add_tiles));
  }
  for (const std::string_view name : {"gt", "lt", "ge", "le", "eq", "ne", "logical_and", "logical_or", "logical_xor"}) {
    table.push_back(planned_tiles(name, OpKind::sfpu_binary, compare_tiles));
  }
  for (const std::string_view name : {"bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift", "rsub",
                                      "squared_difference", "gcd", "lcm"}) {
    table.push_back(planned_tiles(name, OpKind::sfpu_binary, multiply_add_tiles));
  }
  for (const std::string_view name : {"fmod", "remainder", "floor_div"}) {
    table.push_back(planned_tiles(name, OpKind::sfpu_binary, quotient + rounding));
  }
  table.push_back(planned_tiles("pow", OpKind::sfpu_binary, 2 * short_polynomial));
  table.push_back(planned_tiles("atan2", OpKind::sfpu_binary, quotient + long_polynomial));
  table.push_back(planned_tiles("xlogy", OpKind::sfpu_binary, short_polynomial + 64));
  table.push_back(tiles("where", OpKind::ternary, V::where, select_tiles));
  for (const std::string_view name : {"clamp3", "lerp", "addcmul", "mac"}) {
    table.push_back(planned_tiles(name, OpKind::ternary, select_tiles));
  }
  table.push_back(planned_tiles("addcdiv", OpKind::ternary, quotient + select_tiles));
}

std::vector<Function> make_table() {
  std::vector<Function> table;
  add_unary(table);
  add_planned_unary(table);
  add_tiles(table);
  return table;
}

}  // namespace

const std::vector<Function>& functions() {
  static const std::vector<Function> table = make_table();
  return table;
}

const Function* find_function(std::string_view name) {
  const std::vector<Function>& table = functions();
  const auto found = std::find_if(table.begin(), table.end(), [&](const Function& f) { return f.name == name; });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace tilegrid::planner
