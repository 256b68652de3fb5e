// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "kernels/planner/graph/expression.h"
#include "kernels/planner/graph/graph.h"
#include "kernels/planner/plan/planner.h"
#include "kernels/planner/slot_cases/case_file.h"

namespace tilegrid::cli {

/// Flags that `tilegrid plan` and `tilegrid fused` share, as text; an empty one was not given.
struct GraphTexts {
  std::string expression, preset, file, case_id;
  std::string block, inner, factors;
  std::vector<std::string> operands;
  std::string dst = "bf16", sync = "half", capacity, format = "bf16", fidelity = "hifi2", precision = "keep";
  std::string k_block, max_tiles, blocks = "8";
};
void add_graph_flags(CLI::App& app, GraphTexts& texts);
void add_machine_flags(CLI::App& app, GraphTexts& texts);
/// The presets with their descriptions, for the end of --help.
[[nodiscard]] std::string preset_list();

/// What those flags say. Exactly one of expression, preset and file is set.
struct GraphRequest {
  std::string expression, preset, file, case_id;
  planner::ExpressionShapes shapes;
  planner::PlanRequest plan;
};
/// Throws UsageError for flags that do not go together. Opens no file.
[[nodiscard]] GraphRequest graph_request(const CLI::App& app, const GraphTexts& texts);

/// The cases of the request's file. Throws UsageError when it can't be read or is wrong.
[[nodiscard]] std::vector<planner::Case> load_graph_cases(const GraphRequest& request);
/// The one with the request's id. Throws UsageError when there is none.
[[nodiscard]] const planner::Case& find_case(const GraphRequest& request, const std::vector<planner::Case>& cases);

/// The graph that is asked for, finished but not simplified. A case's own DST capacity becomes the request's when the flags
/// gave none. Throws UsageError.
[[nodiscard]] planner::Graph load_graph(GraphRequest& request);

/// "naive", ... in their order.
[[nodiscard]] std::vector<std::string> strategy_names();

/// "softmax over 2x2 tiles: x 2x2 -> out 2x2", and the operations: "m = rowmax(x); ...".
[[nodiscard]] std::string graph_signature(const planner::Graph& graph);
[[nodiscard]] std::string graph_operations(const planner::Graph& graph);
/// "16-bit DST, half-sync: 8 slots; bf16 in DRAM, fidelity hifi2, precision keep"
[[nodiscard]] std::string machine_text(const planner::Machine& machine);

}  // namespace tilegrid::cli
