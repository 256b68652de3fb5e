// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/graph/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/error.h"

namespace tilegrid::planner {
namespace {

constexpr Extent unit_extent{.tiles = 1, .unit = true};

std::string text_of(Extent extent) { return extent.unit ? "1e" : fmt::format("{}", extent.tiles); }

std::string quoted(const std::string& name) { return name.empty() ? "" : fmt::format(" '{}'", name); }

/// "matmul 's'", for errors.
std::string title(std::string_view what, const std::string& result) { return fmt::format("{}{}", what, quoted(result)); }

const char* name_of(ReduceDim dim) {
  switch (dim) {
    case ReduceDim::row:
      return "row";
    case ReduceDim::col:
      return "column";
    case ReduceDim::scalar:
      return "row and column";
  }
  return "";
}

void check_operands(const Graph& graph, std::string_view what, const std::vector<ValueId>& in) {
  const auto count = count_of(graph.values());
  for (const ValueId id : in) {
    if (id < 0 || id >= count) {
      throw UsageError(fmt::format("{}: operand {} is not a value of the graph, which has {}", what, id, count));
    }
  }
}

/// Folds an operand's extent into the result's. False: neither is a unit and they differ.
bool broadcast_into(Extent& result, Extent operand) {
  if (operand.unit) return true;
  if (!result.unit) return result == operand;
  result = operand;
  return true;
}

/// Sets of dimensions of values: 2 * value + (0 rows, 1 columns).
class Classes {
 public:
  explicit Classes(std::size_t values) : parent_(values * 2), contracted_(values * 2, false) {
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
  }
  [[nodiscard]] static std::size_t key(ValueId value, int dim) { return 2 * value + dim; }
  std::size_t root(std::size_t key) {
    while (parent_[key] != key) key = parent_[key] = parent_[parent_[key]];
    return key;
  }
  void unite(std::size_t a, std::size_t b) {
    a = root(a);
    b = root(b);
    parent_[b] = a;
    contracted_[a] = contracted_[a] || contracted_[b];
  }
  void contract(std::size_t key) { contracted_[root(key)] = true; }
  [[nodiscard]] bool contracted(std::size_t key) { return contracted_[root(key)]; }

 private:
  std::vector<std::size_t> parent_;
  std::vector<bool> contracted_;
};

/// What one operation says about the dimensions of its values.
class AxisFinder {
 public:
  AxisFinder(const std::vector<Value>& values, Classes& classes) : values_(values), classes_(classes) {}

  void visit(const Op& op, ValueId result) {
    switch (op.kind) {
      case OpKind::matmul:
        return matmul(op, result);
      case OpKind::reduce:
        return reduce(op, result);
      case OpKind::tile_sum:
        return tile_sum(op, result);
      case OpKind::transpose:
        same(op.in[0], 0, result, 1);
        same(op.in[0], 1, result, 0);
        return;
      default:
        for (const ValueId in : op.in) same_both(in, result);
    }
  }

 private:
  [[nodiscard]] bool unit(ValueId value, int dim) const {
    const Shape& shape = values_[value].shape;
    return dim == 0 ? shape.rows.unit : shape.cols.unit;
  }
  void same(ValueId a, int a_dim, ValueId b, int b_dim) {
    if (!unit(a, a_dim) && !unit(b, b_dim)) classes_.unite(Classes::key(a, a_dim), Classes::key(b, b_dim));
  }
  void same_both(ValueId a, ValueId b) {
    same(a, 0, b, 0);
    same(a, 1, b, 1);
  }
  void matmul(const Op& op, ValueId result) {
    const int k_of_b = op.transpose_b ? 1 : 0;
    same(op.in[0], 0, result, 0);
    same(op.in[1], 1 - k_of_b, result, 1);
    same(op.in[0], 1, op.in[1], k_of_b);
    classes_.contract(Classes::key(op.in[0], 1));
    if (op.accumulate) same_both(op.in[2], result);
  }
  void reduce(const Op& op, ValueId result) {
    same_both(op.in[0], result);
    if (op.dim != ReduceDim::col) classes_.contract(Classes::key(op.in[0], 1));
    if (op.dim != ReduceDim::row) classes_.contract(Classes::key(op.in[0], 0));
    if (op.accumulate) same_both(op.in[1], result);
  }
  void tile_sum(const Op& op, ValueId result) {
    const int along = op.dim == ReduceDim::row ? 1 : 0;
    same(op.in[0], 1 - along, result, 1 - along);
    classes_.contract(Classes::key(op.in[0], along));
    // The one tile that is left holds the sums of everything along the axis, so it is not one of many blocks either.
    classes_.contract(Classes::key(result, along));
  }

  const std::vector<Value>& values_;
  Classes& classes_;
};

}  // namespace

std::string text_of(Shape shape) { return fmt::format("{}x{}", text_of(shape.rows), text_of(shape.cols)); }

ValueId Graph::find(std::string_view name) const {
  const auto found = std::find_if(values_.begin(), values_.end(), [&](const Value& value) { return value.name == name; });
  return found == values_.end() ? no_value : static_cast<ValueId>(found - values_.begin());
}

std::vector<ValueId> Graph::inputs() const {
  std::vector<ValueId> ids(input_count_);
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

bool Graph::is_output(ValueId id) const { return std::find(outputs_.begin(), outputs_.end(), id) != outputs_.end(); }

std::vector<int> Graph::users_of(ValueId id) const {
  std::vector<int> users;
  for (int i = 0; i < count_of(ops_); ++i) {
    const std::vector<ValueId>& in = ops_[i].in;
    if (std::find(in.begin(), in.end(), id) != in.end()) users.push_back(i);
  }
  return users;
}

ValueId Graph::input(const std::string& input_name, Shape shape) {
  if (input_name.empty()) throw UsageError("an input without a name");
  if (find(input_name) != no_value) throw UsageError(fmt::format("input '{}': the name is taken", input_name));
  if (!ops_.empty()) throw UsageError(fmt::format("input '{}' comes after operations; inputs come first", input_name));
  for (const Extent extent : {shape.rows, shape.cols}) {
    if (extent.tiles < 1 || (extent.unit && extent.tiles != 1)) {
      throw UsageError(fmt::format("input '{}': an extent of {} tiles{}", input_name, extent.tiles,
                                   extent.unit ? " for one element" : ""));
    }
  }
  values_.push_back({.name = input_name, .shape = shape});
  return input_count_++;
}

ValueId Graph::add(Op op, Shape shape) {
  if (op.name.empty()) {
    auto number = ops_.size();
    do {
      op.name = fmt::format("t{}", number++);
    } while (find(op.name) != no_value);
  } else if (find(op.name) != no_value) {
    throw UsageError(fmt::format("operation '{}': the name is taken", op.name));
  }
  values_.push_back({.name = op.name, .shape = shape});
  ops_.push_back(std::move(op));
  return count_of(values_) - 1;
}

ValueId Graph::apply(std::string_view function_name, const std::vector<ValueId>& in, float parameter,
                     const std::string& result) {
  const std::string what = title(function_name, result);
  const Function* function = find_function(function_name);
  if (function == nullptr) {
    throw UsageError(fmt::format("operation{}: unknown function '{}'", quoted(result), function_name));
  }
  if (count_of(in) != function->operands) {
    throw UsageError(fmt::format("{}: {} operands given, it takes {}", what, in.size(), function->operands));
  }
  check_operands(*this, what, in);
  Shape shape{unit_extent, unit_extent};
  for (const ValueId id : in) {
    const Shape operand = value(id).shape;
    if (broadcast_into(shape.rows, operand.rows) && broadcast_into(shape.cols, operand.cols)) continue;
    std::string list;
    for (const ValueId each : in) {
      list += fmt::format("{}'{}' is {}", list.empty() ? "" : ", ", value(each).name, text_of(value(each).shape));
    }
    throw UsageError(fmt::format("{}: shapes can't be broadcast: {}", what, list));
  }
  if (function->vector == VectorOp::exp_accurate || function->vector == VectorOp::exp_fast) {
    if (parameter == 0) parameter = 1;
    if (!(parameter > 0)) throw UsageError(fmt::format("{}: scale {} is not positive", what, parameter));
  }
  return add({.name = result, .kind = function->kind, .function = function, .in = in, .parameter = parameter}, shape);
}

ValueId Graph::matmul(ValueId a, ValueId b, bool transpose_b, ValueId accumulator, const std::string& result) {
  const std::string what = title("matmul", result);
  std::vector<ValueId> in{a, b};
  if (accumulator != no_value) in.push_back(accumulator);
  check_operands(*this, what, in);
  const Shape left = value(a).shape;
  const Shape right = value(b).shape;
  const Extent right_k = transpose_b ? right.cols : right.rows;
  const Shape shape{left.rows, transpose_b ? right.rows : right.cols};
  if (left.cols.unit || right_k.unit || left.cols != right_k) {
    throw UsageError(fmt::format("{}: '{}' is {} and '{}' is {}{}: {} tiles of K against {}", what, value(a).name,
                                 text_of(left), value(b).name, text_of(right), transpose_b ? " (transposed)" : "",
                                 text_of(left.cols), text_of(right_k)));
  }
  if (accumulator != no_value && value(accumulator).shape != shape) {
    throw UsageError(fmt::format("{}: accumulator '{}' is {}, the product is {}", what, value(accumulator).name,
                                 text_of(value(accumulator).shape), text_of(shape)));
  }
  return add({.name = result,
              .kind = OpKind::matmul,
              .in = std::move(in),
              .accumulate = accumulator != no_value,
              .transpose_b = transpose_b},
             shape);
}

ValueId Graph::reduce(Pool pool, ReduceDim dim, ValueId a, ValueId accumulator, const std::string& result) {
  const std::string what = title(pool == Pool::max ? "reduce max" : "reduce sum", result);
  std::vector<ValueId> in{a};
  if (accumulator != no_value) in.push_back(accumulator);
  check_operands(*this, what, in);
  const Shape from = value(a).shape;
  Shape shape = from;
  if (dim != ReduceDim::col) shape.cols = unit_extent;
  if (dim != ReduceDim::row) shape.rows = unit_extent;
  if ((dim != ReduceDim::col && from.cols.unit) || (dim != ReduceDim::row && from.rows.unit)) {
    throw UsageError(fmt::format("{}: '{}' is {} and has only one element in a {}", what, value(a).name, text_of(from),
                                 planner::name_of(dim)));
  }
  if (accumulator != no_value && value(accumulator).shape != shape) {
    throw UsageError(fmt::format("{}: accumulator '{}' is {}, the result is {}", what, value(accumulator).name,
                                 text_of(value(accumulator).shape), text_of(shape)));
  }
  return add({.name = result,
              .kind = OpKind::reduce,
              .in = std::move(in),
              .accumulate = accumulator != no_value,
              .pool = pool,
              .dim = dim},
             shape);
}

ValueId Graph::tile_sum(ReduceDim dim, ValueId a, const std::string& result) {
  const std::string what = title("tile_sum", result);
  check_operands(*this, what, {a});
  if (dim == ReduceDim::scalar) throw UsageError(fmt::format("{}: runs along rows or columns, not both", what));
  Shape shape = value(a).shape;
  Extent& along = dim == ReduceDim::row ? shape.cols : shape.rows;
  if (along.unit) {
    throw UsageError(fmt::format("{}: '{}' is {} and has only one element in a {}", what, value(a).name, text_of(shape),
                                 planner::name_of(dim)));
  }
  along.tiles = 1;
  return add({.name = result, .kind = OpKind::tile_sum, .in = {a}, .dim = dim}, shape);
}

ValueId Graph::transpose(ValueId a, const std::string& result) {
  check_operands(*this, title("transpose", result), {a});
  const Shape from = value(a).shape;
  return add({.name = result, .kind = OpKind::transpose, .in = {a}}, Shape{from.cols, from.rows});
}

ValueId Graph::append(const Op& op) {
  const ValueId accumulator = op.accumulate ? op.in.back() : no_value;
  ValueId result = no_value;
  switch (op.kind) {
    case OpKind::matmul:
      result = matmul(op.in[0], op.in[1], op.transpose_b, accumulator, op.name);
      break;
    case OpKind::reduce:
      result = reduce(op.pool, op.dim, op.in[0], accumulator, op.name);
      break;
    case OpKind::tile_sum:
      result = tile_sum(op.dim, op.in[0], op.name);
      break;
    case OpKind::transpose:
      result = transpose(op.in[0], op.name);
      break;
    default:
      result = apply(op.function->name, op.in, op.parameter, op.name);
  }
  set_form(result, op.form);
  return result;
}

void Graph::output(ValueId id) {
  check_operands(*this, "output", {id});
  if (is_input(id)) throw UsageError(fmt::format("output '{}' is an input: no operation makes it", value(id).name));
  if (is_output(id)) throw UsageError(fmt::format("output '{}' is listed twice", value(id).name));
  outputs_.push_back(id);
}

void Graph::finish() {
  if (outputs_.empty()) throw UsageError(fmt::format("graph{}: no outputs", quoted(name)));
  Classes classes(values_.size());
  AxisFinder finder(values_, classes);
  for (int i = 0; i < count_of(ops_); ++i) finder.visit(ops_[i], result_of(i));
  // Blocks can't be cut along the two dimensions of one value independently when both are the same axis.
  for (ValueId id = 0; id < count_of(values_); ++id) {
    const std::size_t rows = classes.root(Classes::key(id, 0));
    if (rows == classes.root(Classes::key(id, 1))) classes.contract(rows);
  }
  axes_.clear();
  std::vector<AxisId> axis_of(values_.size() * 2, no_axis);
  for (ValueId i = 0; i < count_of(values_); ++i) {
    for (int dim = 0; dim < 2; ++dim) {
      const Extent extent = dim == 0 ? values_[i].shape.rows : values_[i].shape.cols;
      if (extent.unit) continue;
      const std::size_t root = classes.root(Classes::key(i, dim));
      if (axis_of[root] == no_axis) {
        axis_of[root] = count_of(axes_);
        axes_.push_back({.tiles = extent.tiles, .contracted = classes.contracted(root)});
      }
      values_[i].axes[dim] = axis_of[root];
    }
  }
}

}  // namespace tilegrid::planner
