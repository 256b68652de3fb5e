// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "core/error.h"
#include "kernels/planner/graph/expression.h"
#include "tests/support/names.h"

namespace tilegrid::planner {
namespace {

constexpr Extent one_element{1, true};

Shape tiles(int rows, int cols) { return {{rows, false}, {cols, false}}; }
Shape column(int rows) { return {{rows, false}, one_element}; }
Shape row(int cols) { return {one_element, {cols, false}}; }

const ExpressionShapes block_2x3{.block = tiles(2, 3), .inner = 4};

Graph parsed(const std::string& text) { return parse_expression(text, block_2x3); }

/// Operations one after another: "add(x, t0); exp(...)", parameters last.
std::string ops_of(const std::string& text) {
  const Graph graph = parsed(text);
  std::string result;
  for (const Op& op : graph.ops()) {
    if (!result.empty()) result += "; ";
    result += op.name + "=";
    if (op.function != nullptr) result += op.function->name;
    if (op.kind == OpKind::matmul) result += "matmul";
    if (op.kind == OpKind::reduce) result += op.pool == Pool::max ? "max" : "sum";
    if (op.kind == OpKind::tile_sum) result += "tile_sum";
    if (op.kind == OpKind::transpose) result += "transpose";
    if (op.kind == OpKind::reduce || op.kind == OpKind::tile_sum) {
      result += op.dim == ReduceDim::row ? "_row" : op.dim == ReduceDim::col ? "_col" : "_all";
    }
    std::string operands;
    for (const ValueId in : op.in) operands += (operands.empty() ? "" : ",") + graph.value(in).name;
    result += "(" + operands;
    if (op.function != nullptr && op.function->has_parameter) {
      char number[32];
      std::snprintf(number, sizeof number, "%g", static_cast<double>(op.parameter));
      result += std::string(",") + number;
    }
    result += ")";
  }
  return result;
}

std::string refusal(const std::string& text, const ExpressionShapes& shapes = block_2x3) {
  try {
    (void)parse_expression(text, shapes);
  } catch (const UsageError& error) {
    EXPECT_EQ(error.message().find('\n'), std::string::npos);
    return error.message();
  }
  return {};
}

Shape shape_of(const Graph& graph, const char* name) {
  const ValueId id = graph.find(name);
  EXPECT_NE(id, no_value) << name;
  return id == no_value ? Shape{} : graph.value(id).shape;
}

// --- grammar ----------------------------------------------------------------------------------------------------------

TEST(FusedExpression, Precedence) {
  EXPECT_EQ(ops_of("a + b * c"), "t0=mul(b,c); out=add(a,t0)");
  EXPECT_EQ(ops_of("(a + b) * c"), "t0=add(a,b); out=mul(t0,c)");
  EXPECT_EQ(ops_of("a - b - c"), "t0=sub(a,b); out=sub(t0,c)");
  EXPECT_EQ(ops_of("-a ** 2"), "t0=square(a); out=neg(t0)");
  EXPECT_EQ(ops_of("a ** -1"), "out=recip(a)");
  EXPECT_EQ(ops_of("a * b > c - d"), "t0=mul(a,b); t1=sub(c,d); t2=sub(t0,t1); out=gtz(t2)");
}

TEST(FusedExpression, NumbersWithTensors) {
  EXPECT_EQ(ops_of("2 * x"), "out=mul_scalar(x,2)");
  EXPECT_EQ(ops_of("x / 4"), "out=mul_scalar(x,0.25)");
  EXPECT_EQ(ops_of("x - 1"), "out=add_scalar(x,-1)");
  EXPECT_EQ(ops_of("1 - x"), "out=rsub_scalar(x,1)");
  EXPECT_EQ(ops_of("1 / x"), "out=recip(x)");
  EXPECT_EQ(ops_of("3 / x"), "t0=recip(x); out=mul_scalar(t0,3)");
  EXPECT_EQ(ops_of("2 ** x"), "out=exp2(x)");
  EXPECT_EQ(ops_of("maximum(0.5, x)"), "out=max_scalar(x,0.5)");
  EXPECT_EQ(ops_of("clip(x, -1, 1)"), "t0=max_scalar(x,-1); out=min_scalar(t0,1)");
}

TEST(FusedExpression, NumbersFold) {
  EXPECT_EQ(ops_of("x * (2 + 3 * 4)"), "out=mul_scalar(x,14)");
  EXPECT_EQ(ops_of("x / np.sqrt(64)"), "out=mul_scalar(x,0.125)");
  EXPECT_EQ(ops_of("c = 2 ** -3; x * -c"), "out=mul_scalar(x,-0.125)");
  EXPECT_EQ(ops_of("x + 1.5e-5"), "out=add_scalar(x,1.5e-05)");
  EXPECT_EQ(ops_of("x + .5"), "out=add_scalar(x,0.5)");
}

TEST(FusedExpression, Powers) {
  EXPECT_EQ(ops_of("x**0.5"), "out=sqrt(x)");
  EXPECT_EQ(ops_of("x**-0.5"), "out=rsqrt(x)");
  EXPECT_EQ(ops_of("x**3"), "t0=square(x); out=mul(t0,x)");
  EXPECT_EQ(ops_of("x**y"), "out=pow(x,y)");
}

TEST(FusedExpression, Comparisons) {
  EXPECT_EQ(ops_of("x > 0"), "out=gtz(x)");
  EXPECT_EQ(ops_of("0 < x"), "out=gtz(x)");
  EXPECT_EQ(ops_of("x <= 2"), "t0=add_scalar(x,-2); out=lez(t0)");
  EXPECT_EQ(ops_of("2 <= x"), "t0=add_scalar(x,-2); out=gez(t0)");
  EXPECT_EQ(ops_of("x != y"), "t0=sub(x,y); out=nez(t0)");
  EXPECT_EQ(ops_of("np.less(x, y)"), "t0=sub(x,y); out=ltz(t0)");
}

TEST(FusedExpression, Where) {
  EXPECT_EQ(ops_of("where(x > 0, x, y)"), "t0=gtz(x); out=where(t0,x,y)");
  EXPECT_EQ(ops_of("where(x, y, -1e9)"), "t0=min_scalar(x,-1e+09); t1=max_scalar(t0,-1e+09); out=where(x,y,t1)");
}

TEST(FusedExpression, Reductions) {
  EXPECT_EQ(ops_of("rowmax(x)"), "out=max_row(x)");
  EXPECT_EQ(ops_of("np.max(x, axis=1, keepdims=True)"), "out=max_row(x)");
  EXPECT_EQ(ops_of("x.sum(axis=0)"), "out=sum_col(x)");
  EXPECT_EQ(ops_of("sum(x)"), "out=sum_all(x)");
  EXPECT_EQ(ops_of("partial_rowsum(x)"), "out=tile_sum_row(x)");
  EXPECT_EQ(ops_of("rowmean(x)"), "t0=sum_row(x); out=mul_scalar(t0,0.0104167)");  // 96 columns
  EXPECT_EQ(ops_of("colmean(x)"), "t0=sum_col(x); out=mul_scalar(t0,0.015625)");   // 64 rows
  EXPECT_EQ(ops_of("max(x, y)"), "out=maximum(x,y)");
}

TEST(FusedExpression, EqualSubexpressionsAreOneOperation) {
  EXPECT_EQ(ops_of("exp(x - m) / rowsum(exp(x - m))"), "t0=sub(x,m); t1=exp(t0); t2=sum_row(t1); out=div(t1,t2)");
  EXPECT_EQ(ops_of("a = exp(x); b = exp(x); a, b"), "a=exp(x); b=exp(x)");
}

TEST(FusedExpression, Outputs) {
  const Graph graph = parsed("m = rowmax(s); p = exp(s - m); l = rowsum(p); p, m");
  const auto name = [&](std::size_t i) { return graph.value(graph.outputs()[i]).name; };
  ASSERT_EQ(graph.outputs().size(), 3U);
  EXPECT_EQ(name(0), "p");
  EXPECT_EQ(name(1), "m");
  EXPECT_EQ(name(2), "l");
  EXPECT_EQ(parsed("m = rowmax(s); exp(s - m);").value(parsed("m = rowmax(s); exp(s - m)").outputs()[0]).name, "out");
  EXPECT_EQ(parsed("exp(x), neg(x)").outputs().size(), 2U);
  EXPECT_EQ(ops_of("p = exp(s); q = p"), "q=exp(s)");
}

TEST(FusedExpression, GeneratedNamesAvoidTheUsers) {
  EXPECT_EQ(ops_of("t1 = exp(t0 + 1)"), "t2=add_scalar(t0,1); t1=exp(t2)");
}

// --- shapes -----------------------------------------------------------------------------------------------------------

TEST(FusedExpression, ShapesOfMatmuls) {
  const Graph scores = parsed("exp((Q @ K.T - m) * c)");
  EXPECT_EQ(shape_of(scores, "Q"), tiles(2, 4));
  EXPECT_EQ(shape_of(scores, "K"), tiles(3, 4));
  EXPECT_EQ(shape_of(scores, "m"), tiles(2, 3));
  const Graph product = parsed("P @ V");
  EXPECT_EQ(shape_of(product, "P"), tiles(2, 4));
  EXPECT_EQ(shape_of(product, "V"), tiles(4, 3));
  EXPECT_EQ(shape_of(parse_expression("P @ V", {.block = tiles(2, 3)}), "V"), tiles(3, 3));
}

TEST(FusedExpression, ShapesOfReducedDimensions) {
  EXPECT_EQ(shape_of(parsed("rowmax(x)"), "x"), tiles(2, 3));
  EXPECT_EQ(shape_of(parsed("colsum(x)"), "x"), tiles(2, 3));
  EXPECT_EQ(shape_of(parsed("S = Q @ K.T; rowmax(S)"), "K"), tiles(3, 4));
  EXPECT_EQ(shape_of(parsed("S = Q @ K.T; O = S @ V; O"), "S"), tiles(2, 4));
}

TEST(FusedExpression, Vectors) {
  const Graph graph = parsed("(x - m[:, None]) * gamma[None, :] + m[:, None]");
  EXPECT_EQ(shape_of(graph, "m"), column(2));
  EXPECT_EQ(shape_of(graph, "gamma"), row(3));
  EXPECT_EQ(shape_of(graph, "x"), tiles(2, 3));
  EXPECT_EQ(ops_of("x - rowmax(x)[:, None]"), "t0=max_row(x); out=sub(x,t0)");
  EXPECT_EQ(shape_of(parsed("x * y[:, np.newaxis]"), "y"), column(2));
}

// What has one axis of rows is laid along the columns by NumPy: only what says the direction is taken.
TEST(FusedExpression, OneAxisOfRowsNeedsADirection) {
  const std::string advice = "write keepdims=True in the reduction, or [:, None] behind it";
  for (const std::string text :
       {"x - np.max(x, axis=1)", "x - x.max(axis=-1)", "x / np.sum(x, axis=1, keepdims=False)", "np.mean(x, axis=1) * x",
        "m = np.max(x, axis=1); x - m", "x - 2 * np.exp(np.max(x, axis=1))", "x > np.max(x, axis=1)",
        "maximum(x, np.max(x, axis=1))", "where(x, np.max(x, axis=1), x)", "np.max(x, axis=1) - rowmax(x)",
        "np.max(x, axis=1) - np.max(x, axis=0)", "x - m + m[:, None]", "x - m ** 2 + m[:, None]"}) {
    const std::string message = refusal(text);
    EXPECT_NE(message.find(advice), std::string::npos) << text << ": " << message;
  }
  for (const std::string text : {"np.max(x, axis=1).T", "transpose(np.max(x, axis=1))", "np.max(x, axis=1) @ x",
                                 "np.max(np.max(x, axis=1), axis=0)"}) {
    EXPECT_NE(refusal(text).find("has one axis only"), std::string::npos) << text << ": " << refusal(text);
  }
  EXPECT_NE(refusal("x - np.max(x, axis=1)").find("column 8: 'max(x, axis=1)'"), std::string::npos);
}

TEST(FusedExpression, WhatHasADirectionIsTakenAsNumPyDoes) {
  const std::string column = "t0=max_row(x); out=sub(x,t0)";
  EXPECT_EQ(ops_of("x - np.max(x, axis=1, keepdims=True)"), column);
  EXPECT_EQ(ops_of("x - np.max(x, axis=1)[:, None]"), column);
  EXPECT_EQ(ops_of("m = x.max(axis=1); x - m[:, None]"), "m=max_row(x); out=sub(x,m)");
  // One axis of columns is laid along the columns by NumPy, too.
  EXPECT_EQ(ops_of("x - np.max(x, axis=0)"), "t0=max_col(x); out=sub(x,t0)");
  EXPECT_EQ(ops_of("x - np.max(x)"), "t0=max_all(x); out=sub(x,t0)");
  EXPECT_EQ(ops_of("x + g + g[None, :]"), "t0=add(x,g); out=add(t0,g)");
  // Among themselves vectors of rows agree.
  EXPECT_EQ(ops_of("np.max(x, axis=1) * np.exp(np.sum(x, axis=1))"),
            "t0=max_row(x); t1=sum_row(x); t2=exp(t1); out=mul(t0,t2)");
  EXPECT_EQ(ops_of("-np.max(x, axis=1) * np.max(x)"), "t0=max_row(x); t1=neg(t0); t2=max_all(x); out=mul(t1,t2)");
}

TEST(FusedExpression, GivenShapesWin) {
  ExpressionShapes shapes{.block = tiles(2, 3), .inner = 4, .operands = {{"K", tiles(5, 6)}}};
  const Graph graph = parse_expression("exp(Q @ K.T)", shapes);
  EXPECT_EQ(shape_of(graph, "Q"), tiles(2, 6));
  EXPECT_EQ(shape_of(graph, "out"), tiles(2, 5));
  shapes.operands = {{"m", column(2)}};
  EXPECT_EQ(shape_of(parse_expression("x - m", shapes), "m"), column(2));
}

TEST(FusedExpression, BlockFactors) {
  const ExpressionShapes shapes{.factors = {tiles(2, 1), tiles(3, 1), tiles(2, 3), tiles(2, 3)}};
  const Graph graph = parse_expression("Q @ K.T - m", shapes);
  EXPECT_EQ(shape_of(graph, "K"), tiles(3, 1));
  EXPECT_EQ(shape_of(graph, "out"), tiles(2, 3));
  EXPECT_TRUE(test::names(refusal("exp(x)", {.factors = {tiles(1, 1), tiles(1, 1), tiles(1, 1)}}), {"3", "1", "1"}));
  // One tile stands for the one element of a vector.
  EXPECT_EQ(shape_of(parse_expression("x - m[:, None]", {.factors = {tiles(2, 3), tiles(2, 1)}}), "m"), column(2));
}

TEST(FusedExpression, ShapeConflicts) {
  EXPECT_TRUE(test::names(refusal("x + Q @ y", {.block = tiles(2, 2), .operands = {{"Q", tiles(2, 3)}, {"y", tiles(2, 2)}}}),
                          {"`expr` column 7", "'Q'", "3", "'y'", "2"}));
  EXPECT_TRUE(test::names(refusal("exp(a) * b", {.operands = {{"a", tiles(2, 3)}, {"b", tiles(2, 1)}}}),
                          {"`expr` column 8", "'exp(a)'", "3", "'b'", "1"}));
  EXPECT_TRUE(
      test::names(refusal("a - m[:, None]", {.operands = {{"m", tiles(2, 2)}}}), {"`expr` column 5", "'m'", "2x2", "1"}));
  EXPECT_TRUE(test::names(refusal("x + x.T"), {"`expr` column 3", "'out'", "2", "2x3"}));
  EXPECT_TRUE(test::names(refusal("exp(x)", {.operands = {{"y", tiles(1, 1)}}}), {"'y'"}));
  EXPECT_TRUE(test::names(refusal("rowmax(rowmax(x))"), {"`expr` column 8", "'rowmax(x)'"}));
  EXPECT_TRUE(test::names(refusal("m[:, None] @ x"), {"`expr` column 1", "'m'"}));
}

// --- errors -----------------------------------------------------------------------------------------------------------

TEST(FusedExpression, ErrorsPointAtTheColumn) {
  EXPECT_TRUE(test::names(refusal("exp(s - 1) + rowmx(s)"), {"`expr` column 14", "'rowmx'", "rowmax"}));
  EXPECT_TRUE(test::names(refusal("x + frobnicate(x)"), {"`expr` column 5", "'frobnicate'"}));
  EXPECT_TRUE(test::names(refusal(""), {"`expr` column 1"}));
  EXPECT_TRUE(test::names(refusal("x +"), {"`expr` column 4", "'('"}));
  EXPECT_TRUE(test::names(refusal("(x + y"), {"`expr` column 7", "')'"}));
  EXPECT_TRUE(test::names(refusal("x y"), {"`expr` column 3", "';'", "'y'", "\"y\""}));
  EXPECT_TRUE(test::names(refusal("x ? y"), {"`expr` column 3", "\"? y\""}));
  EXPECT_TRUE(test::names(refusal("2x"), {"`expr` column 1", "\"2x\""}));
  EXPECT_TRUE(test::names(refusal("x.S"), {"`expr` column 3", "'.'", "'S'", "\"S\""}));
  EXPECT_TRUE(test::names(refusal("x[0]"), {"`expr` column 3", "'0'", "\"0]\""}));
  EXPECT_TRUE(test::names(refusal("1e999 * x"), {"`expr` column 1"}));
  EXPECT_TRUE(test::names(refusal("1e60 * x"), {"`expr` column 6", "1e+60"}));
}

TEST(FusedExpression, ErrorsOfMeaning) {
  EXPECT_TRUE(test::names(refusal("x / 0"), {"`expr` column 3"}));
  EXPECT_TRUE(test::names(refusal("x * (1 / 0)"), {"`expr` column 8", "1", "0"}));
  EXPECT_TRUE(test::names(refusal("x ** 2.5"), {"`expr` column 3", "2.5", "1", "2", "3", "4", "0.5", "-0.5", "-1", "-2"}));
  EXPECT_TRUE(test::names(refusal("where(x, y)"), {"`expr` column 1", "3", "2"}));
  EXPECT_TRUE(test::names(refusal("rowmax(3)"), {"`expr` column 8", "'rowmax'", "3"}));
  EXPECT_TRUE(test::names(refusal("x @ 3"), {"`expr` column 5", "'@'", "3"}));
  EXPECT_TRUE(test::names(refusal("clip(x, y, 1)"), {"`expr` column 9", "'clip'"}));
  EXPECT_TRUE(test::names(refusal("sum(x, axis=2)"), {"`expr` column 1", "2", "0", "1", "-1", "-2"}));
  EXPECT_TRUE(test::names(refusal("rowsum(x, axis=0)"), {"`expr` column 1", "0"}));
  EXPECT_TRUE(test::names(refusal("max(x, 1)"), {"`expr` column 1", "1", "1"}));
  EXPECT_TRUE(test::names(refusal("a < b < c"), {"`expr` column 7"}));
  EXPECT_TRUE(test::names(refusal("sqrt(x)[:, None]"), {"`expr` column 8"}));
  EXPECT_TRUE(test::names(refusal("m[:, None] + m[None, :]"), {"`expr` column 14", "'m'"}));
}

TEST(FusedExpression, ErrorsOfNames) {
  EXPECT_TRUE(test::names(refusal("x = exp(x)"), {"`expr` column 1", "'x'"}));
  EXPECT_TRUE(test::names(refusal("y = exp(x); x = y + 1"), {"`expr` column 13", "'x'"}));
  EXPECT_TRUE(test::names(refusal("y = exp(x); y = y + 1"), {"`expr` column 13", "'y'"}));
  EXPECT_TRUE(test::names(refusal("x"), {"`expr` column 1", "'x'", "'x'"}));
  EXPECT_TRUE(test::names(refusal("y = x"), {"`expr` column 1", "'y'", "'x'"}));
  EXPECT_TRUE(test::names(refusal("c = 3; c"), {"`expr` column 8", "'c'"}));
  EXPECT_EQ(refusal("c = 3"), "graph: no outputs");
  EXPECT_TRUE(test::names(refusal("y = exp(x); y, y"), {"`expr` column 16", "'y'"}));
  EXPECT_TRUE(test::names(refusal("exp(x); y = x + 1"), {"`expr` column 1", "'name = ...'"}));
  EXPECT_TRUE(test::names(refusal("exp(out)"), {"`expr` column 1", "'out'"}));
}

TEST(FusedExpression, DeepNestingIsRefused) {
  const std::string deep(100000, '(');
  EXPECT_TRUE(test::names(refusal(deep + "x"), {"`expr` column 201", "200"}));
  EXPECT_TRUE(test::names(refusal(std::string(100000, '-') + "x"), {"`expr` column 201", "200"}));
}

}  // namespace
}  // namespace tilegrid::planner
