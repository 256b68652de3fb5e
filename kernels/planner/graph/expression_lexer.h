// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/planner/graph/expression_dag.h"

namespace tilegrid::planner::notation {

/// A word of an expression. `text` points into the expression.
struct Token {
  enum class Kind { identifier, number, symbol, end };
  Kind kind{};
  std::string_view text;
  std::size_t at = 0;  ///< position in the text
  double value = 0;    ///< of a number
  [[nodiscard]] bool is(std::string_view symbol) const { return kind == Kind::symbol && text == symbol; }
};

/// The text's tokens, the last of which is the end. Throws UsageError for a character or number that is none.
[[nodiscard]] std::vector<Token> tokens_of(std::string_view text);

/// Names that `[:, None]` or `[None, :]` follows somewhere. Throws UsageError for a name that both follow.
[[nodiscard]] std::map<std::string, ExpressionDag::Vector> declared_vectors(const std::vector<Token>& tokens);

/// ` at "..."`: a few characters of the text from a position on; nothing at the end.
[[nodiscard]] std::string excerpt(std::string_view text, std::size_t at);

}  // namespace tilegrid::planner::notation
