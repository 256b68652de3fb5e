// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/graph/functions.h"

#include <algorithm>

namespace tilegrid::planner {
namespace {

/// The generic law of tensix.md 2.3 and 3.2: issue slots of each of the tile's 32 vectors, and 5 to 10 cycles a face. Of
/// functions that the emulated SFPU has, the chip knows the cycles (core/chip); of the others these estimates stand for all.
constexpr double law(double slots) { return slots * 32 + 4 * 7.5; }

// Slots counted by hand: a load, a store, and what is between them. A multiply-add has a latency of two, and with one
// vector in flight its second cycle is lost (tensix.md 3.1).
constexpr double bit_operation = law(3);
constexpr double comparison = law(5);
constexpr double multiply_add_tiles = law(5);
constexpr double compare_tiles = law(7);
constexpr double select_tiles = law(7);

// Estimates: a polynomial's multiply-adds with their lost cycles, range reduction and selections; no public figure.
constexpr double short_polynomial = law(20);
constexpr double long_polynomial = law(40);
constexpr double rounding = law(8);
constexpr double quotient = law(21);

using V = VectorOp;

Function unary(std::string_view name, VectorOp vector) { return {.name = name, .kind = OpKind::unary, .vector = vector}; }
Function scalar(std::string_view name, VectorOp vector) {
  return {.name = name, .kind = OpKind::unary, .has_parameter = true, .vector = vector};
}
Function tiles(std::string_view name, OpKind kind, VectorOp vector) {
  return {.name = name, .kind = kind, .operands = kind == OpKind::ternary ? 3 : 2, .vector = vector};
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
                                unary("exp", V::exp_accurate),
                                unary("exp_fast", V::exp_fast),
                                unary("recip", V::recip),
                                unary("sqrt", V::sqrt),
                                unary("rsqrt", V::rsqrt),
                                unary("abs", V::abs),
                                unary("neg", V::neg),
                                unary("relu", V::relu),
                                unary("sigmoid", V::sigmoid),
                                unary("tanh", V::tanh),
                                unary("gelu", V::gelu),
                                unary("log", V::log),
                                unary("square", V::square),
                                unary("silu", V::silu),
                                unary("sign", V::sign),
                                unary("gtz", V::gtz),
                                unary("gez", V::gez),
                                unary("ltz", V::ltz),
                                unary("lez", V::lez),
                                unary("eqz", V::eqz),
                                unary("nez", V::nez),
                                unary("exp2", V::exp2),
                                unary("expm1", V::expm1),
                                scalar("add_scalar", V::add_scalar),
                                scalar("mul_scalar", V::mul_scalar),
                                scalar("rsub_scalar", V::rsub_scalar),
                                scalar("max_scalar", V::max_scalar),
                                scalar("min_scalar", V::min_scalar),
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
  // The FPU does the first three too.
  table.push_back(tiles("add", OpKind::binary, V::add_tile));
  table.push_back(tiles("sub", OpKind::binary, V::sub_tile));
  table.push_back(tiles("mul", OpKind::binary, V::mul_tile));
  table.push_back(tiles("div", OpKind::sfpu_binary, V::div_tile));
  for (const std::string_view name : {"maximum", "max"}) {
    table.push_back(tiles(name, OpKind::sfpu_binary, V::max_tile));
  }
  for (const std::string_view name : {"minimum", "min"}) {
    table.push_back(tiles(name, OpKind::sfpu_binary, V::min_tile));
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
  table.push_back(tiles("where", OpKind::ternary, V::where));
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
