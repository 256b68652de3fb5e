// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "kernels/planner/graph/graph.h"

namespace tilegrid::planner {

/// An axis in segments of so many tiles.
struct AxisCut {
  AxisId axis = no_axis;
  int tiles = 1;
};

/// Whether the value has the axis in one of its dimensions.
[[nodiscard]] bool along_axis(const Graph& graph, ValueId value, AxisId axis);
/// Whether operations sum over the axis in a way that can go on from segment to segment.
[[nodiscard]] bool can_cut(const Graph& graph, AxisId axis);

/// A part of a graph over one segment. Inputs that are inputs of the whole graph are segments of them, if they lie along the
/// axis; others are carried, and so are the outputs that other parts read.
struct PassGraph {
  Graph graph;
  std::vector<ValueId> of;       ///< by value: the whole graph's
  std::vector<ValueId> running;  ///< inputs and outputs: what reductions over the axis have so far
};

struct PassGraphs {
  PassGraph first;
  PassGraph later;  ///< empty: as the first
  bool segmented = false;
};

/// The graph in passes, in their order (passes.h).
[[nodiscard]] std::vector<PassGraphs> pass_graphs(const Graph& graph, AxisCut cut);

}  // namespace tilegrid::planner
