// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/plan/expand.h"

#include <algorithm>
#include <array>
#include <limits>

namespace tilegrid::planner {
namespace {

/// Who holds which slot, and which slots were written since the section began.
class SlotFile {
 public:
  explicit SlotFile(int capacity) : capacity_(capacity) {}

  int take(ValueId value) {
    int slot = lowest([&](const Slot& s) { return s.value == no_value && !s.reserved && s.written; });
    if (slot < 0) slot = lowest([&](const Slot& s) { return s.value == no_value && !s.reserved; });
    if (slot < 0) slot = grow();
    return hold(slot, value);
  }
  /// `dirty` is set when the slot was written before.
  int take_clean(ValueId value, bool& dirty) {
    int slot = lowest([&](const Slot& s) { return s.value == no_value && !s.reserved && !s.written; });
    if (slot < 0 && count_of(slots_) < capacity_) slot = grow();
    if (slot < 0) slot = lowest([&](const Slot& s) { return s.value == no_value && !s.reserved; });
    if (slot < 0) slot = grow();
    dirty = slots_[slot].written;
    return hold(slot, value);
  }
  /// The first `count` slots are for `value`, which will be written at once.
  void reserve(int count, ValueId value) {
    while (count_of(slots_) < count) grow();
    for (int slot = 0; slot < count; ++slot) slots_[slot].reserved = true;
    reserved_for_ = value;
  }
  int hold(int slot, ValueId value) {
    slots_[slot].value = value;
    return slot;
  }
  /// From here on free slots may be taken like any other.
  void unreserve() {
    for (Slot& slot : slots_) slot.reserved = false;
  }
  void written(int slot) { slots_[slot].written = true; }
  void free(int slot) { slots_[slot].value = no_value; }
  [[nodiscard]] int size() const { return count_of(slots_); }
  [[nodiscard]] std::vector<ValueId> holders() const {
    std::vector<ValueId> values;
    for (const Slot& slot : slots_) {
      if (slot.value != no_value) {
        values.push_back(slot.value);
      } else if (slot.reserved) {
        values.push_back(reserved_for_);
      }
    }
    return values;
  }

 private:
  struct Slot {
    ValueId value = no_value;
    bool written = false;
    bool reserved = false;  ///< kept for the sub-block that a matmul will write
  };
  template <class Condition>
  [[nodiscard]] int lowest(Condition condition) const {
    for (int i = 0; i < count_of(slots_); ++i) {
      if (condition(slots_[i])) return i;
    }
    return -1;
  }
  int grow() {
    slots_.emplace_back();
    return count_of(slots_) - 1;
  }

  int capacity_;
  ValueId reserved_for_ = no_value;
  std::vector<Slot> slots_;
};

class Expansion {
 public:
  Expansion(const StageProblem& problem, const Schedule& schedule, int h, int w, int capacity)
      : problem_(problem), graph_(problem.graph()), schedule_(schedule), h_(h), w_(w), slots_(capacity) {
    slot_of_.assign(h * w, std::vector<int>(graph_.values().size(), -1));
    find_last_uses();
    find_block_matmul();
  }

  Body run(TileOrder order) {
    const int tiles = h_ * w_;
    if (order != TileOrder::tile_by_tile) {
      all_loads_first_ = order == TileOrder::grouped;
      for (std::size_t step = 0; step < schedule_.size(); ++step) do_steps(step, step + 1, tiles);
    } else if (block_step_ < schedule_.size()) {
      do_steps(0, block_step_, tiles);
      do_steps(block_step_, block_step_ + 1, tiles);
      do_steps(block_step_ + 1, schedule_.size(), tiles);
    } else {
      do_steps(0, schedule_.size(), tiles);
    }
    body_.peak = slots_.size();
    const int unfit = body_.peak - static_cast<int>(most_held_);
    if (unfit > 0) body_.account.push_back({"written before, unfit to add into", unfit});
    append_packs(problem_, h_, w_, slot_of_, body_.instructions);
    return std::move(body_);
  }

 private:
  void do_steps(std::size_t first, std::size_t last, int tiles) {
    if (first == last) return;
    if (first == block_step_) {
      block_matmul();
      return;
    }
    if (all_loads_first_) {
      for (std::size_t step = first; step < last; ++step) {
        std::vector<Operands> operands;
        operands.reserve(tiles);
        for (int tile = 0; tile < tiles; ++tile) operands.push_back(fetch(step, tile));
        for (int tile = 0; tile < tiles; ++tile) compute(step, tile, operands[tile]);
      }
      return;
    }
    for (int tile = 0; tile < tiles; ++tile) {
      for (std::size_t step = first; step < last; ++step) compute(step, tile, fetch(step, tile));
    }
  }

  void find_last_uses() {
    last_use_.assign(graph_.values().size(), std::numeric_limits<std::size_t>::max());
    for (std::size_t step = 0; step < schedule_.size(); ++step) {
      const Op& op = graph_.op(schedule_[step].op);
      for (std::size_t i = 0; i < op.in.size(); ++i) {
        if (problem_.operand_in_dst(op, schedule_[step].form, i)) last_use_[op.in[i]] = step;
      }
    }
    for (const int op : problem_.ops()) {
      const ValueId result = graph_.result_of(op);
      if (problem_.held(result)) last_use_[result] = std::numeric_limits<std::size_t>::max();
    }
  }

  /// When the stage has just one matmul, one call computes all tiles of the sub-block, into slots 0, 1, ... of the section.
  /// If it accumulates, its accumulator must be in these slots before.
  void find_block_matmul() {
    block_step_ = schedule_.size();
    int count = 0;
    for (std::size_t step = 0; step < schedule_.size(); ++step) {
      if (graph_.op(schedule_[step].op).kind != OpKind::matmul) continue;
      block_step_ = step;
      ++count;
    }
    at_home_.assign(graph_.values().size(), false);
    if (count != 1 || h_ * w_ == 1) {
      block_step_ = schedule_.size();
      return;
    }
    slots_.reserve(h_ * w_, graph_.result_of(schedule_[block_step_].op));
    const Op& matmul = graph_.op(schedule_[block_step_].op);
    if (!matmul.accumulate) return;
    // So the accumulator is made in these slots, and so is every operand that it overwrites on its way. If the accumulator
    // is needed again later it is made elsewhere and copied.
    const ValueId accumulator = matmul.in.back();
    const bool taken_over = problem_.made_here(accumulator) && last_use_[accumulator] == block_step_;
    for (ValueId value = taken_over ? accumulator : no_value; value != no_value;) {
      at_home_[value] = true;
      value = predecessor_in_slot(value);
    }
  }

  /// The operand whose slot the value's result takes over; no_value when it takes a fresh one.
  [[nodiscard]] ValueId predecessor_in_slot(ValueId value) const {
    if (!problem_.made_here(value)) return no_value;
    for (std::size_t step = 0; step < block_step_; ++step) {
      const Op& op = graph_.op(schedule_[step].op);
      if (graph_.result_of(schedule_[step].op) != value) continue;
      std::size_t operand = 0;
      if (!StageProblem::in_place(op, schedule_[step].form, operand)) return no_value;
      return last_use_[op.in[operand]] == step ? op.in[operand] : no_value;
    }
    return no_value;
  }

  [[nodiscard]] bool kept_after(std::size_t step, ValueId value) const {
    if (problem_.made_here(value)) return last_use_[value] != step;
    const auto& keep = schedule_[step].keep;
    return std::find(keep.begin(), keep.end(), value) != keep.end();
  }

  Instruction& emit(Action action, int op, int tile, ValueId result) {
    Instruction instruction;
    instruction.action = action;
    instruction.op = op;
    instruction.result = result;
    instruction.row = tile / w_;
    instruction.col = tile % w_;
    body_.instructions.push_back(instruction);
    return body_.instructions.back();
  }

  int take(ValueId value, int tile, bool home = false) {
    if (home) return slots_.hold(tile, value);
    return slots_.take(value);
  }

  int load(int op, ValueId value, int tile, Broadcast broadcast, bool home = false) {
    const int slot = take(value, tile, home);
    Instruction& instruction = emit(Action::load, op, tile, value);
    instruction.value[0] = value;
    instruction.slot[0] = slot;
    instruction.broadcast = broadcast;
    slots_.written(slot);
    note_peak(op);
    return slot;
  }

  int copy(int op, ValueId value, int tile, int from, bool home) {
    const int copied = take(value, tile, home);
    Instruction& instruction = emit(Action::copy, op, tile, value);
    instruction.slot[0] = copied;
    instruction.slot[1] = from;
    slots_.written(copied);
    note_peak(op);
    return copied;
  }

  /// Slot of a DST operand, loaded if need be. `own`: the tile will be overwritten and must not be shared.
  int operand_slot(std::size_t step, std::size_t index, int tile, bool own, bool& temporary) {
    const Step& what = schedule_[step];
    const Op& op = graph_.op(what.op);
    const ValueId value = op.in[index];
    auto& slot = slot_of_[tile][value];
    temporary = false;
    if (problem_.widened(op, index)) {
      temporary = true;
      return load(what.op, value, tile, problem_.broadcast_of(value));
    }
    const bool stays = kept_after(step, value);
    const bool home = own && at_home_[graph_.result_of(what.op)] && stays;
    const bool to_home = is_block_accumulator(step, index);
    if (problem_.made_here(value)) {
      if (!own || !stays) return slot;
      temporary = true;
      return copy(what.op, value, tile, slot, home || to_home);
    }
    if (slot >= 0 && to_home) {
      temporary = true;
      const int copied = copy(what.op, value, tile, slot, true);
      if (!stays) slots_.free(slot);
      return copied;
    }
    if (slot >= 0 && !(own && stays)) return slot;
    const bool at_home = own && (to_home || at_home_[graph_.result_of(what.op)]);
    const int loaded = load(what.op, value, tile, Broadcast::none, at_home);
    if (own) {
      temporary = true;
    } else {
      slot = loaded;
    }
    return loaded;
  }
  [[nodiscard]] bool is_block_accumulator(std::size_t step, std::size_t index) const {
    return step == block_step_ && index + 1 == graph_.op(schedule_[step].op).in.size();
  }

  /// Slots of a step's operands in DST, and those of them that nobody else uses.
  struct Operands {
    std::array<int, 3> slots{-1, -1, -1};
    std::vector<int> temporaries;
  };

  Operands fetch(std::size_t step, int tile) {
    const Step& what = schedule_[step];
    const Op& op = graph_.op(what.op);
    std::size_t target = 0;
    const bool in_place = StageProblem::in_place(op, what.form, target);
    Operands operands;
    for (std::size_t i = 0; i < op.in.size(); ++i) {
      if (!problem_.operand_in_dst(op, what.form, i)) continue;
      bool temporary = false;
      operands.slots[i] = operand_slot(step, i, tile, in_place && i == target, temporary);
      if (temporary) operands.temporaries.push_back(operands.slots[i]);
    }
    return operands;
  }

  void compute(std::size_t step, int tile, const Operands& operands) {
    const Step& what = schedule_[step];
    const Op& op = graph_.op(what.op);
    const ValueId result = graph_.result_of(what.op);
    std::size_t target = 0;
    const bool in_place = StageProblem::in_place(op, what.form, target);
    const int out =
        result_slot(step, tile, in_place ? operands.slots[target] : -1, operands.slots.data(), operands.temporaries);
    write_operation(step, tile, out, operands.slots.data());
    slots_.written(out);
    note_peak(what.op);
    release(step, tile, out, operands.temporaries);
    slots_.hold(out, result);
    slot_of_[tile][result] = out;
  }

  int result_slot(std::size_t step, int tile, int overwritten, const int* slots, const std::vector<int>& temporaries) {
    const Step& what = schedule_[step];
    const Op& op = graph_.op(what.op);
    const ValueId result = graph_.result_of(what.op);
    if (overwritten >= 0) return overwritten;
    if (StageProblem::adds_into_slot(op, what.form)) {
      bool dirty = false;
      if (at_home_[result]) return slots_.hold(tile, result);
      const int slot = slots_.take_clean(result, dirty);
      if (dirty) clear(what.op, tile, slot);
      return slot;
    }
    if (at_home_[result]) return slots_.hold(tile, result);
    if (!temporaries.empty()) return temporaries.front();
    for (std::size_t i = 0; i < op.in.size() && i < 3; ++i) {
      if (slots[i] >= 0 && !kept_after(step, op.in[i])) return slots[i];
    }
    return slots_.take(result);
  }

  /// Fills the slot with the operation's identity, since it adds to what it finds.
  void clear(int op, int tile, int slot) {
    const Op& operation = graph_.op(op);
    Instruction& instruction = emit(Action::fill, op, tile, graph_.result_of(op));
    instruction.slot[0] = slot;
    const bool maximum = operation.kind == OpKind::reduce && operation.pool == Pool::max;
    instruction.parameter = maximum ? -std::numeric_limits<float>::infinity() : 0.0F;
  }

  void write_operation(std::size_t step, int tile, int out, const int* slots) {
    const Step& what = schedule_[step];
    const Op& op = graph_.op(what.op);
    Instruction& instruction = emit(Action::unary, what.op, tile, graph_.result_of(what.op));
    instruction.slot[0] = out;
    instruction.parameter = op.parameter;
    switch (op.kind) {
      case OpKind::unary:
        return;
      case OpKind::matmul:
        instruction.action = Action::matmul;
        break;
      case OpKind::reduce:
        instruction.action = Action::reduce;
        break;
      case OpKind::tile_sum:
        instruction.action = Action::tile_sum;
        break;
      case OpKind::transpose:
        instruction.action = Action::transpose;
        break;
      case OpKind::ternary:
        instruction.action = Action::ternary;
        break;
      default:
        instruction.action = Action::sfpu_binary;
        break;
    }
    if (op.kind == OpKind::binary && what.form == Form::fpu) {
      fpu_operands(op, instruction);
    } else if (what.form == Form::reuse_a || what.form == Form::reuse_b) {
      instruction.action = Action::dest_reuse;
      instruction.dst_is_a = what.form == Form::reuse_a;
      instruction.value[0] = op.in[instruction.dst_is_a ? 1 : 0];
    } else if (instruction.action == Action::sfpu_binary || instruction.action == Action::ternary) {
      for (std::size_t i = 0; i < op.in.size(); ++i) instruction.slot[i + 1] = slots[i];
    } else {
      instruction.value[0] = op.in[0];
      if (op.kind == OpKind::matmul) instruction.value[1] = op.in[1];
    }
    if (problem_.sums_on_sfpu(op)) {
      // The FPU would cut the sums, so the SFPU adds: tiles are loaded to a second slot.
      const int second = slots_.take(op.in[0]);
      body_.instructions.back().slot[1] = second;
      slots_.written(second);
      note_peak(what.op);
      slots_.free(second);
    }
  }

  /// The FPU widens operand b; for a widened a the operands swap, which add and mul allow.
  void fpu_operands(const Op& op, Instruction& instruction) const {
    instruction.action = Action::fpu_binary;
    const bool swap = problem_.widened(op, 0);
    instruction.value[0] = op.in[swap ? 1 : 0];
    instruction.value[1] = op.in[swap ? 0 : 1];
    instruction.broadcast = problem_.broadcast_of(instruction.value[1]);
  }

  void release(std::size_t step, int tile, int out, const std::vector<int>& temporaries) {
    for (const int slot : temporaries) {
      if (slot != out) slots_.free(slot);
    }
    auto& held = slot_of_[tile];
    const Op& op = graph_.op(schedule_[step].op);
    for (std::size_t i = 0; i < op.in.size(); ++i) {
      auto& slot = held[op.in[i]];
      if (slot < 0 || !problem_.operand_in_dst(op, schedule_[step].form, i) || kept_after(step, op.in[i])) continue;
      if (slot != out) slots_.free(slot);
      slot = -1;
    }
  }

  void block_matmul() {
    const std::size_t step = block_step_;
    const Step& what = schedule_[step];
    const Op& op = graph_.op(what.op);
    const ValueId result = graph_.result_of(what.op);
    const int tiles = h_ * w_;
    for (int tile = 0; tile < tiles; ++tile) {
      if (op.accumulate) {
        bool temporary = false;
        operand_slot(step, op.in.size() - 1, tile, true, temporary);
        auto& slot = slot_of_[tile][op.in.back()];
        if (!kept_after(step, op.in.back())) slot = -1;
      }
      slots_.hold(tile, result);
      slots_.written(tile);
      slot_of_[tile][result] = tile;
    }
    Instruction& instruction = emit(Action::matmul, what.op, 0, result);
    instruction.slot[0] = 0;
    instruction.value[0] = op.in[0];
    instruction.value[1] = op.in[1];
    instruction.rt = h_;
    instruction.ct = w_;
    slots_.unreserve();
    note_peak(what.op);
  }

  void note_peak(int op) {
    const std::vector<ValueId> holders = slots_.holders();
    if (holders.size() <= most_held_) return;
    most_held_ = holders.size();
    body_.at = graph_.op(op).name;
    body_.account.clear();
    for (const ValueId value : holders) {
      const std::string& name = graph_.value(value).name;
      const auto found =
          std::find_if(body_.account.begin(), body_.account.end(), [&](const SlotUse& use) { return use.what == name; });
      if (found == body_.account.end()) {
        body_.account.push_back({name, 1});
      } else {
        ++found->slots;
      }
    }
  }

  const StageProblem& problem_;
  const Graph& graph_;
  const Schedule& schedule_;
  int h_;
  int w_;
  SlotFile slots_;
  Body body_;
  std::vector<std::vector<int>> slot_of_;  ///< by tile, by value
  std::vector<std::size_t> last_use_;      ///< by value: last step that reads it in DST
  std::vector<bool> at_home_;              ///< by value: its tiles are made in the slots that the matmul will write
  std::size_t block_step_ = 0;
  std::size_t most_held_ = 0;
  bool all_loads_first_ = false;
};

}  // namespace

void append_packs(const StageProblem& problem, int h, int w, const std::vector<std::vector<int>>& slot_of,
                  std::vector<Instruction>& instructions) {
  const Graph& graph = problem.graph();
  const auto pack = [&](ValueId from, ValueId to, int tile, bool accumulate, bool to_output) {
    Instruction instruction;
    instruction.action = Action::pack;
    instruction.value[0] = to;
    instruction.result = from;
    instruction.row = tile / w;
    instruction.col = tile % w;
    instruction.slot[0] = slot_of[tile][from];
    instruction.accumulate = accumulate;
    instruction.to_output = to_output;
    instructions.push_back(instruction);
  };
  const auto read_elsewhere = [&](ValueId value) {
    for (const int user : graph.users_of(value)) {
      const auto& ops = problem.group().ops;
      if (std::find(ops.begin(), ops.end(), user) == ops.end()) return true;
    }
    return false;
  };
  for (const ValueId value : problem.held_values()) {
    for (int tile = 0; tile < h * w && problem.packed(value); ++tile) {
      if (read_elsewhere(value)) pack(value, value, tile, false, false);
      if (graph.is_output(value)) pack(value, value, tile, false, true);
    }
  }
  for (const int op : problem.packer_sums()) {
    const ValueId sum = graph.result_of(op);
    for (int tile = 0; tile < h * w; ++tile) {
      if (!graph.is_output(sum) || read_elsewhere(sum)) pack(graph.op(op).in[0], sum, tile, true, false);
      if (graph.is_output(sum)) pack(graph.op(op).in[0], sum, tile, true, true);
    }
  }
}

Body expand(const StageProblem& problem, const Schedule& schedule, int h, int w, TileOrder order, int capacity) {
  return Expansion(problem, schedule, h, w, capacity).run(order);
}

}  // namespace tilegrid::planner
