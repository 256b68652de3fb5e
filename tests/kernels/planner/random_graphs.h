// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "kernels/planner/graph/graph.h"

namespace tilegrid::test {

/// Random graphs of 2 to `most_ops` operations of every kind over small blocks. Graph `number` is always the same one.
class RandomGraph {
 public:
  explicit RandomGraph(std::uint32_t number, int most_ops = 12) : random_(number * 7919U + 13U), most_ops_(most_ops) {}

  planner::Graph make() {
    rows_ = pick(1, 3);
    cols_ = pick(1, 3);
    graph_.name = "random";
    const int inputs = pick(1, 4);
    for (int i = 0; i < inputs; ++i) full_.push_back(graph_.input(fmt::format("i{}", i), block()));
    if (pick(0, 2) == 0) column_.push_back(graph_.input("v", {{rows_, false}, {1, true}}));
    if (pick(0, 3) == 0) row_.push_back(graph_.input("w", {{1, true}, {cols_, false}}));
    const int ops = pick(2, most_ops_);
    for (int op = 0; op < ops; ++op) add(op);
    for (const planner::ValueId value : made_) {
      if (graph_.users_of(value).empty() || pick(0, 9) == 0) graph_.output(value);
    }
    graph_.finish();
    return graph_;
  }

 private:
  [[nodiscard]] planner::Shape block() const { return {{rows_, false}, {cols_, false}}; }
  int pick(int low, int high) { return low + static_cast<int>(random_() % static_cast<std::uint32_t>(high - low + 1)); }
  /// Recent values more often, so that graphs are deep.
  planner::ValueId any(const std::vector<planner::ValueId>& values) {
    const int count = static_cast<int>(values.size());
    const int recent = std::max(0, count - 3);
    return values[static_cast<std::size_t>(pick(pick(0, 2) == 0 ? 0 : recent, count - 1))];
  }
  planner::ValueId operand() {
    if (!column_.empty() && pick(0, 5) == 0) return any(column_);
    if (!row_.empty() && pick(0, 7) == 0) return any(row_);
    return any(full_);
  }

  void add(int op) {
    switch (pick(0, 13)) {
      case 0:
      case 1:
      case 2:
        add_unary();
        break;
      case 3:
        add_matmul(op);
        break;
      case 4:
        keep(column_, graph_.reduce(pick(0, 1) == 0 ? Pool::max : Pool::sum, ReduceDim::row, any(full_)));
        break;
      case 5:
        keep(row_, graph_.reduce(pick(0, 1) == 0 ? Pool::max : Pool::sum, ReduceDim::col, any(full_)));
        break;
      case 6:
        add_partial_sum();
        break;
      case 7:
        keep(full_, graph_.apply("where", {any(full_), operand(), any(full_)}));
        break;
      case 8:
        keep(full_, graph_.apply(pick(0, 1) == 0 ? "maximum" : "minimum", {any(full_), operand()}));
        break;
      default:
        add_binary();
        break;
    }
  }
  void keep(std::vector<planner::ValueId>& where, planner::ValueId value) {
    where.push_back(value);
    made_.push_back(value);
  }
  void add_unary() {
    constexpr const char* names[] = {"exp", "tanh", "sigmoid", "relu", "abs", "neg", "square", "gelu"};
    const char* name = names[pick(0, 7)];
    if (!column_.empty() && pick(0, 3) == 0) {
      keep(column_, graph_.apply(name, {any(column_)}));
    } else {
      keep(full_, graph_.apply(name, {any(full_)}));
    }
  }
  void add_binary() {
    constexpr const char* names[] = {"add", "sub", "mul"};
    const char* name = names[pick(0, 2)];
    const planner::ValueId wide = any(full_);
    const planner::ValueId other = operand();
    keep(full_, pick(0, 1) == 0 ? graph_.apply(name, {wide, other}) : graph_.apply(name, {other, wide}));
  }
  void add_matmul(int op) {
    const int inner = pick(1, 3);
    const bool transposed = pick(0, 1) == 0;
    const planner::Shape b =
        transposed ? planner::Shape{{cols_, false}, {inner, false}} : planner::Shape{{inner, false}, {cols_, false}};
    if (graph_.ops().empty() || pick(0, 1) == 0) {
      // Inputs come before operations.
      if (!graph_.ops().empty()) return add_binary();
      const planner::ValueId left = graph_.input(fmt::format("a{}", op), {{rows_, false}, {inner, false}});
      const planner::ValueId right = graph_.input(fmt::format("b{}", op), b);
      keep(full_, graph_.matmul(left, right, transposed));
    } else if (rows_ == cols_) {
      keep(full_, graph_.matmul(any(full_), any(full_), transposed));
    } else {
      add_binary();
    }
  }
  /// A sum over tile columns, brought back to a column.
  void add_partial_sum() {
    const planner::ValueId sum = graph_.tile_sum(ReduceDim::row, any(full_));
    made_.push_back(sum);
    keep(column_, graph_.reduce(Pool::sum, ReduceDim::row, sum));
  }

  std::mt19937 random_;
  int most_ops_;
  int rows_ = 1;
  int cols_ = 1;
  planner::Graph graph_;
  std::vector<planner::ValueId> full_, column_, row_, made_;
};

}  // namespace tilegrid::test
