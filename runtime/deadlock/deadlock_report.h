// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "noc/node.h"
#include "runtime/deadlock/blocked_report.h"
#include "runtime/protocol.h"

namespace tilegrid {

/// What the kernels on the cores of this rank wait for, that they have finished or run.
[[nodiscard]] std::vector<BlockedReport> states_of_kernels(const noc::Node& node, const Program& program);

/// How many kernels are blocked: the report's first line.
[[nodiscard]] std::string deadlock_headline(const std::vector<BlockedReport>& reports);

/// The report of a deadlock, from the reports of all cores in order. First line: how many kernels; then cycles of waits,
/// kernels that are suspect because they have finished or never did their part, and what each core waits for, with its
/// circular buffers and semaphores, equal cores merged. The same text on any number of ranks.
[[nodiscard]] std::string deadlock_text(const std::vector<BlockedReport>& reports, GridSize grid);

/// The same as JSON: `error`, `message` (the first line), `cycles`, `suspects`, `cores` (those with blocked kernels).
[[nodiscard]] std::string deadlock_json(const std::vector<BlockedReport>& reports, GridSize grid);

}  // namespace tilegrid
