// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/plan/planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "core/core.h"
#include "core/error.h"
#include "core/l1.h"
#include "kernels/planner/plan/best_plan.h"
#include "kernels/planner/plan/form_error.h"
#include "kernels/planner/plan/stage_planner.h"

namespace tilegrid::planner {
namespace {

/// What makes one stage of a strategy.
using StageMaker = std::function<StagePlan(const StageProblem&)>;

/// The operation that is the first to use a slot that is not there: where a forced run ends.
std::string first_beyond(const Graph& graph, const StagePlan& stage, int capacity) {
  for (const Run& run : stage.stage.runs) {
    for (const Instruction& instruction : run.body) {
      const int last = instruction.slot[0] + instruction.rt * instruction.ct - 1;
      const int highest = std::max({last, instruction.slot[1], instruction.slot[2], instruction.slot[3]});
      if (highest >= capacity && instruction.op >= 0) return graph.op(instruction.op).name;
    }
  }
  return stage.at;
}

Refusal refusal_of(const Graph& graph, const StagePlan& stage, int capacity, std::string fits) {
  Refusal refusal;
  refusal.account = stage.account;
  refusal.at = first_beyond(graph, stage, capacity);
  for (const SlotUse& use : stage.account) refusal.needed += use.slots;
  refusal.capacity = capacity;
  refusal.reason =
      fmt::format("Insufficient DST capacity for all operands: {} slots wanted, {} there", refusal.needed, capacity);
  refusal.fits = std::move(fits);
  return refusal;
}

/// A sub-block of the stage that would fit, as advice.
std::string what_fits(const StageProblem& problem, int capacity) {
  if (const auto cut = least_cut(problem, listed_schedule(problem), capacity, 0)) {
    const Run& run = cut->stage.runs.front();
    if (cut->stage.runs.size() == 1 && run.sections() == 1) return "the whole block, tile by tile (subblock)";
    return fmt::format("{}x{} sub-blocks (subblock)", run.h, run.w);
  }
  int most = 0;
  for (const int op : problem.ops()) most = std::max(most, slots_alone(problem.graph(), problem.machine(), op));
  if (most <= capacity) return "other forms or smaller sections (best)";
  return fmt::format("a capacity of {} (best)", most);
}

/// A plan whose stages come from `maker`, one for each group of the least cut.
Plan plan_by_stages(const Graph& graph, Strategy strategy, const PlanRequest& request, const StageMaker& maker,
                    bool double_buffered) {
  Plan plan;
  plan.strategy = strategy;
  plan.graph = graph;
  plan.machine = request.machine;
  const int capacity = plan.machine.capacity();
  const std::vector<OpGroup> groups = partition(plan.graph);
  const std::vector<bool> packed = packed_values(plan.graph, groups);
  int fullest = -1;
  for (const OpGroup& group : groups) {
    const StageProblem problem(plan.graph, plan.machine, group, packed);
    StagePlan stage = maker(problem);
    if (stage.peak > fullest) {
      fullest = stage.peak;
      plan.account = stage.account;
    }
    if (stage.peak > capacity && !plan.refusal)
      plan.refusal = refusal_of(plan.graph, stage, capacity, what_fits(problem, capacity));
    plan.stages.push_back(std::move(stage.stage));
  }
  finish_plan(plan, request, double_buffered);
  return plan;
}

Plan plan_naive(const Graph& graph, const PlanRequest& request) {
  const auto maker = [&](const StageProblem& problem) {
    const Shape shape = problem.group().shape;
    Body body = expand_naive(problem, shape.rows.tiles, shape.cols.tiles);
    StagePlan stage;
    stage.stage.ops = problem.group().ops;
    stage.stage.shape = shape;
    stage.stage.by_kind = true;
    Run run;
    run.rows = run.h = shape.rows.tiles;
    run.cols = run.w = shape.cols.tiles;
    run.body = std::move(body.instructions);
    run.peak = stage.peak = body.peak;
    stage.account = std::move(body.account);
    stage.at = std::move(body.at);
    stage.stage.runs.push_back(std::move(run));
    return stage;
  };
  Plan plan = plan_by_stages(graph, Strategy::naive, request, maker, false);
  for (const Op& op : graph.ops()) {
    if (op.kind != OpKind::matmul || !op.transpose_b) continue;
    const std::string& name = graph.value(op.in[1]).name;
    plan.notes.push_back(
        fmt::format("{}: a matmul reads both factors from circular buffers, so {}^T in DST is of no use to it: its slots "
                    "are kept as this "
                    "strategy asks, and the unpacker transposes {} on its way (dst.md 0)",
                    op.name, name, name));
  }
  return plan;
}

Plan plan_liveness(const Graph& graph, const PlanRequest& request) {
  return plan_by_stages(
      graph, Strategy::liveness, request,
      [&](const StageProblem& problem) {
        const Shape shape = problem.group().shape;
        return lay_out(problem, listed_schedule(problem), {shape.rows.tiles, shape.cols.tiles, TileOrder::grouped},
                       request.machine.capacity());
      },
      false);
}

Plan plan_subblock(const Graph& graph, const PlanRequest& request, Strategy strategy) {
  const bool pipelined = strategy == Strategy::pipelined;
  Plan plan = plan_by_stages(
      graph, strategy, request,
      [&](const StageProblem& problem) {
        const Schedule schedule = listed_schedule(problem);
        const int capacity = request.machine.capacity();
        if (auto cut = least_cut(problem, schedule, capacity, request.max_tiles)) return std::move(*cut);
        return lay_out(problem, schedule, {1, 1, TileOrder::tile_by_tile}, capacity);
      },
      pipelined);
  if (pipelined && request.machine.full_sync && !plan.refusal) {
    Refusal refusal;
    refusal.reason = "full-sync has one DST section: there are no halves for math and pack to take in turn";
    refusal.needed = plan.peak;
    refusal.capacity = request.machine.capacity();
    refusal.fits = "half-sync";
    plan.refusal = refusal;
  }
  return plan;
}

Plan plan_grid(const Graph& graph, const PlanRequest& request) {
  int parts = 1;
  const Graph small = one_tile_block(graph, parts);
  Plan plan = plan_subblock(small, request, Strategy::grid);
  plan.cores = parts;
  finish_plan(plan, request, false);
  if (parts == 1) plan.notes.emplace_back("the block can't be divided over cores: operations sum over its axes");
  return plan;
}

}  // namespace

std::uint64_t l1_for_buffers(const Machine& machine) {
  return machine.l1_bytes > 0 ? machine.l1_bytes : machine.chip.memory().l1_bytes - l1_user_base;
}

/// What would make the buffers fit: a smaller block where it can be cut. A side that an operation sums over can't, it is the
/// tensor's.
static std::string what_fits_l1(const Plan& plan) {
  std::string whole;
  for (const Value& value : plan.graph.values()) {
    const std::array<Extent, 2> extents{value.shape.rows, value.shape.cols};
    for (std::size_t dim = 0; dim < 2; ++dim) {
      const AxisId axis = value.axes.at(dim);
      if (axis == no_axis || extents.at(dim).tiles == 1) continue;
      if (!plan.graph.axes()[axis].contracted) return "a smaller `block`";
      const int tiles = extents.at(dim).tiles;
      const auto fit = std::uint64_t{1} * tiles * l1_for_buffers(plan.machine) / plan.cb_bytes();
      if (!whole.empty()) continue;
      whole = fmt::format(
          "a tensor of at most about {} {} of tiles (operations sum over all {} of '{}', so that a block can't be cut "
          "there), a narrower `format`, or several graphs with what is between them in DRAM",
          std::max<std::uint64_t>(fit, 1), dim == 0 ? "rows" : "columns", tiles, value.name);
    }
  }
  return whole.empty() ? "a narrower `format`, or several graphs with what is between them in DRAM" : whole;
}

/// Why a strategy that wants all of K at once has no plan.
static Refusal refusal_for_l1(const Plan& plan, const PlanRequest& request) {
  Refusal refusal;
  refusal.needed = plan.peak;
  refusal.capacity = plan.machine.capacity();
  refusal.reason =
      request.k_block > 0
          ? fmt::format("{} wants all of K at once; K blocks are for best", name_of(plan.strategy))
          : fmt::format("circular buffers of {} bytes wanted, L1 has {}", plan.cb_bytes(), l1_for_buffers(plan.machine));
  refusal.fits = what_fits_l1(plan) + ", or K in blocks or passes over segments (best)";
  return refusal;
}

bool fits_l1(const Plan& plan) { return plan.cb_bytes() <= l1_for_buffers(plan.machine); }

void check_buffer_count(const Plan& plan) {
  const auto count = count_of(plan.buffers);
  if (count > max_circular_buffers) {
    throw UsageError(
        fmt::format("{}: {} circular buffers wanted ({} inputs, {} outputs, the rest between stages), a core has {}",
                    plan.graph.name.empty() ? "graph" : plan.graph.name, count, plan.graph.input_count(),
                    plan.graph.outputs().size(), max_circular_buffers));
  }
}

void check_buffers(const Plan& plan) {
  check_buffer_count(plan);
  if (fits_l1(plan)) return;
  throw UsageError(fmt::format("{}: circular buffers of {} bytes wanted, L1 has {}; {} would do",
                               plan.graph.name.empty() ? "graph" : plan.graph.name, plan.cb_bytes(),
                               l1_for_buffers(plan.machine), what_fits_l1(plan)));
}

Plan unchecked_plan(const Graph& simple, Strategy strategy, const PlanRequest& request) {
  Plan result;
  switch (strategy) {
    case Strategy::naive:
      result = plan_naive(simple, request);
      break;
    case Strategy::liveness:
      result = plan_liveness(simple, request);
      break;
    case Strategy::subblock:
    case Strategy::pipelined:
      result = plan_subblock(simple, request, strategy);
      break;
    case Strategy::grid:
      result = plan_grid(simple, request);
      break;
    case Strategy::best:
      return plan_best(simple, request);
  }
  if (strategy == Strategy::pipelined && !fits_l1(result)) {
    Plan single = result;
    finish_plan(single, request, false);
    if (fits_l1(single)) {
      single.notes.emplace_back("circular buffers are single: L1 has no room for two blocks");
      return single;
    }
  }
  if (result.legal() && (request.k_block > 0 || !fits_l1(result))) result.refusal = refusal_for_l1(result, request);
  return result;
}

namespace {

/// A column of a tile would share its exponents with what is beside it, which a kernel leaves as it happens to be.
void check_block_floats(const Graph& graph, const Machine& machine) {
  if (!is_block_float(machine.out_format())) return;
  for (const ValueId output : graph.outputs()) {
    const Value& value = graph.value(output);
    if (!value.shape.cols.unit) continue;
    throw UsageError(fmt::format(
        "`format` {}: output '{}' is one element wide and would share its exponents with the other columns of its tile; "
        "use bf16 or fp32",
        name_of(machine.out_format()), value.name));
  }
}

/// The graph as all strategies plan it.
Graph prepared(const Graph& graph, const Machine& machine) {
  constexpr std::size_t most_ops = 400;
  if (graph.ops().size() > most_ops) {
    throw UsageError(fmt::format("{}: {} operations, at most {} can be planned together",
                                 graph.name.empty() ? "graph" : graph.name, graph.ops().size(), most_ops));
  }
  Graph simple = simplified(graph, machine.folds());
  check_block_floats(simple, machine);
  // The packer adds in the format of the buffer: sums in a bf16 output would lose what fp32 DST keeps.
  for (const ValueId output : simple.outputs()) {
    if (narrow_output(machine) && simple.op(simple.op_of(output)).kind == OpKind::tile_sum) {
      simple.set_form(output, FormRule::cb_only);
    }
  }
  return simple;
}

}  // namespace

Plan plan(const Graph& graph, Strategy strategy, const PlanRequest& request) {
  Plan result = unchecked_plan(prepared(graph, request.machine), strategy, request);
  check_buffer_count(result);
  result.error = form_error(result);
  return result;
}

std::vector<Plan> plan_all(const Graph& graph, const PlanRequest& request) {
  std::vector<Plan> plans;
  plans.reserve(strategy_count);
  for (int strategy = 0; strategy < strategy_count; ++strategy) {
    plans.push_back(plan(graph, static_cast<Strategy>(strategy), request));
  }
  return plans;
}

SmallestCapacity smallest_capacity(const Graph& graph, const PlanRequest& request) {
  const Graph simple = prepared(graph, request.machine);
  SmallestCapacity smallest;
  for (int op = 0; op < count_of(simple.ops()); ++op) {
    const int slots = slots_alone(simple, request.machine, op);
    if (slots > smallest.slots) smallest = {slots, simple.op(op).name};
  }
  return smallest;
}

}  // namespace tilegrid::planner
