// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/slot_cases/slot_policies.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace tilegrid::planner {
namespace {

constexpr std::array<std::pair<SlotKind, const char*>, 11> kind_names{{
    {SlotKind::sfpu_unary, "sfpu_unary"},
    {SlotKind::binary, "binary"},
    {SlotKind::sfpu_binary, "sfpu_binary"},
    {SlotKind::sfpu_ternary, "sfpu_ternary"},
    {SlotKind::bcast, "bcast"},
    {SlotKind::matmul, "matmul"},
    {SlotKind::matmul_acc, "matmul_acc"},
    {SlotKind::reduce_acc, "reduce_acc"},
    {SlotKind::fpu_reduce, "fpu_reduce"},
    {SlotKind::transpose, "transpose"},
    {SlotKind::dest_reuse, "dest_reuse"},
}};

/// Which operations some output needs.
std::vector<bool> needed_ops(const SlotDag& dag) {
  std::vector<bool> needed(dag.ops.size(), false);
  const auto mark = [&](int value) {
    if (!dag.is_input(value)) needed[value - dag.input_count()] = true;
  };
  for (const int output : dag.outputs) mark(output);
  for (std::size_t i = dag.ops.size(); i-- > 0;) {
    if (!needed[i]) continue;
    for (const int value : dag.ops[i].in) mark(value);
  }
  return needed;
}

void visit_depth_first(const SlotDag& dag, int value, std::vector<bool>& seen, std::vector<std::size_t>& order) {
  if (dag.is_input(value)) return;
  const std::size_t op = value - dag.input_count();
  if (seen[op]) return;
  seen[op] = true;
  for (const int operand : dag.ops[op].in) visit_depth_first(dag, operand, seen, order);
  order.push_back(op);
}

std::vector<std::size_t> breadth_first(const SlotDag& dag) {
  std::vector<int> depth(dag.inputs.size() + dag.ops.size(), 0);
  const auto depth_of_result = [&](std::size_t op) -> int& { return depth[dag.result_of(op)]; };
  for (std::size_t i = 0; i < dag.ops.size(); ++i) {
    for (const int value : dag.ops[i].in) {
      depth_of_result(i) = std::max(depth_of_result(i), depth[value] + 1);
    }
  }
  std::vector<std::size_t> order(dag.ops.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return depth_of_result(a) < depth_of_result(b); });
  return order;
}

std::vector<std::size_t> depth_first(const SlotDag& dag) {
  std::vector<std::size_t> order;
  std::vector<bool> seen(dag.ops.size(), false);
  for (const int output : dag.outputs) visit_depth_first(dag, output, seen, order);
  return order;
}

bool overwrites_by_nature(SlotKind kind) {
  return kind == SlotKind::matmul_acc || kind == SlotKind::reduce_acc || kind == SlotKind::dest_reuse;
}

}  // namespace

std::optional<SlotKind> slot_kind_of(std::string_view name) {
  for (const auto& [kind, text] : kind_names) {
    if (name == text) return kind;
  }
  return std::nullopt;
}

const char* name_of(SlotKind kind) {
  for (const auto& [each, text] : kind_names) {
    if (each == kind) return text;
  }
  return "";
}

const std::string& SlotDag::name_of(int value) const {
  const std::size_t index = value;
  return is_input(value) ? inputs[index] : ops[index - inputs.size()].name;
}

bool SlotDag::is_output(int value) const { return std::find(outputs.begin(), outputs.end(), value) != outputs.end(); }

SlotDag without_dead_ops(const SlotDag& dag) {
  const std::vector<bool> needed = needed_ops(dag);
  SlotDag live{.inputs = dag.inputs, .ops = {}, .outputs = {}};
  std::vector<int> renamed(dag.inputs.size() + dag.ops.size());
  std::iota(renamed.begin(), renamed.end(), 0);
  const auto new_name = [&](int value) { return renamed[value]; };
  for (std::size_t i = 0; i < dag.ops.size(); ++i) {
    if (!needed[i]) continue;
    renamed[dag.result_of(i)] = live.result_of(live.ops.size());
    SlotOp op = dag.ops[i];
    std::transform(op.in.begin(), op.in.end(), op.in.begin(), new_name);
    live.ops.push_back(std::move(op));
  }
  for (const int output : dag.outputs) live.outputs.push_back(new_name(output));
  return live;
}

std::vector<std::size_t> dst_operands(const SlotDag& dag, const SlotOp& op) {
  std::vector<std::size_t> places;
  const auto add = [&](std::size_t place) {
    const bool there = std::any_of(places.begin(), places.end(), [&](std::size_t p) { return op.in[p] == op.in[place]; });
    if (!there) places.push_back(place);
  };
  switch (op.kind) {
    case SlotKind::sfpu_unary:
    case SlotKind::binary:
    case SlotKind::sfpu_binary:
    case SlotKind::sfpu_ternary:
      for (std::size_t i = 0; i < op.in.size(); ++i) add(i);
      break;
    case SlotKind::matmul_acc:
    case SlotKind::reduce_acc:
      add(op.in.size() - 1);
      break;
    case SlotKind::dest_reuse:
      // The operand that another operation made; of two inputs the first is the one that is loaded.
      add(dag.is_input(op.in[0]) && !dag.is_input(op.in[1]) ? 1 : 0);
      break;
    case SlotKind::bcast:
    case SlotKind::matmul:
    case SlotKind::fpu_reduce:
    case SlotKind::transpose:
      break;
  }
  return places;
}

std::string obstacle_to_one_section(const SlotDag& dag) {
  for (const SlotOp& op : dag.ops) {
    const std::vector<std::size_t> in_dst = dst_operands(dag, op);
    for (std::size_t i = 0; i < op.in.size(); ++i) {
      const bool dst = std::find(in_dst.begin(), in_dst.end(), i) != in_dst.end();
      const bool same_value = std::any_of(in_dst.begin(), in_dst.end(), [&](std::size_t p) { return op.in[p] == op.in[i]; });
      const bool may_be_dst = dst || (same_value && !overwrites_by_nature(op.kind));
      if (!may_be_dst && !dag.is_input(op.in[i])) return op.name;
    }
  }
  return {};
}

int fresh_result_slots(const SlotDag& listed, FreshOrder how) {
  const SlotDag dag = without_dead_ops(listed);
  const std::vector<std::size_t> order = how == FreshOrder::breadth_first ? breadth_first(dag) : depth_first(dag);
  std::vector<int> uses(dag.inputs.size() + dag.ops.size(), 0);
  for (const SlotOp& op : dag.ops) {
    for (const int value : op.in) ++uses[value];
  }
  int live = 0;
  int peak = count_of(dag.outputs);
  for (const std::size_t index : order) {
    const SlotOp& op = dag.ops[index];
    int loads = 0;
    for (const std::size_t place : dst_operands(dag, op)) loads += dag.is_input(op.in[place]) ? 1 : 0;
    int ended = 0;
    for (const int value : op.in) {
      const int left = --uses[value];
      ended += left == 0 && !dag.is_input(value) && !dag.is_output(value) ? 1 : 0;
    }
    const bool in_place = overwrites_by_nature(op.kind) && ended + loads > 0;
    peak = std::max(peak, live + loads + (in_place ? 0 : 1));
    live += 1 - ended;
  }
  return peak;
}

}  // namespace tilegrid::planner
