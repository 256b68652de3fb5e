// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "core/error.h"
#include "kernels/planner/plan/planner.h"

namespace tilegrid::planner {

/// The plans of a graph by every strategy, side by side. What is no question of slots - L1, circular buffers - is a refusal
/// of the strategy's plan here, too, and an error where that plan is the one that is asked for.
class AllPlans {
 public:
  AllPlans(const Graph& graph, const PlanRequest& request);
  /// In the order of strategies.
  [[nodiscard]] const std::vector<Plan>& plans() const { return plans_; }
  [[nodiscard]] bool any_legal() const;
  /// Why a strategy's plan, or without one the plan of any, is not there: a UsageError or a KernelError; nothing when it is.
  [[nodiscard]] std::optional<Error> refusal(std::optional<Strategy> asked) const;

 private:
  const Graph& graph_;
  const PlanRequest& request_;
  std::vector<Plan> plans_;
  std::vector<std::optional<UsageError>> errors_;  ///< of each plan
};

}  // namespace tilegrid::planner
