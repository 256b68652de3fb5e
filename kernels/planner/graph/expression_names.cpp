// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/graph/expression_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "core/edit_distance.h"
#include "kernels/planner/graph/functions.h"

namespace tilegrid::planner::notation {
namespace {

using ReductionKind = Reduction::Kind;
constexpr std::array reductions{
    Reduction{"rowmax", ReductionKind::max, ReduceDim::row},
    Reduction{"rowsum", ReductionKind::sum, ReduceDim::row},
    Reduction{"rowmean", ReductionKind::mean, ReduceDim::row},
    Reduction{"colmax", ReductionKind::max, ReduceDim::col},
    Reduction{"colsum", ReductionKind::sum, ReduceDim::col},
    Reduction{"colmean", ReductionKind::mean, ReduceDim::col},
    Reduction{"partial_rowsum", ReductionKind::tile_sum, ReduceDim::row},
    Reduction{"partial_colsum", ReductionKind::tile_sum, ReduceDim::col},
    Reduction{"max", ReductionKind::max, std::nullopt},
    Reduction{"amax", ReductionKind::max, std::nullopt},
    Reduction{"sum", ReductionKind::sum, std::nullopt},
    Reduction{"mean", ReductionKind::mean, std::nullopt},
};

/// Functions of two operands that are operators, or treat numbers as operators do.
constexpr std::array<std::pair<std::string_view, std::string_view>, 27> operator_names{{
    {"add", "+"},
    {"sub", "-"},
    {"subtract", "-"},
    {"mul", "*"},
    {"multiply", "*"},
    {"div", "/"},
    {"divide", "/"},
    {"matmul", "@"},
    {"dot", "@"},
    {"true_divide", "/"},
    {"power", "**"},
    {"pow", "**"},
    {"greater", ">"},
    {"greater_equal", ">="},
    {"less", "<"},
    {"less_equal", "<="},
    {"equal", "=="},
    {"not_equal", "!="},
    {"gt", ">"},
    {"ge", ">="},
    {"lt", "<"},
    {"le", "<="},
    {"eq", "=="},
    {"ne", "!="},
    {"maximum", "maximum"},
    {"minimum", "minimum"},
    {"min", "minimum"},
}};
/// Other names of functions of the table.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> aliases{{
    {"negative", "neg"},
    {"absolute", "abs"},
    {"reciprocal", "recip"},
    {"fabs", "abs"},
    {"arctan", "atan"},
    {"arcsin", "asin"},
    {"arccos", "acos"},
    {"rint", "round"},
}};
constexpr std::array<std::string_view, 3> special_names{"transpose", "where", "clip"};

template <class Pairs>
std::optional<std::string_view> find_pair(const Pairs& pairs, std::string_view name) {
  const auto found = std::find_if(pairs.begin(), pairs.end(), [&](const auto& pair) { return pair.first == name; });
  return found == pairs.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

const Reduction* find_reduction(std::string_view name) {
  const auto* const found =
      std::find_if(reductions.begin(), reductions.end(), [&](const Reduction& each) { return each.name == name; });
  return found == reductions.end() ? nullptr : found;
}

std::optional<std::string_view> operator_of(std::string_view function) { return find_pair(operator_names, function); }

std::string_view function_of(std::string_view symbol) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> table{
      {{"+", "add"}, {"-", "sub"}, {"*", "mul"}, {"/", "div"}, {"**", "pow"}}};
  return find_pair(table, symbol).value_or(symbol);
}

std::string_view name_in_table(std::string_view name) { return find_pair(aliases, name).value_or(name); }

std::string suggestion(std::string_view name) {
  std::string_view best;
  std::size_t least = name.size() <= 3 ? 2 : 3;
  const auto consider = [&](std::string_view known) {
    const std::size_t distance = edit_distance(name, known);
    if (distance >= least) return;
    least = distance;
    best = known;
  };
  for (const Reduction& reduction : reductions) consider(reduction.name);
  for (const auto& [known, unused] : operator_names) consider(known);
  for (const auto& [known, unused] : aliases) consider(known);
  for (const std::string_view known : special_names) consider(known);
  for (const Function& function : functions()) consider(function.name);
  return best.empty() ? "" : fmt::format(" (did you mean {}?)", best);
}

std::optional<double> evaluate(std::string_view function, double x) {
  if (function == "exp") return std::exp(x);
  if (function == "log") return std::log(x);
  if (function == "sqrt") return std::sqrt(x);
  if (function == "rsqrt") return 1 / std::sqrt(x);
  if (function == "recip") return 1 / x;
  if (function == "abs") return std::abs(x);
  if (function == "neg") return -x;
  if (function == "square") return x * x;
  return std::nullopt;
}

std::optional<double> evaluate(std::string_view symbol, double a, double b) {
  if (symbol == "+") return a + b;
  if (symbol == "-") return a - b;
  if (symbol == "*") return a * b;
  if (symbol == "/") return a / b;
  if (symbol == "**") return std::pow(a, b);
  if (symbol == "maximum") return std::max(a, b);
  if (symbol == "minimum") return std::min(a, b);
  if (symbol == ">") return a > b ? 1 : 0;
  if (symbol == ">=") return a >= b ? 1 : 0;
  if (symbol == "<") return a < b ? 1 : 0;
  if (symbol == "<=") return a <= b ? 1 : 0;
  if (symbol == "==") return a == b ? 1 : 0;
  if (symbol == "!=") return a != b ? 1 : 0;
  return std::nullopt;
}

std::optional<std::string_view> comparison(std::string_view symbol) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> table{
      {{">", "gtz"}, {">=", "gez"}, {"<", "ltz"}, {"<=", "lez"}, {"==", "eqz"}, {"!=", "nez"}}};
  return find_pair(table, symbol);
}

std::string_view mirrored(std::string_view symbol) {
  if (symbol == ">") return "<";
  if (symbol == ">=") return "<=";
  if (symbol == "<") return ">";
  if (symbol == "<=") return ">=";
  return symbol;
}

}  // namespace tilegrid::planner::notation
