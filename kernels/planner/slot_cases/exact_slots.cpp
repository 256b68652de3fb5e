// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <unordered_map>
#include <utility>

#include "kernels/planner/slot_cases/slot_policies.h"

namespace tilegrid::planner {
namespace {

using Mask = std::uint64_t;
constexpr std::size_t mask_bits = 64;
constexpr std::size_t table_ops = 22;  ///< up to here states are looked up in a table of 2^n bytes
constexpr std::uint64_t most_states = 3'000'000;
constexpr int never = 1 << 20;

constexpr Mask bit(std::size_t i) { return Mask{1} << i; }

/// One way to do an operation.
struct Form {
  std::vector<int> loads;  ///< inputs that it needs in DST
  Mask in_dst = 0;         ///< results that it needs in DST, one of which the result may replace
  bool clean = false;      ///< the result goes to a slot that nothing has written
};

struct Node {
  Mask before = 0;   ///< operations whose results it reads
  Mask readers = 0;  ///< operations that read its result
  bool output = false;
  std::vector<Form> forms;
};

/// Where the section is: which operations are done, how many slots are taken, how many have ever been written.
struct State {
  Mask done = 0;
  int taken = 0;
  int written = 0;
};

bool begins_with_mul(const SlotOp& op) { return op.fn.starts_with("mul"); }

/// Search over sets of done operations. What is in DST between two operations follows from the set: every result that is
/// still needed (nothing makes it again), and no input that can be loaded again, as loading late never costs a slot.
class Search {
 public:
  Search(const SlotDag& dag, ExactRules rules)
      : dag_(dag), rules_(rules), nodes_(dag.ops.size()), readers_(dag.inputs.size()) {
    full_ = dag.ops.size() == mask_bits ? ~Mask{0} : bit(dag.ops.size()) - 1;
    for (std::size_t i = 0; i < dag.ops.size(); ++i) add(i);
  }

  std::optional<int> run() {
    for (int capacity = lower_bound();; ++capacity) {
      capacity_ = capacity;
      forget();
      if (fits({})) return capacity;
      if (states_ > most_states) return std::nullopt;
    }
  }

 private:
  void add(std::size_t index) {
    const SlotOp& op = dag_.ops[index];
    Node& node = nodes_[index];
    node.output = dag_.is_output(dag_.result_of(index));
    for (const int value : op.in) {
      if (dag_.is_input(value)) continue;
      node.before |= bit(op_of(value));
      nodes_[op_of(value)].readers |= bit(index);
    }
    Form main;
    for (const std::size_t place : dst_operands(dag_, op)) add_operand(main, op.in[place]);
    for (const int input : main.loads) readers_[input] |= bit(index);
    const bool adds_into_slot = op.kind == SlotKind::matmul || op.kind == SlotKind::fpu_reduce ||
                                (op.kind == SlotKind::bcast && begins_with_mul(op));
    main.clean = rules_.clean_slots && adds_into_slot;
    node.forms.push_back(std::move(main));
    if (op.kind == SlotKind::binary && rules_.fpu_forms) add_fpu_forms(op, node);
  }

  void add_fpu_forms(const SlotOp& op, Node& node) {
    const bool a_in_cb = dag_.is_input(op.in[0]);
    const bool b_in_cb = dag_.is_input(op.in[1]);
    if (a_in_cb && b_in_cb) {
      // mul adds to its slot, so it wants a clean one; in a written one a load and dest-reuse do the same.
      node.forms.emplace_back();
    } else if (a_in_cb || b_in_cb) {
      Form reuse;  // clears its slot itself
      add_operand(reuse, op.in[a_in_cb ? 1 : 0]);
      node.forms.push_back(std::move(reuse));
    }
  }

  void add_operand(Form& form, int value) const {
    if (dag_.is_input(value)) {
      form.loads.push_back(value);
    } else {
      form.in_dst |= bit(op_of(value));
    }
  }

  [[nodiscard]] std::size_t op_of(int value) const { return value - dag_.input_count(); }

  [[nodiscard]] bool resident(int input, Mask done) const {
    const Mask readers = readers_[input];
    return rules_.load_once && (readers & done) != 0 && ((readers & ~done) != 0 || dag_.is_output(input));
  }

  [[nodiscard]] int taken_at(Mask done) const {
    int taken = 0;
    for (Mask rest = done; rest != 0; rest &= rest - 1) {
      const Node& node = nodes_[std::countr_zero(rest)];
      taken += node.output || (node.readers & ~done) != 0 ? 1 : 0;
    }
    if (rules_.load_once) {
      for (int input = 0; input < dag_.input_count(); ++input) taken += resident(input, done) ? 1 : 0;
    }
    return taken;
  }

  /// Results that operation `op` is the last to read.
  [[nodiscard]] Mask ended_by(std::size_t op, Mask done) const {
    const Mask after = done | bit(op);
    Mask ended = 0;
    for (Mask rest = nodes_[op].before; rest != 0; rest &= rest - 1) {
      const std::size_t each = std::countr_zero(rest);
      if (!nodes_[each].output && (nodes_[each].readers & ~after) == 0) ended |= bit(each);
    }
    return ended;
  }

  /// Slots ever written once the operation is done in this form.
  [[nodiscard]] int written_after(const Form& form, std::size_t op, const State& state, Mask ended) const {
    if (form.clean) return state.written + 1;
    bool replaces = (form.in_dst & ended) != 0;
    int wanted = 0;
    for (const int input : form.loads) {
      if (!resident(input, state.done)) ++wanted;
      replaces = replaces || !resident(input, state.done | bit(op));
    }
    return std::max(state.written, state.taken + wanted + (replaces ? 0 : 1));
  }

  [[nodiscard]] State step(const State& state, std::size_t op) const {
    const Mask ended = ended_by(op, state.done);
    State next{.done = state.done | bit(op), .taken = 0, .written = never};
    for (const Form& form : nodes_[op].forms) {
      next.written = std::min(next.written, written_after(form, op, state, ended));
    }
    next.taken = rules_.load_once ? taken_at(next.done) : state.taken + 1 - std::popcount(ended);
    return next;
  }

  /// Slots that the outputs, the first and the last operation take whatever the order.
  [[nodiscard]] int lower_bound() const {
    int first = never;
    int last = never;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].before == 0) first = std::min(first, step({}, i).written);
      if (nodes_[i].readers != 0) continue;
      const Mask others = full_ & ~bit(i);
      last = std::min(last, step({.done = others, .taken = taken_at(others), .written = 0}, i).written);
    }
    const int outputs = count_of(dag_.outputs);
    return std::max({outputs, first == never ? 1 : first, last == never ? 1 : last});
  }

  // A recursion as deep as there are operations, 64 at most.
  bool fits(const State& state) {
    if (state.done == full_) return true;
    if (seen(state)) return false;
    std::vector<State> choices;
    for (Mask rest = full_ & ~state.done; rest != 0; rest &= rest - 1) {
      const std::size_t op = std::countr_zero(rest);
      if ((nodes_[op].before & ~state.done) != 0) continue;
      State next = step(state, op);
      if (next.written > capacity_) continue;
      // Without the rule of clean slots only the slots taken now matter to what follows.
      if (!rules_.clean_slots) next.written = 0;
      // An operation after which no more slots are taken than before can be done right away: every later step finds at
      // least as many free slots.
      if (next.taken <= state.taken && next.written == state.written) return fits(next);
      choices.push_back(next);
    }
    std::sort(choices.begin(), choices.end(),
              [](const State& a, const State& b) { return std::pair(a.taken, a.written) < std::pair(b.taken, b.written); });
    return std::any_of(choices.begin(), choices.end(), [&](const State& next) { return fits(next); });
  }

  void forget() {
    table_.assign(dag_.ops.size() <= table_ops ? std::size_t{1} << dag_.ops.size() : 0, std::uint8_t{255});
    map_.clear();
  }

  /// Whether this set of operations was reached before with no more slots written; notes it. Also when time is up.
  bool seen(const State& state) {
    if (++states_ > most_states) return true;
    std::uint8_t& least =
        table_.empty() ? map_.try_emplace(state.done, std::uint8_t{255}).first->second : table_[state.done];
    if (least <= state.written) return true;
    least = static_cast<std::uint8_t>(state.written);
    return false;
  }

  const SlotDag& dag_;
  ExactRules rules_;
  std::vector<Node> nodes_;
  std::vector<Mask> readers_;  ///< of inputs: operations that need them in DST
  Mask full_ = 0;
  int capacity_ = 0;
  std::uint64_t states_ = 0;
  std::vector<std::uint8_t> table_;
  std::unordered_map<Mask, std::uint8_t> map_;
};

}  // namespace

std::optional<int> exact_slots(const SlotDag& dag, ExactRules rules) {
  const SlotDag live = without_dead_ops(dag);
  if (live.ops.size() > mask_bits || !obstacle_to_one_section(live).empty()) return std::nullopt;
  return Search(live, rules).run();
}

}  // namespace tilegrid::planner
