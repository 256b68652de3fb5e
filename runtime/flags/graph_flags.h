// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "kernels/planner/plan/planner.h"
#include "kernels/planner/slot_cases/graph_source.h"
#include "runtime/flags/flags.h"

namespace tilegrid {

/// What graph is asked for, and for which machine: flags that `tilegrid plan` and `tilegrid fused` share.
struct GraphRequest : planner::GraphSource {
  planner::PlanRequest plan;

  void declare(Flags& flags);
  /// Reads what depends on the block. Throws UsageError for flags that do not go together. Opens no file.
  void check(const Flags& flags);
  /// The graph. Throws UsageError.
  [[nodiscard]] planner::Graph load() { return GraphSource::load(plan.machine); }

 private:
  std::vector<std::string> operands_;
};

/// The presets with their descriptions, for the end of --help.
[[nodiscard]] std::string preset_list();
[[nodiscard]] const EnumNames<planner::Strategy>& strategy_names();
[[nodiscard]] const EnumNames<planner::Precision>& precision_names();

}  // namespace tilegrid
