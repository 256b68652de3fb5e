// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "runtime/device.h"
#include "runtime/report/value.h"

namespace tilegrid::hosts {

/// To be called on every rank before the session runs.
void register_rank_map();

/// Where the ranks of a run are and what they hold: {rank, host, cores (x, y), dram_banks} of each. On rank 0.
[[nodiscard]] report::Value rank_map(Device& device);

/// A table of it: a line for ranks of a host that follow each other and have equally many cores. `dealt`: as those of the
/// placement, each rank has one of every so many cores.
[[nodiscard]] std::string rank_map_text(const report::Value& map, bool dealt);

}  // namespace tilegrid::hosts
