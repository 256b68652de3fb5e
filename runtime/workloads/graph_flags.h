// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "kernels/planner/graph/expression.h"
#include "kernels/planner/graph/graph.h"
#include "kernels/planner/plan/planner.h"
#include "kernels/planner/slot_cases/case_file.h"
#include "runtime/flags/flags.h"

namespace tilegrid::workloads {

/// What graph is asked for, and for which machine: flags that `tilegrid plan` and `tilegrid fused` share. Exactly one of
/// expression, preset and file is set.
struct GraphRequest {
  std::string expression, preset, file, case_id;
  planner::ExpressionShapes shapes{.block = {{2}, {2}}};
  planner::PlanRequest plan;

  void declare(Flags& flags);
  /// Reads what depends on the block. Throws UsageError for flags that do not go together. Opens no file.
  void check(const Flags& flags);
  /// The cases of the file. Throws UsageError when it can't be read or is wrong.
  [[nodiscard]] std::vector<planner::Case> load_cases() const;
  /// The one with the request's id. Throws UsageError when there is none.
  [[nodiscard]] const planner::Case& find_case(const std::vector<planner::Case>& cases) const;
  /// The graph, finished but not simplified. A case's own DST capacity becomes the request's when the flags gave none.
  /// Throws UsageError.
  [[nodiscard]] planner::Graph load();

 private:
  planner::Graph load_file();
  std::vector<std::string> operands_;
};

/// The presets with their descriptions, for the end of --help.
[[nodiscard]] std::string preset_list();
[[nodiscard]] const EnumNames<planner::Strategy>& strategy_names();
[[nodiscard]] const EnumNames<planner::Precision>& precision_names();

}  // namespace tilegrid::workloads
