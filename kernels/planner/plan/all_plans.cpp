// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/plan/all_plans.h"

#include <fmt/format.h>

#include <algorithm>

namespace tilegrid::planner {

AllPlans::AllPlans(const Graph& graph, const PlanRequest& request) : graph_(graph), request_(request) {
  for (int i = 0; i < strategy_count; ++i) {
    const auto strategy = static_cast<Strategy>(i);
    std::optional<UsageError>& error = errors_.emplace_back();
    try {
      plans_.push_back(plan(graph, strategy, request));
    } catch (const UsageError& thrown) {
      error = thrown;
      Plan& refused = plans_.emplace_back();
      refused.strategy = strategy;
      refused.graph = simplified(graph, request.machine.folds());
      refused.machine = request.machine;
      refused.refusal = Refusal{.reason = thrown.message(), .account = {}, .at = {}, .fits = {}};
    }
  }
}

bool AllPlans::any_legal() const {
  return std::any_of(plans_.begin(), plans_.end(), [](const Plan& one) { return one.legal(); });
}

std::optional<Error> AllPlans::refusal(std::optional<Strategy> asked) const {
  const bool none = !any_legal();
  for (std::size_t i = 0; i < plans_.size(); ++i) {
    const Strategy strategy = plans_[i].strategy;
    if (errors_[i] && (asked == strategy || (none && strategy == Strategy::best))) return *errors_[i];
  }
  if (none) {
    const SmallestCapacity smallest = smallest_capacity(graph_, request_);
    return KernelError(
        fmt::format("no strategy is legal: {} needs a DST capacity of {} slots, {} are there; with {} some plan is legal",
                    smallest.operation, smallest.slots, request_.machine.capacity(), smallest.slots));
  }
  for (const Plan& one : plans_) {
    if (asked != one.strategy || one.legal()) continue;
    return KernelError(fmt::format("strategy {}: {}", name_of(*asked), one.refusal->reason));
  }
  return std::nullopt;
}

}  // namespace tilegrid::planner
