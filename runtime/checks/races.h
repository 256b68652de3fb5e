// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/checks/finding.h"
#include "core/events/event_log.h"
#include "kernels/program.h"

/// What cores and RISCs do to each other, found in the logs of a launch: classes race, remote-slot, semaphore-race and
/// semaphore-passed. The logs say what was done and in which order each kernel did it; which of them are ordered across
/// kernels follows from barriers, semaphores and circular buffers alone. So the answer is the same on any number of ranks
/// and whatever order the host ran the kernels in.
namespace tilegrid::races {

/// Whether any of the classes is on.
[[nodiscard]] bool wanted(const checks::Config& checks);

/// `logs` by core, complete, with local offsets and lines (EventLog::keep_local, keep_lines).
[[nodiscard]] std::vector<checks::Finding> find(const Program& program, const std::vector<EventLog>& logs,
                                                const checks::Config& checks);

}  // namespace tilegrid::races
