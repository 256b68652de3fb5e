// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/matrix_unit.h"
#include "kernels/planner/graph/functions.h"

namespace tilegrid::planner {

/// Extent of a value along one dimension: so many tiles, or one element ("unit"), kept in the first column (row) of one
/// tile.
struct Extent {
  int tiles = 1;
  bool unit = false;  ///< tiles is 1 then
  friend bool operator==(Extent, Extent) = default;
};

/// Shape of a value over one block. [R, 1 unit] is a column vector: one number a row, in column 0 of R tiles.
struct Shape {
  Extent rows;
  Extent cols;
  [[nodiscard]] int tiles() const { return rows.tiles * cols.tiles; }
  friend bool operator==(Shape, Shape) = default;
};
/// "2x4", "2x1e" (column vector), "1ex1e"
[[nodiscard]] std::string text_of(Shape shape);

/// A value: first the graph's inputs, then the result of each operation, in their order. Values are named by their index.
using ValueId = int;
inline constexpr ValueId no_value = -1;

/// Dimensions that must agree have the same axis. Blocks of a tensor differ along axes that no operation sums over.
using AxisId = int;
inline constexpr AxisId no_axis = -1;  ///< of a unit dimension
struct Axis {
  int tiles = 1;  ///< in a block
  bool contracted =
      false;  ///< a matmul, reduction or tile_sum runs over it, or a transposition mixes it: never split in blocks
};

struct Value {
  std::string name;
  Shape shape;
  std::array<AxisId, 2> axes{no_axis, no_axis};  ///< of rows and columns
  /// An input or output that comes from a plan of the same block before, or goes to one behind: it stays in L1, in the
  /// format of values between stages.
  bool carried = false;
};

/// How an operand may reach the operation; the JSON kinds "bcast" and "dest_reuse" insist on one form.
enum class FormRule : std::uint8_t { any, cb_only, dest_reuse_only };

/// One tile operation over the block. Element-wise operations broadcast operands of unit extent (NumPy's rule).
struct Op {
  std::string name;  ///< of its result
  OpKind kind{};
  const Function* function = nullptr;
  std::vector<ValueId> in;         ///< with `accumulate` the last one is the accumulator
  float parameter = 0;             ///< of functions with one; for exp: scale of the argument
  bool accumulate = false;         ///< matmul, reduce: begins with the value of the last operand instead of the identity
  bool transpose_b = false;        ///< matmul: operand 1 is [N, K] and the unpacker transposes it: no slot, no cycle of math
  Pool pool = Pool::sum;           ///< reduce
  ReduceDim dim = ReduceDim::row;  ///< reduce, tile_sum: row gives a column vector
  FormRule form = FormRule::any;
  /// add: the sum of a loop, which its later rounds go on with. It does not stop growing, so that no matmul begins from it
  /// in a slot of few places.
  bool running = false;
};

/// A block of tile operations: a DAG whose operations are listed in an order in which they can run.
///
/// Build it with input() and the operation functions, each of which returns the new value, then outputs and finish(). All
/// throw UsageError in one line that names the operation and the numbers: unknown function, wrong operand count, a name
/// taken, shapes that conflict or can't be broadcast, no outputs, an output that is an input.
class Graph {
 public:
  std::string name;

  ValueId input(const std::string& name, Shape shape);
  /// Any function but the special ones below, by name. An empty `result` gets a generated name.
  ValueId apply(std::string_view function, const std::vector<ValueId>& in, float parameter = 0,
                const std::string& result = {});
  /// a [M, K] times b [K, N], or b [N, K] when `transpose_b`; plus `accumulator` [M, N] when given.
  ValueId matmul(ValueId a, ValueId b, bool transpose_b, ValueId accumulator = no_value, const std::string& result = {});
  /// row: [M, N] to [M, 1 unit]; col: to [1 unit, N]; scalar: to [1 unit, 1 unit].
  ValueId reduce(Pool pool, ReduceDim dim, ValueId a, ValueId accumulator = no_value, const std::string& result = {});
  /// row: [M, N tiles] to [M, 1 tile].
  ValueId tile_sum(ReduceDim dim, ValueId a, const std::string& result = {});
  ValueId transpose(ValueId a, const std::string& result = {});
  /// An operation like `op`, whose operands are values of this graph.
  ValueId append(const Op& op);
  void output(ValueId value);
  void set_form(ValueId result, FormRule form) { ops_.at(op_of(result)).form = form; }
  void set_running(ValueId sum) { ops_.at(op_of(sum)).running = true; }
  void set_carried(ValueId value) { values_.at(value).carried = true; }

  [[nodiscard]] int input_count() const { return input_count_; }
  [[nodiscard]] std::vector<ValueId> inputs() const;
  [[nodiscard]] const std::vector<Value>& values() const { return values_; }
  [[nodiscard]] const Value& value(ValueId id) const { return values_[id]; }
  [[nodiscard]] const std::vector<Op>& ops() const { return ops_; }
  [[nodiscard]] const Op& op(int index) const { return ops_[index]; }
  [[nodiscard]] const std::vector<ValueId>& outputs() const { return outputs_; }
  [[nodiscard]] bool is_input(ValueId id) const { return id < input_count_; }
  [[nodiscard]] bool is_output(ValueId id) const;
  /// Index of the operation that makes a value; -1 for an input. Result of operation i.
  [[nodiscard]] int op_of(ValueId id) const { return id - input_count_ < 0 ? -1 : id - input_count_; }
  [[nodiscard]] ValueId result_of(int op) const { return input_count_ + op; }
  /// Operations that read the value, in order, each once.
  [[nodiscard]] std::vector<int> users_of(ValueId id) const;
  [[nodiscard]] const std::vector<Axis>& axes() const { return axes_; }
  [[nodiscard]] ValueId find(std::string_view name) const;  ///< no_value when there is none

  /// Checks the whole and fills the axes of values. Must be called once, at the end.
  void finish();

 private:
  ValueId add(Op op, Shape shape);

  int input_count_ = 0;
  std::vector<Value> values_;
  std::vector<Op> ops_;
  std::vector<ValueId> outputs_;
  std::vector<Axis> axes_;
};

/// What a matmul or a reduction may begin from in its slot. Every K tile (every tile that is reduced) rounds the whole slot,
/// so that a sum which begins from x takes as many roundings of x as it has tiles; alone, its operations round x once. The
/// reduction unit cuts the maximum that it goes on from to a source register's places.
struct Folds {
  bool sums = true;          ///< `x + a @ b`, `x + rowsum(p)`
  bool running_sums = true;  ///< those of a loop (Op::running)
  bool row_sums = true;      ///< a row's, instead of `sums`, `running_row_sums` instead of `running_sums`
  bool running_row_sums = true;
  bool input_maxima = true;   ///< `maximum(m, rowmax(s))` for an input m
  bool result_maxima = true;  ///< for a result m; that of a maximum's reduction has no more places than a source register
};

/// The graph without operations that no output needs, with sums and maxima that a matmul or a reduction can begin from
/// folded into it (`x + a @ b`, `maximum(m, rowmax(s))`: the unit adds into its slot) as far as `folds` allows, with
/// `exp(x * c)` as one scaled exp for a constant c > 0, and with transposes of inputs that only matmuls read (as operand 1)
/// as the unpacker's flag. Same outputs, same names.
[[nodiscard]] Graph simplified(const Graph& graph, const Folds& folds = {});

}  // namespace tilegrid::planner
