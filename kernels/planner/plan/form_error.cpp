// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/plan/form_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/fidelity_name.h"
#include "core/tile.h"
#include "kernels/planner/plan/cost.h"
#include "kernels/planner/plan/rounding.h"

namespace tilegrid::planner {
namespace {

void sort(FormError& error) {
  std::stable_sort(error.costs.begin(), error.costs.end(),
                   [](const FormCost& a, const FormCost& b) { return a.bound > b.bound; });
}

class FormErrors {
 public:
  /// `of_inputs`: errors of the inputs, by value; `rounds`: how often a running value is gone on with.
  FormErrors(const Plan& plan, std::vector<double> of_inputs, int rounds)
      : of_value(std::move(of_inputs)),
        rounds_(rounds),
        plan_(plan),
        graph_(plan.graph),
        formats_(plan.graph, plan.machine),
        fp32_(plan.machine.dst_fp32),
        costs_(plan.graph.ops().size()) {
    of_value.resize(graph_.values().size(), 0);
  }

  std::vector<double> of_value;  ///< errors of all values, after run()

  FormError run() {
    for (int op = 0; op < count_of(graph_.ops()); ++op) accumulator(op);
    for (const Stage& stage : plan_.stages) {
      for (const Run& run : stage.runs) {
        for (const Instruction& instruction : run.body) visit(stage, instruction);
      }
      blocks_of_k(stage);
      loads(stage);
    }
    return added_up();
  }

 private:
  /// The worst of an operation's sections and tiles counts, once for each reason.
  void charge(int op, double bound, const std::string& why) {
    if (bound <= 0 || graph_.op(op).form != FormRule::any) return;
    for (FormCost& known : costs_[op]) {
      if (known.why != why) continue;
      known.bound = std::max(known.bound, bound);
      return;
    }
    costs_[op].push_back({graph_.op(op).name, why, bound});
  }

  [[nodiscard]] double unit() const { return dst_unit(fp32_); }
  /// Of a value as a unit finds it in a CB or in DST, whose slots hold no more.
  [[nodiscard]] int places(ValueId value) const { return std::min(dst_places(fp32_), places_of(formats_.format_of(value))); }
  /// What a source register cuts from it.
  [[nodiscard]] double cut(ValueId value) const { return truncation(places(value), source_places(fp32_)); }
  /// Tiles that a reduction, tile_sum or matmul adds up to one.
  [[nodiscard]] int terms(const Op& op) const {
    const Shape shape = graph_.value(op.in[0]).shape;
    if (op.kind == OpKind::matmul || op.dim == ReduceDim::row) return shape.cols.tiles;
    return op.dim == ReduceDim::col ? shape.rows.tiles : shape.tiles();
  }

  /// A sum that begins from its accumulator rounds that as often as there are tiles, instead of once; a maximum cuts it.
  void accumulator(int index) {
    const Op& op = graph_.op(index);
    // A running value is rounded no more often than in a sum over the whole axis.
    if (!op.accumulate || graph_.value(op.in.back()).carried) return;
    if (op.kind == OpKind::reduce && op.pool == Pool::max) {
      const int producer = graph_.op_of(op.in.back());
      const bool cut_before =
          producer >= 0 && graph_.op(producer).kind == OpKind::reduce && graph_.op(producer).pool == op.pool;
      if (!cut_before) charge(index, cut(op.in.back()), "begins from a maximum cut to TF32");
      return;
    }
    const int tiles = terms(op);
    if (fp32_ && op.dim == ReduceDim::row && op.kind == OpKind::reduce && plan_.machine.numerics != Numerics::fast) {
      const int kept = std::min(source_places(fp32_), places(op.in[0]));
      charge(index, tiles * truncation(dst_places(fp32_), kept),
             fmt::format("begins in a slot that is cut to {} bits with each of {} tiles", kept, tiles));
      return;
    }
    double bound = (tiles - 1) * unit();
    if (op.kind == OpKind::matmul) {
      // Products are added to it one by one in fp32, by HiFi3 in two passes.
      bound += fp32_unit * tile_side * tiles * (plan_.machine.fidelity == Fidelity::hifi3 ? 2 : 1);
    }
    charge(index, bound,
           fmt::format("begins in a {}-bit slot, rounded {} time{}", fp32_ ? 32 : 16, tiles, tiles == 1 ? "" : "s"));
  }

  void visit(const Stage& stage, const Instruction& i) {
    switch (i.action) {
      case Action::fpu_binary:
        return fpu(i.op, i.value[0], i.value[1]);
      case Action::dest_reuse: {
        const Op& op = graph_.op(i.op);
        const ValueId slot = op.in[i.dst_is_a ? 0 : 1];
        return i.dst_is_a ? fpu(i.op, slot, i.value[0]) : fpu(i.op, i.value[0], slot);
      }
      case Action::tile_sum:
        // Dest-reuse cuts the sum so far with every tile.
        if (i.slot[1] < 0 && fp32_) charge(i.op, (terms(graph_.op(i.op)) - 1) * truncation(24, 11), "sums cut to TF32");
        return;
      case Action::pack:
        return packed(stage, i);
      default:
        return;
    }
  }

  /// Operand a goes to SrcA, b to SrcB.
  void fpu(int index, ValueId a, ValueId b) {
    const std::string function(graph_.op(index).function->name);
    if (function != "mul") {
      charge(index, std::max(cut(a), cut(b)), fmt::format("{} on the FPU, cut to TF32", function));
      return;
    }
    const Fidelity fidelity = plan_.machine.fidelity;
    const bool two_roundings = fp32_ && fidelity == Fidelity::hifi3;
    charge(index, product_cut(fidelity, fp32_, places(a), places(b)) + (two_roundings ? fp32_unit : 0),
           fmt::format("mul on the FPU at {}", name_of(fidelity)));
  }

  /// Sums that the packer makes in a format with fewer places than DST.
  void packed(const Stage& stage, const Instruction& i) {
    if (!i.accumulate) return;
    const int index = graph_.op_of(i.value[0]);
    const int kept = places_of(formats_.format_of(i.value[0], i.to_output));
    const double rounding = kept >= dst_places(fp32_) ? 0 : std::ldexp(1.0, -kept);
    if (graph_.op(index).kind == OpKind::tile_sum) {
      charge(index, (terms(graph_.op(index)) - 1) * rounding, "sums of the packer in a narrower format");
    } else {
      // DST rounds earlier terms as often or more often; the last block gets one rounding more.
      charge(index, std::max((stage.k_blocks - 1) * rounding, unit()),
             fmt::format("packer adds {} blocks of K", stage.k_blocks));
    }
  }

  [[nodiscard]] bool loads_cut() const { return fp32_ && plan_.machine.precision == Precision::allow_tf32; }

  /// Partial sums that come back through copies that cut them.
  void blocks_of_k(const Stage& stage) {
    if (stage.k_blocks <= 1 || stage.carrier != Carrier::reload || !loads_cut()) return;
    for (const int op : stage.ops) {
      if (graph_.op(op).kind != OpKind::matmul) continue;
      charge(op, (stage.k_blocks - 1) * truncation(24, 11), fmt::format("{} blocks of K, cut to TF32", stage.k_blocks));
    }
  }

  /// Operands in DST that copies cut on their way there.
  void loads(const Stage& stage) {
    if (!loads_cut()) return;
    std::vector<bool> loaded(graph_.values().size(), false);
    for (const Run& run : stage.runs) {
      for (const Instruction& i : run.body) {
        if (i.action == Action::load || (i.action == Action::tile_sum && i.value[0] != no_value)) loaded[i.value[0]] = true;
      }
    }
    for (const int index : stage.ops) {
      const Op& op = graph_.op(index);
      double bound = 0;
      for (std::size_t i = 0; i < op.in.size(); ++i) {
        const bool from_slot =
            op.kind <= OpKind::ternary || op.kind == OpKind::tile_sum || (op.accumulate && i + 1 == op.in.size());
        const bool running = op.accumulate && i + 1 == op.in.size() && graph_.value(op.in[i]).carried;
        if (loaded[op.in[i]] && from_slot) bound += cut(op.in[i]) * (running ? rounds_ : 1);
      }
      charge(index, bound, "operands cut to TF32 as they are loaded");
    }
  }

  [[nodiscard]] FormError added_up() {
    FormError error;
    for (int index = 0; index < count_of(graph_.ops()); ++index) {
      const Op& op = graph_.op(index);
      double own = 0;
      for (const FormCost& cost : costs_[index]) {
        own += cost.bound;
        error.costs.push_back(cost);
      }
      of_value[graph_.result_of(index)] = own + handed_on(op, of_value);
    }
    for (const ValueId output : graph_.outputs()) error.bound = std::max(error.bound, of_value[output]);
    sort(error);
    return error;
  }
  static double handed_on(const Op& op, const std::vector<double>& of_value) {
    const std::string_view function = op.function == nullptr ? std::string_view() : op.function->name;
    const bool product = op.kind == OpKind::matmul || function == "mul" || function == "div";
    double largest = 0;
    double factors = 0;
    for (std::size_t i = 0; i < op.in.size(); ++i) {
      largest = std::max(largest, of_value[op.in[i]]);
      if (i < 2) factors += of_value[op.in[i]];
    }
    // A matmul's third operand is its accumulator.
    if (function == "square") return 2 * largest;
    return product ? std::max(factors, largest) : largest;
  }

  const int rounds_;
  const Plan& plan_;
  const Graph& graph_;
  const CostModel formats_;
  const bool fp32_;
  std::vector<std::vector<FormCost>> costs_;  ///< by operation
};

void add_cost(std::vector<FormCost>& costs, const FormCost& cost) {
  for (FormCost& known : costs) {
    if (known.operation != cost.operation || known.why != cost.why) continue;
    known.bound = std::max(known.bound, cost.bound);
    return;
  }
  costs.push_back(cost);
}

/// Of a pass's first or later segments; `of_value` has the errors of the whole graph's values so far.
void add_pass(const Plan& plan, const std::vector<ValueId>& of, int rounds, std::vector<double>& of_value,
              std::vector<FormCost>& costs) {
  std::vector<double> inputs;
  inputs.reserve(plan.graph.input_count());
  for (ValueId input = 0; input < plan.graph.input_count(); ++input) inputs.push_back(of_value[of[input]]);
  FormErrors errors(plan, std::move(inputs), rounds);
  for (const FormCost& cost : errors.run().costs) add_cost(costs, cost);
  for (ValueId value = plan.graph.input_count(); value < count_of(plan.graph.values()); ++value) {
    double& known = of_value[of[value]];
    known = std::max(known, errors.of_value[value]);
  }
}

FormError error_of_passes(const Plan& plan) {
  FormError error;
  std::vector<double> of_value(plan.graph.values().size(), 0);
  for (const Pass& pass : plan.passes) {
    add_pass(pass.first, pass.first_of, 1, of_value, error.costs);
    if (pass.segments > 1) add_pass(pass.later, pass.later_of, pass.segments - 1, of_value, error.costs);
  }
  for (const ValueId output : plan.graph.outputs()) error.bound = std::max(error.bound, of_value[output]);
  sort(error);
  return error;
}

}  // namespace

FormError form_error(const Plan& plan) {
  return plan.passes.empty() ? FormErrors(plan, {}, 1).run() : error_of_passes(plan);
}

}  // namespace tilegrid::planner
