// SPDX-License-Identifier: Apache-2.0
// Plans of random graphs on the emulated core: the slots that the plan promises, the tiles that its cost counts, and results
// within the bounds of the double-precision evaluation.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "core/fidelity_name.h"
#include "kernels/planner/plan/planner.h"
#include "kernels/planner/print/print_plan.h"
#include "kernels/planner/reference/judgement.h"
#include "kernels/planner/reference/reference.h"
#include "tests/kernels/planner/random_graphs.h"
#include "tests/kernels/planner/runs.h"

namespace tilegrid::planner {
namespace {

struct Mode {
  bool fp32;
  bool full;
  Precision precision;
  DataFormat format;
  int blocks;
};
constexpr Mode modes[] = {
    {false, false, Precision::keep, DataFormat::bf16, 8},       {false, true, Precision::keep, DataFormat::bf16, 1},
    {true, false, Precision::keep, DataFormat::fp32, 8},        {true, false, Precision::keep, DataFormat::bf16, 2},
    {true, true, Precision::allow_tf32, DataFormat::fp32, 8},   {false, false, Precision::keep, DataFormat::bfp8_b, 8},
    {true, false, Precision::allow_tf32, DataFormat::bfp8_b, 2}};

/// Block floats take every fourth graph of those that have no output of one column.
bool suits(const Graph& graph, std::uint32_t number, const Mode& mode) {
  const auto& outputs = graph.outputs();
  return mode.format != DataFormat::bfp8_b ||
         (number / 4 % 4 == 0 &&
          std::none_of(outputs.begin(), outputs.end(), [&](ValueId id) { return graph.value(id).shape.cols.unit; }));
}

/// Elements that were compared with a finite bound, over all runs.
struct Share {
  std::size_t decided = 0;
  std::size_t all = 0;
};

std::uint64_t packs_of(const CoreCounters& core) {
  return core.tiles[static_cast<std::size_t>(TileOp::pack)] + core.tiles[static_cast<std::size_t>(TileOp::pack_l1_acc)];
}

void run_plan(Device& device, const Plan& plan, std::uint32_t number, Share& share) {
  SCOPED_TRACE(std::string(name_of(plan.strategy)) + " of graph " + std::to_string(number) + ", " +
               tilegrid::name_of(plan.machine.format) + (plan.machine.dst_fp32 ? ", fp32" : ", bf16") +
               (plan.machine.full_sync ? " full" : " half") + ", " + tilegrid::name_of(plan.machine.numerics) +
               " numerics: " + graph_operations(plan.graph));
  FusedJob job = job_of(plan);
  job.grid = device.grid();
  if (plan.cores > 1) {
    // The grid strategy's block is one tile: as many blocks as the whole has tiles.
    job.block_rows = plan.cores;
    const AxisId rows = plan.graph.value(plan.graph.outputs().front()).axes[0];
    if (rows == no_axis || plan.graph.axes()[static_cast<std::size_t>(rows)].contracted) {
      job.block_rows = 1;
      job.block_cols = plan.cores;
    }
  }
  Tensors tensors(device, job);
  const std::vector<Matrix> outputs = tensors.run();
  std::vector<Tensor> inputs;
  for (const Matrix& input : tensors.inputs) inputs.push_back({input.rows, input.cols, input.values});
  const std::vector<Evaluated> expected = evaluate(plan.graph, inputs, error_model(plan.machine));
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Comparison comparison = compare(expected[i], {outputs[i].rows, outputs[i].cols, outputs[i].values});
    ASSERT_TRUE(comparison.passed()) << "output " << i << " worst ratio " << comparison.worst_ratio << " not finite "
                                     << comparison.not_finite << ": " << outputs[i].values[comparison.worst] << " for "
                                     << expected[i].values[comparison.worst] << " +- "
                                     << expected[i].bounds[comparison.worst];
    share.decided += comparison.elements - comparison.undecided;
    share.all += comparison.elements;
  }
  std::uint64_t packs = 0;
  for (const CoreCounters& core : tensors.result.cores) {
    ASSERT_LE(core.dst_peak_slots, core.dst_capacity);
    if (packs_of(core) > 0) {
      ASSERT_EQ(static_cast<int>(core.dst_peak_slots), plan.peak);
    }
    packs += packs_of(core);
  }
  if (plan.cores == 1) {
    ASSERT_EQ(packs, plan.cost.packed_tiles);
  }
}

/// Every fourth graph of `first`, `first` + 4, ... in one of the DST modes.
void run_graphs(std::uint32_t first) {
  register_kernels();
  Share share;
  const GridSize grid{std::max(1, test::session().info().size), 1};
  const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
    for (std::uint32_t number = first; number < 1000; number += 4) {
      const Graph graph = test::RandomGraph(number).make();
      for (const Mode& mode : modes) {
        if (!suits(graph, number, mode)) continue;
        PlanRequest request;
        request.machine.dst_fp32 = mode.fp32;
        request.machine.full_sync = mode.full;
        request.machine.precision = mode.precision;
        request.machine.format = mode.format;
        request.blocks = mode.blocks;
        request.machine.fidelity = Fidelity::hifi4;
        constexpr std::array numerics{Numerics::fast, Numerics::rounded, Numerics::exact};
        request.machine.numerics = numerics.at((number / 4 + 1) % numerics.size());
        const std::vector<Plan> plans = plan_all(graph, request);
        ASSERT_TRUE(plans.back().legal()) << "graph " << number;
        for (const Plan& plan : plans) {
          if (!plan.legal()) continue;
          ASSERT_LE(plans.back().cost.total, plan.cost.total * (1 + 1e-12)) << number << name_of(plan.strategy);
          run_plan(device, plan, number, share);
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    }
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_GT(share.decided * 10, share.all * 9);
}

TEST(FusedRandom, Graphs0) { run_graphs(0); }
TEST(FusedRandom, Graphs1) { run_graphs(1); }
TEST(FusedRandom, Graphs2) { run_graphs(2); }
TEST(FusedRandom, Graphs3) { run_graphs(3); }

}  // namespace
}  // namespace tilegrid::planner
