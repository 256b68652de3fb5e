// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>

#include "kernels/planner/run/fused_program.h"

namespace tilegrid::planner {

/// Elements that somebody asks for along a dimension of the first output, and who, for messages; 0: nobody does.
struct WantedExtent {
  int elements = 0;
  std::string from;
};

/// Sets rows and columns of blocks that make up the first output: what is wanted, else about one block of the asked graph
/// for each core, in rows and columns where the graph can be split there. `asked` is the graph before planning, whose blocks
/// the job's plan may have cut. Throws UsageError, also where a plan has cut the block along a dimension that the first
/// output does not have: nobody would do the rest.
void choose_blocks(const Graph& asked, const std::array<WantedExtent, 2>& wanted, FusedJob& job);

/// Blocks that a core works through: contiguous runs, the remainder to the first cores.
[[nodiscard]] int blocks_of_core(const FusedJob& job, int core);

}  // namespace tilegrid::planner
