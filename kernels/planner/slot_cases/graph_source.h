// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "kernels/planner/graph/expression.h"
#include "kernels/planner/graph/graph.h"
#include "kernels/planner/plan/machine.h"
#include "kernels/planner/slot_cases/case_file.h"

namespace tilegrid::planner {

/// What graph is asked for. Exactly one of expression, preset and file is set.
struct GraphSource {
  std::string expression, preset, file, case_id;
  ExpressionShapes shapes{.block = {{2}, {2}}};  ///< not of a file, which has its own

  /// The cases of the file. Throws UsageError when it can't be read or is wrong.
  [[nodiscard]] std::vector<Case> load_cases() const;
  /// The one with the id that is asked for. Throws UsageError when there is none.
  [[nodiscard]] const Case& find_case(const std::vector<Case>& cases) const;
  /// The graph, finished but not simplified. A case's own DST capacity becomes the machine's when that has none. Throws
  /// UsageError.
  [[nodiscard]] Graph load(Machine& machine) const;

 private:
  [[nodiscard]] Graph load_file(Machine& machine) const;
};

}  // namespace tilegrid::planner
