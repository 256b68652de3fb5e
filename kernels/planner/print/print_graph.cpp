// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <numeric>
#include <string_view>
#include <utility>

#include "core/fidelity_name.h"
#include "kernels/planner/graph/functions.h"
#include "kernels/planner/print/print_plan.h"

namespace tilegrid::planner {
namespace {

std::string name_in(const Graph& graph, ValueId value) { return graph.value(value).name; }

std::string reduction_text(const Op& op) {
  constexpr EnumArray<ReduceDim, const char*> dims{"row", "col", "scalar"};
  const char* dim = dims.at(op.dim);
  if (op.kind == OpKind::tile_sum) return fmt::format("partial_{}sum", dim);
  return fmt::format("{}{}", dim, op.pool == Pool::max ? "max" : "sum");
}

std::string op_text(const Graph& graph, const Op& op) {
  const auto in = [&](std::size_t i) { return name_in(graph, op.in.at(i)); };
  switch (op.kind) {
    case OpKind::matmul:
      return fmt::format("{}{} @ {}{}", op.accumulate ? in(2) + " + " : "", in(0), in(1), op.transpose_b ? ".T" : "");
    case OpKind::transpose:
      return in(0) + ".T";
    case OpKind::reduce:
    case OpKind::tile_sum:
      return fmt::format("{}({}{})", reduction_text(op), in(0), op.accumulate ? ", from " + in(1) : "");
    default:
      break;
  }
  constexpr std::array<std::pair<std::string_view, char>, 4> signs{{{"add", '+'}, {"sub", '-'}, {"mul", '*'}, {"div", '/'}}};
  for (const auto& [name, sign] : signs) {
    if (name == op.function->name && op.in.size() == 2) return fmt::format("{} {} {}", in(0), sign, in(1));
  }
  std::string arguments;
  for (std::size_t i = 0; i < op.in.size(); ++i) arguments += (i == 0 ? "" : ", ") + in(i);
  const double parameter = op.parameter;
  if (op.function->has_parameter) arguments += fmt::format(", {:.6g}", parameter);
  // An exp carries a scale of its argument.
  if (!op.function->has_parameter && parameter != 0 && parameter != 1) arguments += fmt::format(" * {:.6g}", parameter);
  return fmt::format("{}({})", op.function->name, arguments);
}

std::string list_of(const Graph& graph, const std::vector<ValueId>& values) {
  std::string text;
  for (const ValueId id : values) {
    const Value& value = graph.value(id);
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", value.name, text_of(value.shape));
  }
  return text;
}

}  // namespace

std::string graph_signature(const Graph& graph) {
  std::vector<ValueId> inputs(graph.input_count());
  std::iota(inputs.begin(), inputs.end(), ValueId{0});
  return fmt::format("{}{} -> {} (tiles)", graph.name.empty() ? "" : graph.name + ": ", list_of(graph, inputs),
                     list_of(graph, graph.outputs()));
}

std::string graph_operations(const Graph& graph) {
  std::string text;
  for (const Op& op : graph.ops()) {
    text += fmt::format("{}{} = {}", text.empty() ? "" : "; ", op.name, op_text(graph, op));
  }
  return text;
}

std::string format_text(const Machine& machine) {
  const char* in = tilegrid::name_of(machine.format);
  const char* out = tilegrid::name_of(machine.out_format());
  return machine.format == machine.out_format() ? in : fmt::format("in={},out={}", in, out);
}

std::string machine_text(const Machine& machine) {
  return fmt::format("{}: {} slots{}; {} in DRAM, fidelity {}, precision {}", dst_mode(machine), machine.capacity(),
                     machine.any_sync ? " (best may take full-sync)" : "", format_text(machine), name_of(machine.fidelity),
                     machine.precision == Precision::keep ? "keep" : "allow-tf32");
}

}  // namespace tilegrid::planner
