// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "core/ids.h"
#include "kernels/planner/graph/graph.h"

namespace tilegrid::planner {
namespace {

/// A copy of a graph's operations that can be rewritten in place: an operation keeps its place, name and result, and reads
/// only values from before it. What is no longer needed is left out when the graph is built anew.
class Rewriter {
 public:
  Rewriter(const Graph& graph, const Folds& folds)
      : graph_(graph), folds_(folds), ops_(graph.ops()), live_(graph.ops().size(), false) {
    find_live();
  }

  void run() {
    bool changed = true;
    while (changed) {
      changed = false;
      for (int i = 0; i < count_of(ops_); ++i) {
        if (live(i) && (fold_transpose(i) || fold_accumulator(i) || fold_scale(i))) {
          changed = true;
          find_live();
        }
      }
    }
  }

  [[nodiscard]] Graph built() const;

 private:
  [[nodiscard]] bool live(int op) const { return live_[op]; }
  [[nodiscard]] Op& op_at(int index) { return ops_[index]; }
  void find_live() {
    std::fill(live_.begin(), live_.end(), false);
    for (const ValueId output : graph_.outputs()) live_[graph_.op_of(output)] = true;
    for (std::size_t i = ops_.size(); i-- > 0;) {
      if (!live_[i]) continue;
      for (const ValueId in : ops_[i].in) {
        if (!graph_.is_input(in)) live_[graph_.op_of(in)] = true;
      }
    }
  }
  /// How often live operations read the value; an operation that reads it twice counts twice.
  [[nodiscard]] int reads_of(ValueId value) const {
    std::ptrdiff_t reads = 0;
    for (std::size_t i = 0; i < ops_.size(); ++i) {
      if (live_[i]) reads += std::count(ops_[i].in.begin(), ops_[i].in.end(), value);
    }
    return static_cast<int>(reads);
  }
  /// The operation that makes the value, when nothing but one read would miss it; else null.
  [[nodiscard]] const Op* only_for_one(ValueId value) const {
    if (graph_.is_input(value) || graph_.is_output(value) || reads_of(value) != 1) return nullptr;
    return &ops_[graph_.op_of(value)];
  }

  [[nodiscard]] bool may_begin(const Op& op, const Op& maker, ValueId from) const;
  bool fold_accumulator(int index);
  bool fold_scale(int index);
  bool fold_transpose(int index);

  const Graph& graph_;
  const Folds folds_;
  std::vector<Op> ops_;
  std::vector<bool> live_;
};

/// Whether the unit that makes the other operand of a sum or a maximum, by `maker`, may begin from this one.
bool Rewriter::may_begin(const Op& op, const Op& maker_of_other, ValueId from) const {
  if (op.kind == OpKind::binary) {
    if (maker_of_other.kind == OpKind::reduce && maker_of_other.dim == ReduceDim::row) {
      return op.running ? folds_.running_row_sums : folds_.row_sums;
    }
    return op.running ? folds_.running_sums : folds_.sums;
  }
  if (graph_.is_input(from)) return folds_.input_maxima;
  const Op& maker = ops_[graph_.op_of(from)];
  return folds_.result_maxima || (maker.kind == OpKind::reduce && maker.pool == Pool::max);
}

/// `x + a @ b`: the matmul takes the sum's place and begins from x. Of two that could, the later one, so that what the
/// other one made is in DST already.
bool Rewriter::fold_accumulator(int index) {
  Op& op = op_at(index);
  const bool sum = op.kind == OpKind::binary && op.function->name == "add";
  const bool maximum = op.kind == OpKind::sfpu_binary && op.function->vector == VectorOp::max_tile;
  if ((!sum && !maximum) || op.form != FormRule::any || op.in[0] == op.in[1]) return false;
  const Shape shape = graph_.value(graph_.result_of(index)).shape;
  const auto can_begin_from = [&](ValueId value, ValueId other) {
    const Op* maker = only_for_one(value);
    if (maker == nullptr || maker->accumulate || maker->form != FormRule::any) return false;
    const bool adds = maker->kind == OpKind::matmul || (maker->kind == OpKind::reduce && maker->pool == Pool::sum);
    const bool maxes = maker->kind == OpKind::reduce && maker->pool == Pool::max;
    return (sum ? adds : maxes) && may_begin(op, *maker, other) && graph_.value(value).shape == shape &&
           graph_.value(other).shape == shape;
  };
  const auto [earlier, later] = std::minmax(op.in[0], op.in[1]);
  const bool take_later = can_begin_from(later, earlier);
  if (!take_later && !can_begin_from(earlier, later)) return false;
  const ValueId folded = take_later ? later : earlier;
  const ValueId accumulator = take_later ? earlier : later;
  Op result = op_at(graph_.op_of(folded));
  result.name = op.name;
  result.in.push_back(accumulator);
  result.accumulate = true;
  op = std::move(result);
  return true;
}

/// `exp(x * c)` with c > 0: exp has a scale of its own.
bool Rewriter::fold_scale(int index) {
  Op& op = op_at(index);
  if (op.kind != OpKind::unary) return false;
  if (op.function->vector != VectorOp::exp_accurate && op.function->vector != VectorOp::exp_fast) return false;
  const Op* maker = only_for_one(op.in[0]);
  if (maker == nullptr || maker->kind != OpKind::unary || maker->function->vector != VectorOp::mul_scalar) return false;
  const float scale = op.parameter * maker->parameter;
  if (!(scale > 0) || !std::isfinite(scale)) return false;
  op.parameter = scale;
  op.in[0] = maker->in[0];
  return true;
}

/// A transposition of an input that only matmuls read, as operand 1: their unpacker's flag. Only for an input that nothing
/// reads untransposed: its tiles lie in the CB in one order.
bool Rewriter::fold_transpose(int index) {
  const Op transposition = op_at(index);
  const ValueId result = graph_.result_of(index);
  if (transposition.kind != OpKind::transpose || transposition.form != FormRule::any) return false;
  const ValueId from = transposition.in[0];
  if (!graph_.is_input(from) || graph_.is_output(result)) return false;
  for (int i = 0; i < count_of(ops_); ++i) {
    if (!live(i)) continue;
    const Op& op = op_at(i);
    for (std::size_t k = 0; k < op.in.size(); ++k) {
      const bool operand_1 = op.kind == OpKind::matmul && k == 1;
      if (op.in[k] == result && (!operand_1 || op.transpose_b)) return false;
      if (op.in[k] == from && i != index && (!operand_1 || !op.transpose_b)) return false;
    }
  }
  for (Op& op : ops_) {
    if (op.kind != OpKind::matmul || op.in[1] != result) continue;
    op.in[1] = from;
    op.transpose_b = true;
  }
  return true;
}

Graph Rewriter::built() const {
  Graph made;
  made.name = graph_.name;
  std::vector<ValueId> id_of(graph_.values().size(), no_value);
  const auto new_id = [&](ValueId value) { return id_of[value]; };
  for (ValueId i = 0; i < graph_.input_count(); ++i) {
    if (reads_of(i) == 0) continue;
    id_of[i] = made.input(graph_.value(i).name, graph_.value(i).shape);
  }
  for (int i = 0; i < count_of(ops_); ++i) {
    if (!live_[i]) continue;
    Op op = ops_[i];
    std::transform(op.in.begin(), op.in.end(), op.in.begin(), new_id);
    id_of[graph_.result_of(i)] = made.append(op);
  }
  for (const ValueId output : graph_.outputs()) made.output(new_id(output));
  made.finish();
  return made;
}

}  // namespace

Graph simplified(const Graph& graph, const Folds& folds) {
  Rewriter rewriter(graph, folds);
  rewriter.run();
  return rewriter.built();
}

}  // namespace tilegrid::planner
