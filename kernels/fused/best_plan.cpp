// SPDX-License-Identifier: Apache-2.0
// The search for the best plan. Partitions of the graph into stages are tried one by one: the least cut, stages by connected
// components, and cuts behind matmuls and reductions, whose sub-blocks can then be larger. Each stage is searched alone and
// remembered, since partitions share most of theirs.
#include "kernels/fused/best_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

#include "core/error.h"
#include "kernels/fused/stage_planner.h"

namespace tilegrid::fused {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// A matmul whose factors arrive in blocks of K.
struct Stream {
  int op = -1;  ///< none
  int k_block = 0;
  Carrier carrier = Carrier::dst;
};

class BestSearch {
 public:
  BestSearch(const Graph& graph, const PlanRequest& request, const Machine& machine)
      : graph_(graph), request_(request), machine_(machine) {}

  std::optional<Plan> run(const Stream& stream) {
    std::optional<Plan> best;
    for (const PartitionOptions& options : partitions(stream)) {
      std::optional<Plan> plan = with_partition(options, stream);
      if (plan && (!best || plan->cost.total < best->cost.total)) best = std::move(plan);
    }
    return best;
  }

 private:
  /// Ways to cut the graph that are worth a look.
  std::vector<PartitionOptions> partitions(const Stream& stream) const {
    const std::vector<bool> none(graph_.values().size(), false);
    std::vector<ValueId> candidates;
    for (int op = 0; op < static_cast<int>(graph_.ops().size()); ++op) {
      const OpKind kind = graph_.op(op).kind;
      const ValueId result = graph_.result_of(op);
      const bool heavy = kind == OpKind::matmul || kind == OpKind::reduce;
      if (heavy && !graph_.users_of(result).empty()) candidates.push_back(result);
    }
    std::vector<std::vector<bool>> cuts{none};
    constexpr std::size_t most_candidates = 6;
    if (candidates.size() > most_candidates) candidates.resize(most_candidates);
    for (const ValueId value : candidates) {
      cuts.push_back(none);
      cuts.back()[at(value)] = true;
    }
    if (candidates.size() > 1) {
      cuts.push_back(none);
      for (const ValueId value : candidates) cuts.back()[at(value)] = true;
    }
    std::vector<PartitionOptions> all;
    for (std::vector<bool>& cut : cuts) {
      if (stream.op >= 0 && stream.carrier != Carrier::dst) cut[at(graph_.result_of(stream.op))] = true;
      for (const bool components : {false, true}) all.push_back({cut, components});
    }
    return all;
  }

  std::optional<Plan> with_partition(const PartitionOptions& options, const Stream& stream) {
    std::vector<OpGroup> groups = partition(graph_, options);
    if (stream.op >= 0) isolate(groups, stream);
    if (!make_fit(groups)) return std::nullopt;
    const std::vector<bool> packed = packed_values(graph_, groups);
    Plan plan;
    plan.strategy = Strategy::best;
    plan.graph = graph_;
    plan.machine = machine_;
    int fullest = -1;
    for (const OpGroup& group : groups) {
      const bool streamed = std::find(group.ops.begin(), group.ops.end(), stream.op) != group.ops.end();
      std::optional<StagePlan> stage = best_stage(group, packed, streamed && stream.carrier == Carrier::dst);
      if (!stage) return std::nullopt;
      if (streamed) {
        const int k = graph_.value(graph_.op(stream.op).in[0]).shape.cols.tiles;
        stage->stage.k_block = stream.k_block;
        stage->stage.k_blocks = k / stream.k_block;
        stage->stage.carrier = stream.carrier;
        if (stream.carrier == Carrier::l1) accumulate_packs(stage->stage);
      }
      if (stage->peak > fullest) {
        fullest = stage->peak;
        plan.account = stage->account;
      }
      plan.stages.push_back(std::move(stage->stage));
    }
    finish_plan(plan, request_, true);
    if (!fits_l1(plan)) finish_plan(plan, request_, false);
    return plan;
  }

  static void accumulate_packs(Stage& stage) {
    for (Run& run : stage.runs) {
      for (Instruction& instruction : run.body) {
        if (instruction.action == Action::pack) instruction.accumulate = true;
      }
    }
  }

  /// A stage that streams with another carrier than DST has nothing but the matmul.
  static void isolate(std::vector<OpGroup>& groups, const Stream& stream) {
    if (stream.carrier == Carrier::dst) return;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      auto& ops = groups[i].ops;
      const auto found = std::find(ops.begin(), ops.end(), stream.op);
      if (found == ops.end() || ops.size() == 1) continue;
      ops.erase(found);
      OpGroup alone{{stream.op}, groups[i].shape};
      groups.insert(groups.begin() + static_cast<std::ptrdiff_t>(i), alone);
      return;
    }
  }

  /// Splits groups that need more slots than there are.
  bool make_fit(std::vector<OpGroup>& groups) {
    const int capacity = machine_.capacity();
    const std::vector<bool> packed = packed_values(graph_, groups);
    std::vector<OpGroup> fitting;
    for (const OpGroup& group : groups) {
      const StageProblem problem(graph_, machine_, group, packed);
      if (static_cast<int>(problem.held_values().size()) <= capacity && least_slots(problem, packed) <= capacity) {
        fitting.push_back(group);
        continue;
      }
      std::vector<OpGroup> parts = split_group(graph_, machine_, group, packed, capacity);
      if (parts.empty()) return false;
      fitting.insert(fitting.end(), parts.begin(), parts.end());
    }
    groups = std::move(fitting);
    return true;
  }

  using Key = std::pair<std::vector<int>, std::vector<bool>>;
  static Key key_of(const OpGroup& group, const std::vector<bool>& packed, const Graph& graph) {
    std::vector<bool> mine;
    for (const int op : group.ops) mine.push_back(packed[at(graph.result_of(op))]);
    return {group.ops, mine};
  }

  int least_slots(const StageProblem& problem, const std::vector<bool>& packed) {
    const auto [found, added] = least_.try_emplace(key_of(problem.group(), packed, graph_), 0);
    if (added) found->second = fewest_slots(problem);
    return found->second;
  }

  const std::optional<StagePlan>& best_stage(const OpGroup& group, const std::vector<bool>& packed, bool single) {
    auto& memory = single ? single_stages_ : stages_;
    const auto [found, added] = memory.try_emplace(key_of(group, packed, graph_), std::nullopt);
    if (added) {
      const StageProblem problem(graph_, machine_, group, packed);
      found->second = cheapest(problem, machine_.capacity(), request_.max_tiles, single);
    }
    return found->second;
  }

  const Graph& graph_;
  const PlanRequest& request_;
  const Machine machine_;
  std::map<Key, int> least_;
  std::map<Key, std::optional<StagePlan>> stages_;
  std::map<Key, std::optional<StagePlan>> single_stages_;
};

std::vector<Machine> sync_modes(const Machine& machine) {
  if (!machine.any_sync || machine.capacity_override) return {machine};
  Machine half = machine;
  half.full_sync = false;
  Machine full = machine;
  full.full_sync = true;
  return {half, full};
}

Plan refused(const Graph& graph, const PlanRequest& request) {
  // The one operation that no cut can help.
  Plan plan = fused::plan(graph, Strategy::subblock, request);
  plan.strategy = Strategy::best;
  const SmallestCapacity smallest = smallest_capacity(graph, request);
  Refusal refusal;
  refusal.at = smallest.operation;
  refusal.needed = smallest.slots;
  refusal.capacity = request.machine.capacity();
  refusal.reason = fmt::format("{} needs {} slots even alone, {} there: no strategy makes this graph legal",
                               smallest.operation, smallest.slots, refusal.capacity);
  refusal.account = {{"operands and result of " + smallest.operation, smallest.slots}};
  refusal.fits = fmt::format("a capacity of {}", smallest.slots);
  plan.refusal = refusal;
  return plan;
}

/// Matmuls whose factors are inputs that nobody else reads.
std::vector<int> streamable(const Graph& graph) {
  std::vector<int> ops;
  for (int op = 0; op < static_cast<int>(graph.ops().size()); ++op) {
    const Op& operation = graph.op(op);
    if (operation.kind != OpKind::matmul) continue;
    const bool inputs = graph.is_input(operation.in[0]) && graph.is_input(operation.in[1]);
    const bool alone = graph.users_of(operation.in[0]).size() == 1 && graph.users_of(operation.in[1]).size() == 1;
    if (inputs && alone && operation.in[0] != operation.in[1]) ops.push_back(op);
  }
  return ops;
}

/// Refuses blocks of K that no matmul can be fed by.
void check_k_block(const Graph& graph, int k_block) {
  const std::vector<int> ops = streamable(graph);
  if (ops.empty()) {
    throw UsageError(
        fmt::format("a K block of {} tiles: no matmul of the graph has two inputs that nothing else reads", k_block));
  }
  for (const int op : ops) {
    const int k = graph.value(graph.op(op).in[0]).shape.cols.tiles;
    if (k % k_block == 0) return;
  }
  const int k = graph.value(graph.op(ops.front()).in[0]).shape.cols.tiles;
  throw UsageError(
      fmt::format("a K block of {} tiles does not divide the {} tiles of K of {}", k_block, k, graph.op(ops.front()).name));
}

std::vector<Stream> streams_of(const Graph& graph, int k_block) {
  std::vector<Stream> streams;
  for (const int op : streamable(graph)) {
    const int k = graph.value(graph.op(op).in[0]).shape.cols.tiles;
    for (int tiles = k - 1; tiles >= 1; --tiles) {
      if (k % tiles != 0 || (k_block > 0 && tiles != k_block)) continue;
      streams.push_back({op, tiles, Carrier::dst});
      if (graph.op(op).accumulate) continue;
      streams.push_back({op, tiles, Carrier::l1});
      streams.push_back({op, tiles, Carrier::reload});
    }
  }
  return streams;
}

std::optional<Plan> best_streamed(const Graph& graph, const PlanRequest& request) {
  std::optional<Plan> best;
  for (const Machine& machine : sync_modes(request.machine)) {
    BestSearch search(graph, request, machine);
    for (const Stream& stream : streams_of(graph, request.k_block)) {
      std::optional<Plan> plan = search.run(stream);
      if (plan && fits_l1(*plan) && (!best || plan->cost.total < best->cost.total)) best = std::move(plan);
    }
  }
  return best;
}

}  // namespace

Plan plan_best(const Graph& graph, const PlanRequest& request) {
  std::optional<Plan> best;
  for (const Machine& machine : sync_modes(request.machine)) {
    std::optional<Plan> plan = BestSearch(graph, request, machine).run({});
    if (plan && (!best || plan->cost.total < best->cost.total)) best = std::move(plan);
  }
  if (!best) return refused(graph, request);
  if (request.k_block > 0) check_k_block(graph, request.k_block);
  if (request.k_block > 0 || !fits_l1(*best)) {
    if (auto streamed = best_streamed(graph, request)) {
      best = std::move(streamed);
      best->notes.emplace_back(fmt::format("K arrives in blocks"));
    }
  }
  // The other strategies are in the search space but for their very orders: none may be cheaper.
  for (const Strategy strategy : {Strategy::liveness, Strategy::subblock, Strategy::pipelined, Strategy::grid}) {
    if (request.k_block > 0 || !fits_l1(*best)) break;
    Plan other = fused::plan(graph, strategy, request);
    if (!other.legal() || !fits_l1(other) || other.cost.total >= best->cost.total) continue;
    other.notes.emplace_back(fmt::format("the cheapest is the plan of {}", name_of(strategy)));
    best = std::move(other);
    best->strategy = Strategy::best;
  }
  if (!fits_l1(*best)) {
    // What one core can't hold, several may.
    Plan grid = fused::plan(graph, Strategy::grid, request);
    if (grid.legal() && grid.cores > 1) {
      grid.notes.emplace_back("the block is cut over cores: one core's L1 can't hold it");
      best = std::move(grid);
      best->strategy = Strategy::best;
    }
  }
  check_buffers(*best);
  return std::move(*best);
}

std::optional<Plan> plan_streamed(const Graph& graph, Strategy strategy, const PlanRequest& request) {
  std::optional<Plan> plan = best_streamed(graph, request);
  if (plan) plan->strategy = strategy;
  return plan;
}

}  // namespace tilegrid::fused
