// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "kernels/planner/graph/expression.h"
#include "kernels/planner/graph/graph.h"

namespace tilegrid::planner {

/// Shape of a preset's input that does not follow from the block.
struct PresetOperand {
  enum class Dimension { rows, cols, one };  ///< the block's rows, its columns, one tile
  std::string_view name;
  Dimension rows;
  Dimension cols;
};

/// A graph that comes with the planner.
struct Preset {
  std::string_view name;
  std::string_view description;           ///< one line
  std::string_view expression;            ///< see parse_expression
  std::vector<PresetOperand> operands{};  ///< those whose shapes the block does not tell
};

/// The six-operation kernel that started the planner (dst.md 0), the stages of flash attention and the
/// whole K step (dst.md 6), and common fusions.
[[nodiscard]] const std::vector<Preset>& presets();

/// The preset's graph for a block of outputs and `inner` tiles of K (0: as many as the block has columns), finished but not
/// simplified. The K of attention-step is that of the product with V: `inner` is the K chunk, the block's columns are the
/// head dimension. Throws UsageError for an unknown name.
[[nodiscard]] Graph preset_graph(std::string_view name, Shape block, int inner);
/// With more shapes; factors are the user's word on all operands, and win over the preset's own shapes.
[[nodiscard]] Graph preset_graph(std::string_view name, ExpressionShapes shapes);

}  // namespace tilegrid::planner
