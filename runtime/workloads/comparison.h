// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/planner/reference/judgement.h"
#include "runtime/report/value.h"
#include "runtime/workloads/workload.h"

namespace tilegrid::workloads {

/// Of an output that was compared.
[[nodiscard]] Accuracy accuracy_of(const planner::Comparison& one);

/// Figures of an output against the reference and its bounds; `columns` of the output, for places. Keys: name, correlation,
/// rmse, relative_l2, max_abs, worst_row, worst_ratio, rms_ratio, those of tally_figures, passed.
[[nodiscard]] report::Value comparison_figures(const std::string& name, const planner::Comparison& one, int columns);
/// Some lines, drawn from them.
[[nodiscard]] std::string comparison_text(const report::Value& one);

/// Indices of element `at` of a tensor, row-major: "[3, 0]".
[[nodiscard]] std::string place_text(std::size_t at, const std::vector<std::int64_t>& extents);
/// What became of the elements, in words, places by the extents of the output.
[[nodiscard]] std::string tally_text(const planner::Tally& tally, const std::vector<std::int64_t>& extents);
/// Keys: elements, undecided, not_finite, outside, undefined, beyond, first_wrong (a list of indices, null without one), and
/// for the text .account, tally_text(). They go into `figures`.
void add_tally(report::Value& figures, const planner::Tally& tally, const std::vector<std::int64_t>& extents);
/// The line of a gate: what it asks for, the account of elements where it has something to say (empty: nothing), the
/// verdict.
[[nodiscard]] std::string gate_text(const std::string& asks, const std::string& account, bool passed);

}  // namespace tilegrid::workloads
