// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/plan/order.h"

#include <algorithm>

namespace tilegrid::planner {

StageProblem::StageProblem(const Graph& graph, const Machine& machine, const OpGroup& group, const std::vector<bool>& packed)
    : graph_(&graph),
      machine_(&machine),
      group_(&group),
      made_here_(graph.values().size(), false),
      held_(graph.values().size(), false),
      packed_(packed) {
  for (const int op : group.ops) {
    const Op& operation = graph.op(op);
    const ValueId result = graph.result_of(op);
    if (summed_by_packer(graph, operation)) {
      packer_sums_.push_back(op);
      held_[operation.in[0]] = true;
      continue;
    }
    ops_.push_back(op);
    made_here_[result] = true;
    if (packed[result]) held_[result] = true;
  }
}

bool StageProblem::made_here(ValueId value) const { return made_here_[value]; }

std::vector<ValueId> StageProblem::held_values() const {
  std::vector<ValueId> values;
  for (const int op : ops_) {
    if (held_[graph_->result_of(op)]) values.push_back(graph_->result_of(op));
  }
  return values;
}

bool StageProblem::fpu_keeps(const Op& op) const {
  if (machine_->precision == Precision::allow_tf32) return true;
  const CostModel formats(*graph_, *machine_);
  const auto places = [&](std::size_t operand) {
    return std::min(dst_places(machine_->dst_fp32), places_of(formats.format_of(op.in[operand])));
  };
  const int a = places(0);
  const int b = places(1);
  if (std::max(a, b) > source_places(machine_->dst_fp32)) return false;
  if (op.function->name != "mul") return true;
  // Either factor may come to stand in either source: a planner swaps them, and so does dest-reuse.
  const auto cut = [&](int in_a, int in_b) { return product_cut(machine_->fidelity, machine_->dst_fp32, in_a, in_b); };
  return cut(a, b) == 0 && cut(b, a) == 0;
}

bool StageProblem::widened(const Op& op, std::size_t index) const {
  switch (op.kind) {
    case OpKind::unary:
    case OpKind::binary:
    case OpKind::sfpu_binary:
    case OpKind::ternary:
      return graph_->value(op.in[index]).shape != group_->shape;
    default:
      return false;
  }
}

Broadcast StageProblem::broadcast_of(ValueId value) const {
  const Shape shape = graph_->value(value).shape;
  const bool rows = shape.rows.unit && !group_->shape.rows.unit;
  const bool cols = shape.cols.unit && !group_->shape.cols.unit;
  if (rows && cols) return Broadcast::scalar;
  if (rows) return Broadcast::rows;
  return cols ? Broadcast::cols : Broadcast::none;
}

std::vector<Form> StageProblem::forms_of(int op) const {
  const Op& operation = graph_->op(op);
  if (operation.kind == OpKind::sfpu_binary) return {Form::sfpu};
  if (operation.kind != OpKind::binary) return {Form::unit};
  const bool keeps_dst = !machine_->dst_fp32 || machine_->precision == Precision::allow_tf32;
  const bool keeps = fpu_keeps(operation);
  const bool a_here = made_here(operation.in[0]);
  const bool b_here = made_here(operation.in[1]);
  const bool a_wide = widened(operation, 0);
  const bool b_wide = widened(operation, 1);
  // The FPU widens its second operand only; add and mul may swap.
  const bool one_widened = !(a_wide && b_wide) && (!a_wide || operation.function->name != "sub");
  const bool fpu = !a_here && !b_here && one_widened;
  std::vector<Form> forms;
  if (operation.form == FormRule::cb_only && fpu) return {Form::fpu};
  if (fpu && keeps && operation.form == FormRule::any) forms.push_back(Form::fpu);
  const bool insists = operation.form == FormRule::dest_reuse_only;
  const bool distinct = operation.in[0] != operation.in[1];
  if (distinct && (insists || (keeps_dst && keeps))) {
    if (!b_here && !b_wide) forms.push_back(Form::reuse_a);
    if (!a_here && !a_wide) forms.push_back(Form::reuse_b);
  }
  if (!insists || forms.empty()) forms.push_back(Form::sfpu);
  return forms;
}

bool StageProblem::operand_in_dst(const Op& op, Form form, std::size_t index) const {
  switch (op.kind) {
    case OpKind::matmul:
    case OpKind::reduce:
      return op.accumulate && index + 1 == op.in.size();
    case OpKind::tile_sum:
    case OpKind::transpose:
      return false;
    case OpKind::binary:
      break;
    default:
      return true;
  }
  switch (form) {
    case Form::fpu:
      return false;
    case Form::reuse_a:
      return index == 0;
    case Form::reuse_b:
      return index == 1;
    default:
      return true;
  }
}

bool StageProblem::in_place(const Op& op, Form form, std::size_t& operand) {
  switch (op.kind) {
    case OpKind::unary:
      operand = 0;
      return true;
    case OpKind::matmul:
    case OpKind::reduce:
      operand = op.in.size() - 1;
      return op.accumulate;
    case OpKind::binary:
      operand = form == Form::reuse_b ? 1 : 0;
      return form == Form::reuse_a || form == Form::reuse_b;
    default:
      return false;
  }
}

bool StageProblem::sums_on_sfpu(const Op& op) const {
  if (op.kind != OpKind::tile_sum || !machine_->dst_fp32 || machine_->precision != Precision::keep) return false;
  const Shape summed = graph_->value(op.in[0]).shape;
  return (op.dim == ReduceDim::row ? summed.cols.tiles : summed.rows.tiles) > 1;
}

bool StageProblem::adds_into_slot(const Op& op, Form form) {
  switch (op.kind) {
    case OpKind::matmul:
    case OpKind::reduce:
      return !op.accumulate;
    case OpKind::binary:
      return form == Form::fpu && op.function->name == "mul";
    default:
      return false;
  }
}

Schedule listed_schedule(const StageProblem& problem) {
  const Graph& graph = problem.graph();
  Schedule schedule;
  for (const int op : problem.ops()) {
    const std::vector<Form> forms = problem.forms_of(op);
    const bool sfpu = std::find(forms.begin(), forms.end(), Form::sfpu) != forms.end();
    schedule.push_back({op, sfpu ? Form::sfpu : forms.front(), {}});
  }
  // A loaded input stays until the last step that wants it in DST.
  for (std::size_t i = 0; i < schedule.size(); ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const Op& op = graph.op(schedule[j].op);
      for (std::size_t operand = 0; operand < op.in.size(); ++operand) {
        const ValueId value = op.in[operand];
        if (problem.made_here(value) || !problem.operand_in_dst(op, schedule[j].form, operand)) continue;
        if (problem.widened(op, operand)) continue;
        bool wanted = false;
        for (std::size_t later = i + 1; later < schedule.size(); ++later) {
          const Op& user = graph.op(schedule[later].op);
          for (std::size_t k = 0; k < user.in.size(); ++k) {
            wanted = wanted || (user.in[k] == value && problem.operand_in_dst(user, schedule[later].form, k) &&
                                !problem.widened(user, k));
          }
        }
        auto& keep = schedule[i].keep;
        if (wanted && std::find(keep.begin(), keep.end(), value) == keep.end()) keep.push_back(value);
      }
    }
  }
  return schedule;
}

}  // namespace tilegrid::planner
