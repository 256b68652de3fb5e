// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/graph/expression_dag.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "core/tile.h"

namespace tilegrid::planner::notation {
namespace {

constexpr std::size_t label_length = 24;

const char* dimension(int dim) { return dim == 0 ? "rows" : "columns"; }

}  // namespace

void expression_error(std::size_t position, const std::string& what) {
  throw UsageError(fmt::format("`expr` column {}: {}", position + 1, what));
}

// --- variables --------------------------------------------------------------------------------------------------------

int ExpressionDag::new_variable(std::optional<int> tiles) {
  variables_.push_back({.tiles = tiles});
  return count_of(variables_) - 1;
}

int ExpressionDag::root(int id) const {
  while (variables_[id].parent >= 0) id = variables_[id].parent;
  return id;
}

bool ExpressionDag::unite(int a, int b) {
  a = root(a);
  b = root(b);
  if (a == b) return true;
  Variable& kept = variable(a);
  Variable& merged = variable(b);
  if (kept.tiles && merged.tiles && *kept.tiles != *merged.tiles) return false;
  if (!kept.tiles) kept.tiles = merged.tiles;
  kept.inner = kept.inner || merged.inner;
  merged.parent = a;
  return true;
}

void ExpressionDag::throw_conflict(std::string_view what, NodeId a, int a_dim, NodeId b, int b_dim, std::size_t at) {
  const auto tiles = [&](NodeId id, int dim) { return *variable(node(id).dims[dim]).tiles; };
  expression_error(at, fmt::format("{}: '{}' has {} tiles of {}, '{}' has {} tiles of {}", what, node(a).label,
                                   tiles(a, a_dim), dimension(a_dim), node(b).label, tiles(b, b_dim), dimension(b_dim)));
}

void ExpressionDag::set_shape(NodeId id, Shape shape, const std::string& source) {
  const std::array<Extent, 2> extents{shape.rows, shape.cols};
  for (int dim = 0; dim < 2; ++dim) {
    const Extent extent = extents[dim];
    const int own = node(id).dims[dim];
    // One tile will do for one element: block factors have no other way to say it.
    const bool fits = own == unit ? extent.tiles == 1 : !extent.unit;
    const bool agrees = own == unit || !variable(own).tiles || *variable(own).tiles == extent.tiles;
    if (!fits || !agrees) {
      const std::string is = own == unit ? "1 element" : agrees ? "whole tiles" : fmt::format("{}", *variable(own).tiles);
      expression_error(node(id).at, fmt::format("{} gives '{}' {}, but its {} are {}", source, node(id).label,
                                                text_of(shape), dimension(dim), is));
    }
    if (own != unit) variable(own).tiles = extent.tiles;
  }
}

// --- nodes ------------------------------------------------------------------------------------------------------------

void ExpressionDag::label(NodeId id, std::string_view text) {
  if (!node(id).label.empty()) return;
  node(id).label = text.size() <= label_length ? std::string(text) : std::string(text.substr(0, label_length)) + "...";
}

ExpressionDag::NodeId ExpressionDag::intern(Node made) {
  const std::string key = fmt::format("{} {} {} {} {} {} {}", to_underlying(made.kind), made.function, made.in,
                                      made.parameter, to_underlying(made.pool), to_underlying(made.dim), made.mean_over);
  const auto [place, is_new] = known_.try_emplace(key, count_of(nodes_));
  if (is_new) nodes_.push_back(std::move(made));
  return place->second;
}

ExpressionDag::NodeId ExpressionDag::input(const std::string& name, Vector vector, std::size_t at) {
  const auto [place, is_new] = inputs_.try_emplace(name, count_of(nodes_));
  if (!is_new) return place->second;
  const auto given = shapes_.operands.find(name);
  const std::size_t order = input_order_.size();
  input_order_.push_back(name);
  std::optional<Shape> shape;
  if (order < shapes_.factors.size()) shape = shapes_.factors[order];
  if (given != shapes_.operands.end()) shape = given->second;
  Node made{.is_input = true, .at = at, .name = name, .label = name};
  const bool unit_rows = vector == Vector::row || (shape && shape->rows.unit);
  const bool unit_cols = vector == Vector::column || (shape && shape->cols.unit);
  made.dims = {unit_rows ? unit : new_variable(), unit_cols ? unit : new_variable()};
  nodes_.push_back(std::move(made));
  if (shape) set_shape(place->second, *shape, given != shapes_.operands.end() ? "the shape given" : "the block factor");
  return place->second;
}

ExpressionDag::NodeId ExpressionDag::apply(std::string_view function, const std::vector<NodeId>& in, double parameter,
                                           std::size_t at) {
  const Function* found = find_function(function);
  if (!std::isfinite(static_cast<float>(parameter))) {
    expression_error(at, fmt::format("{}: the number {} is out of range", function, parameter));
  }
  Node made{.kind = found->kind, .function = found->name, .in = in, .parameter = parameter, .at = at};
  for (int dim = 0; dim < 2; ++dim) {
    NodeId first = -1;
    for (const NodeId operand : in) {
      const int own = node(operand).dims[dim];
      if (own == unit) continue;
      if (first < 0) {
        first = operand;
        made.dims[dim] = own;
      } else if (!unite(made.dims[dim], own)) {
        throw_conflict(function, first, dim, operand, dim, at);
      }
    }
  }
  return intern(std::move(made));
}

void ExpressionDag::need_whole(std::string_view what, NodeId a, int dim) const {
  if (!is_unit(a, dim)) return;
  expression_error(node(a).at,
                   fmt::format("{}: '{}' has only one element along its {}", what, node(a).label, dimension(dim)));
}

ExpressionDag::NodeId ExpressionDag::matmul(NodeId a, NodeId b, std::size_t at) {
  need_whole("matmul", a, 1);
  need_whole("matmul", b, 0);
  if (!unite(node(a).dims[1], node(b).dims[0])) throw_conflict("matmul", a, 1, b, 0, at);
  variable(node(a).dims[1]).inner = true;
  return intern({.kind = OpKind::matmul, .in = {a, b}, .at = at, .dims = {node(a).dims[0], node(b).dims[1]}});
}

ExpressionDag::NodeId ExpressionDag::reduce(Pool pool, ReduceDim dim, NodeId a, std::size_t at) {
  Node made{.kind = OpKind::reduce, .in = {a}, .pool = pool, .dim = dim, .at = at, .dims = node(a).dims};
  if (dim != ReduceDim::col) {
    need_whole("reduction", a, 1);
    made.dims[1] = unit;
  }
  if (dim != ReduceDim::row) {
    need_whole("reduction", a, 0);
    made.dims[0] = unit;
  }
  return intern(std::move(made));
}

ExpressionDag::NodeId ExpressionDag::mean(ReduceDim dim, NodeId a, std::size_t at) {
  const NodeId sum = reduce(Pool::sum, dim, a, at);
  Node made{.kind = OpKind::unary, .function = "mul_scalar", .in = {sum}, .parameter = 1, .at = at, .dims = node(sum).dims};
  if (dim != ReduceDim::col) made.mean_over.push_back(node(a).dims[1]);
  if (dim != ReduceDim::row) made.mean_over.push_back(node(a).dims[0]);
  return intern(std::move(made));
}

ExpressionDag::NodeId ExpressionDag::tile_sum(ReduceDim dim, NodeId a, std::size_t at) {
  const int along = dim == ReduceDim::row ? 1 : 0;
  need_whole("partial sum", a, along);
  Node made{.kind = OpKind::tile_sum, .in = {a}, .dim = dim, .at = at, .dims = node(a).dims};
  made.dims[along] = new_variable(1);
  return intern(std::move(made));
}

ExpressionDag::NodeId ExpressionDag::transpose(NodeId a, std::size_t at) {
  return intern({.kind = OpKind::transpose, .in = {a}, .at = at, .dims = {node(a).dims[1], node(a).dims[0]}});
}

void ExpressionDag::add_output(NodeId id, const std::string& name, std::size_t at) {
  if (is_input(id)) expression_error(at, fmt::format("output '{}' is the input '{}' itself", name, node(id).name));
  if (std::find(outputs_.begin(), outputs_.end(), id) != outputs_.end()) {
    if (node(id).name == name) expression_error(at, fmt::format("output '{}' is listed twice", name));
    Node copy = node(id);
    id = count_of(nodes_);
    nodes_.push_back(std::move(copy));
  }
  node(id).name = name;
  outputs_.push_back(id);
}

// --- shapes -----------------------------------------------------------------------------------------------------------

void ExpressionDag::check_given_shapes() const {
  for (const auto& [name, shape] : shapes_.operands) {
    if (has_input(name)) continue;
    throw UsageError(fmt::format("a shape is given for '{}', which is no input of the expression (inputs: {})", name,
                                 fmt::join(input_order_, ", ")));
  }
  if (shapes_.factors.size() > input_order_.size() + outputs_.size()) {
    throw UsageError(fmt::format("{} block factors given, but the expression has {} inputs ({}) and {} outputs",
                                 shapes_.factors.size(), input_order_.size(), fmt::join(input_order_, ", "),
                                 outputs_.size()));
  }
}

void ExpressionDag::fix_output(NodeId id, const Shape& block) {
  for (int dim = 0; dim < 2; ++dim) {
    const int own = node(id).dims[dim];
    if (own == unit) continue;
    Variable& fixed = variable(own);
    const int wanted = (dim == 0 ? block.rows : block.cols).tiles;
    if (!fixed.tiles) {
      fixed.tiles = wanted;
      fixed.from_block = true;
    } else if (fixed.from_block && *fixed.tiles != wanted) {
      expression_error(node(id).at,
                       fmt::format("the {} of '{}' must be {} tiles, as another dimension of the outputs; the block is {}",
                                   dimension(dim), node(id).name, *fixed.tiles, text_of(block)));
    }
  }
}

void ExpressionDag::fix_variables() {
  for (std::size_t i = input_order_.size(); i < shapes_.factors.size(); ++i) {
    set_shape(outputs_[i - input_order_.size()], shapes_.factors[i], "the block factor");
  }
  for (const NodeId id : outputs_) fix_output(id, shapes_.block);
  // Columns first: what is the columns of one value and the rows of another, such as K in Q @ K.T, counts as columns.
  for (const std::size_t dim : {std::size_t{1}, std::size_t{0}}) {
    for (const Node& each : nodes_) {
      if (each.dims[dim] == unit) continue;
      Variable& open = variable(each.dims[dim]);
      if (open.tiles) continue;
      const int columns = shapes_.block.cols.tiles;
      if (open.inner) {
        open.tiles = shapes_.inner > 0 ? shapes_.inner : columns;
      } else {
        open.tiles = dim == 0 ? shapes_.block.rows.tiles : columns;
      }
    }
  }
}

Extent ExpressionDag::extent_of(NodeId id, int dim) {
  const int own = node(id).dims[dim];
  return own == unit ? Extent{.tiles = 1, .unit = true} : Extent{.tiles = *variable(own).tiles, .unit = false};
}

// --- building ---------------------------------------------------------------------------------------------------------

std::vector<bool> ExpressionDag::live_nodes() const {
  std::vector<bool> live(nodes_.size(), false);
  for (const NodeId id : outputs_) live[id] = true;
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    if (!live[i]) continue;
    for (const NodeId in : nodes_[i].in) live[in] = true;
  }
  return live;
}

std::string ExpressionDag::free_name(int& counter) const {
  std::string made;
  do {
    made = fmt::format("t{}", counter++);
  } while (std::any_of(nodes_.begin(), nodes_.end(), [&](const Node& each) { return each.name == made; }));
  return made;
}

ValueId ExpressionDag::build_op(Graph& graph, const Node& made, const std::vector<ValueId>& values,
                                const std::string& name) {
  std::vector<ValueId> in;
  for (const NodeId id : made.in) in.push_back(values[id]);
  try {
    switch (made.kind) {
      case OpKind::matmul:
        return graph.matmul(in[0], in[1], false, no_value, name);
      case OpKind::reduce:
        return graph.reduce(made.pool, made.dim, in[0], no_value, name);
      case OpKind::tile_sum:
        return graph.tile_sum(made.dim, in[0], name);
      case OpKind::transpose:
        return graph.transpose(in[0], name);
      default:
        break;
    }
    double parameter = made.parameter;
    for (const int over : made.mean_over) parameter /= *variable(over).tiles * tile_side;
    return graph.apply(made.function, in, static_cast<float>(parameter), name);
  } catch (const UsageError& error) {
    expression_error(made.at, error.message());
  }
}

Graph ExpressionDag::build() {
  check_given_shapes();
  fix_variables();
  const std::vector<bool> live = live_nodes();
  Graph graph;
  std::vector<ValueId> values(nodes_.size(), no_value);
  for (const std::string& name : input_order_) {
    const NodeId id = inputs_.at(name);
    const std::size_t i = id;
    if (live[i]) values[i] = graph.input(name, {extent_of(id, 0), extent_of(id, 1)});
  }
  int counter = 0;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (!live[i] || nodes_[i].is_input) continue;
    values[i] = build_op(graph, nodes_[i], values, nodes_[i].name.empty() ? free_name(counter) : nodes_[i].name);
  }
  for (const NodeId id : outputs_) graph.output(values[id]);
  graph.finish();
  return graph;
}

}  // namespace tilegrid::planner::notation
