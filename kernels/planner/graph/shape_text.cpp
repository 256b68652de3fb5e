// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/graph/shape_text.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>

#include "core/error.h"

namespace tilegrid::planner {
namespace {

constexpr Extent one_element{.tiles = 1, .unit = true};

/// "3" tiles, or "1e": one element. Nothing when it is neither.
std::optional<Extent> parse_extent(std::string_view text) {
  if (text == "1e") return one_element;
  int tiles = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || tiles > most_tiles_of_value) return std::nullopt;
    tiles = tiles * 10 + (c - '0');
  }
  if (text.empty() || tiles < 1) return std::nullopt;
  return Extent{.tiles = tiles};
}

}  // namespace

Shape parse_shape(const std::string& what, const std::string& text) {
  const std::size_t at = text.find('x');
  const auto rows = parse_extent(std::string_view(text).substr(0, at));
  const auto cols = at == std::string::npos ? std::nullopt : parse_extent(std::string_view(text).substr(at + 1));
  if (!rows || !cols) {
    throw UsageError(fmt::format("{}{}: rows and columns in tiles are expected, as in 2x4", what, text));
  }
  const Shape shape{*rows, *cols};
  if (shape.tiles() > most_tiles_of_value) {
    throw UsageError(fmt::format("{}{}: {} tiles, at most {}", what, text, shape.tiles(), most_tiles_of_value));
  }
  return shape;
}

Shape parse_block(const std::string& what, const std::string& text) {
  const Shape block = parse_shape(what, text);
  if (block.rows.unit || block.cols.unit) {
    throw UsageError(fmt::format("{}{}: a block is counted in whole tiles, as in 2x4", what, text));
  }
  return block;
}

std::pair<std::string, Shape> parse_operand(const std::string& what, const std::string& text, Shape block) {
  const std::size_t at = text.find('=');
  if (at == std::string::npos || at == 0) {
    throw UsageError(fmt::format("{}{}: NAME=RxC, NAME=col, NAME=row or NAME=scalar is expected", what, text));
  }
  const std::string name = text.substr(0, at);
  const std::string shape = text.substr(at + 1);
  if (shape == "col") return {name, {block.rows, one_element}};
  if (shape == "row") return {name, {one_element, block.cols}};
  if (shape == "scalar") return {name, {one_element, one_element}};
  return {name, parse_shape(fmt::format("{}{}=", what, name), shape)};
}

}  // namespace tilegrid::planner
