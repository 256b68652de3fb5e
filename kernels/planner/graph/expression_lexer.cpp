// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/graph/expression_lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace tilegrid::planner::notation {
namespace {

constexpr std::size_t excerpt_length = 16;
/// Longer ones first.
constexpr std::array<std::string_view, 22> symbols{"**", "==", "!=", "<=", ">=", "+", "-", "*", "/", "@", "(",
                                                   ")",  "[",  "]",  ",",  ":",  ";", "=", "<", ">", ".", "%"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

Token number_at(std::string_view text, std::size_t at) {
  double value = 0;
  const char* begin = text.data() + at;
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
  const std::string_view read = text.substr(at, end - begin);
  if (error != std::errc() || !std::isfinite(value)) {
    expression_error(at, fmt::format("the number {} is out of range", read));
  }
  if (at + read.size() < text.size() && is_letter(text[at + read.size()])) {
    expression_error(at, fmt::format("expected a number{}", excerpt(text, at)));
  }
  return {Token::Kind::number, read, at, value};
}

Token symbol_at(std::string_view text, std::size_t at) {
  for (const std::string_view symbol : symbols) {
    if (text.substr(at, symbol.size()) == symbol) return {Token::Kind::symbol, text.substr(at, symbol.size()), at, 0};
  }
  expression_error(at, fmt::format("unexpected character{}", excerpt(text, at)));
}

Token token_at(std::string_view text, std::size_t at) {
  const char c = text[at];
  if (is_digit(c) || (c == '.' && at + 1 < text.size() && is_digit(text[at + 1]))) return number_at(text, at);
  if (!is_letter(c)) return symbol_at(text, at);
  std::size_t end = at;
  while (end < text.size() && (is_letter(text[end]) || is_digit(text[end]))) ++end;
  return {Token::Kind::identifier, text.substr(at, end - at), at, 0};
}

}  // namespace

std::string excerpt(std::string_view text, std::size_t at) {
  if (at >= text.size()) return {};
  std::string shown(text.substr(at, excerpt_length));
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return fmt::format(" at \"{}{}\"", shown, at + excerpt_length < text.size() ? "..." : "");
}

std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  std::size_t at = 0;
  while (true) {
    while (at < text.size() && std::string_view(" \t\r\n").find(text[at]) != std::string_view::npos) ++at;
    if (at == text.size()) break;
    tokens.push_back(token_at(text, at));
    at += tokens.back().text.size();
  }
  tokens.push_back({Token::Kind::end, text.substr(at), at, 0});
  return tokens;
}

std::map<std::string, ExpressionDag::Vector> declared_vectors(const std::vector<Token>& tokens) {
  std::map<std::string, ExpressionDag::Vector> vectors;
  for (std::size_t i = 0; i + 2 < tokens.size(); ++i) {
    if (tokens[i].kind != Token::Kind::identifier || !tokens[i + 1].is("[")) continue;
    const auto vector = tokens[i + 2].is(":") ? ExpressionDag::Vector::column : ExpressionDag::Vector::row;
    const auto [place, is_new] = vectors.try_emplace(std::string(tokens[i].text), vector);
    if (!is_new && place->second != vector) {
      expression_error(tokens[i].at, fmt::format("'{}' is a column vector and a row vector", tokens[i].text));
    }
  }
  return vectors;
}

}  // namespace tilegrid::planner::notation
