// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/checks/finding.h"
#include "core/chip/chip.h"
#include "core/types.h"

namespace tilegrid {

/// Equal findings of several cores and launches.
struct MergedFinding {
  checks::Finding finding;  ///< as the first of the cores found it, with the `count` of all of them
  std::vector<int> cores;   ///< ascending; empty: the finding belongs to no core in particular
};
/// In order of class, place and first core.
[[nodiscard]] std::vector<MergedFinding> merge_findings(const std::vector<checks::Finding>& findings);

/// One line of the form of all errors, with "cores (0,0)-(7,1)" where several found the same.
[[nodiscard]] std::string line_of(const MergedFinding& merged, GridSize grid, const Chip& chip = {});
/// "warning: ..." for each of the merged warnings.
[[nodiscard]] std::vector<std::string> warning_lines(const std::vector<checks::Finding>& warnings, GridSize grid,
                                                     const Chip& chip = {});
/// The first of the errors, and how many others there are.
[[nodiscard]] std::string error_line(const std::vector<checks::Finding>& errors, GridSize grid, const Chip& chip = {});

}  // namespace tilegrid
