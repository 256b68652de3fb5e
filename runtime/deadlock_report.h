// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "noc/node.h"
#include "runtime/protocol.h"

namespace tilegrid {

/// What the cores of this rank wait for: one entry a blocked kernel, and for each core with one its circular buffers and
/// semaphores.
[[nodiscard]] std::vector<BlockedReport> blocked_kernels(const noc::Node& node, const Program& program);

/// The report of a deadlock: first line, then what each core waits for, equal cores merged.
[[nodiscard]] std::string deadlock_text(const std::vector<BlockedReport>& blocked, GridSize grid);

/// "all cores", or rectangles such as "(0,0)-(7,1), (3,2)".
[[nodiscard]] std::string describe_cores(std::vector<int> cores, GridSize grid);

}  // namespace tilegrid
