// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/graph/expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "kernels/planner/graph/expression_dag.h"
#include "kernels/planner/graph/expression_lexer.h"
#include "kernels/planner/graph/expression_names.h"

namespace tilegrid::planner {
namespace notation {
namespace {

using NodeId = ExpressionDag::NodeId;
using ReductionKind = Reduction::Kind;

/// What a part of the text stands for: a number or a tensor, and where it begins.
struct Term {
  std::optional<double> number;
  NodeId node = -1;
  std::size_t at = 0;
};

constexpr int deepest = 200;

/// Counts how deep a function calls itself.
class Depth {
 public:
  explicit Depth(int& depth) : depth_(depth) { ++depth_; }
  ~Depth() { --depth_; }
  Depth(const Depth&) = delete;
  Depth& operator=(const Depth&) = delete;

 private:
  int& depth_;
};

class Parser {
 public:
  Parser(std::string_view text, const ExpressionShapes& shapes)
      : text_(text), tokens_(tokens_of(text)), dag_(shapes), vectors_(declared_vectors(tokens_)) {}

  Graph parse();

 private:
  struct Arguments {
    std::vector<Term> terms;
    std::map<std::string, std::optional<double>> keywords;  ///< no number: None
  };

  // Tokens.
  [[nodiscard]] const Token& now() const { return tokens_[next_]; }
  [[nodiscard]] const Token& after(std::size_t count) const { return tokens_[std::min(next_ + count, tokens_.size() - 1)]; }
  bool accept(std::string_view symbol);
  void expect(std::string_view symbol);
  [[noreturn]] void fail_expecting(const std::string& what) const;

  // Statements.
  void statement();
  void assignment();
  void final_list();
  void outputs();

  // Expressions, from the loosest operators to the tightest.
  Term expression();
  Term sum();
  Term product();
  Term sign();
  Term power();
  Term postfix();
  Term primary();
  Term name_or_call();
  Term vector_index(Term term);
  Arguments arguments(std::optional<Term> receiver);

  // What operators and functions become.
  Term call(const std::string& function, const Arguments& given, std::size_t at);
  std::optional<Term> call_special(const std::string& function, const Arguments& given, std::size_t at);
  Term reduce(const Reduction& reduction, const Arguments& given, std::size_t at);
  Term operate(std::string_view symbol, const Term& a, const Term& b, std::size_t at);
  Term operate_on_number(std::string_view symbol, const Term& tensor, double number, bool number_first, std::size_t at);
  Term raise(const Term& base, double exponent, std::size_t at);
  NodeId tensor_like(NodeId like, const Term& term, std::size_t at);
  NodeId tensor(const Term& term, std::string_view user) const;
  double number(const Term& term, std::string_view user) const;
  void need_arguments(const std::string& function, const Arguments& given, std::size_t count, std::size_t at) const;
  NodeId apply(std::string_view function, const std::vector<NodeId>& in, std::size_t at, double parameter = 0) {
    return dag_.apply(function, in, parameter, at);
  }
  Term labelled(NodeId node, std::size_t at);

  std::string_view text_;
  std::vector<Token> tokens_;
  std::size_t next_ = 0;
  int depth_ = 0;
  ExpressionDag dag_;
  std::map<std::string, ExpressionDag::Vector> vectors_;
  std::map<std::string, Term> names_;
  std::vector<std::string> assigned_;
  std::set<std::string> read_;
  std::vector<std::pair<std::string, Term>> listed_;
};

// --- tokens -----------------------------------------------------------------------------------------------------------

bool Parser::accept(std::string_view symbol) {
  if (!now().is(symbol)) return false;
  ++next_;
  return true;
}

void Parser::fail_expecting(const std::string& what) const {
  const std::string found = now().kind == Token::Kind::end ? "the end" : fmt::format("'{}'", now().text);
  expression_error(now().at, fmt::format("expected {}, found {}{}", what, found, excerpt(text_, now().at)));
}

void Parser::expect(std::string_view symbol) {
  if (!accept(symbol)) fail_expecting(fmt::format("'{}'", symbol));
}

// --- statements -------------------------------------------------------------------------------------------------------

Graph Parser::parse() {
  if (now().kind == Token::Kind::end) fail_expecting("an expression");
  while (now().kind != Token::Kind::end) {
    statement();
    if (now().kind == Token::Kind::end) break;
    if (!now().is(";")) fail_expecting("an operator, ';' or the end");
    while (accept(";")) continue;
  }
  outputs();
  return dag_.build();
}

void Parser::statement() {
  if (now().kind == Token::Kind::identifier && after(1).is("=")) {
    assignment();
  } else {
    final_list();
  }
}

void Parser::assignment() {
  const Token target = now();
  const std::string name(target.text);
  if (dag_.has_input(name)) {
    expression_error(target.at,
                     fmt::format("'{}' is read before it is assigned, so it is an input; assign another name", name));
  }
  if (names_.count(name) != 0) expression_error(target.at, fmt::format("'{}' is assigned twice", name));
  next_ += 2;
  const Term value = expression();
  if (dag_.has_input(name)) expression_error(target.at, fmt::format("'{}' is defined by itself", name));
  if (!value.number) {
    if (!dag_.is_input(value.node)) dag_.name(value.node, name);
    assigned_.push_back(name);
  }
  names_[name] = {value.number, value.node, target.at};
}

void Parser::final_list() {
  std::vector<std::pair<std::string, Term>> list;
  const std::size_t begin = now().at;
  do {
    const Token first = now();
    const bool ends = after(1).is(",") || after(1).is(";") || after(1).kind == Token::Kind::end;
    const std::string name = first.kind == Token::Kind::identifier && ends ? std::string(first.text) : std::string();
    const Term value = expression();
    list.emplace_back(name, Term{value.number, value.node, first.at});
  } while (accept(","));
  while (now().is(";") && after(1).is(";")) ++next_;
  if (now().is(";") && after(1).kind != Token::Kind::end) {
    expression_error(begin, "only the last statement may go without a name: expected 'name = ...'");
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i].first.empty()) list[i].first = list.size() == 1 ? "out" : fmt::format("out{}", i);
  }
  listed_ = std::move(list);
}

void Parser::outputs() {
  for (const auto& [name, term] : listed_) {
    if (term.number) expression_error(term.at, fmt::format("output '{}' is a number, not a tensor", name));
    if (dag_.has_input(name) && !dag_.is_input(term.node)) {
      expression_error(term.at, fmt::format("the result would be named '{}', as an input: assign it a name", name));
    }
    dag_.add_output(term.node, name, term.at);
  }
  for (const std::string& name : assigned_) {
    if (read_.count(name) == 0) dag_.add_output(names_.at(name).node, name, names_.at(name).at);
  }
}

// --- expressions ------------------------------------------------------------------------------------------------------

Term Parser::labelled(NodeId node, std::size_t at) {
  const Token& last = tokens_[next_ - 1];
  dag_.label(node, text_.substr(at, last.at + last.text.size() - at));
  return {.number = {}, .node = node, .at = at};
}

Term Parser::expression() {
  const Term left = sum();
  if (!comparison(now().text) || now().kind != Token::Kind::symbol) return left;
  const Token symbol = now();
  ++next_;
  const Term right = sum();
  const Term result = operate(symbol.text, left, right, symbol.at);
  if (now().kind == Token::Kind::symbol && comparison(now().text)) {
    expression_error(now().at, "comparisons can't be chained: write (a < b) * (b < c)");
  }
  return result;
}

Term Parser::sum() {
  Term left = product();
  while (now().is("+") || now().is("-")) {
    const Token symbol = now();
    ++next_;
    const Term right = product();
    left = operate(symbol.text, left, right, symbol.at);
  }
  return left;
}

Term Parser::product() {
  Term left = sign();
  while (now().is("*") || now().is("/") || now().is("@")) {
    const Token symbol = now();
    ++next_;
    const Term right = sign();
    left = operate(symbol.text, left, right, symbol.at);
  }
  return left;
}

Term Parser::sign() {
  // Every nested part of an expression passes here.
  const Depth depth(depth_);
  if (depth_ > deepest) expression_error(now().at, fmt::format("nested more than {} deep", deepest));
  const std::size_t at = now().at;
  if (accept("+")) return sign();
  if (!accept("-")) return power();
  Term operand = sign();
  if (operand.number) return {-*operand.number, -1, at};
  return labelled(apply("neg", {operand.node}, at), at);
}

Term Parser::power() {
  const Term base = postfix();
  if (!now().is("**")) return base;
  const std::size_t at = now().at;
  ++next_;
  const Term exponent = sign();
  return operate("**", base, exponent, at);
}

Term Parser::postfix() {
  Term term = primary();
  while (now().is(".") || now().is("[")) {
    if (now().is("[")) {
      term = vector_index(term);
      continue;
    }
    const std::size_t at = now().at;
    ++next_;
    const Token member = now();
    if (member.kind != Token::Kind::identifier || (member.text != "T" && !after(1).is("("))) {
      fail_expecting("T or a function after '.'");
    }
    ++next_;
    if (member.text == "T") {
      term = labelled(dag_.transpose(tensor(term, ".T"), at), term.at);
    } else {
      const Arguments given = arguments(term);
      term = call(std::string(member.text), given, member.at);
    }
  }
  return term;
}

Term Parser::primary() {
  const Token token = now();
  if (token.kind == Token::Kind::number) {
    ++next_;
    return {token.value, -1, token.at};
  }
  if (accept("(")) {
    Term inner = expression();
    expect(")");
    inner.at = token.at;
    return inner;
  }
  if (token.kind == Token::Kind::identifier) return name_or_call();
  fail_expecting("a name, a number or '('");
}

Term Parser::name_or_call() {
  if ((now().text == "np" || now().text == "numpy") && after(1).is(".")) {
    next_ += 2;
    if (now().kind != Token::Kind::identifier || !after(1).is("(")) fail_expecting("a function");
  }
  const Token token = now();
  const std::string name(token.text);
  ++next_;
  if (now().is("(")) {
    const Arguments given = arguments({});
    return call(name, given, token.at);
  }
  const auto known = names_.find(name);
  if (known != names_.end()) {
    read_.insert(name);
    return {known->second.number, known->second.node, token.at};
  }
  const auto vector = vectors_.find(name);
  return {{}, dag_.input(name, vector == vectors_.end() ? ExpressionDag::Vector::none : vector->second, token.at), token.at};
}

/// `[:, None]` or `[None, :]`. That it makes an input a vector is known already (declared_vectors); of other values it only
/// repeats what they are.
Term Parser::vector_index(Term term) {
  const std::size_t at = now().at;
  const auto none = [&] { return now().text == "None" || now().text == "newaxis"; };
  const auto take_none = [&] {
    if (now().text == "np" && after(1).is(".")) next_ += 2;
    if (!none()) fail_expecting("None");
    ++next_;
  };
  expect("[");
  const bool column = accept(":");
  if (!column) take_none();
  expect(",");
  if (column) {
    take_none();
  } else {
    expect(":");
  }
  expect("]");
  const NodeId node = tensor(term, column ? "[:, None]" : "[None, :]");
  if (!dag_.is_unit(node, column ? 1 : 0)) {
    expression_error(at, fmt::format("only inputs and results of reductions can be {} vectors", column ? "column" : "row"));
  }
  return term;
}

Parser::Arguments Parser::arguments(std::optional<Term> receiver) {
  Arguments given;
  if (receiver) given.terms.push_back(*receiver);
  expect("(");
  if (accept(")")) return given;
  do {
    if (now().kind == Token::Kind::identifier && after(1).is("=")) {
      const Token keyword = now();
      next_ += 2;
      std::optional<double> value;
      if (now().text == "None" || now().text == "True" || now().text == "False") {
        ++next_;
      } else {
        value = number(expression(), keyword.text);
      }
      if (keyword.text != "axis" && keyword.text != "keepdims") {
        expression_error(keyword.at, fmt::format("unknown argument '{}' (expected axis or keepdims)", keyword.text));
      }
      given.keywords[std::string(keyword.text)] = value;
    } else {
      given.terms.push_back(expression());
    }
  } while (accept(","));
  expect(")");
  return given;
}

// --- operations -------------------------------------------------------------------------------------------------------

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
  if (symbol == "@") return labelled(dag_.matmul(tensor(a, "@"), tensor(b, "@"), at), begin);
  if (a.number) return operate_on_number(symbol, b, *a.number, true, at);
  if (b.number) return operate_on_number(symbol, a, *b.number, false, at);
  const std::vector<NodeId> in{a.node, b.node};
  if (const auto test = comparison(symbol)) return labelled(apply(*test, {apply("sub", in, at)}, at), begin);
  return labelled(apply(function_of(symbol), in, at), begin);
}

/// With the number on the right: x - c, x / c, x > c; with `number_first` on the left.
Term Parser::operate_on_number(std::string_view symbol, const Term& operand, double number, bool number_first,
                               std::size_t at) {
  const NodeId x = operand.node;
  const std::size_t begin = std::min(operand.at, at);
  const auto made = [&](std::string_view function, NodeId in, double parameter = 0) {
    return labelled(apply(function, {in}, at, parameter), begin);
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
  const NodeId x = base.node;
  if (exponent == 1) return base;
  if (exponent == 2) return labelled(made("square", x), base.at);
  if (exponent == 3) return labelled(apply("mul", {made("square", x), x}, at), base.at);
  if (exponent == 4) return labelled(made("square", made("square", x)), base.at);
  if (exponent == 0.5) return labelled(made("sqrt", x), base.at);
  if (exponent == -0.5) return labelled(made("rsqrt", x), base.at);
  if (exponent == -1) return labelled(made("recip", x), base.at);
  if (exponent == -2) return labelled(made("recip", made("square", x)), base.at);
  expression_error(at, fmt::format("power {} (expected 1, 2, 3, 4, 0.5, -0.5, -1 or -2)", exponent));
}

Term Parser::reduce(const Reduction& reduction, const Arguments& given, std::size_t at) {
  need_arguments(std::string(reduction.name), given, 1, at);
  const NodeId a = tensor(given.terms[0], reduction.name);
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
  switch (reduction.kind) {
    case ReductionKind::max:
      return labelled(dag_.reduce(Pool::max, dim, a, at), at);
    case ReductionKind::sum:
      return labelled(dag_.reduce(Pool::sum, dim, a, at), at);
    case ReductionKind::mean:
      return labelled(dag_.mean(dim, a, at), at);
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
    return labelled(dag_.transpose(tensor(given.terms[0], function), at), at);
  }
  if (function == "where") {
    need_arguments(function, given, 3, at);
    const NodeId condition = tensor(given.terms[0], function);
    const NodeId yes = tensor_like(condition, given.terms[1], at);
    const NodeId no = tensor_like(condition, given.terms[2], at);
    return labelled(apply("where", {condition, yes, no}, at), at);
  }
  if (function == "clip") {
    need_arguments(function, given, 3, at);
    const double low = number(given.terms[1], function);
    const double high = number(given.terms[2], function);
    if (low > high) expression_error(at, fmt::format("clip: the lower bound {} is above the upper one {}", low, high));
    const NodeId raised = apply("max_scalar", {tensor(given.terms[0], function)}, at, low);
    return labelled(apply("min_scalar", {raised}, at, high), at);
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
  const auto operands = static_cast<std::size_t>(found->operands);
  need_arguments(function, given, operands + (found->has_parameter ? 1 : 0), at);
  if (operands == 1 && given.terms[0].number && !found->has_parameter) {
    const std::optional<double> folded = evaluate(found->name, *given.terms[0].number);
    if (folded && std::isfinite(*folded)) return {folded, -1, at};
  }
  std::vector<NodeId> in;
  for (std::size_t i = 0; i < operands; ++i) in.push_back(tensor(given.terms[i], function));
  const double parameter = found->has_parameter ? number(given.terms.back(), function) : 0;
  return labelled(apply(found->name, in, at, parameter), at);
}

}  // namespace
}  // namespace notation

Graph parse_expression(std::string_view text, const ExpressionShapes& shapes) {
  return notation::Parser(text, shapes).parse();
}

}  // namespace tilegrid::planner
