// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/matrix_unit.h"

namespace tilegrid::planner::notation {

/// A function of an expression that sums or takes the maximum.
struct Reduction {
  std::string_view name;
  enum class Kind { max, sum, mean, tile_sum } kind;
  std::optional<ReduceDim> dim;  ///< none: an argument says
};
/// Null when there is none of that name.
[[nodiscard]] const Reduction* find_reduction(std::string_view name);

/// The operator that a function of two operands stands for ("multiply": "*"), or "maximum" or "minimum".
[[nodiscard]] std::optional<std::string_view> operator_of(std::string_view function);
/// The function of two tensors that an operator stands for; itself when it is a function's name.
[[nodiscard]] std::string_view function_of(std::string_view symbol);
/// The function of a difference that a comparison stands for (">": "gtz"), if it is one.
[[nodiscard]] std::optional<std::string_view> comparison(std::string_view symbol);
/// The comparison with its operands exchanged.
[[nodiscard]] std::string_view mirrored(std::string_view symbol);
/// The name in the table of functions of a function that NumPy calls otherwise; itself when there is no other.
[[nodiscard]] std::string_view name_in_table(std::string_view name);

/// " (did you mean rowmax?)" for a function's name, or nothing.
[[nodiscard]] std::string suggestion(std::string_view name);

/// Functions and operators of numbers; none when it is for tensors only.
[[nodiscard]] std::optional<double> evaluate(std::string_view function, double x);
[[nodiscard]] std::optional<double> evaluate(std::string_view symbol, double a, double b);

}  // namespace tilegrid::planner::notation
