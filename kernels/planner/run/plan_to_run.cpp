// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/run/plan_to_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "kernels/planner/print/print_plan.h"

namespace tilegrid::planner {

Plan plan_to_run(const Graph& graph, Strategy strategy, const PlanRequest& request, bool refused_too,
                 const std::string& advice) {
  if (const auto given = request.machine.capacity_override) {
    Machine mode = request.machine;
    mode.capacity_override.reset();
    if (*given > mode.capacity()) {
      throw UsageError(fmt::format(
          "a DST capacity of {} is asked for, a section of {} has {} slots: `tilegrid plan` takes more, a core does not",
          *given, dst_mode(mode), mode.capacity()));
    }
  }
  Plan made = plan(graph, strategy, request);
  if (made.legal()) return made;
  const bool runs =
      std::any_of(made.stages.begin(), made.stages.end(), [](const Stage& stage) { return !stage.runs.empty(); });
  if (refused_too && runs) return made;
  const Refusal& refusal = *made.refusal;
  std::string text = fmt::format("strategy {}: {} ({})", name_of(strategy), refusal.reason, dst_mode(made.machine));
  if (!refusal.account.empty()) text += fmt::format(": {}", account_text(refusal.account));
  if (!refusal.at.empty()) text += fmt::format(", at {}", refusal.at);
  if (!refusal.fits.empty()) text += fmt::format("; would fit: {}", refusal.fits);
  throw KernelError(fmt::format("{}; {}", text, refused_too ? "nothing of it can be run" : advice));
}

}  // namespace tilegrid::planner
