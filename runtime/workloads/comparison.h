// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "kernels/planner/reference/reference.h"
#include "runtime/report/value.h"

namespace tilegrid::workloads {

/// Figures of an output against the reference and its bounds; `columns` of the output, for places. Keys: name, correlation,
/// rmse, relative_l2, max_abs, worst_ratio, rms_ratio, elements, undecided, not_finite, passed.
[[nodiscard]] report::Value comparison_figures(const std::string& name, const planner::Comparison& one, int columns);
/// Some lines, drawn from them.
[[nodiscard]] std::string comparison_text(const report::Value& one);

}  // namespace tilegrid::workloads
