// SPDX-License-Identifier: Apache-2.0
#include "kernels/fused/planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "core/core.h"
#include "core/error.h"
#include "core/l1.h"
#include "kernels/fused/best_plan.h"
#include "kernels/fused/stage_planner.h"

namespace tilegrid::fused {
namespace {

/// What makes one stage of a strategy.
using StageMaker = std::function<StagePlan(const StageProblem&)>;

Refusal refusal_of(const StagePlan& stage, int capacity, std::string fits) {
  Refusal refusal;
  refusal.account = stage.account;
  refusal.at = stage.at;
  for (const SlotUse& use : stage.account) refusal.needed += use.slots;
  if (stage.peak > refusal.needed) {
    refusal.account.push_back({"written before, so that nothing can be added into them", stage.peak - refusal.needed});
    refusal.needed = stage.peak;
  }
  refusal.capacity = capacity;
  refusal.reason =
      fmt::format("Insufficient DST capacity for all operands: {} slots wanted, {} there", refusal.needed, capacity);
  refusal.fits = std::move(fits);
  return refusal;
}

/// A sub-block of the stage that would fit, as advice.
std::string what_fits(const StageProblem& problem, const StagePlan& asked, int capacity) {
  if (const auto cut = least_cut(problem, listed_schedule(problem), capacity, 0)) {
    const Run& run = cut->stage.runs.front();
    if (cut->stage.runs.size() == 1 && run.sections() == 1) return "the whole block, tile by tile (see subblock)";
    return fmt::format("{}x{} sub-blocks", run.h, run.w);
  }
  const int least = fewest_slots(problem);
  if (least <= capacity) return fmt::format("other forms of the operations, with {} slots a tile (see best)", least);
  return fmt::format("a capacity of {}, or sections of fewer operations (see best); all at once: {}", least, asked.peak);
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
      plan.refusal = refusal_of(stage, capacity, what_fits(problem, stage, capacity));
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

std::uint64_t l1_available(const Machine& machine) {
  return machine.l1_bytes > 0 ? machine.l1_bytes : l1_bytes - l1_user_base;
}

}  // namespace

bool fits_l1(const Plan& plan) { return plan.cb_bytes() <= l1_available(plan.machine); }

void check_buffers(const Plan& plan) {
  const auto count = static_cast<int>(plan.buffers.size());
  if (count > max_circular_buffers) {
    throw UsageError(
        fmt::format("{}: {} circular buffers wanted ({} inputs, {} outputs, the rest between stages), a core has {}",
                    plan.graph.name.empty() ? "graph" : plan.graph.name, count, plan.graph.input_count(),
                    plan.graph.outputs().size(), max_circular_buffers));
  }
  if (fits_l1(plan)) return;
  throw UsageError(fmt::format("{}: circular buffers of {} bytes wanted, L1 has {}; a smaller --block would do",
                               plan.graph.name.empty() ? "graph" : plan.graph.name, plan.cb_bytes(),
                               l1_available(plan.machine)));
}

Plan plan(const Graph& graph, Strategy strategy, const PlanRequest& request) {
  const Graph simple = simplified(graph);
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
  const bool split_k = request.k_block > 0 || !fits_l1(result);
  if (strategy == Strategy::pipelined && !fits_l1(result) && request.k_block == 0) {
    Plan single = result;
    finish_plan(single, request, false);
    if (fits_l1(single)) {
      single.notes.emplace_back("circular buffers are single: L1 has no room for two blocks");
      return single;
    }
  }
  if (split_k) {
    if (auto streamed = plan_streamed(simple, strategy, request)) result = std::move(*streamed);
  }
  check_buffers(result);
  return result;
}

std::vector<Plan> plan_all(const Graph& graph, const PlanRequest& request) {
  std::vector<Plan> plans;
  for (int strategy = 0; strategy < strategy_count; ++strategy) {
    plans.push_back(plan(graph, static_cast<Strategy>(strategy), request));
  }
  return plans;
}

SmallestCapacity smallest_capacity(const Graph& graph, const PlanRequest& request) {
  const Graph simple = simplified(graph);
  SmallestCapacity smallest;
  for (int op = 0; op < static_cast<int>(simple.ops().size()); ++op) {
    const int slots = slots_alone(simple, request.machine, op);
    if (slots > smallest.slots) smallest = {slots, simple.op(op).name};
  }
  return smallest;
}

}  // namespace tilegrid::fused
