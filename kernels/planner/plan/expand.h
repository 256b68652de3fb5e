// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "kernels/planner/plan/order.h"
#include "kernels/planner/plan/plan.h"

namespace tilegrid::planner {

/// A section's instructions with their slots.
struct Body {
  std::vector<Instruction> instructions;
  int peak = 0;                  ///< highest slot used, plus one
  std::vector<SlotUse> account;  ///< who held slots when most were held
  std::string at;                ///< operation at that point
};

/// In which order the tiles of a sub-block go through the steps of its schedule (dst.md 0).
enum class TileOrder : std::uint8_t {
  tile_by_tile,  ///< one tile through all steps, then the next: (T - 1) n + p slots
  by_kind,       ///< all tiles through one step, each with its loads just before it: fewer changes of operation
  grouped,       ///< all tiles through one step, after the loads of all of them: T p slots, what compilers make
};

/// Lays the schedule of one tile out over a sub-block of h x w. Slots are taken first from those that are written already,
/// so that clean ones remain for operations that add into theirs; when none is clean below `capacity`, a slot is filled with
/// the operation's identity. Never fails: a body that needs more than `capacity` slots says so by its peak.
[[nodiscard]] Body expand(const StageProblem& problem, const Schedule& schedule, int h, int w, TileOrder order,
                          int capacity);

/// The document's allocation: every operand that is loaded, every K^T, every accumulator, and the end of every chain of
/// unary operations has slots of its own for all tiles of the block, and none is ever given back.
[[nodiscard]] Body expand_naive(const StageProblem& problem, int h, int w);

/// What the packer does at the end of a section: held values to their buffers, and sums.
void append_packs(const StageProblem& problem, int h, int w, const std::vector<std::vector<int>>& slot_of,
                  std::vector<Instruction>& instructions);

}  // namespace tilegrid::planner
