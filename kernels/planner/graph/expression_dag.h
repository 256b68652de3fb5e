// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/planner/graph/expression.h"

namespace tilegrid::planner::notation {

/// Throws UsageError "--expr column <position + 1>: what".
[[noreturn]] void expression_error(std::size_t position, const std::string& what);

/// Operations of an expression while the shapes of its inputs are still open: every dimension of a node is a unit or a
/// variable, and operations make variables equal. Which dimensions are units is always known. Equal operations of equal
/// operands are one node. `at` is the position in the text, for errors.
class ExpressionDag {
 public:
  using NodeId = int;
  enum class Vector { none, column, row };

  explicit ExpressionDag(const ExpressionShapes& shapes) : shapes_(shapes) {}

  /// The same name gives the same node.
  NodeId input(const std::string& name, Vector vector, std::size_t at);
  NodeId apply(std::string_view function, const std::vector<NodeId>& in, double parameter, std::size_t at);
  NodeId matmul(NodeId a, NodeId b, std::size_t at);
  NodeId reduce(Pool pool, ReduceDim dim, NodeId a, std::size_t at);
  /// The sum, divided by the number of elements when that is known.
  NodeId mean(ReduceDim dim, NodeId a, std::size_t at);
  NodeId tile_sum(ReduceDim dim, NodeId a, std::size_t at);
  NodeId transpose(NodeId a, std::size_t at);

  [[nodiscard]] bool is_input(NodeId id) const { return node(id).is_input; }
  [[nodiscard]] bool has_input(const std::string& name) const { return inputs_.count(name) != 0; }
  [[nodiscard]] bool is_unit(NodeId id, int dim) const { return node(id).dims[dim] == unit; }
  /// How errors call the node, unless it has a label already.
  void label(NodeId id, std::string_view text);
  [[nodiscard]] const std::string& label_of(NodeId id) const { return node(id).label; }
  /// Names the operation's result, unless it has a name already.
  void name(NodeId id, const std::string& text) {
    if (node(id).name.empty()) node(id).name = text;
  }
  /// An output of this name; a value that is one already under another name is computed again.
  void add_output(NodeId id, const std::string& name, std::size_t at);

  [[nodiscard]] Graph build();

 private:
  static constexpr int unit = -1;
  struct Node {
    bool is_input = false;
    OpKind kind{};
    std::string_view function{};
    std::vector<NodeId> in{};
    double parameter = 0;
    Pool pool = Pool::sum;
    ReduceDim dim = ReduceDim::row;
    std::vector<int> mean_over{};  ///< variables by whose elements the parameter is divided
    std::size_t at = 0;
    std::array<int, 2> dims{unit, unit};
    std::string name{};
    std::string label{};
  };
  /// A set of dimensions known to be equal.
  struct Variable {
    int parent = -1;
    std::optional<int> tiles{};
    bool from_block = false;
    bool inner = false;  ///< K of a matmul
  };

  [[nodiscard]] const Node& node(NodeId id) const { return nodes_[id]; }
  [[nodiscard]] Node& node(NodeId id) { return nodes_[id]; }
  [[nodiscard]] Variable& variable(int id) { return variables_[root(id)]; }
  NodeId intern(Node made);
  int new_variable(std::optional<int> tiles = {});
  [[nodiscard]] int root(int id) const;
  /// False: both are fixed, and differ.
  [[nodiscard]] bool unite(int a, int b);
  [[noreturn]] void throw_conflict(std::string_view what, NodeId a, int a_dim, NodeId b, int b_dim, std::size_t at);
  void set_shape(NodeId id, Shape shape, const std::string& source);
  void need_whole(std::string_view what, NodeId a, int dim) const;
  void check_given_shapes() const;
  void fix_variables();
  void fix_output(NodeId id, const Shape& block);
  [[nodiscard]] Extent extent_of(NodeId id, int dim);
  [[nodiscard]] std::vector<bool> live_nodes() const;
  [[nodiscard]] std::string free_name(int& counter) const;
  ValueId build_op(Graph& graph, const Node& made, const std::vector<ValueId>& values, const std::string& name);

  const ExpressionShapes& shapes_;
  std::vector<Node> nodes_;
  std::vector<Variable> variables_;
  std::map<std::string, NodeId> inputs_;
  std::vector<std::string> input_order_;
  std::map<std::string, NodeId> known_;  ///< nodes by what they compute
  std::vector<NodeId> outputs_;
};

}  // namespace tilegrid::planner::notation
