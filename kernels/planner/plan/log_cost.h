// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/events/event_log.h"
#include "kernels/planner/plan/machine.h"
#include "kernels/program.h"

namespace tilegrid::planner {

/// What compute kernels did, by their event logs, and what it costs with the cycles of the
/// planner's chip.
struct LogCost {
  double cycles = 0;                      ///< of all cores: sections one after the other, each as long as its slowest unit
  double unpack = 0, math = 0, pack = 0;  ///< busy cycles
  std::uint64_t sections = 0;
  std::uint64_t packed_tiles = 0;
  std::uint64_t most_tiles_in_section = 0;   ///< different slots that a section packs
  std::set<std::string> kinds;               ///< of tile operations
  std::set<std::pair<int, int>> matmuls;     ///< CBs of the factors
  std::set<std::pair<int, int>> reductions;  ///< CB and pool
  std::set<int> summed_by_packer;            ///< CBs that the packer adds to
  std::set<int> double_buffered;             ///< CBs with room for two of their largest pushes
};
[[nodiscard]] LogCost log_cost(const std::vector<EventLog>& logs, const std::vector<CircularBufferConfig>& buffers,
                               const Machine& machine);

}  // namespace tilegrid::planner
