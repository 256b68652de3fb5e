// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/graph/expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "kernels/planner/graph/expression_parser.h"

namespace tilegrid::planner {
namespace notation {
namespace {

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

}  // namespace

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
  names_[name] = {value.number, value.node, target.at, value.flat};
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

Term Parser::labelled(NodeId node, std::size_t at, bool flat) {
  const Token& last = tokens_[next_ - 1];
  dag_.label(node, text_.substr(at, last.at + last.text.size() - at));
  return {.number = {}, .node = node, .at = at, .flat = flat};
}

/// Whether an element-wise operation of these operands gives a vector of one axis. Refused is what NumPy would take for
/// another direction than the graph: such a vector beside a matrix, or beside a column or row.
bool Parser::flat_of(const std::vector<Term>& operands) const {
  const auto flat = std::find_if(operands.begin(), operands.end(), [](const Term& each) { return each.flat; });
  if (flat == operands.end()) return false;
  for (const Term& other : operands) {
    const bool one_element = other.number || (dag_.is_unit(other.node, 0) && dag_.is_unit(other.node, 1));
    if (other.flat || one_element) continue;
    expression_error(flat->at, fmt::format("'{}' has one axis, of rows, and NumPy would lay it along the columns of '{}': "
                                           "write keepdims=True in the reduction, or [:, None] behind it",
                                           dag_.label_of(flat->node), dag_.label_of(other.node)));
  }
  return true;
}

void Parser::refuse_flat(const Term& term, std::string_view user) const {
  if (!term.flat) return;
  expression_error(term.at,
                   fmt::format("{}: '{}' has one axis only; write keepdims=True in the reduction, or [:, None] behind "
                               "it, for a column",
                               user, dag_.label_of(term.node)));
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
  return labelled(apply("neg", {operand.node}, at), at, operand.flat);
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
      refuse_flat(term, ".T");
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
    return {known->second.number, known->second.node, token.at, known->second.flat};
  }
  const auto found = vectors_.find(name);
  const ExpressionDag::Vector vector = found == vectors_.end() ? ExpressionDag::Vector::none : found->second;
  return {{}, dag_.input(name, vector, token.at), token.at, vector == ExpressionDag::Vector::column};
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
  term.flat = false;
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
      if (now().text == "True" || now().text == "False") {
        value = now().text == "True" ? 1 : 0;
        ++next_;
      } else if (now().text == "None") {
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

}  // namespace notation

Graph parse_expression(std::string_view text, const ExpressionShapes& shapes) {
  return notation::Parser(text, shapes).parse();
}

}  // namespace tilegrid::planner
