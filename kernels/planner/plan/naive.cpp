// SPDX-License-Identifier: Apache-2.0
// The allocation of the document that started the planner (dst.md 0): a fresh slice for every operand.
#include <algorithm>
#include <string>

#include "kernels/planner/plan/expand.h"

namespace tilegrid::planner {
namespace {

class Naive {
 public:
  Naive(const StageProblem& problem, int h, int w) : problem_(problem), graph_(problem.graph()), h_(h), w_(w) {
    slot_of_.assign(h * w, std::vector<int>(graph_.values().size(), -1));
  }

  Body run() {
    for (const int op : problem_.ops()) add(op);
    body_.peak = next_;
    if (!problem_.ops().empty()) body_.at = graph_.op(problem_.ops().back()).name;
    append_packs(problem_, h_, w_, slot_of_, body_.instructions);
    return std::move(body_);
  }

 private:
  int group(const std::string& what, int slots) {
    const int first = next_;
    next_ += slots;
    body_.account.push_back({what, slots});
    return first;
  }

  Instruction& emit(Action action, int op, int row, int col, int slot) {
    Instruction instruction;
    instruction.action = action;
    instruction.op = op;
    instruction.result = graph_.result_of(op);
    instruction.row = row;
    instruction.col = col;
    instruction.slot[0] = slot;
    instruction.parameter = graph_.op(op).parameter;
    body_.instructions.push_back(instruction);
    return body_.instructions.back();
  }
  Instruction& emit(Action action, int op, int tile, int slot) { return emit(action, op, tile / w_, tile % w_, slot); }
  int& slot(int tile, ValueId value) { return slot_of_[tile][value]; }
  [[nodiscard]] int tiles() const { return h_ * w_; }

  void load(int op, ValueId value) {
    const int first = group("operand " + graph_.value(value).name, tiles());
    const Broadcast broadcast = problem_.broadcast_of(value);
    for (int tile = 0; tile < tiles(); ++tile) {
      Instruction& instruction = emit(Action::load, op, tile, first + tile);
      instruction.value[0] = value;
      instruction.result = value;
      instruction.broadcast = broadcast;
      slot(tile, value) = first + tile;
    }
  }

  [[nodiscard]] bool used_once(ValueId value) const { return graph_.users_of(value).size() == 1 && !problem_.held(value); }
  [[nodiscard]] bool is_unary(ValueId value) const {
    return problem_.made_here(value) && graph_.op(graph_.op_of(value)).kind == OpKind::unary;
  }

  void add(int op) {
    const Op& operation = graph_.op(op);
    switch (operation.kind) {
      case OpKind::matmul:
        add_matmul(op);
        break;
      case OpKind::unary:
        add_unary(op);
        break;
      case OpKind::reduce:
      case OpKind::tile_sum:
      case OpKind::transpose:
        add_unit(op);
        break;
      default:
        add_elementwise(op);
        break;
    }
  }

  /// First slot of the accumulator's tiles, which the operation goes on from, or of fresh ones.
  void prepare_accumulator(int op) {
    const Op& operation = graph_.op(op);
    const ValueId result = graph_.result_of(op);
    if (operation.accumulate) {
      const ValueId accumulator = operation.in.back();
      if (!problem_.made_here(accumulator)) load(op, accumulator);
      for (int tile = 0; tile < tiles(); ++tile) slot(tile, result) = slot(tile, accumulator);
      return;
    }
    const int first = group("acc of " + operation.name, tiles());
    for (int tile = 0; tile < tiles(); ++tile) slot(tile, result) = first + tile;
  }

  void add_matmul(int op) {
    const Op& operation = graph_.op(op);
    if (operation.transpose_b) {
      const Shape shape = graph_.value(operation.in[1]).shape;
      const int first = group(graph_.value(operation.in[1]).name + "^T", shape.tiles());
      for (int tile = 0; tile < shape.tiles(); ++tile) {
        // Tile (r, c) of K^T is tile (c, r) of K.
        Instruction& instruction =
            emit(Action::transpose, op, tile % shape.cols.tiles, tile / shape.cols.tiles, first + tile);
        instruction.value[0] = operation.in[1];
      }
    }
    prepare_accumulator(op);
    for (int tile = 0; tile < tiles(); ++tile) {
      Instruction& instruction = emit(Action::matmul, op, tile, slot(tile, graph_.result_of(op)));
      instruction.value[0] = operation.in[0];
      instruction.value[1] = operation.in[1];
    }
  }

  void add_unit(int op) {
    const Op& operation = graph_.op(op);
    prepare_accumulator(op);
    const Action action = operation.kind == OpKind::reduce     ? Action::reduce
                          : operation.kind == OpKind::tile_sum ? Action::tile_sum
                                                               : Action::transpose;
    // Sums that must stay fp32 are added by the SFPU, which needs the next tile in DST as well.
    const bool keeps = problem_.sums_on_sfpu(operation);
    const int second = keeps ? group("operand " + graph_.value(operation.in[0]).name, 1) : -1;
    for (int tile = 0; tile < tiles(); ++tile) {
      Instruction& instruction = emit(action, op, tile, slot(tile, graph_.result_of(op)));
      instruction.value[0] = operation.in[0];
      instruction.slot[1] = second;
    }
  }

  void add_unary(int op) {
    const Op& operation = graph_.op(op);
    const ValueId operand = operation.in[0];
    const ValueId result = graph_.result_of(op);
    const bool continues = is_unary(operand) && used_once(operand);
    if (!problem_.made_here(operand)) load(op, operand);
    const int first = continues ? -1 : group("unary chain to " + chain_end(op), tiles());
    for (int tile = 0; tile < tiles(); ++tile) {
      if (!continues) {
        emit(Action::copy, op, tile, first + tile).slot[1] = slot(tile, operand);
        slot(tile, result) = first + tile;
      } else {
        slot(tile, result) = slot(tile, operand);
      }
    }
    for (int tile = 0; tile < tiles(); ++tile) emit(Action::unary, op, tile, slot(tile, result));
  }

  [[nodiscard]] std::string chain_end(int op) const {
    ValueId value = graph_.result_of(op);
    while (used_once(value)) {
      const int user = graph_.users_of(value).front();
      const auto& ops = problem_.ops();
      if (graph_.op(user).kind != OpKind::unary || std::find(ops.begin(), ops.end(), user) == ops.end()) break;
      value = graph_.result_of(user);
    }
    return graph_.value(value).name;
  }

  void add_elementwise(int op) {
    const Op& operation = graph_.op(op);
    const ValueId result = graph_.result_of(op);
    std::vector<ValueId> loaded;
    for (const ValueId value : operation.in) {
      if (problem_.made_here(value) || std::find(loaded.begin(), loaded.end(), value) != loaded.end()) continue;
      load(op, value);
      loaded.push_back(value);
    }
    // The result goes to the first operand's slots unless that one is still wanted.
    const ValueId first = operation.in[0];
    const bool wanted = problem_.made_here(first) && !used_once(first);
    const int fresh = wanted ? group("result " + operation.name, tiles()) : -1;
    for (int tile = 0; tile < tiles(); ++tile) {
      const int out = wanted ? fresh + tile : slot(tile, first);
      Instruction& instruction =
          emit(operation.kind == OpKind::ternary ? Action::ternary : Action::sfpu_binary, op, tile, out);
      for (std::size_t i = 0; i < operation.in.size(); ++i) instruction.slot[i + 1] = slot(tile, operation.in[i]);
      slot(tile, result) = out;
    }
  }

  const StageProblem& problem_;
  const Graph& graph_;
  int h_;
  int w_;
  int next_ = 0;
  Body body_;
  std::vector<std::vector<int>> slot_of_;
};

}  // namespace

Body expand_naive(const StageProblem& problem, int h, int w) { return Naive(problem, h, w).run(); }

}  // namespace tilegrid::planner
