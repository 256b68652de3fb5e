// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/checks/finding.h"
#include "core/types.h"
#include "runtime/report/value.h"

namespace tilegrid::report {

/// Name, default and summary of every class of checks.
[[nodiscard]] Value check_classes();
[[nodiscard]] std::string checks_text();

/// The list `checks` of a report: findings merged over cores.
[[nodiscard]] Value findings_of(const std::vector<checks::Finding>& findings, GridSize grid);

}  // namespace tilegrid::report
