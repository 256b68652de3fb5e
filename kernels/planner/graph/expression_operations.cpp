// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kernels/planner/graph/expression_parser.h"

namespace tilegrid::planner::notation {
namespace {

using ReductionKind = Reduction::Kind;

/// Whether a reduction's keepdims is there, and true.
bool keeps_dimensions(const std::map<std::string, std::optional<double>>& keywords) {
  const auto keepdims = keywords.find("keepdims");
  return keepdims != keywords.end() && keepdims->second.value_or(0) != 0;
}

}  // namespace

NodeId Parser::tensor(const Term& term, std::string_view user) const {
  if (term.number) expression_error(term.at, fmt::format("'{}' needs a tensor, not the number {}", user, *term.number));
  return term.node;
}

double Parser::number(const Term& term, std::string_view user) const {
  if (!term.number) expression_error(term.at, fmt::format("'{}' needs a number here, not a tensor", user));
  return *term.number;
}

void Parser::need_arguments(const std::string& function, const Arguments& given, std::size_t count, std::size_t at) const {
  if (given.terms.size() == count) return;
  expression_error(
      at, fmt::format("{} takes {} argument{}, {} given", function, count, count == 1 ? "" : "s", given.terms.size()));
}

Term Parser::operate(std::string_view symbol, const Term& a, const Term& b, std::size_t at) {
  const std::size_t begin = std::min(a.at, at);
  if (a.number && b.number) {
    const std::optional<double> folded = evaluate(symbol, *a.number, *b.number);
    if (folded && std::isfinite(*folded)) return {folded, -1, begin};
    expression_error(at, folded ? fmt::format("{} {} {} is not a finite number", *a.number, symbol, *b.number)
                                : fmt::format("'{}' needs tensors", symbol));
  }
  if (symbol == "@") {
    const NodeId left = tensor(a, "@");
    const NodeId right = tensor(b, "@");
    refuse_flat(a, "@");
    refuse_flat(b, "@");
    return labelled(dag_.matmul(left, right, at), begin);
  }
  if (a.number) return operate_on_number(symbol, b, *a.number, true, at);
  if (b.number) return operate_on_number(symbol, a, *b.number, false, at);
  const bool flat = flat_of({a, b});
  const std::vector<NodeId> in{a.node, b.node};
  if (const auto test = comparison(symbol)) return labelled(apply(*test, {apply("sub", in, at)}, at), begin, flat);
  return labelled(apply(function_of(symbol), in, at), begin, flat);
}

/// With the number on the right: x - c, x / c, x > c; with `number_first` on the left.
Term Parser::operate_on_number(std::string_view symbol, const Term& operand, double number, bool number_first,
                               std::size_t at) {
  const NodeId x = operand.node;
  const std::size_t begin = std::min(operand.at, at);
  const auto made = [&](std::string_view function, NodeId in, double parameter = 0) {
    return labelled(apply(function, {in}, at, parameter), begin, operand.flat);
  };
  if (symbol == "+") return made("add_scalar", x, number);
  if (symbol == "*") return made("mul_scalar", x, number);
  if (symbol == "maximum") return made("max_scalar", x, number);
  if (symbol == "minimum") return made("min_scalar", x, number);
  if (symbol == "-") return number_first ? made("rsub_scalar", x, number) : made("add_scalar", x, -number);
  if (symbol == "/" && number_first) {
    const Term inverse = made("recip", x);
    return number == 1 ? inverse : made("mul_scalar", inverse.node, number);
  }
  if (symbol == "/") {
    if (number == 0) expression_error(at, "division by zero");
    return made("mul_scalar", x, 1 / number);
  }
  if (symbol == "**") {
    if (!number_first) return raise(operand, number, at);
    if (!(number > 0)) expression_error(at, fmt::format("the base of '**' must be positive, not {}", number));
    if (number == 2) return made("exp2", x);
    return made("exp", made("mul_scalar", x, std::log(number)).node);
  }
  const std::string_view test = *comparison(number_first ? mirrored(symbol) : symbol);
  return made(test, number == 0 ? x : made("add_scalar", x, -number).node);
}

Term Parser::raise(const Term& base, double exponent, std::size_t at) {
  const auto made = [&](std::string_view function, NodeId in) { return apply(function, {in}, at); };
  const auto result = [&](NodeId node) { return labelled(node, base.at, base.flat); };
  const NodeId x = base.node;
  if (exponent == 1) return base;
  if (exponent == 2) return result(made("square", x));
  if (exponent == 3) return result(apply("mul", {made("square", x), x}, at));
  if (exponent == 4) return result(made("square", made("square", x)));
  if (exponent == 0.5) return result(made("sqrt", x));
  if (exponent == -0.5) return result(made("rsqrt", x));
  if (exponent == -1) return result(made("recip", x));
  if (exponent == -2) return result(made("recip", made("square", x)));
  expression_error(at, fmt::format("power {} (expected 1, 2, 3, 4, 0.5, -0.5, -1 or -2)", exponent));
}

Term Parser::reduce(const Reduction& reduction, const Arguments& given, std::size_t at) {
  need_arguments(std::string(reduction.name), given, 1, at);
  const NodeId a = tensor(given.terms[0], reduction.name);
  refuse_flat(given.terms[0], reduction.name);
  ReduceDim dim = reduction.dim.value_or(ReduceDim::scalar);
  const auto axis = given.keywords.find("axis");
  if (axis != given.keywords.end() && axis->second) {
    const double value = *axis->second;
    if (value != 0 && value != 1 && value != -1 && value != -2) {
      expression_error(at, fmt::format("{}: axis {} (expected 0, 1, -1 or -2)", reduction.name, value));
    }
    const ReduceDim asked = value == 1 || value == -1 ? ReduceDim::row : ReduceDim::col;
    if (reduction.dim && *reduction.dim != asked) {
      expression_error(at, fmt::format("{}: axis {} contradicts the name", reduction.name, value));
    }
    dim = asked;
  }
  // rowmax and the like are our own names and give columns; max(x, axis=1) is NumPy's and gives one axis.
  const bool flat = !reduction.dim && dim == ReduceDim::row && !keeps_dimensions(given.keywords);
  switch (reduction.kind) {
    case ReductionKind::max:
      return labelled(dag_.reduce(Pool::max, dim, a, at), at, flat);
    case ReductionKind::sum:
      return labelled(dag_.reduce(Pool::sum, dim, a, at), at, flat);
    case ReductionKind::mean:
      return labelled(dag_.mean(dim, a, at), at, flat);
    case ReductionKind::tile_sum:
      break;
  }
  return labelled(dag_.tile_sum(dim, a, at), at);
}

/// The number in every element of a tensor shaped like another: two clamps, which no value of the other one survives.
NodeId Parser::tensor_like(NodeId like, const Term& term, std::size_t at) {
  if (!term.number) return term.node;
  return apply("max_scalar", {apply("min_scalar", {like}, at, *term.number)}, at, *term.number);
}

std::optional<Term> Parser::call_special(const std::string& function, const Arguments& given, std::size_t at) {
  if (function == "transpose") {
    need_arguments(function, given, 1, at);
    refuse_flat(given.terms[0], function);
    return labelled(dag_.transpose(tensor(given.terms[0], function), at), at);
  }
  if (function == "where") {
    need_arguments(function, given, 3, at);
    const NodeId condition = tensor(given.terms[0], function);
    const bool flat = flat_of(given.terms);
    const NodeId yes = tensor_like(condition, given.terms[1], at);
    const NodeId no = tensor_like(condition, given.terms[2], at);
    return labelled(apply("where", {condition, yes, no}, at), at, flat);
  }
  if (function == "clip") {
    need_arguments(function, given, 3, at);
    const double low = number(given.terms[1], function);
    const double high = number(given.terms[2], function);
    if (low > high) expression_error(at, fmt::format("clip: the lower bound {} is above the upper one {}", low, high));
    const NodeId raised = apply("max_scalar", {tensor(given.terms[0], function)}, at, low);
    return labelled(apply("min_scalar", {raised}, at, high), at, given.terms[0].flat);
  }
  return std::nullopt;
}

Term Parser::call(const std::string& function, const Arguments& given, std::size_t at) {
  const Reduction* reduction = find_reduction(function);
  if (function == "max" && given.terms.size() == 2) {
    if (given.terms[1].number) expression_error(at, "max of a tensor and a number: write maximum(x, 1) or max(x, axis=1)");
    return operate("maximum", given.terms[0], given.terms[1], at);
  }
  if (reduction != nullptr) return reduce(*reduction, given, at);
  if (!given.keywords.empty()) expression_error(at, fmt::format("{} takes no {}", function, given.keywords.begin()->first));
  if (const auto symbol = operator_of(function)) {
    need_arguments(function, given, 2, at);
    return operate(*symbol, given.terms[0], given.terms[1], at);
  }
  if (const auto special = call_special(function, given, at)) return *special;
  const Function* found = find_function(name_in_table(function));
  if (found == nullptr) expression_error(at, fmt::format("unknown function '{}'{}", function, suggestion(function)));
  const std::size_t operands = found->operands;
  need_arguments(function, given, operands + (found->has_parameter ? 1 : 0), at);
  if (operands == 1 && given.terms[0].number && !found->has_parameter) {
    const std::optional<double> folded = evaluate(found->name, *given.terms[0].number);
    if (folded && std::isfinite(*folded)) return {folded, -1, at};
  }
  std::vector<NodeId> in;
  for (std::size_t i = 0; i < operands; ++i) in.push_back(tensor(given.terms[i], function));
  const double parameter = found->has_parameter ? number(given.terms.back(), function) : 0;
  const bool flat = flat_of({given.terms.begin(), given.terms.begin() + found->operands});
  return labelled(apply(found->name, in, at, parameter), at, flat);
}

}  // namespace tilegrid::planner::notation
