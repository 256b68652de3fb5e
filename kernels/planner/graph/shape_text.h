// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "kernels/planner/graph/graph.h"

/// Shapes as a user writes them. What is wrong is a UsageError that begins with `what`, the name of the place and what
/// stands between it and its value: "--block ".
namespace tilegrid::planner {

/// Tiles of a value in a block; L1 holds 732 of bf16.
inline constexpr int most_tiles_of_value = 1024;

/// Rows and columns in tiles, "1e" for one element: "2x4", "2x1e".
[[nodiscard]] Shape parse_shape(const std::string& what, const std::string& text);
/// One in whole tiles.
[[nodiscard]] Shape parse_block(const std::string& what, const std::string& text);
/// An operand's name and shape: NAME=RxC, or NAME=col, row or scalar, vectors as long as the block.
[[nodiscard]] std::pair<std::string, Shape> parse_operand(const std::string& what, const std::string& text, Shape block);

}  // namespace tilegrid::planner
