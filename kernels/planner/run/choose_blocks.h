// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
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

/// Elements of an input that somebody brings, and who, for messages.
struct GivenInput {
  int rows = 0;
  int cols = 0;
  std::string from;
};
/// One of one or two dimensions: one alone is that of the vector that the graph has there. Throws UsageError where it has
/// none.
[[nodiscard]] GivenInput given_input(const Graph& graph, const std::string& name, std::span<const std::int64_t> shape,
                                     std::string from);
/// What given inputs, by name, say about a dimension of the first output.
[[nodiscard]] WantedExtent told_by(const std::map<std::string, GivenInput>& inputs, const Graph& graph, std::size_t dim);
/// Throws UsageError for one that has other extents than the job's tensor.
void check_given(const std::map<std::string, GivenInput>& inputs, const FusedJob& job);

/// Blocks that a core works through: contiguous runs, the remainder to the first cores.
[[nodiscard]] int blocks_of_core(const FusedJob& job, int core);

}  // namespace tilegrid::planner
