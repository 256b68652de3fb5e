// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "kernels/planner/graph/graph.h"

namespace tilegrid::planner {

/// Whether operand `index` of the operation must come from a circular buffer: both factors of a matmul, what a reduction,
/// tile_sum or transposition reads, a broadcast operand, and all that an operation of FormRule::cb_only reads
/// (dst.md 1.2, 2.2). An accumulator is in DST.
[[nodiscard]] bool operand_from_cb(const Graph& graph, const Op& op, std::size_t index);

/// Whether the packer adds up this tile_sum while it packs the tiles that a section of its operand's shape has made
/// (attention.md 1.4, step 4); else, or with FormRule::cb_only, it is read back from a CB.
[[nodiscard]] bool summed_by_packer(const Graph& graph, const Op& op);

/// Operations that can share DST sections, in an order in which they can run.
struct OpGroup {
  std::vector<int> ops;
  Shape shape;  ///< of what the sections make
};

struct PartitionOptions {
  std::vector<bool> cut;    ///< by value: its readers take it from a CB; empty: only where they must
  bool components = false;  ///< operations that no DST value connects get stages of their own
};

/// The least cut of the graph into stages, in order. An operation follows in a later stage what it must read from a CB and
/// what has another shape; it is moved as late as its readers allow, so that it does not cross a boundary for nothing.
[[nodiscard]] std::vector<OpGroup> partition(const Graph& graph, const PartitionOptions& options = {});

/// By value: whether a group other than the one that makes it reads it, or the user wants it.
[[nodiscard]] std::vector<bool> packed_values(const Graph& graph, const std::vector<OpGroup>& groups);
/// The same graph over a smaller block: axes of the first output that no operation sums over become one tile. `parts` gets
/// how many of the small blocks make the old one.
[[nodiscard]] Graph one_tile_block(const Graph& graph, int& parts);

}  // namespace tilegrid::planner
