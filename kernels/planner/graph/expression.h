// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/planner/graph/graph.h"

namespace tilegrid::planner {

/// What is known of the shapes in an expression. Everything else follows from how operands are used; dimensions that no
/// given shape fixes are, in this order: the block's rows (columns) for rows (columns) of an output; `inner` for the K of
/// a matmul; the block's columns for columns that are only reduced, its rows for rows that are.
struct ExpressionShapes {
  Shape block{};                            ///< of the outputs
  int inner = 0;                            ///< tiles of K; 0: as many as the block has columns
  std::map<std::string, Shape> operands{};  ///< shapes of inputs by name; they win over the block
  std::vector<Shape> factors{};             ///< the same by order of first appearance, then those of outputs
};

/// The graph of an expression in NumPy notation, finished but not simplified.
///
/// Statements are separated by `;`: `m = rowmax(s); p = exp(s - m)`. Outputs are the values listed in the last statement
/// (`p, m`; a bare expression is named `out`), then the assigned names that nothing reads. Names never assigned are inputs,
/// in order of first appearance; `m[:, None]` and `m[None, :]` anywhere make one a column or row vector.
/// Shapes broadcast as NumPy's do: what has one axis of rows (an m that is `m[:, None]` elsewhere, `max(x, axis=1)` without
/// keepdims) goes with its like and with single elements; beside a matrix NumPy would lay it along the columns, so that it
/// is refused there without `[:, None]`.
/// - operators `+ - * / @ **`, comparisons (1 where true, else 0), `.T`, parentheses, numbers (folded; `np.sqrt(64)` too)
/// - rowmax, rowsum, rowmean and the same with col keep both dimensions; max, sum, mean with `axis=` and `keepdims=`;
/// partial_rowsum, partial_colsum (tile_sum)
/// - matmul, transpose, maximum, minimum, where, clip, power, and the functions of the table, with or without `np.`
/// Equal subexpressions become one operation.
///
/// Throws UsageError: `--expr column 14: unknown function 'rowmx' (did you mean rowmax?)`, also for shapes in conflict.
[[nodiscard]] Graph parse_expression(std::string_view text, const ExpressionShapes& shapes);

}  // namespace tilegrid::planner
