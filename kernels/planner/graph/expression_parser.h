// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/planner/graph/expression_dag.h"
#include "kernels/planner/graph/expression_lexer.h"
#include "kernels/planner/graph/expression_names.h"

namespace tilegrid::planner::notation {

using NodeId = ExpressionDag::NodeId;

/// What a part of the text stands for: a number or a tensor, and where it begins.
struct Term {
  std::optional<double> number;
  NodeId node = -1;
  std::size_t at = 0;
  /// One axis, of rows: what NumPy makes of `max(x, axis=1)` without keepdims, and of an input m that is written `m[:,
  /// None]` elsewhere. NumPy lays such a vector along the columns of a matrix; here it is a column until [:, None] says so.
  bool flat = false;
};

/// Recursive descent over the tokens of an expression; what it reads becomes nodes of an ExpressionDag at once. Statements
/// and precedence are in expression.cpp, what operators and functions become in expression_operations.cpp.
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
  Term labelled(NodeId node, std::size_t at, bool flat = false);
  bool flat_of(const std::vector<Term>& operands) const;
  void refuse_flat(const Term& term, std::string_view user) const;

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

}  // namespace tilegrid::planner::notation
