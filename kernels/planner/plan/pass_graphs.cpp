// SPDX-License-Identifier: Apache-2.0
// A value has a level: how many reductions over the axis, one behind the other, it takes to know it. The sweep of level k
// makes the reductions whose operands are of level k, and the outputs along the axis of that level; what does not lie along
// the axis is made before the first sweep that may read it.
#include "kernels/planner/plan/pass_graphs.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "core/ids.h"

namespace tilegrid::planner {
namespace {

/// Whether the operation sums over the axis.
bool sums_over(const Graph& graph, const Op& op, AxisId axis) {
  const std::array<AxisId, 2>& of = graph.value(op.in[0]).axes;
  if (op.kind == OpKind::matmul) return of[1] == axis;
  if (op.kind != OpKind::reduce) return false;
  return (op.dim != ReduceDim::col && of[1] == axis) || (op.dim != ReduceDim::row && of[0] == axis);
}

class Splitter {
 public:
  Splitter(const Graph& graph, AxisCut cut) : graph_(graph), cut_(cut) {
    find_levels();
    find_between();
  }

  std::vector<PassGraphs> run() {
    std::vector<PassGraphs> passes;
    for (int level = 0; level <= highest_; ++level) {
      if (const std::vector<int> ops = between(level); !ops.empty()) {
        PassGraphs pass;
        pass.first = build(ops, carried_of(ops), {}, Part::beside);
        passes.push_back(std::move(pass));
      }
      if (const std::vector<int> ends = ends_of_sweep(level); !ends.empty()) passes.push_back(sweep(ends));
    }
    if (PassGraphs last = outputs_beside(); last.first.graph.input_count() > 0) passes.push_back(std::move(last));
    return passes;
  }

 private:
  [[nodiscard]] bool along(ValueId value) const { return along_axis(graph_, value, cut_.axis); }
  [[nodiscard]] bool sums(int op) const { return sums_over(graph_, graph_.op(op), cut_.axis); }
  /// Neither along the axis nor a reduction over it.
  [[nodiscard]] bool beside(int op) const { return op >= 0 && !sums(op) && !along(graph_.result_of(op)); }

  void find_levels() {
    level_.assign(graph_.values().size(), 0);
    for (int op = 0; op < count_of(graph_.ops()); ++op) {
      int& level = level_[graph_.result_of(op)];
      for (const ValueId in : graph_.op(op).in) level = std::max(level, level_[in]);
      if (sums(op)) ++level;
      highest_ = std::max(highest_, level);
    }
  }

  /// Operations beside the axis that a sweep needs: all but those that only outputs need.
  void find_between() {
    between_.assign(graph_.ops().size(), false);
    for (int op = count_of(graph_.ops()) - 1; op >= 0; --op) {
      if (beside(op) && !between_[op]) continue;
      for (const ValueId in : graph_.op(op).in) {
        if (beside(graph_.op_of(in))) between_[graph_.op_of(in)] = true;
      }
    }
  }
  [[nodiscard]] std::vector<int> between(int level) const {
    std::vector<int> ops;
    for (int op = 0; op < count_of(graph_.ops()); ++op) {
      if (between_[op] && level_[graph_.result_of(op)] == level) ops.push_back(op);
    }
    return ops;
  }
  /// Results that other operations than these read.
  [[nodiscard]] std::vector<ValueId> carried_of(const std::vector<int>& ops) const {
    std::vector<ValueId> carried;
    for (const int op : ops) {
      const std::vector<int> users = graph_.users_of(graph_.result_of(op));
      const bool leaves = std::any_of(users.begin(), users.end(), [&](int user) { return !contains(ops, user); });
      if (leaves) carried.push_back(graph_.result_of(op));
    }
    return carried;
  }
  static bool contains(const std::vector<int>& list, int item) {
    return std::find(list.begin(), list.end(), item) != list.end();
  }

  [[nodiscard]] std::vector<int> ends_of_sweep(int level) const {
    std::vector<int> ends;
    for (int op = 0; op < count_of(graph_.ops()); ++op) {
      const ValueId result = graph_.result_of(op);
      if (sums(op) ? level_[result] == level + 1 : along(result) && graph_.is_output(result) && level_[result] == level) {
        ends.push_back(op);
      }
    }
    return ends;
  }

  /// With what they need of values along the axis.
  PassGraphs sweep(const std::vector<int>& ends) const {
    std::vector<bool> wanted(graph_.ops().size(), false);
    for (const int op : ends) wanted[op] = true;
    for (int op = count_of(graph_.ops()) - 1; op >= 0; --op) {
      if (!wanted[op]) continue;
      for (const ValueId in : graph_.op(op).in) {
        if (!graph_.is_input(in) && along(in)) wanted[graph_.op_of(in)] = true;
      }
    }
    std::vector<int> ops;
    for (int op = 0; op < count_of(graph_.ops()); ++op) {
      if (wanted[op]) ops.push_back(op);
    }
    std::vector<ValueId> carried;
    std::vector<ValueId> outputs;
    for (const int op : ends) (sums(op) ? carried : outputs).push_back(graph_.result_of(op));
    PassGraphs pass;
    pass.segmented = true;
    pass.first = build(ops, carried, outputs, Part::first);
    if (!carried.empty()) pass.later = build(ops, carried, outputs, Part::later);
    return pass;
  }

  /// Outputs that do not lie along the axis: what they need beside it is computed once more. A reduction's result is copied.
  [[nodiscard]] PassGraphs outputs_beside() const {
    std::vector<bool> wanted(graph_.ops().size(), false);
    std::vector<ValueId> outputs;
    for (const ValueId output : graph_.outputs()) {
      if (along(output)) continue;
      outputs.push_back(output);
      wanted[graph_.op_of(output)] = true;
    }
    for (int op = count_of(graph_.ops()) - 1; op >= 0; --op) {
      if (!wanted[op] || sums(op)) continue;
      for (const ValueId in : graph_.op(op).in) {
        if (beside(graph_.op_of(in)) && !is_carried(in)) wanted[graph_.op_of(in)] = true;
      }
    }
    std::vector<int> ops;
    for (int op = 0; op < count_of(graph_.ops()); ++op) {
      if (wanted[op]) ops.push_back(op);
    }
    PassGraphs pass;
    if (!ops.empty()) pass.first = build(ops, {}, outputs, Part::outputs);
    return pass;
  }
  [[nodiscard]] bool is_carried(ValueId value) const {
    const int op = graph_.op_of(value);
    if (op < 0 || !between_[op]) return false;
    const std::vector<ValueId> carried = carried_of(between(level_[value]));
    return std::find(carried.begin(), carried.end(), value) != carried.end();
  }

  [[nodiscard]] Shape shape_of(ValueId value) const {
    Shape shape = graph_.value(value).shape;
    const std::array<AxisId, 2>& axes = graph_.value(value).axes;
    if (axes[0] == cut_.axis) shape.rows.tiles = cut_.tiles;
    if (axes[1] == cut_.axis) shape.cols.tiles = cut_.tiles;
    return shape;
  }
  [[nodiscard]] std::string free_name(const std::string& value, const char* suffix) const {
    std::string name = value + suffix;
    while (graph_.find(name) != no_value) name += "_";
    return name;
  }

  /// What a graph is for: the first or the later segments of a sweep, what stands between sweeps, or outputs beside the
  /// axis.
  enum class Part : std::uint8_t { first, later, beside, outputs };

  struct Builder {
    Part part{};
    PassGraph made;
    std::vector<ValueId> mapped;  ///< by value of the whole graph
    std::vector<ValueId> so_far;  ///< running inputs, likewise
  };

  [[nodiscard]] PassGraph build(const std::vector<int>& ops, const std::vector<ValueId>& carried,
                                const std::vector<ValueId>& outputs, Part part) const {
    Builder builder;
    builder.part = part;
    builder.mapped.assign(graph_.values().size(), no_value);
    builder.so_far.assign(graph_.values().size(), no_value);
    add_inputs(builder, ops);
    for (const int op : ops) add_op(builder, op);
    PassGraph& made = builder.made;
    for (const ValueId value : outputs) made.graph.output(builder.mapped[value]);
    for (const ValueId value : carried) {
      made.graph.output(builder.mapped[value]);
      made.graph.set_carried(builder.mapped[value]);
      if (sums(graph_.op_of(value))) made.running.push_back(builder.mapped[value]);
    }
    made.graph.name = graph_.name;
    made.graph.finish();
    return std::move(made);
  }

  /// By value: whether operations of the part read it from outside.
  [[nodiscard]] std::vector<bool> read_by(const std::vector<int>& ops, Part part) const {
    std::vector<bool> read(graph_.values().size(), false);
    for (const int op : ops) {
      const Op& of = graph_.op(op);
      if (sums(op) && part == Part::outputs) {
        read[graph_.result_of(op)] = true;
        continue;
      }
      for (std::size_t i = 0; i < of.in.size(); ++i) {
        const bool begins_from = sums(op) && of.accumulate && i + 1 == of.in.size();
        if (begins_from && part == Part::later) continue;
        if (!contains(ops, graph_.op_of(of.in[i]))) read[of.in[i]] = true;
      }
    }
    return read;
  }

  void add_inputs(Builder& builder, const std::vector<int>& ops) const {
    PassGraph& made = builder.made;
    const std::vector<bool> read = read_by(ops, builder.part);
    for (ValueId value = 0; value < count_of(graph_.values()); ++value) {
      if (!read[value]) continue;
      const std::string& name = graph_.value(value).name;
      const bool copied = contains(ops, graph_.op_of(value));
      builder.mapped[value] = made.graph.input(copied ? free_name(name, "_kept") : name, shape_of(value));
      if (!graph_.is_input(value)) made.graph.set_carried(builder.mapped[value]);
      made.of.push_back(value);
    }
    if (builder.part != Part::later) return;
    for (const int op : ops) {
      if (!sums(op)) continue;
      const ValueId value = graph_.result_of(op);
      builder.so_far[value] = made.graph.input(free_name(graph_.value(value).name, "_so_far"), shape_of(value));
      made.graph.set_carried(builder.so_far[value]);
      made.running.push_back(builder.so_far[value]);
      made.of.push_back(value);
    }
  }

  void add_op(Builder& builder, int index) const {
    PassGraph& made = builder.made;
    const ValueId value = graph_.result_of(index);
    Op op = graph_.op(index);
    made.of.push_back(value);
    if (sums(index) && builder.part == Part::outputs) {
      builder.mapped[value] = made.graph.apply("mul_scalar", {builder.mapped[value]}, 1, op.name);
      return;
    }
    for (ValueId& in : op.in) in = builder.mapped[in];
    if (builder.so_far[value] != no_value) {
      if (!op.accumulate) op.in.push_back(no_value);
      op.in.back() = builder.so_far[value];
      op.accumulate = true;
    }
    builder.mapped[value] = made.graph.append(op);
  }

  const Graph& graph_;
  const AxisCut cut_;
  std::vector<int> level_;  ///< by value
  int highest_ = 0;
  std::vector<bool> between_;  ///< by operation
};

}  // namespace

bool along_axis(const Graph& graph, ValueId value, AxisId axis) {
  const std::array<AxisId, 2>& axes = graph.value(value).axes;
  return axes[0] == axis || axes[1] == axis;
}

bool can_cut(const Graph& graph, AxisId axis) {
  if (!graph.axes()[axis].contracted || graph.axes()[axis].tiles == 1) return false;
  for (const Value& value : graph.values()) {
    if (value.axes[0] == axis && value.axes[1] == axis) return false;
  }
  bool summed = false;
  for (int index = 0; index < count_of(graph.ops()); ++index) {
    const Op& op = graph.op(index);
    const bool sums = sums_over(graph, op, axis);
    if (sums && along_axis(graph, graph.result_of(index), axis)) return false;
    // What a partial sum leaves in one tile is not a segment's.
    if (op.kind == OpKind::tile_sum && along_axis(graph, op.in[0], axis)) return false;
    summed = summed || sums;
  }
  return summed;
}

std::vector<PassGraphs> pass_graphs(const Graph& graph, AxisCut cut) { return Splitter(graph, cut).run(); }

}  // namespace tilegrid::planner
