// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>
#include <string>

#include "core/error.h"
#include "core/types.h"
#include "kernels/planner/graph/expression.h"
#include "kernels/planner/graph/graph.h"
#include "kernels/planner/graph/presets.h"
#include "kernels/planner/plan/cost.h"
#include "kernels/planner/reference/reference.h"

namespace tilegrid::planner {
namespace {

constexpr Extent one_element{1, true};

Shape tiles(int rows, int cols) { return {{rows, false}, {cols, false}}; }
Shape column(int rows) { return {{rows, false}, one_element}; }
Shape row(int cols) { return {one_element, {cols, false}}; }

template <class Callable>
std::string refusal(Callable&& callable) {
  try {
    callable();
  } catch (const UsageError& error) {
    EXPECT_EQ(error.message().find('\n'), std::string::npos);
    return error.message();
  }
  return {};
}

/// An expression over a 2x3 block with K of 4 tiles, simplified or not.
Graph parsed(const std::string& text) { return parse_expression(text, {.block = tiles(2, 3), .inner = 4}); }
Graph simple(const std::string& text) { return simplified(parsed(text)); }

std::vector<std::string> op_texts(const Graph& graph) {
  std::vector<std::string> texts;
  for (const Op& op : graph.ops()) {
    std::string text = op.name + " =";
    if (op.kind == OpKind::matmul) text += op.transpose_b ? " matmul_t" : " matmul";
    if (op.kind == OpKind::reduce) text += op.pool == Pool::max ? " rmax" : " rsum";
    if (op.kind == OpKind::transpose) text += " transpose";
    if (op.kind == OpKind::tile_sum) text += " tile_sum";
    if (op.function != nullptr) text += fmt::format(" {}", op.function->name);
    for (const ValueId in : op.in) text += fmt::format(" {}", graph.value(in).name);
    if (op.accumulate) text += " acc";
    texts.push_back(text);
  }
  return texts;
}
using Texts = std::vector<std::string>;

// --- functions --------------------------------------------------------------------------------------------------------

TEST(FusedFunctions, NamesAreUniqueAndCostSomething) {
  std::set<std::string_view> names;
  for (const Function& function : functions()) {
    EXPECT_TRUE(names.insert(function.name).second) << function.name;
    EXPECT_GE(sfpu_cycles(Chip(), function, VectorMode::rc), 32 * 3) << function.name;
    EXPECT_EQ(find_function(function.name), &function);
    EXPECT_EQ(function.vector ? operands_of(*function.vector) : function.operands, function.operands) << function.name;
  }
  EXPECT_EQ(find_function("expo"), nullptr);
  EXPECT_EQ(find_function("max")->vector, find_function("maximum")->vector);
}

TEST(FusedFunctions, WormholeCyclesOfExp) {
  const auto cycles = [](const char* name, VectorMode mode) { return sfpu_cycles(Chip(), *find_function(name), mode); };
  EXPECT_EQ(cycles("exp", VectorMode::rc), 1344 + 4 * 7 + 4);
  EXPECT_EQ(cycles("exp", VectorMode::first_column),
            Chip().cycles().vector(VectorOp::exp_accurate, VectorMode::first_column));
  EXPECT_DOUBLE_EQ(cycles("exp_fast", VectorMode::rc), 106.7 + 4 * 7 + 4);
  EXPECT_EQ(cycles("tan", VectorMode::first_column), find_function("tan")->sfpu_cycles / 4) << "which no SFPU here has";
}

// --- builder ----------------------------------------------------------------------------------------------------------

TEST(FusedGraph, ShapesInText) {
  EXPECT_EQ(text_of(tiles(2, 4)), "2x4");
  EXPECT_EQ(text_of(column(2)), "2x1e");
  EXPECT_EQ(text_of(Shape{one_element, one_element}), "1ex1e");
}

TEST(FusedGraph, BroadcastsUnitExtentsOnly) {
  Graph graph;
  const ValueId x = graph.input("x", tiles(2, 3));
  const ValueId c = graph.input("c", column(2));
  const ValueId r = graph.input("r", row(3));
  const ValueId one_tile = graph.input("t", tiles(2, 1));
  EXPECT_EQ(graph.value(graph.apply("add", {c, x})).shape, tiles(2, 3));
  EXPECT_EQ(graph.value(graph.apply("mul", {c, r})).shape, tiles(2, 3));
  EXPECT_EQ(graph.value(graph.apply("exp", {c})).shape, column(2));
  EXPECT_EQ(refusal([&] {
              graph.apply("sub", {x, one_tile}, 0, "d");
            }),
            "sub 'd': shapes can't be broadcast: 'x' is 2x3, 't' is 2x1");
}

TEST(FusedGraph, NamesResultsThatHaveNone) {
  Graph graph;
  const ValueId x = graph.input("t0", tiles(1, 1));
  const ValueId y = graph.apply("exp", {x});
  EXPECT_EQ(graph.value(y).name, "t1");
  EXPECT_EQ(graph.find("t1"), y);
  EXPECT_EQ(graph.find("t2"), no_value);
}

TEST(FusedGraph, OneValueTwiceIsOneUser) {
  Graph graph;
  const ValueId x = graph.input("x", tiles(1, 1));
  graph.output(graph.apply("mul", {x, x}));
  graph.finish();
  EXPECT_EQ(graph.users_of(x), std::vector<int>{0});
}

TEST(FusedGraph, RefusesInOneLine) {
  Graph graph;
  const ValueId x = graph.input("x", tiles(2, 3));
  const ValueId c = graph.input("c", column(2));
  const ValueId y = graph.apply("exp", {x}, 0, "y");
  EXPECT_EQ(refusal([&] { graph.apply("foo", {x}, 0, "z"); }), "operation 'z': unknown function 'foo'");
  EXPECT_EQ(refusal([&] { graph.apply("add", {x}); }), "add: 1 operands given, it takes 2");
  EXPECT_EQ(refusal([&] { graph.apply("neg", {x}, 0, "y"); }), "operation 'y': the name is taken");
  EXPECT_EQ(refusal([&] { graph.apply("neg", {7}); }), "neg: operand 7 is not a value of the graph, which has 3");
  EXPECT_EQ(refusal([&] { graph.apply("exp", {x}, -2); }), "exp: scale -2 is not positive");
  EXPECT_EQ(refusal([&] { graph.input("late", tiles(1, 1)); }), "input 'late' comes after operations; inputs come first");
  EXPECT_EQ(refusal([&] { Graph().input("x", tiles(0, 1)); }), "input 'x': an extent of 0 tiles");
  EXPECT_EQ(refusal([&] { graph.matmul(x, x, false, no_value, "s"); }),
            "matmul 's': 'x' is 2x3 and 'x' is 2x3: 3 tiles of K against 2");
  EXPECT_EQ(refusal([&] { graph.matmul(x, x, true, c, "s"); }), "matmul 's': accumulator 'c' is 2x1e, the product is 2x2");
  EXPECT_EQ(refusal([&] { graph.reduce(Pool::max, ReduceDim::row, c); }),
            "reduce max: 'c' is 2x1e and has only one element in a row");
  EXPECT_EQ(refusal([&] { graph.reduce(Pool::sum, ReduceDim::col, x, c); }),
            "reduce sum: accumulator 'c' is 2x1e, the result is 1ex3");
  EXPECT_EQ(refusal([&] { graph.tile_sum(ReduceDim::row, c); }), "tile_sum: 'c' is 2x1e and has only one element in a row");
  EXPECT_EQ(refusal([&] { graph.output(x); }), "output 'x' is an input: no operation makes it");
  EXPECT_EQ(refusal([&] { graph.finish(); }), "graph: no outputs");
  graph.output(y);
  EXPECT_EQ(refusal([&] { graph.output(y); }), "output 'y' is listed twice");
}

// --- axes -------------------------------------------------------------------------------------------------------------

TEST(FusedGraph, AxesOfAMatmul) {
  const Graph graph = parsed("S = Q @ K.T");
  const Value& q = graph.value(graph.find("Q"));
  const Value& k = graph.value(graph.find("K"));
  const Value& s = graph.value(graph.find("S"));
  ASSERT_EQ(graph.axes().size(), 3U);
  EXPECT_EQ(q.axes[0], s.axes[0]);
  EXPECT_EQ(k.axes[0], s.axes[1]);
  EXPECT_EQ(q.axes[1], k.axes[1]);
  const auto axis = [&](AxisId id) { return graph.axes()[static_cast<std::size_t>(id)]; };
  EXPECT_FALSE(axis(s.axes[0]).contracted);
  EXPECT_FALSE(axis(s.axes[1]).contracted);
  EXPECT_TRUE(axis(q.axes[1]).contracted);
  EXPECT_EQ(axis(q.axes[1]).tiles, 4);
}

TEST(FusedGraph, AxesOfReductionsAndVectors) {
  const Graph graph = parsed("out = x - rowmax(x); l = partial_rowsum(x)");
  const Value& x = graph.value(graph.find("x"));
  const Value& l = graph.value(graph.find("l"));
  const Value& m = graph.value(graph.op(0).in[0] == graph.find("x") ? graph.result_of(0) : no_value);
  EXPECT_EQ(m.axes[0], x.axes[0]);
  EXPECT_EQ(m.axes[1], no_axis);
  EXPECT_EQ(l.axes[0], x.axes[0]);
  EXPECT_NE(l.axes[1], x.axes[1]);
  const auto contracted = [&](AxisId id) { return graph.axes()[static_cast<std::size_t>(id)].contracted; };
  EXPECT_FALSE(contracted(x.axes[0]));
  EXPECT_TRUE(contracted(x.axes[1]));
  EXPECT_TRUE(contracted(l.axes[1]));
}

TEST(FusedGraph, AnAxisBothWaysIsContracted) {
  const Graph both = parse_expression("x + x.T", {.block = tiles(2, 2)});
  ASSERT_EQ(both.axes().size(), 1U);
  EXPECT_TRUE(both.axes()[0].contracted);
  const Graph alone = parse_expression("x.T", {.block = tiles(2, 3)});
  EXPECT_EQ(alone.value(0).shape, tiles(3, 2));
  ASSERT_EQ(alone.axes().size(), 2U);
  EXPECT_FALSE(alone.axes()[0].contracted || alone.axes()[1].contracted);
}

// --- simplified -------------------------------------------------------------------------------------------------------

TEST(FusedSimplified, TransposedInputOfAMatmulIsAFlag) {
  EXPECT_EQ(op_texts(simple("S = Q @ K.T")), Texts{"S = matmul_t Q K"});
  EXPECT_EQ(op_texts(simple("KT = K.T; S = Q @ KT; R = S @ KT.T; R")).front(), "KT = transpose K");
  EXPECT_EQ(op_texts(simple("KT = K.T; S = Q @ KT; S, KT")), (Texts{"KT = transpose K", "S = matmul Q KT"}));
  EXPECT_EQ(op_texts(simple("S = Q.T @ K")), (Texts{"t0 = transpose Q", "S = matmul t0 K"}));
  // One CB can't hold K in both orders of tiles.
  EXPECT_EQ(op_texts(simple("S = Q @ K.T; R = P @ K")).front(), "t0 = transpose K");
  // Nothing to transpose on the way when the operand is made in the block.
  EXPECT_EQ(op_texts(simple("S = Q @ exp(K).T")), (Texts{"t0 = exp K", "t1 = transpose t0", "S = matmul Q t1"}));
}

TEST(FusedSimplified, SumsBeginInTheSlot) {
  EXPECT_EQ(op_texts(simple("O = x + a @ b")), Texts{"O = matmul a b x acc"});
  EXPECT_EQ(op_texts(simple("O = a @ b + x")), Texts{"O = matmul a b x acc"});
  EXPECT_EQ(op_texts(simple("O = a @ b + c @ d")), (Texts{"t0 = matmul a b", "O = matmul c d t0 acc"}));
  EXPECT_EQ(op_texts(simple("m = maximum(m0[:, None], rowmax(s))")), Texts{"m = rmax s m0 acc"});
  EXPECT_EQ(op_texts(simple("l = rowsum(s) + l0[:, None]")), Texts{"l = rsum s l0 acc"});
}

TEST(FusedSimplified, SumsThatCanNot) {
  EXPECT_EQ(simple("O = x - a @ b").ops().size(), 2U);
  EXPECT_EQ(simple("l = maximum(l0[:, None], rowsum(s))").ops().size(), 2U);
  EXPECT_EQ(simple("l = l0[:, None] + rowmax(s)").ops().size(), 2U);
  EXPECT_EQ(simple("O = x + rowsum(s)").ops().size(), 2U);                // the slot holds a column vector
  EXPECT_EQ(simple("O = v[None, :] + a @ b").ops().size(), 2U);           // the slot can't begin with a vector
  EXPECT_EQ(simple("S = a @ b; O = x + S; S, O").ops().size(), 2U);       // S is wanted too
  EXPECT_EQ(simple("S = a @ b; O = x + S; R = S * O").ops().size(), 3U);  // S is read again
  EXPECT_EQ(simple("S = a @ b; O = S + S").ops().size(), 2U);
}

TEST(FusedSimplified, SumsAndMaximaThatMayNot) {
  const auto made = [](const std::string& text, const Folds& folds) { return op_texts(simplified(parsed(text), folds)); };
  const Folds no_sums{.sums = false, .row_sums = false};
  EXPECT_EQ(made("O = x + a @ b", no_sums), (Texts{"t0 = matmul a b", "O = add x t0"}));
  EXPECT_EQ(made("l = rowsum(s) + l0[:, None]", no_sums), (Texts{"t0 = rsum s", "l = add t0 l0"}));
  EXPECT_EQ(made("m = maximum(m0[:, None], rowmax(s))", no_sums), Texts{"m = rmax s m0 acc"});
  EXPECT_EQ(made("p = exp(s * 4)", no_sums), Texts{"p = exp s"});
  const Folds no_inputs{.input_maxima = false, .result_maxima = false};
  EXPECT_EQ(made("m = maximum(m0[:, None], rowmax(s))", no_inputs), (Texts{"t0 = rmax s", "m = maximum m0 t0"}));
  EXPECT_EQ(made("m = maximum(exp(m0[:, None]), rowmax(s))", no_inputs).size(), 3U);
  EXPECT_EQ(made("m = maximum(rowmax(r), rowmax(s))", no_inputs), (Texts{"t0 = rmax r", "m = rmax s t0 acc"}));
}

TEST(FusedSimplified, RunningSumsByThemselves) {
  Graph graph = parsed("S = x + a @ b; O = S * y + c @ d; S, O");
  graph.set_running(graph.find("O"));
  EXPECT_EQ(op_texts(simplified(graph, {.running_sums = false})).front(), "S = matmul a b x acc");
  EXPECT_EQ(op_texts(simplified(graph, {.running_sums = false})).back().rfind("O = add", 0), 0U);
  EXPECT_EQ(op_texts(simplified(graph)).back().rfind("O = matmul", 0), 0U);
}

TEST(FusedSimplified, ChainsOfSums) {
  EXPECT_EQ(op_texts(simple("O = x + a @ b + c @ d")), (Texts{"t1 = matmul a b x acc", "O = matmul c d t1 acc"}));
}

TEST(FusedSimplified, ScaleOfExp) {
  const Graph graph = simple("p = exp((s - m[:, None]) / 4)");
  EXPECT_EQ(op_texts(graph), (Texts{"t0 = sub s m", "p = exp t0"}));
  EXPECT_EQ(graph.op(1).parameter, 0.25F);
  EXPECT_EQ(simple("exp(x)").op(0).parameter, 1);
  EXPECT_EQ(simple("exp(x * 2 * 3)").op(0).parameter, 6);
  EXPECT_EQ(simple("exp(x * -2)").ops().size(), 2U);
  EXPECT_EQ(simple("exp(x * 0)").ops().size(), 2U);
  EXPECT_EQ(simple("sqrt(x * 2)").ops().size(), 2U);
  EXPECT_EQ(simple("y = x * 2; p = exp(y); y, p").ops().size(), 2U);
  EXPECT_EQ(simple("y = x * 2; p = exp(y) + y").ops().size(), 3U);
}

TEST(FusedSimplified, DeadOperationsAndInputsGo) {
  Graph graph;
  const ValueId x = graph.input("x", tiles(1, 1));
  const ValueId unused = graph.input("unused", tiles(1, 1));
  const ValueId y = graph.apply("exp", {x}, 0, "y");
  graph.apply("add", {y, unused}, 0, "dead");
  graph.output(y);
  graph.finish();
  const Graph made = simplified(graph);
  EXPECT_EQ(op_texts(made), Texts{"y = exp x"});
  EXPECT_EQ(made.input_count(), 1);
  EXPECT_EQ(made.outputs(), std::vector<ValueId>{1});
}

TEST(FusedSimplified, FormsStay) {
  Graph graph;
  const ValueId a = graph.input("a", tiles(1, 1));
  const ValueId x = graph.input("x", tiles(1, 1));
  const ValueId sum = graph.apply("add", {graph.matmul(a, a, false), x}, 0, "sum");
  graph.set_form(sum, FormRule::dest_reuse_only);
  graph.output(sum);
  graph.finish();
  const Graph made = simplified(graph);
  ASSERT_EQ(made.ops().size(), 2U);
  EXPECT_EQ(made.op(1).form, FormRule::dest_reuse_only);
}

/// Largest difference of the outputs of a graph and of what it is simplified to, relative to the largest value.
double change_of(const Graph& graph) {
  const Graph made = simplified(graph);
  std::mt19937 random(7);
  std::uniform_real_distribution<float> uniform(0.5F, 1.5F);
  const auto tensors_of = [&](const Graph& each, std::map<std::string, Tensor>& known) {
    std::vector<Tensor> tensors;
    for (ValueId i = 0; i < each.input_count(); ++i) {
      const Value& value = each.value(i);
      Tensor& tensor = known[value.name];
      if (tensor.values.empty()) {
        tensor.rows = value.shape.rows.unit ? 1 : value.shape.rows.tiles * tile_side;
        tensor.cols = value.shape.cols.unit ? 1 : value.shape.cols.tiles * tile_side;
        tensor.values.resize(static_cast<std::size_t>(tensor.rows) * static_cast<std::size_t>(tensor.cols));
        for (float& element : tensor.values) element = uniform(random);
      }
      tensors.push_back(tensor);
    }
    return tensors;
  };
  std::map<std::string, Tensor> known;
  const std::vector<Evaluated> before = evaluate(graph, tensors_of(graph, known), {.format = DataFormat::fp32});
  const std::vector<Evaluated> after = evaluate(made, tensors_of(made, known), {.format = DataFormat::fp32});
  EXPECT_EQ(before.size(), after.size());
  double worst = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(graph.value(graph.outputs()[i]).name, made.value(made.outputs()[i]).name);
    EXPECT_EQ(graph.value(graph.outputs()[i]).shape, made.value(made.outputs()[i]).shape);
    double largest = 1e-300;
    for (const double value : before[i].values) largest = std::max(largest, std::abs(value));
    EXPECT_EQ(before[i].values.size(), after[i].values.size());
    for (std::size_t k = 0; k < before[i].values.size(); ++k) {
      const double difference = std::abs(before[i].values[k] - after[i].values[k]);
      worst = std::isfinite(difference) ? std::max(worst, difference / largest) : difference;
    }
  }
  return worst;
}

TEST(FusedSimplified, KeepsTheMeaning) {
  for (const Preset& preset : presets()) {
    EXPECT_LT(change_of(preset_graph(preset.name, tiles(2, 3), 2)), 1e-6) << preset.name;
  }
  for (const char* text : {"x + a @ b + c @ d", "exp((a @ b) * 0.01) + x", "m = maximum(rowmax(x), m0[:, None]); m",
                           "KT = K.T; S = Q @ KT; R = S + x; R", "rowsum(x) + rowsum(y)", "maximum(rowmax(x), rowmax(y))"}) {
    EXPECT_LT(change_of(parsed(text)), 1e-6) << text;
  }
}

// --- presets ----------------------------------------------------------------------------------------------------------

TEST(FusedPresets, AllBuildAndSimplifyForManyBlocks) {
  for (const Preset& preset : presets()) {
    for (const auto& [rows, cols] : {std::pair{1, 1}, {2, 2}, {1, 4}, {3, 5}}) {
      for (const int inner : {0, 1, 4}) {
        const Graph graph = preset_graph(preset.name, tiles(rows, cols), inner);
        EXPECT_EQ(graph.name, preset.name);
        EXPECT_LE(simplified(graph).ops().size(), graph.ops().size()) << preset.name;
        for (const Op& op : graph.ops()) {
          EXPECT_TRUE(op.function == nullptr || op.function->vector) << preset.name << " " << op.name;
        }
      }
    }
  }
}

TEST(FusedPresets, SixOp) {
  const Graph graph = preset_graph("six-op", tiles(2, 2), 0);
  EXPECT_EQ(op_texts(graph),
            (Texts{"KT = transpose K", "S = matmul Q KT", "d = sub S m", "e = mul d c", "p = exp e", "out = recip p"}));
  for (const Value& value : graph.values()) EXPECT_EQ(value.shape, tiles(2, 2)) << value.name;
  EXPECT_EQ(op_texts(simplified(graph)).front(), "S = matmul_t Q K");
}

TEST(FusedPresets, AttentionStep) {
  const Graph graph = simplified(preset_graph("attention-step", tiles(2, 4), 3));
  const auto shape = [&](const char* name) { return graph.value(graph.find(name)).shape; };
  EXPECT_EQ(shape("Q"), tiles(2, 4));
  EXPECT_EQ(shape("K"), tiles(3, 4));
  EXPECT_EQ(shape("V"), tiles(3, 4));
  EXPECT_EQ(shape("S"), tiles(2, 3));
  EXPECT_EQ(shape("m0"), column(2));
  EXPECT_EQ(shape("l0"), tiles(2, 1));
  EXPECT_EQ(shape("O"), tiles(2, 4));
  EXPECT_EQ(graph.outputs(), (std::vector<ValueId>{graph.find("m"), graph.find("l"), graph.find("O")}));
  EXPECT_TRUE(graph.op(graph.op_of(graph.find("O"))).accumulate);
  EXPECT_TRUE(graph.op(graph.op_of(graph.find("m"))).accumulate);
  EXPECT_FLOAT_EQ(graph.op(graph.op_of(graph.find("P"))).parameter, 1 / std::sqrt(128.0F));
}

TEST(FusedPresets, UnknownNameListsAll) {
  const std::string message = refusal([] { (void)preset_graph("sixop", tiles(1, 1), 0); });
  EXPECT_EQ(message.rfind("unknown preset 'sixop' (expected one of six-op, attention-scores,", 0), 0U) << message;
}

}  // namespace
}  // namespace tilegrid::planner
