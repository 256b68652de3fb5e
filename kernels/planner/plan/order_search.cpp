// SPDX-License-Identifier: Apache-2.0
// Search for the cheapest order of one tile's operations within a number of slots.
//
// A state is which operations are done, and which inputs from CBs are kept in DST; the results that are in DST follow from
// it: those that are held to the end and those that somebody still reads. A transition does one operation in one form, with
// the loads and copies it needs. Invariant: a state's slots, and what a transition takes on top, never exceed the limit.
#include <algorithm>
#include <bitset>
#include <queue>
#include <unordered_map>

#include "kernels/planner/plan/expand.h"
#include "kernels/planner/plan/order.h"

namespace tilegrid::planner {
namespace {

constexpr std::size_t most_ops = 192;
constexpr std::size_t word_bits = 64;
constexpr std::size_t most_exact_ops = 20;
constexpr std::size_t most_states = 8'000;
constexpr std::size_t beam_width = 96;
constexpr std::size_t narrow_beam_width = 24;  ///< for more than 60 operations

/// An operation in one form, with what does not depend on the state.
struct Candidate {
  Form form{};
  double cost = 0;                 ///< of the operation itself and of widened operands
  int scratch = 0;                 ///< further slots that it needs while it runs
  int widened = 0;                 ///< operands that are widened into a slot of their own while it runs
  std::vector<ValueId> here;       ///< distinct operands in DST that this stage makes
  std::vector<ValueId> loaded;     ///< distinct operands in DST that come from CBs, not widened
  ValueId overwritten = no_value;  ///< in place: operand whose tile becomes the result
  bool in_place = false;
};

/// `N`: most operations, and most inputs from CBs.
template <std::size_t N>
class Search {
 public:
  using Bits = std::bitset<N>;

  Search(const StageProblem& problem, int slots, CycleWeights weights)
      : problem_(problem), graph_(problem.graph()), model_(graph_, problem.machine()), slots_(slots), weights_(weights) {
    prepare();
  }

  Schedule run() {
    if (ops_.size() > N || inputs_.size() > N) return {};
    bool exhausted = false;
    if (ops_.size() <= most_exact_ops) {
      Schedule schedule = exact(exhausted);
      if (!schedule.empty() || exhausted) return schedule;
    }
    return beam();
  }

 private:
  struct State {
    Bits done;
    Bits kept;
    friend bool operator==(const State&, const State&) = default;
  };
  struct HashState {
    std::size_t operator()(const State& state) const {
      const std::hash<Bits> hash;
      return hash(state.done) * 1'000'003U ^ hash(state.kept);
    }
  };
  struct Node {
    State state;
    double cost = 0;
    std::ptrdiff_t parent = -1;
    std::size_t op = 0;
    Form form{};
  };

  void prepare() {
    ops_ = problem_.ops();
    local_op_.assign(graph_.values().size(), -1);
    local_input_.assign(graph_.values().size(), -1);
    for (int i = 0; i < count_of(ops_); ++i) local_op_[graph_.result_of(ops_[i])] = i;
    if (ops_.size() > N) return;
    needs_.resize(ops_.size());
    users_.resize(ops_.size());
    candidates_.resize(ops_.size());
    for (std::size_t i = 0; i < ops_.size(); ++i) {
      for (const ValueId value : graph_.op(ops_[i]).in) {
        if (const int producer = local_op_[value]; producer >= 0) {
          needs_[i].set(producer);
          users_[producer].set(i);
        }
      }
      load_cost_.push_back(cost_of(Action::load, ops_[i], graph_.op(ops_[i]).in[0], no_value));
      for (const Form form : problem_.forms_of(ops_[i])) candidates_[i].push_back(candidate(ops_[i], form));
    }
    wanted_by_.resize(inputs_.size());
    for (std::size_t i = 0; i < ops_.size() && inputs_.size() <= N; ++i) {
      for (const Candidate& candidate : candidates_[i]) {
        for (const ValueId value : candidate.loaded) wanted_by_[local_input_[value]].set(i);
      }
    }
  }

  [[nodiscard]] double weigh(const UnitCycles& cycles) const {
    return weights_.unpack * cycles.unpack + weights_.math * cycles.math;
  }
  [[nodiscard]] double cost_of(Action action, int op, ValueId a, ValueId b) const {
    Instruction instruction;
    instruction.action = action;
    instruction.op = op;
    instruction.value[0] = a;
    instruction.value[1] = b;
    instruction.result = graph_.result_of(op);
    return weigh(model_.of(instruction));
  }

  Candidate candidate(int op, Form form) {
    const Op& operation = graph_.op(op);
    Candidate result;
    result.form = form;
    std::size_t operand = 0;
    result.in_place = StageProblem::in_place(operation, form, operand);
    if (result.in_place) result.overwritten = operation.in[operand];
    for (std::size_t i = 0; i < operation.in.size(); ++i) {
      const ValueId value = operation.in[i];
      if (!problem_.operand_in_dst(operation, form, i)) continue;
      if (problem_.made_here(value)) {
        if (std::find(result.here.begin(), result.here.end(), value) == result.here.end()) result.here.push_back(value);
      } else if (problem_.widened(operation, i)) {
        ++result.widened;
        result.cost += cost_of(Action::load, op, value, no_value);
        if (value == result.overwritten) result.overwritten = no_value;
      } else if (std::find(result.loaded.begin(), result.loaded.end(), value) == result.loaded.end()) {
        result.loaded.push_back(value);
        if (local_input_[value] < 0) {
          local_input_[value] = count_of(inputs_);
          inputs_.push_back(value);
        }
      }
    }
    result.cost += own_cost(op, form);
    result.scratch = problem_.sums_on_sfpu(operation) ? 1 : 0;
    return result;
  }

  [[nodiscard]] double own_cost(int op, Form form) const {
    const Op& operation = graph_.op(op);
    const ValueId a = operation.in[0];
    switch (operation.kind) {
      case OpKind::unary:
        return cost_of(Action::unary, op, no_value, no_value);
      case OpKind::sfpu_binary:
        return cost_of(Action::sfpu_binary, op, no_value, no_value);
      case OpKind::ternary:
        return cost_of(Action::ternary, op, no_value, no_value);
      case OpKind::matmul:
        return cost_of(Action::matmul, op, a, operation.in[1]);
      case OpKind::reduce:
        return cost_of(Action::reduce, op, a, no_value);
      case OpKind::tile_sum:
        return cost_of(Action::tile_sum, op, a, no_value);
      case OpKind::transpose:
        return cost_of(Action::transpose, op, a, no_value);
      case OpKind::binary:
        break;
    }
    switch (form) {
      case Form::fpu:
        return cost_of(Action::fpu_binary, op, a, operation.in[1]);
      case Form::reuse_a:
        return cost_of(Action::dest_reuse, op, operation.in[1], no_value);
      case Form::reuse_b:
        return cost_of(Action::dest_reuse, op, a, no_value);
      default:
        return cost_of(Action::sfpu_binary, op, no_value, no_value);
    }
  }

  /// Slots of results that are in DST when `done` is.
  [[nodiscard]] int live(const Bits& done) const {
    int count = 0;
    for (std::size_t i = 0; i < ops_.size(); ++i) {
      if (done[i] && (problem_.held(graph_.result_of(ops_[i])) || (users_[i] & ~done).any())) ++count;
    }
    return count;
  }
  [[nodiscard]] bool dies(ValueId value, const Bits& done_after) const {
    const int producer = local_op_[value];
    return !problem_.held(value) && (users_[producer] & ~done_after).none();
  }

  /// All ways to do operation `index` in one form from the state.
  template <class Emit>
  void transitions(const State& state, int in_use, std::size_t index, const Candidate& candidate, Emit emit) const {
    Bits done = state.done;
    done.set(index);
    double cost = candidate.cost;
    const double load = load_cost_[index];
    int extra = candidate.widened + candidate.scratch;
    bool result_has_slot = candidate.widened > 0 && !candidate.in_place;
    for (const ValueId value : candidate.here) {
      if (dies(value, done)) {
        result_has_slot = result_has_slot || !candidate.in_place || value == candidate.overwritten;
      } else if (candidate.in_place && value == candidate.overwritten) {
        ++extra;
        cost += copy_cost();
        result_has_slot = true;
      }
    }
    if (candidate.in_place && candidate.overwritten == no_value) result_has_slot = true;  // a widened tile
    // Loaded values may stay for a later step, if there is one that could want them.
    std::vector<ValueId> keepable;
    for (const ValueId value : candidate.loaded) {
      if ((wanted_by_[local_input_[value]] & ~done).any()) keepable.push_back(value);
    }
    const std::size_t choices = std::size_t{1} << keepable.size();
    for (std::size_t choice = 0; choice < choices; ++choice) {
      take(state, candidate, done, cost, load, in_use + extra, result_has_slot, keepable, choice, emit);
    }
  }

  template <class Emit>
  void take(const State& state, const Candidate& candidate, const Bits& done, double cost, double load, int slots,
            bool result_has_slot, const std::vector<ValueId>& keepable, std::size_t choice, Emit emit) const {
    State next{done, state.kept};
    const auto kept_after = [&](ValueId value) {
      for (std::size_t k = 0; k < keepable.size(); ++k) {
        if (keepable[k] == value) return (choice >> k & 1U) != 0;
      }
      return false;
    };
    for (const ValueId value : candidate.loaded) {
      const int input = local_input_[value];
      const bool resident = state.kept[input];
      const bool keep = kept_after(value);
      const bool becomes_result = candidate.in_place && value == candidate.overwritten;
      // An in-place operation overwrites its operand, so one that is kept needs a second tile. If it is not in DST yet that
      // gains nothing: whoever wants it later can load it then.
      if (becomes_result && keep && !resident) return;
      if (!resident || (becomes_result && keep)) {
        cost += load;
        ++slots;
      }
      if (becomes_result || (!candidate.in_place && !keep)) result_has_slot = true;
      next.kept.set(input, keep);
    }
    if (!result_has_slot) ++slots;
    if (slots > slots_) return;
    for (std::size_t input = 0; input < inputs_.size(); ++input) {
      if (next.kept[input] && (wanted_by_[input] & ~done).none()) next.kept.reset(input);
    }
    emit(next, cost);
  }

  [[nodiscard]] double copy_cost() const {
    return weights_.math * problem_.machine().chip.cycles().vector(VectorOp::copy_dst, VectorMode::rc);
  }

  template <class Visit>
  void successors(const Node& node, Visit visit) const {
    const int in_use = live(node.state.done) + static_cast<int>(node.state.kept.count());
    for (std::size_t i = 0; i < ops_.size(); ++i) {
      if (node.state.done[i] || (needs_[i] & ~node.state.done).any()) continue;
      // A matmul early in the section can take all tiles of the sub-block at once.
      const bool early = graph_.op(ops_[i]).kind == OpKind::matmul;
      const double late = early ? 1e-3 * static_cast<double>(node.state.done.count()) : 0;
      for (const Candidate& candidate : candidates_[i]) {
        transitions(node.state, in_use, i, candidate,
                    [&](const State& next, double cost) { visit(i, candidate.form, next, node.cost + cost + late); });
      }
    }
  }

  Schedule trace(const std::vector<Node>& nodes, std::ptrdiff_t last) const {
    Schedule schedule;
    for (std::ptrdiff_t node = last; nodes[node].parent >= 0; node = nodes[node].parent) {
      const Node& done = nodes[node];
      Step step{ops_[done.op], done.form, {}};
      for (std::size_t input = 0; input < inputs_.size(); ++input) {
        if (done.state.kept[input]) step.keep.push_back(inputs_[input]);
      }
      schedule.push_back(std::move(step));
    }
    std::reverse(schedule.begin(), schedule.end());
    return schedule;
  }

  /// Dijkstra. `exhausted`: all that can be reached was seen, so that an empty answer is a proof.
  Schedule exact(bool& exhausted) {
    std::vector<Node> nodes{{}};
    std::unordered_map<State, double, HashState> best{{nodes[0].state, 0.0}};
    using Entry = std::pair<double, std::ptrdiff_t>;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> open;
    open.push({0.0, 0});
    while (!open.empty()) {
      const auto [cost, index] = open.top();
      open.pop();
      const Node node = nodes[index];
      if (cost > best[node.state]) continue;
      if (node.state.done.count() == ops_.size()) {
        exhausted = true;
        return trace(nodes, index);
      }
      if (nodes.size() > most_states) return {};
      successors(node, [&](std::size_t op, Form form, const State& next, double next_cost) {
        const auto [found, added] = best.try_emplace(next, next_cost);
        if (!added && found->second <= next_cost) return;
        found->second = next_cost;
        nodes.push_back({next, next_cost, index, op, form});
        open.push({next_cost, count_of<std::ptrdiff_t>(nodes) - 1});
      });
    }
    exhausted = true;
    return {};
  }

  /// Level by level of operations done, the most promising states only: cheap ones with few slots.
  Schedule beam() {
    std::vector<Node> nodes{{}};
    std::vector<std::ptrdiff_t> level{0};
    for (std::size_t done = 0; done < ops_.size(); ++done) {
      std::unordered_map<State, std::ptrdiff_t, HashState> next_level;
      for (const std::ptrdiff_t index : level) {
        const Node node = nodes[index];
        successors(node, [&](std::size_t op, Form form, const State& next, double cost) {
          const auto [found, added] = next_level.try_emplace(next, -1);
          if (!added && nodes[found->second].cost <= cost) return;
          nodes.push_back({next, cost, index, op, form});
          found->second = count_of<std::ptrdiff_t>(nodes) - 1;
        });
      }
      level.clear();
      for (const auto& [state, index] : next_level) level.push_back(index);
      const auto score = [&](std::ptrdiff_t index) {
        const Node& node = nodes[index];
        return std::pair(node.cost + slot_price * (live(node.state.done) + static_cast<double>(node.state.kept.count())),
                         index);
      };
      std::vector<std::pair<double, std::ptrdiff_t>> ranked;
      for (const std::ptrdiff_t index : level) ranked.push_back(score(index));
      std::sort(ranked.begin(), ranked.end());
      const std::size_t width = ops_.size() > 60 ? narrow_beam_width : beam_width;
      if (ranked.size() > width) ranked.resize(width);
      level.clear();
      for (const auto& entry : ranked) level.push_back(entry.second);
      if (level.empty()) return {};
    }
    return trace(nodes, level.front());
  }

  static constexpr double slot_price = 100;  ///< cycles that a slot in use counts for when states are ranked

  const StageProblem& problem_;
  const Graph& graph_;
  CostModel model_;
  int slots_;
  CycleWeights weights_;
  std::vector<int> ops_;
  std::vector<int> local_op_;     ///< by value
  std::vector<int> local_input_;  ///< by value
  std::vector<ValueId> inputs_;
  std::vector<double> load_cost_;  ///< by operation, of one of its operands
  std::vector<Bits> needs_;
  std::vector<Bits> users_;
  std::vector<Bits> wanted_by_;  ///< by input: operations that could take it from DST
  std::vector<std::vector<Candidate>> candidates_;
};

}  // namespace

Schedule best_schedule(const StageProblem& problem, int slots, CycleWeights weights) {
  if (problem.ops().size() <= word_bits && problem.graph().values().size() <= word_bits) {
    return Search<word_bits>(problem, slots, weights).run();
  }
  return Search<most_ops>(problem, slots, weights).run();
}

int fewest_slots(const StageProblem& problem) {
  constexpr int most = 64;
  const int least = std::max<int>(1, count_of(problem.held_values()));
  if (problem.ops().empty()) return least;
  // Beyond what is searched the listed order has to do.
  if (problem.ops().size() > most_ops) {
    return expand(problem, listed_schedule(problem), 1, 1, TileOrder::tile_by_tile, most).peak;
  }
  const auto enough = [&](int slots) { return !best_schedule(problem, slots, {}).empty(); };
  if (problem.ops().size() <= most_exact_ops) {
    for (int slots = least; slots <= most; ++slots) {
      if (enough(slots)) return slots;
    }
    return most + 1;
  }
  // The beam takes its time with large graphs: halve the range.
  int low = least;
  int high = most + 1;
  while (low < high) {
    const int middle = low + (high - low) / 2;
    if (enough(middle)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

}  // namespace tilegrid::planner
