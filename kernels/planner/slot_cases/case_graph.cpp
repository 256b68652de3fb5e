// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "core/error.h"
#include "kernels/planner/slot_cases/case_file.h"

namespace tilegrid::planner {
namespace {

constexpr int open_extent = -1;  ///< nothing said about it yet
constexpr int unit_extent = 0;   ///< one element, as in "shapes"

/// A broadcasting operation: "sub_bcast_col" is sub with a column vector as its second operand; "bcast_row" has no function.
struct BroadcastName {
  std::string function;
  ReduceDim dim = ReduceDim::row;  ///< row: along rows, so of a column vector
};

BroadcastName parse_broadcast(const std::string& fn) {
  BroadcastName name;
  const std::size_t at = fn.find("bcast");
  name.function = at == std::string::npos ? fn : fn.substr(0, at);
  while (name.function.ends_with('_')) name.function.pop_back();
  const std::string tail = at == std::string::npos ? "" : fn.substr(at);
  if (tail.find("row") != std::string::npos) name.dim = ReduceDim::col;
  if (tail.find("scalar") != std::string::npos) name.dim = ReduceDim::scalar;
  return name;
}

struct Reduction {
  Pool pool = Pool::sum;
  ReduceDim dim = ReduceDim::row;
};

Reduction parse_reduction(const SlotOp& op, const CaseOpExtra& extra) {
  Reduction reduction;
  const auto says = [](const std::string& text, std::string_view word) { return text.find(word) != std::string::npos; };
  if (says(op.fn, "max")) {
    reduction.pool = Pool::max;
  } else if (!says(op.fn, "sum") && !says(op.fn, "add")) {
    throw UsageError(fmt::format("operation '{}': unknown function '{}' of a reduction: max or sum", op.name, op.fn));
  }
  const std::string& dim = extra.dim.empty() ? op.fn : extra.dim;
  if (says(dim, "col")) reduction.dim = ReduceDim::col;
  if (says(dim, "scalar")) reduction.dim = ReduceDim::scalar;
  if (!extra.dim.empty() && extra.dim != "row" && extra.dim != "col" && extra.dim != "scalar") {
    throw UsageError(fmt::format("operation '{}': dim '{}' is not row, col or scalar", op.name, extra.dim));
  }
  return reduction;
}

/// Sets of dimensions that are equal, with their extent once something tells it. Key: 2 * value + (0 rows, 1 columns).
class Extents {
 public:
  explicit Extents(std::size_t values) : parent_(2 * values), tiles_(2 * values, open_extent), whole_(2 * values, false) {
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
  }
  static std::size_t key(int value, int dim) { return 2 * value + dim; }

  [[nodiscard]] int tiles(std::size_t key) { return tiles_[root(key)]; }
  [[nodiscard]] bool whole(std::size_t key) { return whole_[root(key)] || tiles(key) > 0; }
  /// Longer than one element, though nobody has said how long.
  void make_whole(std::size_t key) { whole_[root(key)] = true; }

  void unite(std::size_t a, std::size_t b, const std::string& op) {
    a = root(a);
    b = root(b);
    if (a == b) return;
    if (tiles_[b] != open_extent) set(a, tiles_[b], op);
    whole_[a] = whole_[a] || whole_[b];
    parent_[b] = a;
  }
  void set(std::size_t key, int tiles, const std::string& op) {
    int& known = tiles_[root(key)];
    if (known == open_extent) known = tiles;
    if (known == tiles) return;
    const auto text = [](int extent) {
      return extent == unit_extent ? std::string("one element") : fmt::format("{} tiles", extent);
    };
    throw UsageError(fmt::format("operation '{}': {} against {} in one dimension", op, text(known), text(tiles)));
  }

 private:
  std::size_t root(std::size_t key) {
    while (parent_[key] != key) key = parent_[key] = parent_[parent_[key]];
    return key;
  }
  std::vector<std::size_t> parent_;
  std::vector<int> tiles_;
  std::vector<bool> whole_;
};

/// Shapes of a case's inputs, from what the operations say of their operands.
class ShapeFinder {
 public:
  explicit ShapeFinder(const Case& one) : one_(one), dag_(one.dag), extents_(one.dag.inputs.size() + one.dag.ops.size()) {
    for (int input = 0; input < dag_.input_count(); ++input) {
      const auto given = one.shapes.find(dag_.name_of(input));
      if (given == one.shapes.end()) continue;
      for (int dim = 0; dim < 2; ++dim) extents_.set(Extents::key(input, dim), given->second[dim], given->first);
    }
    for (std::size_t i = 0; i < dag_.ops.size(); ++i) fixed(i);
    for (std::size_t i = 0; i < dag_.ops.size(); ++i) elementwise(i);
    set_defaults();
  }

  [[nodiscard]] Shape shape_of(int value) {
    const auto extent = [&](int dim) {
      const int tiles = extents_.tiles(Extents::key(value, dim));
      return tiles == unit_extent ? Extent{.tiles = 1, .unit = true} : Extent{.tiles = tiles};
    };
    return {extent(0), extent(1)};
  }

 private:
  void same(int a, int a_dim, int b, int b_dim, const SlotOp& op) {
    extents_.unite(Extents::key(a, a_dim), Extents::key(b, b_dim), op.name);
  }
  void same_shape(int a, int b, const SlotOp& op) {
    same(a, 0, b, 0, op);
    same(a, 1, b, 1, op);
  }

  /// Notes what follows from the operation alone, whatever the shapes are.
  void fixed(std::size_t index) {
    const SlotOp& op = dag_.ops[index];
    const int result = dag_.result_of(index);
    switch (op.kind) {
      case SlotKind::matmul:
      case SlotKind::matmul_acc:
        return matmul(op, one_.extras[index], result);
      case SlotKind::fpu_reduce:
      case SlotKind::reduce_acc:
        return reduce(op, one_.extras[index], result);
      case SlotKind::transpose:
        same(op.in[0], 0, result, 1, op);
        return same(op.in[0], 1, result, 0, op);
      case SlotKind::bcast:
        return broadcast(op, result);
      default:
        return;
    }
  }

  void matmul(const SlotOp& op, const CaseOpExtra& extra, int result) {
    const int k_of_b = extra.transpose_b ? 1 : 0;
    same(op.in[0], 0, result, 0, op);
    same(op.in[1], 1 - k_of_b, result, 1, op);
    same(op.in[0], 1, op.in[1], k_of_b, op);
    if (op.kind == SlotKind::matmul_acc) same_shape(op.in[2], result, op);
    for (int dim = 0; dim < 2; ++dim) extents_.make_whole(Extents::key(result, dim));
    const std::size_t k = Extents::key(op.in[0], 1);
    extents_.make_whole(k);
    if (extra.k > 0) extents_.set(k, extra.k, op.name);
    contracted_.push_back(k);
  }

  void reduce(const SlotOp& op, const CaseOpExtra& extra, int result) {
    const ReduceDim along = parse_reduction(op, extra).dim;
    for (int dim = 0; dim < 2; ++dim) {
      const bool reduced = along == ReduceDim::scalar || (along == ReduceDim::row) == (dim == 1);
      if (reduced) {
        extents_.make_whole(Extents::key(op.in[0], dim));
        extents_.set(Extents::key(result, dim), unit_extent, op.name);
      } else {
        same(op.in[0], dim, result, dim, op);
      }
    }
    if (op.kind == SlotKind::reduce_acc) same_shape(op.in.back(), result, op);
  }

  void broadcast(const SlotOp& op, int result) {
    const ReduceDim of = parse_broadcast(op.fn).dim;
    const int vector = op.in.back();
    if (op.in.size() == 2) same_shape(op.in[0], result, op);
    for (int dim = 0; dim < 2; ++dim) {
      const bool one_element = of == ReduceDim::scalar || (of == ReduceDim::row) == (dim == 1);
      if (one_element) {
        extents_.set(Extents::key(vector, dim), unit_extent, op.name);
      } else {
        same(vector, dim, result, dim, op);
      }
    }
  }

  /// Operands as large as the result, but for those known to be one element in a dimension where another is longer.
  void elementwise(std::size_t index) {
    const SlotOp& op = dag_.ops[index];
    const bool by_element = op.kind == SlotKind::sfpu_unary || op.kind == SlotKind::binary ||
                            op.kind == SlotKind::sfpu_binary || op.kind == SlotKind::sfpu_ternary ||
                            op.kind == SlotKind::dest_reuse;
    if (!by_element) return;
    const int result = dag_.result_of(index);
    for (int dim = 0; dim < 2; ++dim) {
      const bool longer = extents_.whole(Extents::key(result, dim)) || std::any_of(op.in.begin(), op.in.end(), [&](int v) {
                            return extents_.whole(Extents::key(v, dim));
                          });
      for (const int value : op.in) {
        const bool unit = extents_.tiles(Extents::key(value, dim)) == unit_extent;
        if (!(unit && longer)) same(result, dim, value, dim, op);
      }
    }
  }

  void set_defaults() {
    const auto fill = [&](std::size_t key, int tiles) {
      if (extents_.tiles(key) == open_extent) extents_.set(key, tiles, "");
    };
    for (const int output : dag_.outputs) {
      for (int dim = 0; dim < 2; ++dim) fill(Extents::key(output, dim), one_.block[dim]);
    }
    for (const std::size_t k : contracted_) fill(k, 1);
    const int values = dag_.result_of(dag_.ops.size());
    for (int value = 0; value < values; ++value) {
      for (int dim = 0; dim < 2; ++dim) fill(Extents::key(value, dim), one_.block[dim]);
    }
  }

  const Case& one_;
  const SlotDag& dag_;
  Extents extents_;
  std::vector<std::size_t> contracted_;
};

/// Adds the operations of a case to a graph.
class GraphMaker {
 public:
  GraphMaker(const Case& one, Graph& graph) : one_(one), graph_(graph), ids_(one.dag.inputs.size() + one.dag.ops.size()) {}

  void run() {
    ShapeFinder shapes(one_);
    for (int input = 0; input < one_.dag.input_count(); ++input) {
      ids_[input] = graph_.input(one_.dag.name_of(input), shapes.shape_of(input));
    }
    for (std::size_t i = 0; i < one_.dag.ops.size(); ++i) {
      ids_[one_.dag.result_of(i)] = make(one_.dag.ops[i], one_.extras[i]);
    }
    for (const int output : one_.dag.outputs) graph_.output(id(output));
  }

 private:
  [[nodiscard]] ValueId id(int value) const { return ids_[value]; }

  ValueId make(const SlotOp& op, const CaseOpExtra& extra) {
    switch (op.kind) {
      case SlotKind::matmul:
        return graph_.matmul(id(op.in[0]), id(op.in[1]), extra.transpose_b, no_value, op.name);
      case SlotKind::matmul_acc:
        return graph_.matmul(id(op.in[0]), id(op.in[1]), extra.transpose_b, id(op.in[2]), op.name);
      case SlotKind::fpu_reduce:
      case SlotKind::reduce_acc: {
        const Reduction reduction = parse_reduction(op, extra);
        const ValueId accumulator = op.kind == SlotKind::reduce_acc ? id(op.in.back()) : no_value;
        return graph_.reduce(reduction.pool, reduction.dim, id(op.in[0]), accumulator, op.name);
      }
      case SlotKind::transpose:
        return graph_.transpose(id(op.in[0]), op.name);
      case SlotKind::bcast:
        return broadcast(op, extra);
      case SlotKind::dest_reuse:
        return apply(op, op.fn, extra, {OpKind::binary}, FormRule::dest_reuse_only);
      case SlotKind::sfpu_unary:
        return apply(op, op.fn, extra, {OpKind::unary}, FormRule::any);
      case SlotKind::binary:
        return apply(op, op.fn, extra, {OpKind::binary}, FormRule::any);
      case SlotKind::sfpu_binary:
        return apply(op, op.fn, extra, {OpKind::sfpu_binary, OpKind::binary}, FormRule::any);
      case SlotKind::sfpu_ternary:
        return apply(op, op.fn, extra, {OpKind::ternary}, FormRule::any);
    }
    return no_value;
  }

  ValueId broadcast(const SlotOp& op, const CaseOpExtra& extra) {
    const BroadcastName name = parse_broadcast(op.fn);
    if (op.in.size() == 2) return apply(op, name.function, extra, {OpKind::binary}, FormRule::cb_only);
    if (!name.function.empty()) {
      throw UsageError(fmt::format("operation '{}': '{}' takes 2 operands, not 1", op.name, op.fn));
    }
    // A vector that is spread over tiles: operations that read it broadcast it themselves.
    const int result = one_.dag.result_of(&op - one_.dag.ops.data());
    if (one_.dag.is_output(result)) {
      throw UsageError(fmt::format("operation '{}': a broadcast without add, sub or mul can't be an output", op.name));
    }
    return id(op.in[0]);
  }

  ValueId apply(const SlotOp& op, const std::string& function, const CaseOpExtra& extra, const std::vector<OpKind>& kinds,
                FormRule form) {
    const Function* known = find_function(function);
    if (known == nullptr) throw UsageError(fmt::format("operation '{}': unknown function '{}'", op.name, function));
    if (std::find(kinds.begin(), kinds.end(), known->kind) == kinds.end()) {
      throw UsageError(fmt::format("operation '{}': '{}' is no {}", op.name, function, name_of(op.kind)));
    }
    std::vector<ValueId> in;
    for (const int value : op.in) in.push_back(id(value));
    const ValueId result = graph_.apply(function, in, extra.parameter, op.name);
    if (form != FormRule::any) graph_.set_form(result, form);
    return result;
  }

  const Case& one_;
  Graph& graph_;
  std::vector<ValueId> ids_;
};

}  // namespace

Graph to_graph(const Case& one) {
  if (one.dag.ops.empty() || one.block.size() != 2) {
    throw UsageError(fmt::format("case '{}': no graph: no operations over a block of two dimensions", one.id));
  }
  try {
    Graph graph;
    graph.name = one.id;
    GraphMaker maker(one, graph);
    maker.run();
    graph.finish();
    return graph;
  } catch (const UsageError& error) {
    throw UsageError(fmt::format("case '{}': {}", one.id, error.message()));
  }
}

}  // namespace tilegrid::planner
