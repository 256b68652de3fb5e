// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "kernels/planner/plan/expand.h"
#include "kernels/planner/plan/planner.h"

namespace tilegrid::planner {

/// How a stage's tiles are cut into sections.
struct Cut {
  int h = 1;
  int w = 1;
  TileOrder order = TileOrder::tile_by_tile;
};

/// A stage laid out, with the account of its fullest section.
struct StagePlan {
  Stage stage;
  int peak = 0;
  std::vector<SlotUse> account;
  std::string at;
  double cycles = 0;
};

/// The stage's runs for one schedule and one cut: whole sub-blocks, and what is left over at the right and below.
[[nodiscard]] StagePlan lay_out(const StageProblem& problem, const Schedule& schedule, Cut cut, int capacity);

/// Sub-block with the fewest sections (then the fewest cycles) that fits; nothing when one tile does not.
[[nodiscard]] std::optional<StagePlan> least_cut(const StageProblem& problem, const Schedule& schedule, int capacity,
                                                 int max_tiles);

/// All sections of the fewest cycles, over orders, forms, sub-block shapes and ways to go through a sub-block; nothing when
/// one tile does not fit. `least`: fewest_slots of the problem. `single`: only plans of one section.
[[nodiscard]] std::optional<StagePlan> cheapest(const StageProblem& problem, int capacity, int least, int max_tiles,
                                                bool single = false);

/// Cuts a group that does not fit into groups that do, with the least traffic through CBs between them. Empty when some
/// operation alone needs more than `capacity` slots for one tile.
[[nodiscard]] std::vector<OpGroup> split_group(const Graph& graph, const Machine& machine, const OpGroup& group,
                                               const std::vector<bool>& packed, int capacity);

/// Slots that the operation needs when it has a section of its own.
[[nodiscard]] int slots_alone(const Graph& graph, const Machine& machine, int op);

}  // namespace tilegrid::planner
