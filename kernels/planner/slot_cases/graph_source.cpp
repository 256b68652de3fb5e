// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/slot_cases/graph_source.h"

#include <fmt/format.h>

#include "core/edit_distance.h"
#include "core/error.h"
#include "core/input_file.h"
#include "kernels/planner/graph/presets.h"
#include "kernels/planner/graph/shape_text.h"
#include "kernels/planner/print/print_plan.h"

namespace tilegrid::planner {
namespace {

constexpr std::size_t most_file_bytes = 64U << 20U;

}  // namespace

std::vector<Case> GraphSource::load_cases() const {
  try {
    const std::string text = read_input(file, most_file_bytes);
    return planner::load_cases(text);
  } catch (const UsageError& error) {
    const bool named = error.message().starts_with(file + ": ");  // by the reader
    throw UsageError(fmt::format("`graph` {}", named ? error.message() : fmt::format("{}: {}", file, error.message())));
  }
}

const Case& GraphSource::find_case(const std::vector<Case>& cases) const {
  std::vector<std::string> ids;
  for (const Case& one : cases) {
    if (one.id == case_id) return one;
    ids.push_back(one.id);
  }
  const std::string near = nearest_word(case_id, ids);
  throw UsageError(fmt::format("`case` {}: {} has no such case{}", case_id, file,
                               near.empty() ? "" : fmt::format(", did you mean {}?", near)));
}

Graph GraphSource::load_file(Machine& machine) const {
  const std::vector<Case> cases = load_cases();
  if (cases.empty()) throw UsageError(fmt::format("`graph` {}: there is no case in it", file));
  if (case_id.empty() && cases.size() > 1) {
    throw UsageError(fmt::format("`graph` {}: has {} cases, `case` ID chooses one", file, cases.size()));
  }
  const Case& chosen = case_id.empty() ? cases.front() : find_case(cases);
  if (!machine.capacity_override) machine.capacity_override = chosen.dst_capacity;
  Graph graph = to_graph(chosen);
  graph.name = chosen.id;
  return graph;
}

Graph GraphSource::load(Machine& machine) const {
  Graph graph;
  if (!file.empty()) {
    graph = load_file(machine);
  } else {
    graph = preset.empty() ? parse_expression(expression, shapes) : preset_graph(preset, shapes);
  }
  for (const Value& value : graph.values()) {
    const std::int64_t tiles = std::int64_t{value.shape.rows.tiles} * value.shape.cols.tiles;
    if (tiles <= most_tiles_of_value) continue;
    throw UsageError(
        fmt::format("{} {}: {} tiles, at most {}", value.name, text_of(value.shape), tiles, most_tiles_of_value));
  }
  return graph;
}

}  // namespace tilegrid::planner
