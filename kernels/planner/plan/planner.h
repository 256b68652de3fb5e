// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "kernels/planner/plan/plan.h"

namespace tilegrid::planner {

struct PlanRequest {
  Machine machine;
  int blocks = 8;     ///< blocks that a core works through, for the cost of filling and draining
  int k_block = 0;    ///< tiles of K at a time; 0: the planner's choice
  int max_tiles = 0;  ///< largest sub-block; 0: no limit but the capacity
  /// Whether `best` may take a block that does not fit L1 in passes over segments (Plan::passes).
  bool passes = true;
};

/// The plan of one strategy, or its refusal with the account of slots. Throws UsageError for what no strategy can mend: more
/// than 32 circular buffers, more bytes than L1 has.
[[nodiscard]] Plan plan(const Graph& graph, Strategy strategy, const PlanRequest& request);
/// All strategies in their order.
[[nodiscard]] std::vector<Plan> plan_all(const Graph& graph, const PlanRequest& request);

/// Fewest slots with which some plan of the graph is legal, and the operation that needs them: min over sections, forms,
/// orders and sync modes.
struct SmallestCapacity {
  int slots = 0;
  std::string operation;
};
[[nodiscard]] SmallestCapacity smallest_capacity(const Graph& graph, const PlanRequest& request);

/// Fills buffers, cost, peak and account from stages. Used by all strategies, and for stages made by hand in tests.
void finish_plan(Plan& plan, const PlanRequest& request, bool double_buffered);

}  // namespace tilegrid::planner
