// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "kernels/planner/plan/plan.h"

namespace tilegrid::planner {

/// Where a sub-block stands in its stage: the name of a loop variable, or a number.
struct Place {
  std::string row = "0";
  std::string col = "0";
};

/// Steps of a body that repeat for tile after tile, with slots that advance by a constant: `count` instructions from `first`
/// on, done `repeats` times. 1: not a loop.
struct StepGroup {
  std::size_t first = 0;
  std::size_t count = 1;
  int repeats = 1;
};

/// Cuts the instructions into loops, as long as possible.
[[nodiscard]] std::vector<StepGroup> roll_up(const Run& run, std::span<const Instruction> body);

/// A line of pseudo-code and the remark beside it.
struct StepLine {
  int depth = 0;
  std::string text;
  std::string remark;
};

/// The loop over tiles, if any, and its steps. `k_block` is 0, or the tiles of K in one block of a streamed matmul.
[[nodiscard]] std::vector<StepLine> step_lines(const Plan& plan, const Run& run, std::span<const Instruction> body,
                                               const StepGroup& group, const Place& place, int k_block);

/// A transposition that the graph does not ask for: a matmul's factor turned in DST, where no matmul can read it (dst.md 0).
[[nodiscard]] bool is_turned_factor(const Graph& graph, const Instruction& in);

/// "cb_q", "out_y", "cb_ones" for the scaler of reductions.
[[nodiscard]] std::string buffer_name(const Plan& plan, ValueId value, bool output);

}  // namespace tilegrid::planner
