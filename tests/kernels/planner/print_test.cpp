// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/print/print_plan.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace tilegrid::planner {
namespace {

Shape tiles(int rows, int cols) { return {{.tiles = rows}, {.tiles = cols}}; }

/// y = exp(q @ k.T - m), m a column vector, over 2x4 tiles with two tiles of K.
Graph scores() {
  Graph graph;
  graph.name = "scores";
  const ValueId q = graph.input("q", tiles(2, 2));
  const ValueId k = graph.input("k", tiles(4, 2));
  const ValueId m = graph.input("m", {{.tiles = 2}, {.tiles = 1, .unit = true}});
  const ValueId s = graph.matmul(q, k, true, no_value, "s");
  graph.output(graph.apply("exp", {graph.apply("sub", {s, m}, 0, "d")}, 0.5F, "y"));
  graph.finish();
  return graph;
}

Instruction product(const Graph& graph, int rt, int ct) {
  return {.action = Action::matmul,
          .op = 0,
          .value = {graph.find("q"), graph.find("k")},
          .result = graph.find("s"),
          .slot = {0, -1, -1, -1},
          .rt = rt,
          .ct = ct};
}
Instruction load_m(const Graph& graph, int row, int col, int slot) {
  return {.action = Action::load,
          .op = 1,
          .value = {graph.find("m"), no_value},
          .result = graph.find("m"),
          .row = row,
          .col = col,
          .slot = {slot, -1, -1, -1},
          .broadcast = Broadcast::cols};
}
Instruction subtract(const Graph& graph, int row, int col, int slot, int other) {
  return {.action = Action::sfpu_binary,
          .op = 1,
          .result = graph.find("d"),
          .row = row,
          .col = col,
          .slot = {slot, slot, other, -1}};
}
Instruction exponential(const Graph& graph, int row, int col, int slot) {
  return {.action = Action::unary,
          .op = 2,
          .result = graph.find("y"),
          .row = row,
          .col = col,
          .slot = {slot, -1, -1, -1},
          .parameter = 0.5F};
}
Instruction pack_y(const Graph& graph, int row, int col, int slot) {
  return {.action = Action::pack,
          .op = 2,
          .value = {graph.find("y"), no_value},
          .row = row,
          .col = col,
          .slot = {slot, -1, -1, -1},
          .to_output = true};
}

/// Sub-blocks of h x w, the products at once, then tile after tile.
Run tile_by_tile(const Graph& graph, int h, int w) {
  Run run{.h = h, .w = w, .body = {product(graph, h, w)}};
  for (int t = 0; t < h * w; ++t) {
    run.body.push_back(load_m(graph, t / w, t % w, h * w));
    run.body.push_back(subtract(graph, t / w, t % w, t, h * w));
    run.body.push_back(exponential(graph, t / w, t % w, t));
  }
  for (int t = 0; t < h * w; ++t) run.body.push_back(pack_y(graph, t / w, t % w, t));
  run.peak = h * w + 1;
  return run;
}

/// 2x3 tiles in one section, and the last column peeled off.
Plan peeled_plan() {
  Plan plan;
  plan.strategy = Strategy::subblock;
  plan.graph = scores();
  plan.block = tiles(2, 4);
  Stage stage;
  stage.ops = {0, 1, 2};
  stage.shape = plan.block;
  Run main = tile_by_tile(plan.graph, 2, 3);
  main.rows = 2;
  main.cols = 3;
  Run rest = tile_by_tile(plan.graph, 1, 1);
  rest.col = 3;
  rest.rows = 2;
  rest.cols = 1;
  stage.runs = {main, rest};
  stage.packs = {plan.graph.find("y")};
  plan.stages = {stage};
  plan.buffers = {{.role = BufferRole::input, .value = plan.graph.find("q"), .tiles = 4, .copies = 2},
                  {.role = BufferRole::input, .value = plan.graph.find("k"), .tiles = 8, .transposed = true},
                  {.role = BufferRole::input, .value = plan.graph.find("m"), .tiles = 2},
                  {.role = BufferRole::output, .value = plan.graph.find("y"), .tiles = 8}};
  plan.peak = 7;
  plan.error = {.bound = 0.0234375,
                .costs = {{"d", "sub on the FPU, cut to TF32", 0.015625}, {"y", "operands cut to TF32", 0.0078125}}};
  plan.account = {{"s", 6}, {"m", 1}};
  plan.cost.total = 12345;
  plan.cost.math = plan.cost.compute = 10;
  plan.cost.unpacked_tiles = 40;
  plan.cost.packed_tiles = 8;
  return plan;
}

Plan refused_plan() {
  Plan plan = peeled_plan();
  plan.strategy = Strategy::naive;
  plan.notes = {"K^T in DST is of no use to a matmul"};
  plan.refusal = Refusal{.reason = "insufficient DST capacity for all operands",
                         .account = {{"K^T", 4}, {"acc of s", 4}, {"m", 4}, {"c", 4}, {"out", 4}},
                         .at = "out",
                         .needed = 20,
                         .capacity = 8,
                         .fits = "1x2 sub-blocks"};
  return plan;
}

/// Lines without the remarks, and without spaces at their ends.
std::vector<std::string> code(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    line = line.substr(0, line.find('#'));
    lines.push_back(line.substr(0, line.find_last_not_of(' ') + 1));
  }
  return lines;
}
/// Whether the lines stand in the text one after another.
::testing::AssertionResult in_a_row(const std::string& text, const std::vector<std::string>& wanted) {
  const std::vector<std::string> lines = code(text);
  if (std::search(lines.begin(), lines.end(), wanted.begin(), wanted.end()) != lines.end()) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure() << "in\n" << text;
}

TEST(FusedPrint, TableOfPlansAndRefusals) {
  const std::string table = strategy_table({refused_plan(), peeled_plan()});
  EXPECT_EQ(table,
            "strategy  fits  slots  sections  tiles/sec  unpacked  packed  CB bytes  cycles/block    error  bound\n"
            "naive     no     20/8  K^T 4 + acc of s 4 + m 4 + c 4 + out 4 = 20 > 8\n"
            "subblock  yes     7/8         3          6        40       8    53,248        12,345  2.3e-02  math\n");
}

TEST(FusedPrint, VerdictAddsUpTheAccount) {
  EXPECT_EQ(
      verdict(peeled_plan()),
      "fits: 7 of 8 slots (16-bit DST, half-sync), 3 sections of up to 6 tiles in 1 stage\n"
      "  fullest section: s 6 + m 1 = 7\n"
      "  error: up to 2.3e-02 beyond the listed form's: d 1.6e-02 (sub on the FPU, cut to TF32); y 7.8e-03 (operands cut "
      "to TF32)\n");
  Plan kept = peeled_plan();
  kept.error = {};
  EXPECT_NE(verdict(kept).find("  error: no more than the listed form's\n"), std::string::npos);
  EXPECT_EQ(verdict(refused_plan()),
            "does not fit: insufficient DST capacity for all operands\n"
            "  slots: K^T 4 + acc of s 4 + m 4 + c 4 + out 4 = 20 > 8 (16-bit DST, half-sync)\n"
            "  at: out\n"
            "  would fit: 1x2 sub-blocks\n"
            "  note: K^T in DST is of no use to a matmul\n");
}

TEST(FusedPrint, VerdictNamesTheMode) {
  Plan plan = peeled_plan();
  plan.machine.dst_fp32 = true;
  plan.machine.full_sync = true;
  EXPECT_NE(verdict(plan).find("7 of 8 slots (32-bit DST, full-sync)"), std::string::npos);
  plan.machine.capacity_override = 9;
  EXPECT_NE(verdict(plan).find("7 of 9 slots (32-bit DST, capacity given)"), std::string::npos);
}

TEST(FusedPrint, LoopNestRollsUpTiles) {
  const std::string text = loop_nest(peeled_plan());
  EXPECT_TRUE(in_a_row(text, {
                                 "    acquire",
                                 "    for k in range(2):",
                                 "      dst[0..5] += cb_q[0..1, k] x cb_k[0..2, k]^T",
                                 "    for i in range(2), j in range(3):",
                                 "      dst[6] = bcast_col(cb_m[i, 0])",
                                 "      dst[3i+j] = dst[3i+j] - dst[6]",
                                 "      dst[3i+j] = exp(dst[3i+j] * 0.5)",
                                 "    commit",
                                 "    wait",
                                 "    for i in range(2), j in range(3):",
                                 "      pack dst[3i+j] -> out_y[i, j]",
                                 "    release",
                             }));
}

TEST(FusedPrint, LoopNestPeelsOffTheRest) {
  const std::string text = loop_nest(peeled_plan());
  EXPECT_TRUE(in_a_row(text, {
                                 "    for r in range(0, 2, 1):",
                                 "      acquire",
                                 "      for k in range(2):",
                                 "        dst[0] += cb_q[r, k] x cb_k[3, k]^T",
                                 "      dst[1] = bcast_col(cb_m[r, 0])",
                                 "      dst[0] = dst[0] - dst[1]",
                                 "      dst[0] = exp(dst[0] * 0.5)",
                                 "      commit",
                                 "      wait",
                                 "      pack dst[0] -> out_y[r, 3]",
                                 "      release",
                                 "    push out_y",
                                 "  pop cb_q, cb_k, cb_m",
                             }));
  EXPECT_NE(text.find("# 2 sections of 1x1, peeled off"), std::string::npos);
  EXPECT_NE(text.find("reads cb_q, cb_k, cb_m; leaves out_y"), std::string::npos);
}

TEST(FusedPrint, IrregularSlotsAreSpeltOut) {
  Plan plan = peeled_plan();
  planner::Run& run = plan.stages[0].runs[0];
  // The fourth tile's result goes elsewhere: two loops around it.
  run.body.back().slot[0] = 9;
  EXPECT_TRUE(in_a_row(loop_nest(plan), {
                                            "    for j in range(3):",
                                            "      pack dst[j] -> out_y[0, j]",
                                            "    for j in range(2):",
                                            "      pack dst[j+3] -> out_y[1, j]",
                                            "    pack dst[9] -> out_y[1, 2]",
                                        }));
}

TEST(FusedPrint, StreamedMatmulByCarrier) {
  Plan plan = peeled_plan();
  Stage& stage = plan.stages[0];
  stage.runs.pop_back();
  stage.runs[0].body = {product(plan.graph, 2, 3), exponential(plan.graph, 0, 0, 0), pack_y(plan.graph, 0, 0, 0)};
  stage.k_block = 1;
  stage.k_blocks = 2;
  plan.buffers[0].streamed = plan.buffers[1].streamed = true;
  EXPECT_TRUE(in_a_row(loop_nest(plan), {
                                            "    acquire",
                                            "    for kb in range(2):",
                                            "      wait cb_q, cb_k",
                                            "      for k in range(1):",
                                            "        dst[0..5] += cb_q[0..1, k] x cb_k[0..2, k]^T",
                                            "      pop cb_q, cb_k",
                                            "    dst[0] = exp(dst[0] * 0.5)",
                                            "    commit",
                                        }));
  stage.carrier = Carrier::l1;
  stage.runs[0].body.erase(stage.runs[0].body.begin() + 1);
  stage.runs[0].body.back().accumulate = true;
  EXPECT_TRUE(in_a_row(loop_nest(plan), {
                                            "    for kb in range(2):",
                                            "      wait cb_q, cb_k",
                                            "      acquire",
                                            "      for k in range(1):",
                                            "        dst[0..5] += cb_q[0..1, k] x cb_k[0..2, k]^T",
                                            "      commit",
                                            "      wait",
                                            "      pack dst[0] +> out_y[0, 0]",
                                            "      release",
                                            "      pop cb_q, cb_k",
                                            "    push out_y",
                                        }));
}

TEST(FusedPrint, SlotsOverTime) {
  Plan plan = peeled_plan();
  plan.stages[0].runs.erase(plan.stages[0].runs.begin());
  EXPECT_EQ(slot_picture(plan).substr(0, slot_picture(plan).find("marks")),
            "slots in a section of stage 1: 1x1 tiles, 2 of 8 slots\n"
            "\n"
            "step     0 1 2 3 4\n"
            "action   M L S U P\n"
            "tile     0 0 0 0 0\n"
            "slot 0   A - C D d\n"
            "slot 1   . B b . .\n"
            "\n"
            "values: A s, B m, C d, D y\n");
}

TEST(FusedPrint, SlotPictureMarksReadsAndPanels) {
  Plan plan = peeled_plan();
  planner::Run& run = plan.stages[0].runs[1];
  run.body = {load_m(plan.graph, 0, 0, 0)};
  for (int i = 0; i < 60; ++i) {
    run.body.push_back({.action = Action::copy, .op = 1, .result = plan.graph.find("d"), .slot = {1, 0, -1, -1}});
  }
  run.body.push_back({.action = Action::unary, .op = 2, .result = plan.graph.find("y"), .slot = {2, -1, -1, -1}});
  run.peak = 10;
  const std::string text = slot_picture(plan);
  EXPECT_NE(text.find("slot 0   A + +"), std::string::npos) << text;
  EXPECT_NE(text.find("+ a .\n"), std::string::npos) << text;
  std::istringstream stream(text);
  int panels = 0;
  for (std::string line; std::getline(stream, line);) {
    EXPECT_LE(line.size(), 110U);
    if (line.rfind("step", 0) == 0) ++panels;
  }
  EXPECT_EQ(panels, 2);
}

TEST(FusedPrint, AValueReadBeforeItIsWritten) {
  Plan plan = peeled_plan();
  plan.stages[0].runs.resize(1);
  plan.stages[0].runs[0].body = {pack_y(plan.graph, 0, 0, 0)};
  EXPECT_NE(slot_picture(plan).find("slot 0   ?\n"), std::string::npos);
}

TEST(FusedPrint, JsonHasEverything) {
  const nlohmann::ordered_json fits = plan_json(peeled_plan());
  EXPECT_EQ(fits["strategy"], "subblock");
  EXPECT_EQ(fits["fits"], true);
  EXPECT_FALSE(fits.contains("refusal"));
  EXPECT_EQ(fits["peak"], 7);
  EXPECT_EQ(fits["machine"]["capacity"], 8);
  EXPECT_EQ(fits["graph"]["ops"][0]["transpose_b"], true);
  EXPECT_EQ(fits["cost"]["cycles"], 12345.0);
  EXPECT_EQ(fits["cb_bytes"], 53248);
  EXPECT_EQ(fits["error"]["bound"], 0.0234375);
  EXPECT_EQ(fits["error"]["operations"][0]["operation"], "d");
  EXPECT_EQ(fits["error"]["operations"][1]["bound"], 0.0078125);
  const auto& run = fits["stages"][0]["runs"][0];
  EXPECT_EQ(run["subblock"], nlohmann::ordered_json({2, 3}));
  EXPECT_EQ(run["body"].size(), peeled_plan().stages[0].runs[0].body.size());
  EXPECT_EQ(run["body"][1]["broadcast"], "cols");
  EXPECT_EQ(run["body"][2]["slots"], nlohmann::ordered_json({0, 0, 6}));
  const nlohmann::ordered_json refused = plan_json(refused_plan());
  EXPECT_EQ(refused["fits"], false);
  EXPECT_EQ(refused["refusal"]["needed"], 20);
  EXPECT_EQ(refused["refusal"]["account"].size(), 5U);
  EXPECT_EQ(refused["refusal"]["account"][1]["what"], "acc of s");
  EXPECT_EQ(refused["notes"].size(), 1U);
}

}  // namespace
}  // namespace tilegrid::planner
