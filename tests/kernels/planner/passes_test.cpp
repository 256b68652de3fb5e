// SPDX-License-Identifier: Apache-2.0
// Blocks that do not fit L1, in passes over segments: the same bits as all at once in a larger L1.
#include "kernels/planner/plan/passes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "core/error.h"
#include "kernels/planner/graph/expression.h"
#include "kernels/planner/plan/pass_graphs.h"
#include "tests/kernels/planner/runs.h"

namespace tilegrid::planner {
namespace {

constexpr const char* softmax = "m = rowmax(x); p = exp(x - m); out = p * recip(rowsum(p))";

Graph graph_of(const std::string& text, Shape block, std::map<std::string, Shape> operands = {}) {
  ExpressionShapes shapes;
  shapes.block = block;
  shapes.operands = std::move(operands);
  return parse_expression(text, shapes);
}

PlanRequest request_of(bool fp32, std::uint64_t l1_bytes) {
  PlanRequest request;
  request.machine.dst_fp32 = fp32;
  request.machine.l1_bytes = l1_bytes;
  return request;
}

/// The plan for an L1 that has less than the block takes.
Plan squeezed(const Graph& graph, PlanRequest request, std::uint64_t part_of_ten) {
  Plan whole = plan(graph, Strategy::best, request);
  EXPECT_TRUE(whole.legal() && whole.passes.empty());
  finish_plan(whole, request, false);
  request.machine.l1_bytes = whole.cb_bytes() * part_of_ten / 10;
  Plan passes = plan(graph, Strategy::best, request);
  EXPECT_TRUE(passes.legal() && !passes.passes.empty());
  EXPECT_LE(passes.cb_bytes(), request.machine.l1_bytes);
  return passes;
}

struct Case {
  const char* text;
  Shape block;
  std::map<std::string, Shape> operands;
  int sweeps;
};

std::vector<Case> cases() {
  return {
      {softmax, shape(1, 12), {}, 3},
      // A prime number of tiles; several rows.
      {softmax, shape(1, 7), {}, 3},
      {softmax, shape(2, 12), {}, 3},
      // Outputs that others read, too: of a sweep, between sweeps and behind them.
      {"m = rowmax(x); p = exp(x - m); s = rowsum(p); r = recip(s); q = p * r; q, m, s, r, p", shape(1, 12), {}, 3},
      {"out = rowmax(x)", shape(1, 12), {}, 1},
      {"out = rowsum(x * g)", shape(1, 12), {{"g", row(12)}}, 1},
      {"c = rowmean(x); d = x - c; v = rowmean(d * d); out = d * rsqrt(v + 0.01) * g + b",
       shape(2, 8),
       {{"g", row(8)}, {"b", row(8)}},
       3},
      {"out = x / colsum(x * x)", shape(12, 1), {}, 2},
      {"out = x * recip(x.max() * abs(x).sum())", shape(1, 12), {}, 2},
      // Along K: of a product whose factor is computed, and of attention over all keys at once.
      {"out = exp(x * 0.25) @ y", shape(1, 2), {{"x", shape(1, 12)}, {"y", shape(12, 2)}}, 1},
      {"s = q @ k.T; p = exp(s * 0.1 - rowmax(s * 0.1)); out = (p @ v) / rowsum(p)",
       shape(1, 1),
       {{"q", shape(1, 1)}, {"k", shape(12, 1)}, {"v", shape(12, 1)}},
       2},
      {"out = exp(x.T - rowmax(x.T))", shape(1, 12), {}, 2},
  };
}

std::vector<std::vector<float>> outputs_of(const Plan& plan, int block_rows) {
  std::vector<std::vector<float>> outputs;
  run_on_grids(job_of(plan, block_rows), [&](const auto&, const auto& out) {
    outputs.clear();
    for (const Matrix& one : out) outputs.push_back(one.values);
  });
  return outputs;
}

TEST(Passes, GiveTheBitsOfTheWholeRow) {
  for (const Case& one : cases()) {
    for (const bool fp32 : {false, true}) {
      SCOPED_TRACE(std::string(one.text) + (fp32 ? ", fp32" : ""));
      const Graph graph = graph_of(one.text, one.block, one.operands);
      const Plan whole = plan(graph, Strategy::best, request_of(fp32, 0));
      // Of two rows a block of one would be taken, as long as that fits.
      const Plan passes = squeezed(graph, request_of(fp32, 0), one.block.rows.tiles == 2 ? 4 : 7);
      if (passes.passes.empty()) continue;
      const auto sweeps =
          std::count_if(passes.passes.begin(), passes.passes.end(), [](const Pass& p) { return p.segment > 0; });
      EXPECT_EQ(sweeps, one.sweeps);
      EXPECT_EQ(passes.error.bound, 0);
      const AxisId rows = passes.graph.value(passes.graph.outputs().front()).axes[0];
      const int blocks = rows != no_axis && !passes.graph.axes()[static_cast<std::size_t>(rows)].contracted ? 5 : 1;
      EXPECT_EQ(outputs_of(passes, blocks), outputs_of(whole, blocks));
    }
  }
}

TEST(Passes, CutTheGraphAtItsReductions) {
  const Graph graph = simplified(graph_of(softmax, shape(1, 12)));
  const AxisId columns = graph.value(graph.find("x")).axes[1];
  ASSERT_TRUE(can_cut(graph, columns));
  EXPECT_FALSE(can_cut(graph, graph.value(graph.find("x")).axes[0]));
  const std::vector<PassGraphs> passes = pass_graphs(graph, {columns, 4});
  ASSERT_EQ(passes.size(), 4U);  // the reciprocal stands between the second and the third sweep
  std::vector<bool> segmented;
  segmented.reserve(passes.size());
  for (const PassGraphs& pass : passes) segmented.push_back(pass.segmented);
  EXPECT_EQ(segmented, (std::vector<bool>{true, true, false, true}));
  const Graph& later = passes[0].later.graph;
  EXPECT_EQ(later.value(later.find("x")).shape, shape(1, 4));
  EXPECT_TRUE(later.op(0).accumulate);
  EXPECT_TRUE(later.value(later.op(0).in.back()).carried);
  EXPECT_FALSE(passes[0].first.graph.op(0).accumulate);
  EXPECT_EQ(passes[3].later.graph.input_count(), 0);  // nothing goes on from segment to segment
}

TEST(Passes, CostTheirTransfersAndSections) {
  const Graph graph = graph_of(softmax, shape(1, 12));
  const Plan whole = plan(graph, Strategy::best, request_of(false, 0));
  const Plan passes = squeezed(graph, request_of(false, 0), 7);
  EXPECT_NEAR(passes.cost.read, 3 * whole.cost.read, 1);  // x comes three times
  EXPECT_NEAR(passes.cost.write, whole.cost.write, 1);
  EXPECT_GT(passes.cost.total, whole.cost.total);
  EXPECT_GT(passes.sections(), whole.sections());
}

TEST(Passes, SayWhatLoadsCut) {
  PlanRequest request = request_of(true, 0);
  request.machine.precision = Precision::allow_tf32;
  const Graph graph = graph_of(softmax, shape(1, 12));
  const Plan few = squeezed(graph, request, 8);
  const Plan many = squeezed(graph, request, 4);
  EXPECT_GT(few.error.bound, 0);
  EXPECT_GT(many.error.bound, few.error.bound);  // a running value is cut with every segment
}

TEST(Passes, RefuseWhatTheyCantCut) {
  const auto refused = [](const std::string& text, Shape block, std::uint64_t l1_tiles, bool allowed = true) {
    PlanRequest request = request_of(false, l1_tiles * tile_bytes(DataFormat::bf16));
    request.passes = allowed;
    EXPECT_THROW((void)plan(graph_of(text, block), Strategy::best, request), UsageError) << text;
  };
  refused("out = partial_rowsum(x) + 0 * rowsum(x)", shape(1, 12), 10);  // a tile of sums is no segment
  refused("out = rowsum(x + x.T)", shape(4, 4), 10);                     // both dimensions are one axis
  refused(softmax, shape(1, 12), 5);                                     // not even one tile
  refused(softmax, shape(1, 12), 30, false);
}

}  // namespace
}  // namespace tilegrid::planner
