// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/checks/finding.h"
#include "core/chip/known_faults.h"
#include "core/types.h"
#include "runtime/report/value.h"

namespace tilegrid::report {

/// Name, default and summary of every class of checks.
[[nodiscard]] Value check_classes();
[[nodiscard]] std::string checks_text();

/// Known faults of silicon: id, chip, message, advice, source of each. The list `warnings` of a report has those that the
/// run relies on.
[[nodiscard]] Value faults_of(const KnownFaults& faults);
/// Some lines, of which the first begins with "warning"; nothing for none.
[[nodiscard]] std::string faults_text(const KnownFaults& faults);
/// All of them.
[[nodiscard]] Value known_faults();
[[nodiscard]] std::string known_faults_text();

/// The list `checks` of a report: findings merged over cores.
[[nodiscard]] Value findings_of(const std::vector<checks::Finding>& findings, GridSize grid);

}  // namespace tilegrid::report
