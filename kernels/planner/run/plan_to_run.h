// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "kernels/planner/plan/planner.h"

namespace tilegrid::planner {

/// The strategy's plan, for an emulated core; with `refused_too` a refused one as well, if there is something of it to run.
/// Throws UsageError for a DST capacity that a core does not have, and KernelError that says why there is no plan, with
/// `advice` at the end.
[[nodiscard]] Plan plan_to_run(const Graph& graph, Strategy strategy, const PlanRequest& request, bool refused_too,
                               const std::string& advice);

}  // namespace tilegrid::planner
