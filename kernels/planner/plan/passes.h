// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "kernels/planner/plan/planner.h"

namespace tilegrid::planner {

/// A plan for a block that does not fit L1: an axis that operations sum over is cut into segments of equal size, and the
/// graph at the reductions (sums, maxima, matmuls) over that axis. Each pass streams the segments once: it computes again
/// what lies along the axis, goes on with the running values of those reductions whose operands are known by then, and makes
/// the outputs along the axis that are. What does not lie along the axis is computed between passes and stays in L1. Softmax
/// takes three passes: the maximum, the sum, the quotients.
///
/// A running value goes through L1 in the format of values between stages, which cuts nothing of what DST holds (with
/// Precision::keep), and tiles are added to it in the order of the axis, so that its roundings are those of a sum over the
/// whole axis. The longest segments that fit are tried, the cheapest is taken.
///
/// Nothing when no axis can be cut (a value has it in both dimensions, a partial sum runs over it), or even segments of one
/// tile do not fit. `graph` is simplified.
[[nodiscard]] std::optional<Plan> plan_in_passes(const Graph& graph, const PlanRequest& request);

}  // namespace tilegrid::planner
