// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

#include "kernels/planner/reference/reference.h"

namespace tilegrid::cli {

/// Figures of an output against the reference and its bounds, some lines; `columns` of the output, for places.
[[nodiscard]] std::string comparison_text(const std::string& name, const planner::Comparison& one, std::size_t columns);
/// Keys: name, correlation, rmse, relative_l2, max_abs, worst_ratio, rms_ratio, elements, undecided, not_finite, passed.
[[nodiscard]] nlohmann::ordered_json comparison_json(const std::string& name, const planner::Comparison& one);

}  // namespace tilegrid::cli
