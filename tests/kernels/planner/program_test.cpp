// SPDX-License-Identifier: Apache-2.0
// Plans made by hand, run on emulated cores: every instruction, every carrier, several blocks on several grids and ranks.
#include "kernels/planner/run/fused_program.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/error.h"
#include "kernels/planner/run/plan_args.h"
#include "tests/kernels/planner/runs.h"
#include "tests/support/session_support.h"

namespace tilegrid::planner {
namespace {

Plan sum_plan() {
  Graph graph;
  const ValueId a = graph.input("a", shape(2, 2));
  const ValueId b = graph.input("b", shape(2, 2));
  const ValueId s = graph.apply("add", {a, b}, 0, "s");
  graph.output(s);
  graph.finish();
  Draft draft(graph);
  draft.io();
  draft.stage(shape(2, 2), 1, 2,
              tile_by_tile(1, 2, [&](int slot) { return std::vector{fpu(0, a, b, slot)}; }, {pack(s, true)}));
  return draft.plan;
}

TEST(FusedProgram, AddsOnTheFpuOverManyBlocks) {
  run_on_grids(job_of(sum_plan(), 3, 2), [](const auto& in, const auto& out) {
    ASSERT_EQ(out[0].rows, 192);
    ASSERT_EQ(out[0].cols, 128);
    EXPECT_LT(relative_error(matrix(192, 128, [&](int r, int c) { return in[0].at(r, c) + in[1].at(r, c); }), out[0]),
              0.003);
  });
}

double product(const Matrix& a, const Matrix& b, int r, int c, bool transposed) {
  double sum = 0;
  for (int k = 0; k < a.cols; ++k) {
    sum += static_cast<double>(a.at(r, k)) * static_cast<double>(transposed ? b.at(c, k) : b.at(k, c));
  }
  return sum;
}

/// exp((q @ k.T - m) * c): one block matmul, then the CB operands by dest-reuse.
Plan six_op_plan(bool transposed_placement) {
  Graph graph;
  const ValueId q = graph.input("q", shape(2, 2));
  const ValueId k = graph.input("k", shape(2, 2));
  const ValueId m = graph.input("m", shape(2, 2));
  const ValueId c = graph.input("c", shape(2, 2));
  const ValueId s = graph.matmul(q, k, true, no_value, "s");
  const ValueId d = graph.apply("sub", {s, m}, 0, "d");
  const ValueId e = graph.apply("mul", {d, c}, 0, "e");
  const ValueId p = graph.apply("exp", {e}, 0, "p");
  graph.output(p);
  graph.finish();
  Draft draft(graph);
  draft.io();
  draft.input(k).transposed = transposed_placement;
  std::vector<Instruction> body = tile_by_tile(2, 2,
                                               [&](int slot) {
                                                 return std::vector{reuse(1, m, slot), reuse(2, c, slot), unary(3, slot)};
                                               },
                                               {pack(p, true)});
  body.insert(body.begin(), matmul(0, q, k, 2, 2));
  draft.stage(shape(2, 2), 2, 2, std::move(body));
  draft.plan.machine.fidelity = Fidelity::hifi4;
  return draft.plan;
}

TEST(FusedProgram, MultipliesMatricesAndReusesDst) {
  for (const bool transposed : {true, false}) {
    run_on_grids(
        job_of(six_op_plan(transposed), 2, 3),
        [](const auto& in, const auto& out) {
          const Matrix expected = matrix(128, 192, [&](int r, int c) {
            return std::exp((product(in[0], in[1], r, c, true) - static_cast<double>(in[2].at(r, c))) *
                            static_cast<double>(in[3].at(r, c)));
          });
          EXPECT_LT(relative_error(expected, out[0]), 0.02);
        },
        [](std::vector<Matrix>& in) {
          for (float& c : in[3].values) c = 0.0625F;
        });
  }
}

/// The softmax of rows of 3 tiles: maximum, exponentials, reciprocal of the sum, product.
TEST(FusedProgram, RunsASoftmaxInStages) {
  Graph graph;
  const ValueId x = graph.input("x", shape(2, 3));
  const ValueId m = graph.reduce(Pool::max, ReduceDim::row, x, no_value, "m");
  const ValueId d = graph.apply("sub", {x, m}, 0, "d");
  const ValueId p = graph.apply("exp", {d}, 0.5F, "p");
  const ValueId l = graph.reduce(Pool::sum, ReduceDim::row, p, no_value, "l");
  const ValueId i = graph.apply("recip", {l}, 0, "i");
  const ValueId y = graph.apply("mul", {p, i}, 0, "y");
  graph.output(y);
  graph.finish();
  Draft draft(graph);
  draft.io();
  draft.add(BufferRole::scaler, no_value);
  for (const ValueId value : {m, p, i}) draft.add(BufferRole::intermediate, value);
  draft.stage(
      column(2), 2, 1,
      tile_by_tile(2, 1, [&](int slot) { return std::vector{on_cb(Action::reduce, 0, x, slot)}; }, {pack(m, false)}));
  draft.stage(shape(2, 3), 1, 3,
              tile_by_tile(1, 3,
                           [&](int slot) {
                             return std::vector{fpu(1, x, m, slot, Broadcast::cols), unary(2, slot, 0.5F)};
                           },
                           {pack(p, false)}));
  draft.stage(column(2), 1, 1,
              tile_by_tile(1, 1,
                           [&](int slot) {
                             return std::vector{on_cb(Action::reduce, 3, p, slot), unary(4, slot)};
                           },
                           {pack(i, false)}));
  draft.stage(
      shape(2, 3), 2, 3,
      tile_by_tile(2, 3, [&](int slot) { return std::vector{fpu(5, p, i, slot, Broadcast::cols)}; }, {pack(y, true)}));
  run_on_grids(job_of(draft.plan, 5, 1), [](const auto& in, const auto& out) {
    const Matrix expected = matrix(320, 96, [&](int r, int c) {
      double sum = 0;
      for (int k = 0; k < 96; ++k) sum += std::exp(0.5 * static_cast<double>(in[0].at(r, k)));
      return std::exp(0.5 * static_cast<double>(in[0].at(r, c))) / sum;
    });
    EXPECT_LT(relative_error(expected, out[0]), 0.01);
  });
}

TEST(FusedProgram, SumsTilesByThePackerBesideItsOperand) {
  Graph graph;
  const ValueId x = graph.input("x", shape(2, 4));
  const ValueId p = graph.apply("abs", {x}, 0, "p");
  const ValueId along_row = graph.tile_sum(ReduceDim::row, p, "row");
  const ValueId along_col = graph.tile_sum(ReduceDim::col, p, "col");
  for (const ValueId value : {p, along_row, along_col}) graph.output(value);
  graph.finish();
  Draft draft(graph);
  draft.io();
  std::vector<Instruction> packs{pack(p, true), pack(along_row, true), pack(along_col, true)};
  packs[1].accumulate = packs[2].accumulate = true;
  draft.stage(shape(2, 4), 1, 2,
              tile_by_tile(
                  1, 2,
                  [&](int slot) {
                    return std::vector{load(0, x, slot), unary(0, slot)};
                  },
                  packs));
  run_on_grids(job_of(draft.plan), [](const auto& in, const auto& out) {
    const auto abs = [&](int r, int c) { return std::abs(static_cast<double>(in[0].at(r, c))); };
    EXPECT_EQ(relative_error(matrix(64, 128, abs), out[0]), 0);
    EXPECT_LT(relative_error(
                  matrix(64, 32, [&](int r, int c) { return abs(r, c) + abs(r, c + 32) + abs(r, c + 64) + abs(r, c + 96); }),
                  out[1]),
              0.005);
    EXPECT_LT(relative_error(matrix(32, 128, [&](int r, int c) { return abs(r, c) + abs(r + 32, c); }), out[2]), 0.005);
  });
}

TEST(FusedProgram, SumsTilesFromACbInDst) {
  Graph graph;
  const ValueId x = graph.input("x", shape(2, 3));
  const ValueId by_fpu = graph.tile_sum(ReduceDim::row, x, "by_fpu");
  const ValueId by_sfpu = graph.tile_sum(ReduceDim::col, x, "by_sfpu");
  graph.output(by_fpu);
  graph.output(by_sfpu);
  graph.finish();
  Draft draft(graph);
  draft.io();
  draft.stage(
      shape(2, 1), 2, 1,
      tile_by_tile(2, 1, [&](int slot) { return std::vector{on_cb(Action::tile_sum, 0, x, slot)}; }, {pack(by_fpu, true)}));
  draft.stage(shape(1, 3), 1, 3,
              tile_by_tile(1, 3, [&](int slot) { return std::vector{on_cb(Action::tile_sum, 1, x, slot, 3)}; },
                           {pack(by_sfpu, true)}));
  run_on_grids(job_of(draft.plan), [](const auto& in, const auto& out) {
    EXPECT_LT(relative_error(
                  matrix(64, 32, [&](int r, int c) { return in[0].at(r, c) + in[0].at(r, c + 32) + in[0].at(r, c + 64); }),
                  out[0]),
              0.005);
    EXPECT_LT(relative_error(matrix(32, 96, [&](int r, int c) { return in[0].at(r, c) + in[0].at(r + 32, c); }), out[1]),
              0.005);
  });
}

struct Streaming {
  Carrier carrier = Carrier::dst;
  int h = 2;
  int w = 2;
  bool both = true;           ///< a is streamed too
  bool partial_apart = true;  ///< Carrier::reload: the partial sums' buffer holds two blocks
};

/// a [2, 6] times b [2, 6] transposed, in 3 blocks of K.
Plan streamed_plan(const Streaming& how) {
  Graph graph;
  const ValueId a = graph.input("a", shape(2, 6));
  const ValueId b = graph.input("b", shape(2, 6));
  const ValueId s = graph.matmul(a, b, true, no_value, "s");
  graph.output(s);
  graph.finish();
  Draft draft(graph);
  draft.io(DataFormat::fp32);
  draft.plan.machine.dst_fp32 = true;
  draft.plan.machine.fidelity = Fidelity::hifi4;
  for (const ValueId value : {a, b}) {
    if (value == a && !how.both) continue;
    draft.input(value).streamed = true;
    draft.input(value).tiles = 4;
  }
  draft.input(b).transposed = true;
  if (how.carrier == Carrier::reload)
    draft.add(BufferRole::intermediate, s, DataFormat::fp32).copies = how.partial_apart ? 2 : 1;
  Instruction packing = pack(s, true);
  packing.accumulate = how.carrier == Carrier::l1;
  std::vector<Instruction> body = tile_by_tile(how.h, how.w, [](int) { return std::vector<Instruction>{}; }, {packing});
  body.insert(body.begin(), matmul(0, a, b, how.h, how.w));
  Stage& stage = draft.stage(shape(2, 2), how.h, how.w, std::move(body));
  stage.k_block = 2;
  stage.k_blocks = 3;
  stage.carrier = how.carrier;
  return draft.plan;
}

TEST(FusedProgram, CarriesSumsOverKBlocksInEachWay) {
  std::vector<Matrix> results;
  for (const Streaming& how :
       {Streaming{}, Streaming{.h = 1}, Streaming{.w = 1, .both = false}, Streaming{.carrier = Carrier::l1, .h = 1},
        Streaming{.carrier = Carrier::l1, .both = false}, Streaming{.carrier = Carrier::reload, .w = 1},
        Streaming{.carrier = Carrier::reload, .h = 1, .partial_apart = false}}) {
    run_on_grids(job_of(streamed_plan(how), 2, 2), [&](const auto& in, const auto& out) {
      const Matrix expected = matrix(128, 128, [&](int r, int c) { return product(in[0], in[1], r, c, true); });
      EXPECT_LT(relative_error(expected, out[0]), 0.0015);
      results.push_back(out[0]);
    });
  }
  for (const Matrix& result : results) EXPECT_LT(relative_error(results.front(), result), 1e-6);
}

/// acc + a @ b by a matmul onto a loaded slot, and an exponential of the sum, while K arrives in blocks.
TEST(FusedProgram, KeepsAnAccumulatorInDstOverKBlocks) {
  Graph graph;
  const ValueId acc = graph.input("acc", shape(1, 2));
  const ValueId a = graph.input("a", shape(1, 4));
  const ValueId b = graph.input("b", shape(4, 2));
  const ValueId s = graph.matmul(a, b, false, acc, "s");
  const ValueId t = graph.apply("tanh", {s}, 0, "t");
  graph.output(t);
  graph.output(s);
  graph.finish();
  Draft draft(graph);
  draft.io();
  for (const ValueId value : {a, b}) draft.input(value).streamed = true;
  draft.input(a).tiles = 1;
  draft.input(b).tiles = 2;
  std::vector<Instruction> body;
  for (const int c : {0, 1}) {  // tile by tile: the second accumulator is loaded after the first product has begun
    body.push_back(load(0, acc, c));
    body.push_back(matmul(0, a, b, 1, 1));
    body.push_back({.action = Action::copy, .op = 1, .slot = {2 + c, c, -1, -1}});
    body.push_back(unary(1, 2 + c));
    for (std::size_t i = body.size() - 4; i < body.size(); ++i) body[i].col = c;
    body[body.size() - 3].slot[0] = c;
  }
  for (const int c : {0, 1}) {
    body.push_back(pack(t, true));
    body.back().col = c;
    body.back().slot[0] = 2 + c;
    body.push_back(pack(s, true));
    body.back().col = c;
    body.back().slot[0] = c;
  }
  Stage& stage = draft.stage(shape(1, 2), 1, 2, std::move(body));
  stage.k_block = 1;
  stage.k_blocks = 4;
  run_on_grids(job_of(draft.plan, 3, 1), [](const auto& in, const auto& out) {
    const Matrix sum = matrix(96, 64, [&](int r, int c) { return in[0].at(r, c) + product(in[1], in[2], r, c, false); });
    EXPECT_LT(relative_error(sum, out[1]), 0.01);
    EXPECT_LT(relative_error(matrix(96, 64, [&](int r, int c) { return std::tanh(sum.at(r, c)); }), out[0]), 0.015);
  });
}

/// where(a, a / b, v) with broadcast loads, an output that is a vector, and one that lacks the blocks' rows.
TEST(FusedProgram, RunsVectorUnitFormsAndOutputsOfOtherExtents) {
  Graph graph;
  const ValueId a = graph.input("a", shape(1, 2));
  const ValueId b = graph.input("b", row(2));
  const ValueId v = graph.input("v", column(1));
  const ValueId q = graph.apply("div", {a, b}, 0, "q");
  const ValueId y = graph.apply("where", {a, q, v}, 0, "y");
  const ValueId g = graph.apply("sigmoid", {v}, 0, "g");
  const ValueId n = graph.apply("neg", {b}, 0, "n");
  for (const ValueId value : {y, g, n}) graph.output(value);
  graph.finish();
  Draft draft(graph);
  draft.io();
  draft.stage(shape(1, 2), 1, 1,
              {load(0, a, 0),
               load(0, b, 1, Broadcast::rows),
               {.action = Action::sfpu_binary, .op = 0, .slot = {2, 0, 1, -1}},
               load(1, v, 1, Broadcast::cols),
               {.action = Action::ternary, .op = 1, .slot = {0, 0, 2, 1}},
               pack(y, true)});
  draft.stage(column(1), 1, 1, {load(2, v, 0), unary(2, 0), pack(g, true)});
  draft.stage(row(2), 1, 2,
              tile_by_tile(1, 2,
                           [&](int slot) {
                             return std::vector{load(3, b, slot), unary(3, slot)};
                           },
                           {pack(n, true)}));
  run_on_grids(
      job_of(draft.plan, 3, 2),
      [](const auto& in, const auto& out) {
        ASSERT_EQ(out[0].rows, 96);
        ASSERT_EQ(out[1].cols, 1);
        ASSERT_EQ(out[2].rows, 1);
        EXPECT_LT(relative_error(matrix(96, 128,
                                        [&](int r, int c) {
                                          return in[0].at(r, c) == 0 ? in[2].at(r, 0) : in[0].at(r, c) / in[1].at(0, c);
                                        }),
                                 out[0]),
                  0.005);
        EXPECT_LT(
            relative_error(
                matrix(96, 1, [&](int r, int) { return 1 / (1 + std::exp(-static_cast<double>(in[2].at(r, 0)))); }), out[1]),
            0.005);
        EXPECT_EQ(relative_error(matrix(1, 128, [&](int, int c) { return -in[1].at(0, c); }), out[2]), 0);
      },
      [](std::vector<Matrix>& in) {
        for (std::size_t i = 0; i < in[0].values.size(); i += 3) in[0].values[i] = 0;
        for (float& b : in[1].values) b = std::copysign(std::abs(b) + 0.5F, b);
      });
}

TEST(FusedProgram, TransposesAndFills) {
  Graph graph;
  const ValueId x = graph.input("x", shape(2, 3));
  const ValueId t = graph.transpose(x, "t");
  const ValueId s = graph.apply("mul", {t, t}, 0, "s");
  graph.output(t);
  graph.output(s);
  graph.finish();
  Draft draft(graph);
  draft.io();
  draft.add(BufferRole::intermediate, t);
  draft.stage(shape(3, 2), 3, 2,
              tile_by_tile(3, 2, [&](int slot) { return std::vector{on_cb(Action::transpose, 0, x, slot)}; },
                           {pack(t, true), pack(t, false)}));
  // The product adds to what the slot holds: a slot that holds something else is filled with zeros first.
  draft.stage(shape(3, 2), 1, 1,
              {load(1, t, 0), {.action = Action::fill, .op = 1, .slot = {0, -1, -1, -1}}, fpu(1, t, t, 0), pack(s, true)});
  draft.plan.machine.fidelity = Fidelity::hifi4;
  run_on_grids(job_of(draft.plan), [](const auto& in, const auto& out) {
    EXPECT_EQ(relative_error(matrix(96, 64, [&](int r, int c) { return in[0].at(c, r); }), out[0]), 0);
    EXPECT_LT(relative_error(matrix(96, 64, [&](int r, int c) { return in[0].at(c, r) * in[0].at(c, r); }), out[1]), 0.005);
  });
}

TEST(FusedProgram, LoadsKeepAllBitsUnlessTf32IsAllowed) {
  Graph graph;
  const ValueId x = graph.input("x", shape(1, 2));
  const ValueId n = graph.apply("neg", {x}, 0, "n");
  const ValueId s = graph.apply("add", {x, x}, 0, "s");
  graph.output(n);
  graph.output(s);
  graph.finish();
  Draft draft(graph);
  draft.io(DataFormat::fp32);
  draft.plan.machine.dst_fp32 = true;
  draft.stage(shape(1, 2), 1, 2,
              tile_by_tile(1, 2,
                           [&](int slot) {
                             return std::vector{fpu(1, x, x, slot + 2), load(0, x, slot), unary(0, slot)};
                           },
                           {pack(n, true)}));
  for (const int c : {0, 1}) {
    Instruction sum = pack(s, true);
    sum.col = c;
    sum.slot[0] = 2 + c;
    draft.plan.stages[0].runs[0].body.push_back(sum);
  }
  for (const bool keep : {true, false}) {
    draft.plan.machine.precision = keep ? Precision::keep : Precision::allow_tf32;
    run_on_grids(job_of(draft.plan), [&](const auto& in, const auto& out) {
      const double error = relative_error(matrix(32, 64, [&](int r, int c) { return -in[0].at(r, c); }), out[0]);
      EXPECT_EQ(error == 0, keep) << error;
      EXPECT_LT(error, 0.001);
      EXPECT_LT(relative_error(matrix(32, 64, [&](int r, int c) { return 2 * in[0].at(r, c); }), out[1]), 0.001);
    });
  }
}

/// Whole numbers whose sums are exact in 16 bits, whatever the order: the same bits on any grid and number of ranks.
TEST(FusedProgram, GridsAndRanksDoNotChangeABit) {
  run_on_grids(job_of(six_op_plan(true), 5, 3), [](const auto&, const auto& out) {
    EXPECT_FALSE(std::any_of(out[0].values.begin(), out[0].values.end(), [](float v) { return std::isnan(v); }));
  });
  Graph graph;
  const ValueId a = graph.input("a", shape(1, 2));
  const ValueId b = graph.input("b", shape(2, 1));
  const ValueId s = graph.matmul(a, b, false, no_value, "s");
  graph.output(s);
  graph.finish();
  Draft draft(graph);
  draft.io();
  draft.stage(shape(1, 1), 1, 1, {matmul(0, a, b, 1, 1), pack(s, true)});
  run_on_grids(
      job_of(draft.plan, 7, 5),
      [](const auto& in, const auto& out) {
        EXPECT_EQ(matrix(224, 160, [&](int r, int c) { return product(in[0], in[1], r, c, false); }).values, out[0].values);
      },
      [](std::vector<Matrix>& in) {
        for (Matrix& m : in) {
          for (float& v : m.values) v = v > 0.5F ? 1.0F : (v < -0.5F ? -1.0F : 0.0F);
        }
      });
}

/// 15 operations on each of 16 tiles: 272 instructions, far more words than a kernel's arguments.
TEST(FusedProgram, TakesLongPlansAsArguments) {
  Graph graph;
  const ValueId x = graph.input("x", shape(4, 4));
  ValueId last = x;
  for (int i = 0; i < 15; ++i) last = graph.apply("neg", {last});
  graph.output(last);
  graph.finish();
  Draft draft(graph);
  draft.io();
  draft.plan.machine.full_sync = true;
  const auto tile = [&](int slot) {
    std::vector<Instruction> body{load(0, x, slot)};
    for (int op = 0; op < 15; ++op) body.push_back(unary(op, slot));
    return body;
  };
  draft.stage(shape(4, 4), 4, 4, tile_by_tile(4, 4, tile, {pack(last, true)}));
  run_on_grids(job_of(draft.plan, 2, 1), [](const auto& in, const auto& out) {
    EXPECT_EQ(relative_error(matrix(256, 128, [&](int r, int c) { return -in[0].at(r, c); }), out[0]), 0);
  });
}

TEST(FusedArguments, BytesBecomeWords) {
  EXPECT_EQ(words_of(""), std::vector<std::uint32_t>{0});
  EXPECT_EQ(words_of("abcde"), (std::vector<std::uint32_t>{5, 0x64636261, 0x65}));
}

TEST(FusedFaults, NameTheOperationThatRunsOutOfSlots) {
  Plan plan = sum_plan();
  plan.stages[0].runs[0].body[1].slot[0] = 8;
  expect_run_fails(job_of(plan), "DST capacity");
  expect_run_fails(job_of(plan), "used DST tile 8 in operation 's' (fpu_binary of add, tile 0,1 of the sub-block)");
  plan = sum_plan();
  plan.machine.capacity_override = 1;
  expect_run_fails(job_of(plan), "used DST tile 1 in operation 's'");
}

TEST(FusedFaults, NameTheOperationWhoseOperandIsInDst) {
  Plan plan = six_op_plan(true);
  plan.stages[0].runs[0].body[0].value[1] = plan.graph.find("d");
  expect_run_fails(job_of(plan), "operand not in a circular buffer");
  expect_run_fails(job_of(plan), "read of 'd', which is in no CB in operation 's'");
  plan = sum_plan();
  plan.stages[0].runs[0].body.insert(plan.stages[0].runs[0].body.begin(), reuse(0, 0, 3));
  plan.stages[0].runs[0].body[0].broadcast = Broadcast::rows;
  expect_run_fails(job_of(plan), "a broadcast operand with dest-reuse in operation 's'");
}

TEST(FusedJobs, RefuseBlocksThatAnOperationSumsOver) {
  Graph graph;
  const ValueId x = graph.input("x", shape(2, 2));
  const ValueId y = graph.apply("exp", {x}, 0, "y");
  const ValueId m = graph.reduce(Pool::max, ReduceDim::row, y, no_value, "m");
  graph.output(y);
  graph.output(m);
  graph.finish();
  FusedJob job = job_of(Draft(graph).plan, 3, 2);
  EXPECT_EQ(tensor_extent(job, x).tile_rows, 6);
  EXPECT_EQ(tensor_extent(job, x).tile_cols, 2);
  EXPECT_EQ(tensor_extent(job, m).cols, 1);
  try {
    validate_blocks(job);
    FAIL();
  } catch (const UsageError& error) {
    expect_mentions(error.message(), "2 block columns: operation 'm' sums over them");
  }
  job.block_cols = 1;
  EXPECT_NO_THROW(validate_blocks(job));
}

TEST(FusedJobs, RefuseWhatACoreLacks) {
  const auto refusal = [](const FusedJob& job) {
    try {
      (void)make_program(job, {std::vector<std::uint32_t>(static_cast<std::size_t>(job.plan.graph.input_count())), {0}});
    } catch (const UsageError& error) {
      return error.message();
    }
    return std::string("none");
  };
  FusedJob job = job_of(sum_plan());
  job.grid = {2, 2};
  EXPECT_EQ(refusal(job), "none");
  job.plan.buffers[0].copies = 400;
  expect_mentions(refusal(job), "L1 overflow");
  job.plan.buffers.assign(33, job.plan.buffers[1]);
  expect_mentions(refusal(job), "33 circular buffers, a core has 32");

  Graph graph;
  const ValueId x = graph.input("x", shape(1, 1));
  graph.output(graph.apply("sin", {x}, 0, "y"));
  graph.finish();
  Draft draft(graph);
  draft.io().stage(shape(1, 1), 1, 1, {load(0, x, 0), unary(0, 0), pack(1, true)});
  job.plan = draft.plan;
  expect_mentions(refusal(job), "operation 'y': sin can be planned");

  job.plan = streamed_plan({});
  job.plan.stages[0].k_blocks = 2;
  expect_mentions(refusal(job), "'a' is streamed in 2 blocks of 2 tiles, but K has 6");
}

}  // namespace
}  // namespace tilegrid::planner
