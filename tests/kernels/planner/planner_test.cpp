// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/plan/planner.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "core/error.h"
#include "kernels/planner/graph/presets.h"
#include "kernels/planner/plan/stage_planner.h"
#include "kernels/planner/slot_cases/slot_policies.h"
#include "tests/kernels/planner/random_graphs.h"

namespace tilegrid::planner {
namespace {

Shape tiles(int rows, int cols) { return {{rows, false}, {cols, false}}; }

int sum_of(const std::vector<SlotUse>& account) {
  int sum = 0;
  for (const SlotUse& use : account) sum += use.slots;
  return sum;
}

int tiles_in(const Stage& stage) {
  int count = 0;
  for (const Run& run : stage.runs) count += run.rows * run.cols;
  return count;
}

/// The modes that a machine can be in, with bf16 tensors for 16-bit DST and fp32 ones for 32-bit.
std::vector<PlanRequest> all_modes() {
  std::vector<PlanRequest> requests;
  for (const bool fp32 : {false, true}) {
    for (const bool full : {false, true}) {
      for (const Precision precision : {Precision::keep, Precision::allow_tf32}) {
        if (!fp32 && precision == Precision::allow_tf32) continue;
        PlanRequest request;
        request.machine.dst_fp32 = fp32;
        request.machine.full_sync = full;
        request.machine.precision = precision;
        request.machine.format = fp32 ? DataFormat::fp32 : DataFormat::bf16;
        requests.push_back(request);
      }
    }
  }
  return requests;
}

TEST(FusedPlanner, NaiveWantsTwentySlotsForTheDocumentsKernel) {
  const Graph graph = preset_graph("six-op", tiles(2, 2), 2);
  for (const bool full : {false, true}) {
    PlanRequest request;
    request.machine.full_sync = full;
    const Plan naive = plan(graph, Strategy::naive, request);
    ASSERT_TRUE(naive.refusal);
    EXPECT_EQ(naive.refusal->needed, 20);
    EXPECT_EQ(naive.refusal->capacity, full ? 16 : 8);
    ASSERT_EQ(naive.refusal->account.size(), 5U);
    for (const SlotUse& use : naive.refusal->account) EXPECT_EQ(use.slots, 4) << use.what;
    EXPECT_NE(naive.refusal->reason.find("Insufficient DST capacity for all operands"), std::string::npos);
    EXPECT_FALSE(naive.notes.empty());
  }
}

TEST(FusedPlanner, BestFitsTheDocumentsKernelWhole) {
  const Graph graph = preset_graph("six-op", tiles(2, 2), 2);
  PlanRequest request;
  const auto peak = [&] {
    const Plan best = plan(graph, Strategy::best, request);
    EXPECT_TRUE(best.legal());
    EXPECT_EQ(best.sections(), 1);
    EXPECT_EQ(best.tiles_per_section(), 4);
    return best.peak;
  };
  EXPECT_LE(peak(), 8);  // two passes of multiplication lose a bit: that is the SFPU's, with both operands in DST
  request.machine.fidelity = Fidelity::hifi4;
  EXPECT_EQ(peak(), 4);
  request.machine.fidelity = Fidelity::hifi2;
  request.machine.precision = Precision::allow_tf32;
  EXPECT_EQ(peak(), 4);
}

TEST(FusedPlanner, SlotsOfTheDocumentsKernelByStrategy) {
  const Graph graph = preset_graph("six-op", tiles(2, 2), 2);
  const Plan liveness = plan(graph, Strategy::liveness, {});
  EXPECT_TRUE(liveness.legal());
  EXPECT_EQ(liveness.peak, 8);  // T p = 4 x 2
  const Plan subblock = plan(graph, Strategy::subblock, {});
  EXPECT_TRUE(subblock.legal());
  EXPECT_EQ(subblock.peak, 5);  // (T - 1) n + p
  PlanRequest fp32;
  fp32.machine.dst_fp32 = true;
  EXPECT_FALSE(plan(graph, Strategy::liveness, fp32).legal());
  const Plan cut = plan(graph, Strategy::subblock, fp32);
  EXPECT_TRUE(cut.legal());
  EXPECT_EQ(cut.sections(), 2);
  EXPECT_EQ(cut.tiles_per_section(), 2);
}

TEST(FusedPlanner, GridGivesEveryCoreOneTile) {
  const Plan grid = plan(preset_graph("six-op", tiles(2, 3), 2), Strategy::grid, {});
  EXPECT_TRUE(grid.legal());
  EXPECT_EQ(grid.cores, 6);
  EXPECT_EQ(grid.block.tiles(), 1);
}

TEST(FusedPlanner, PeelsOddBlocks) {
  Graph graph;
  const ValueId x = graph.input("x", tiles(11, 1));
  graph.output(graph.apply("exp", {x}));
  graph.finish();
  const Plan cut = plan(graph, Strategy::subblock, {});
  ASSERT_EQ(cut.stages.size(), 1U);
  EXPECT_EQ(tiles_in(cut.stages[0]), 11);
  EXPECT_EQ(cut.sections(), 2);
}

TEST(FusedPlanner, KeepsPrecisionUnlessAllowed) {
  Graph graph;
  const ValueId a = graph.input("a", tiles(1, 1));
  const ValueId b = graph.input("b", tiles(1, 1));
  graph.output(graph.apply("add", {graph.apply("exp", {a}), b}));
  graph.finish();
  PlanRequest request;
  request.machine.dst_fp32 = true;
  request.machine.format = DataFormat::fp32;
  const auto uses_dest_reuse = [&] {
    const Plan best = plan(graph, Strategy::best, request);
    for (const Instruction& instruction : best.stages.at(0).runs.at(0).body) {
      if (instruction.action == Action::dest_reuse) return true;
    }
    return false;
  };
  EXPECT_FALSE(uses_dest_reuse());
  request.machine.precision = Precision::allow_tf32;
  EXPECT_TRUE(uses_dest_reuse());
}

TEST(FusedPlanner, NamesTheObstacleAndTheSmallestCapacity) {
  Graph graph;
  const ValueId a = graph.input("a", tiles(2, 2));
  const ValueId b = graph.input("b", tiles(2, 2));
  const ValueId c = graph.input("c", tiles(2, 2));
  graph.output(graph.apply("where", {graph.apply("exp", {a}), b, c}, 0, "chosen"));
  graph.finish();
  PlanRequest request;
  request.machine.capacity_override = 2;
  const SmallestCapacity smallest = smallest_capacity(graph, request);
  EXPECT_EQ(smallest.slots, 3);
  EXPECT_EQ(smallest.operation, "chosen");
  const Plan best = plan(graph, Strategy::best, request);
  ASSERT_TRUE(best.refusal);
  EXPECT_EQ(best.refusal->needed, 3);
  EXPECT_EQ(best.refusal->at, "chosen");
  request.machine.capacity_override = 3;
  EXPECT_TRUE(plan(graph, Strategy::best, request).legal());
}

TEST(FusedPlanner, SplitsWhatNeedsTooManySlotsAtOnce) {
  // A balanced sum of 16 leaves needs 5 slots on the SFPU, and fp32 values may not pass the FPU.
  Graph graph;
  std::vector<ValueId> level;
  for (int leaf = 0; leaf < 16; ++leaf) level.push_back(graph.input(fmt::format("x{}", leaf), tiles(1, 1)));
  while (level.size() > 1) {
    std::vector<ValueId> next;
    for (std::size_t i = 0; i < level.size(); i += 2) next.push_back(graph.apply("add", {level[i], level[i + 1]}));
    level = next;
  }
  graph.output(level[0]);
  graph.finish();
  PlanRequest request;
  request.machine.dst_fp32 = true;
  request.machine.format = DataFormat::fp32;
  const Plan best = plan(graph, Strategy::best, request);
  EXPECT_TRUE(best.legal());
  EXPECT_LE(best.peak, 4);
  EXPECT_GT(best.stages.size(), 1U);
  EXPECT_FALSE(plan(graph, Strategy::subblock, request).legal());
}

TEST(FusedPlanner, CostOfOneAddition) {
  Graph graph;
  const ValueId a = graph.input("a", tiles(1, 1));
  const ValueId b = graph.input("b", tiles(1, 1));
  graph.output(graph.apply("add", {a, b}));
  graph.finish();
  const Plan best = plan(graph, Strategy::best, {});
  const CoreCycles& cycles = Chip().cycles();
  EXPECT_EQ(best.cost.unpacked_tiles, 2U);
  EXPECT_EQ(best.cost.packed_tiles, 1U);
  EXPECT_DOUBLE_EQ(best.cost.unpack, 64 + 5);
  EXPECT_DOUBLE_EQ(best.cost.math, 13 + cycles.operation_switch);
  EXPECT_DOUBLE_EQ(best.cost.pack, 32 + 23.5);
  // One section bound by unpack, then the drain and two CB operations.
  EXPECT_DOUBLE_EQ(best.cost.compute, 64 + 5 + 32 + 23.5 + 2 * (cycles.cb_wait + cycles.cb_pop));
  EXPECT_STREQ(best.cost.bound(), "read") << "4096 bytes at 24 a cycle";
}

TEST(FusedPlanner, StreamsKWhenL1CannotHoldIt) {
  const auto graph_of = [](int k) {
    Graph graph;
    const ValueId a = graph.input("a", tiles(2, k));
    const ValueId b = graph.input("b", tiles(k, 4));
    graph.output(graph.apply("relu", {graph.matmul(a, b, false)}));
    graph.finish();
    return graph;
  };
  EXPECT_EQ(plan(graph_of(8), Strategy::best, {}).stages.at(0).k_blocks, 1);
  const Plan streamed = plan(graph_of(256), Strategy::best, {});
  ASSERT_TRUE(streamed.legal());
  const Stage& stage = streamed.stages.at(0);
  EXPECT_GT(stage.k_blocks, 1);
  EXPECT_EQ(stage.k_block * stage.k_blocks, 256);
  EXPECT_EQ(stage.carrier, Carrier::dst);  // 2x4 sums stay in the 8 slots
  EXPECT_LE(streamed.cb_bytes(), 1'395'712U);
  // 4x4 sums do not: the packer carries them.
  Graph large;
  const ValueId a = large.input("a", tiles(4, 256));
  const ValueId b = large.input("b", tiles(256, 4));
  large.output(large.matmul(a, b, false));
  large.finish();
  const Plan packed = plan(large, Strategy::best, {});
  EXPECT_NE(packed.stages.at(0).carrier, Carrier::dst);
}

TEST(FusedPlanner, RefusesWhatNoCoreCanHold) {
  Graph graph;
  ValueId sum = no_value;
  std::vector<ValueId> inputs;
  inputs.reserve(33);
  for (int i = 0; i < 33; ++i) inputs.push_back(graph.input(fmt::format("x{}", i), tiles(1, 1)));
  for (const ValueId input : inputs) sum = sum == no_value ? input : graph.apply("add", {sum, input});
  graph.output(sum);
  graph.finish();
  try {
    (void)plan(graph, Strategy::best, {});
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(error.message().find("34 circular buffers"), std::string::npos) << error.message();
  }
}

/// The graph's slots by kind, for the policies' own search.
SlotDag dag_of(const Graph& graph) {
  SlotDag dag;
  for (ValueId id = 0; id < graph.input_count(); ++id) dag.inputs.push_back(graph.value(id).name);
  for (const Op& op : graph.ops()) {
    SlotKind kind = SlotKind::sfpu_unary;
    if (op.kind == OpKind::binary) kind = SlotKind::binary;
    if (op.kind == OpKind::sfpu_binary) kind = SlotKind::sfpu_binary;
    if (op.kind == OpKind::ternary) kind = SlotKind::sfpu_ternary;
    dag.ops.push_back({op.name, kind, std::string(op.function->name), op.in});
  }
  dag.outputs = graph.outputs();
  return dag;
}

TEST(FusedPlanner, FewestSlotsAgreeWithTheExactPolicies) {
  std::mt19937 random(5);
  const auto below = [&](std::size_t count) { return static_cast<std::size_t>(random() % count); };
  constexpr const char* names[] = {"exp", "abs", "add", "sub", "mul", "maximum", "add", "where"};
  constexpr std::size_t operands[] = {1, 1, 2, 2, 2, 2, 2, 3};
  for (int number = 0; number < 400; ++number) {
    Graph graph;
    std::vector<ValueId> values;
    for (std::size_t i = 0; i < 2 + below(3); ++i) values.push_back(graph.input(fmt::format("x{}", i), tiles(1, 1)));
    const std::size_t inputs = values.size();
    for (std::size_t op = 0; op < 2 + below(7); ++op) {
      const std::size_t which = below(8);
      std::vector<ValueId> in;
      for (std::size_t i = 0; i < operands[which]; ++i) in.push_back(values[below(values.size())]);
      values.push_back(graph.apply(names[which], in));
    }
    for (std::size_t i = inputs; i < values.size(); ++i) {
      if (graph.users_of(values[i]).empty()) graph.output(values[i]);
    }
    graph.finish();
    const OpGroup group = partition(graph).at(0);
    ASSERT_EQ(group.ops.size(), graph.ops().size());
    const std::vector<bool> packed = packed_values(graph, {group});
    Machine bf16;
    bf16.fidelity = Fidelity::hifi4;  // all forms
    EXPECT_EQ(fewest_slots(StageProblem(graph, bf16, group, packed)), exact_slots(dag_of(graph), {.fpu_forms = true}))
        << number;
    Machine fp32;  // SFPU forms only
    fp32.dst_fp32 = true;
    fp32.format = DataFormat::fp32;
    EXPECT_EQ(fewest_slots(StageProblem(graph, fp32, group, packed)), exact_slots(dag_of(graph), {})) << number;
  }
}

TEST(FusedPlanner, RandomGraphsFitAndBestIsCheapest) {
  for (std::uint32_t number = 0; number < 400; ++number) {
    const Graph graph = test::RandomGraph(number).make();
    for (const PlanRequest& request : all_modes()) {
      const std::vector<Plan> plans = plan_all(graph, request);
      const Plan& best = plans.back();
      ASSERT_TRUE(best.legal()) << "graph " << number;
      for (const Plan& plan : plans) {
        if (plan.refusal) {
          ASSERT_FALSE(plan.refusal->reason.empty());
          if (!plan.refusal->account.empty()) {
            ASSERT_GT(plan.refusal->needed, plan.refusal->capacity) << number << name_of(plan.strategy);
            ASSERT_GE(plan.refusal->needed, sum_of(plan.refusal->account)) << number << name_of(plan.strategy);
          }
          continue;
        }
        ASSERT_LE(plan.peak, plan.machine.capacity()) << number << name_of(plan.strategy);
        ASSERT_LE(best.cost.total, plan.cost.total * (1 + 1e-12)) << number << name_of(plan.strategy);
      }
    }
  }
}

}  // namespace
}  // namespace tilegrid::planner
