// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/plan/stages.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

#include "core/ids.h"

namespace tilegrid::planner {
namespace {

/// What an operation's sections iterate over: its result's tiles, or its operand's when the packer sums them.
Shape iteration_shape(const Graph& graph, int op) {
  const Op& operation = graph.op(op);
  return graph.value(summed_by_packer(graph, operation) ? operation.in[0] : graph.result_of(op)).shape;
}

/// Whether the reader can take the value from the slot in which it was made.
bool stays_in_dst(const Graph& graph, const PartitionOptions& options, int producer, int reader, std::size_t operand) {
  const Op& read = graph.op(reader);
  const ValueId value = read.in[operand];
  if (summed_by_packer(graph, graph.op(producer))) return false;
  if (summed_by_packer(graph, read)) return true;
  if (!options.cut.empty() && options.cut[value]) return false;
  if (operand_from_cb(graph, read, operand)) return false;
  return iteration_shape(graph, producer) == iteration_shape(graph, reader);
}

class Levels {
 public:
  Levels(const Graph& graph, const PartitionOptions& options)
      : graph_(graph), options_(options), level_(graph.ops().size()) {
    const int count = count_of(graph.ops());
    for (int op = 0; op < count; ++op) level_[op] = earliest(op);
    for (int op = count - 1; op >= 0; --op) level_[op] = latest(op);
  }
  [[nodiscard]] int of(int op) const { return level_[op]; }

 private:
  int earliest(int op) const {
    int level = 0;
    const Op& operation = graph_.op(op);
    for (std::size_t i = 0; i < operation.in.size(); ++i) {
      const int producer = graph_.op_of(operation.in[i]);
      if (producer < 0) continue;
      level = std::max(level, level_[producer] + (stays_in_dst(graph_, options_, producer, op, i) ? 0 : 1));
    }
    return level;
  }

  /// The level of the first reader, when that one can take the value from DST; readers are placed already.
  int latest(int op) const {
    int first = -1;
    bool in_dst = true;
    for (const int user : graph_.users_of(graph_.result_of(op))) {
      const Op& reader = graph_.op(user);
      if (first >= 0 && level_[user] > first) continue;
      bool edge = true;
      for (std::size_t i = 0; i < reader.in.size(); ++i) {
        if (reader.in[i] == graph_.result_of(op)) edge = edge && stays_in_dst(graph_, options_, op, user, i);
      }
      in_dst = first == level_[user] ? in_dst && edge : edge;
      first = level_[user];
    }
    if (first < 0) return level_[op];
    if (in_dst) return first;
    return level_[op];
  }

  const Graph& graph_;
  const PartitionOptions& options_;
  std::vector<int> level_;
};

/// Sets of operations that DST values connect, as the smallest member of each.
std::vector<int> components_of(const Graph& graph, const PartitionOptions& options, const Levels& levels) {
  std::vector<int> root(graph.ops().size());
  std::iota(root.begin(), root.end(), 0);
  const auto find = [&](int op) {
    while (root[op] != op) op = root[op];
    return op;
  };
  for (int op = 0; op < count_of(root); ++op) {
    for (std::size_t i = 0; i < graph.op(op).in.size(); ++i) {
      const int producer = graph.op_of(graph.op(op).in[i]);
      if (producer < 0 || levels.of(producer) != levels.of(op)) continue;
      if (!stays_in_dst(graph, options, producer, op, i)) continue;
      const int a = find(producer);
      const int b = find(op);
      root[std::max(a, b)] = std::min(a, b);
    }
  }
  for (int op = 0; op < count_of(root); ++op) root[op] = find(op);
  return root;
}

}  // namespace

bool operand_from_cb(const Graph& graph, const Op& op, std::size_t index) {
  const bool accumulator = op.accumulate && index + 1 == op.in.size();
  if (accumulator) return false;
  switch (op.kind) {
    case OpKind::matmul:
    case OpKind::reduce:
    case OpKind::tile_sum:
    case OpKind::transpose:
      return true;
    default:
      break;
  }
  if (op.form == FormRule::cb_only) return true;
  // The result of an element-wise operation has the extents of its widest operand.
  Shape widest = graph.value(op.in[0]).shape;
  for (const ValueId value : op.in) {
    const Shape shape = graph.value(value).shape;
    if (!shape.rows.unit) widest.rows = shape.rows;
    if (!shape.cols.unit) widest.cols = shape.cols;
  }
  return graph.value(op.in[index]).shape != widest;
}

bool summed_by_packer(const Graph& graph, const Op& op) {
  if (op.kind != OpKind::tile_sum || op.form == FormRule::cb_only) return false;
  const int producer = graph.op_of(op.in[0]);
  return producer >= 0 && !summed_by_packer(graph, graph.op(producer));
}

std::vector<OpGroup> partition(const Graph& graph, const PartitionOptions& options) {
  const Levels levels(graph, options);
  const std::vector<int> component =
      options.components ? components_of(graph, options, levels) : std::vector<int>(graph.ops().size(), 0);
  using Key = std::tuple<int, int, int, int, bool, bool>;
  std::map<Key, std::size_t> index;
  std::vector<OpGroup> groups;
  std::vector<int> level_of_group;
  for (int op = 0; op < count_of(graph.ops()); ++op) {
    const Shape shape = iteration_shape(graph, op);
    const Key key{levels.of(op), component[op], shape.rows.tiles, shape.cols.tiles, shape.rows.unit, shape.cols.unit};
    const auto [found, added] = index.try_emplace(key, groups.size());
    if (added) {
      groups.push_back({{}, shape});
      level_of_group.push_back(levels.of(op));
    }
    groups[found->second].ops.push_back(op);
  }
  std::vector<std::size_t> order(groups.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return level_of_group[a] < level_of_group[b]; });
  std::vector<OpGroup> sorted;
  sorted.reserve(groups.size());
  for (const std::size_t group : order) sorted.push_back(std::move(groups[group]));
  return sorted;
}

std::vector<bool> packed_values(const Graph& graph, const std::vector<OpGroup>& groups) {
  std::vector<int> group_of(graph.ops().size(), 0);
  for (int group = 0; group < count_of(groups); ++group) {
    for (const int op : groups[group].ops) group_of[op] = group;
  }
  std::vector<bool> packed(graph.values().size(), false);
  for (const ValueId output : graph.outputs()) packed[output] = true;
  for (int op = 0; op < count_of(graph.ops()); ++op) {
    for (const ValueId value : graph.op(op).in) {
      const int producer = graph.op_of(value);
      if (producer >= 0 && group_of[producer] != group_of[op]) packed[value] = true;
    }
  }
  return packed;
}

Graph one_tile_block(const Graph& graph, int& parts) {
  const Value& first = graph.value(graph.outputs().front());
  const auto smaller = [&](Extent extent, AxisId axis) {
    const bool split = axis != no_axis && (axis == first.axes[0] || axis == first.axes[1]);
    if (!extent.unit && split && !graph.axes()[axis].contracted) extent.tiles = 1;
    return extent;
  };
  Graph small;
  small.name = graph.name;
  for (ValueId id = 0; id < graph.input_count(); ++id) {
    const Value& value = graph.value(id);
    small.input(value.name, {smaller(value.shape.rows, value.axes[0]), smaller(value.shape.cols, value.axes[1])});
  }
  for (const Op& op : graph.ops()) small.append(op);
  for (const ValueId output : graph.outputs()) small.output(output);
  small.finish();
  parts = 1;
  for (const int side : {0, 1}) {
    const AxisId axis = first.axes[side];
    if (axis != no_axis && !graph.axes()[axis].contracted) parts *= graph.axes()[axis].tiles;
  }
  return small;
}

}  // namespace tilegrid::planner
