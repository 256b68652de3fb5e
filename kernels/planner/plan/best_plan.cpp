// SPDX-License-Identifier: Apache-2.0
// The search for the best plan. Partitions of the graph into stages are tried one by one: the least cut, stages by connected
// components, and cuts behind matmuls and reductions, whose sub-blocks can then be larger. Each stage is searched alone and
// remembered, since partitions share most of theirs.
#include "kernels/planner/plan/best_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "core/core.h"
#include "core/error.h"
#include "kernels/planner/plan/passes.h"
#include "kernels/planner/plan/stage_planner.h"

namespace tilegrid::planner {
namespace {

/// Graphs of at most so many operations are also split into stages as if there were fewer slots.
constexpr std::size_t few_ops = 40;

bool fits_core(const Plan& plan) { return plan.buffers.size() <= max_circular_buffers && fits_l1(plan); }

/// A plan that fits L1 is better than one that does not, whatever it costs; then fewer cycles are.
bool better(const Plan& a, const Plan& b) {
  if (fits_core(a) != fits_core(b)) return fits_core(a);
  return a.cost.total < b.cost.total;
}

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
    std::set<std::vector<std::vector<int>>> seen;
    for (const PartitionOptions& options : partitions(stream)) {
      // Smaller sections than fit can be cheaper, as they change operation less often.
      const int least = graph_.ops().size() <= few_ops ? 1 : machine_.capacity();
      for (int capacity = machine_.capacity(); capacity >= least; --capacity) {
        std::vector<OpGroup> groups = partition(graph_, options);
        if (stream.op >= 0) isolate(groups, stream);
        if (!make_fit(groups, capacity)) break;
        std::vector<std::vector<int>> ops;
        ops.reserve(groups.size());
        for (const OpGroup& group : groups) ops.push_back(group.ops);
        if (!seen.insert(ops).second) continue;
        std::optional<Plan> plan = with_groups(groups, stream);
        if (plan && (!best || better(*plan, *best))) best = std::move(plan);
      }
    }
    return best;
  }

 private:
  /// Ways to cut the graph that are worth a look.
  std::vector<PartitionOptions> partitions(const Stream& stream) const {
    const std::vector<bool> none(graph_.values().size(), false);
    std::vector<ValueId> candidates;
    for (int op = 0; op < count_of(graph_.ops()); ++op) {
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
      cuts.back()[value] = true;
    }
    if (candidates.size() > 1) {
      cuts.push_back(none);
      for (const ValueId value : candidates) cuts.back()[value] = true;
    }
    std::vector<PartitionOptions> all;
    for (std::vector<bool>& cut : cuts) {
      if (stream.op >= 0 && stream.carrier != Carrier::dst) cut[graph_.result_of(stream.op)] = true;
      for (const bool components : {false, true}) all.push_back({cut, components});
    }
    return all;
  }

  std::optional<Plan> with_groups(const std::vector<OpGroup>& groups, const Stream& stream) {
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
      groups.insert(groups.begin() + i, alone);
      return;
    }
  }

  /// Splits groups that need more slots than there are.
  bool make_fit(std::vector<OpGroup>& groups, int capacity) {
    const std::vector<bool> packed = packed_values(graph_, groups);
    std::vector<OpGroup> fitting;
    for (const OpGroup& group : groups) {
      const StageProblem problem(graph_, machine_, group, packed);
      if (count_of(problem.held_values()) <= capacity && least_slots(problem, packed) <= capacity) {
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
    for (const int op : group.ops) mine.push_back(packed[graph.result_of(op)]);
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
      found->second = cheapest(problem, machine_.capacity(), least_slots(problem, packed), request_.max_tiles, single);
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

Plan refused(const Graph& graph, const PlanRequest& request) {
  // No cut helps: one operation alone needs more slots than there are.
  Plan plan = planner::plan(graph, Strategy::subblock, request);
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

/// How many operands of operations a value is.
std::ptrdiff_t reads_of(const Graph& graph, ValueId value) {
  std::ptrdiff_t reads = 0;
  for (const Op& op : graph.ops()) reads += std::count(op.in.begin(), op.in.end(), value);
  return reads;
}

/// Matmuls whose factors are inputs that nobody else reads.
std::vector<int> streamable(const Graph& graph) {
  std::vector<int> ops;
  for (int op = 0; op < count_of(graph.ops()); ++op) {
    const Op& operation = graph.op(op);
    if (operation.kind != OpKind::matmul) continue;
    const bool inputs = graph.is_input(operation.in[0]) && graph.is_input(operation.in[1]);
    const bool alone = reads_of(graph, operation.in[0]) == 1 && reads_of(graph, operation.in[1]) == 1;
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

std::vector<Stream> streams_of(const Graph& graph, const Machine& machine, int k_block) {
  std::vector<Stream> streams;
  for (const int op : streamable(graph)) {
    // Sums that the packer adds up in a bf16 output would lose what fp32 DST keeps; it adds none in block floats.
    const bool cuts_output = narrow_output(machine) && graph.is_output(graph.result_of(op));
    const int k = graph.value(graph.op(op).in[0]).shape.cols.tiles;
    for (int tiles = k - 1; tiles >= 1; --tiles) {
      if (k % tiles != 0 || (k_block > 0 && tiles != k_block)) continue;
      streams.push_back({op, tiles, Carrier::dst});
      if (graph.op(op).accumulate) continue;
      if (!cuts_output) streams.push_back({op, tiles, Carrier::l1});
      streams.push_back({op, tiles, Carrier::reload});
    }
  }
  return streams;
}

/// Partial sums of the matmul's result read it from a CB: its own stage has the matmul alone.
Graph with_sums_apart(Graph graph, int matmul) {
  for (const int user : graph.users_of(graph.result_of(matmul))) {
    if (graph.op(user).kind == OpKind::tile_sum) graph.set_form(graph.result_of(user), FormRule::cb_only);
  }
  return graph;
}

/// Whether inputs and outputs alone, the factors in blocks of K, leave L1 the room.
bool can_fit(const Graph& graph, const Machine& machine, const Stream& stream) {
  std::uint64_t tiles = 0;
  const auto add = [&](ValueId value) { tiles += graph.value(value).shape.tiles(); };
  const Op& matmul = graph.op(stream.op);
  for (ValueId input = 0; input < graph.input_count(); ++input) {
    if (input != matmul.in[0] && input != matmul.in[1]) add(input);
  }
  for (const ValueId output : graph.outputs()) add(output);
  const int k = graph.value(matmul.in[0]).shape.cols.tiles;
  for (const int factor : {0, 1}) {
    const std::uint64_t whole = graph.value(matmul.in[factor]).shape.tiles();
    tiles += whole / k * stream.k_block * 2;
  }
  const std::uint32_t tile = std::min(tile_bytes(machine.format), tile_bytes(machine.out_format()));
  return tiles * tile <= l1_for_buffers(machine);
}

std::optional<Plan> best_streamed(const Graph& graph, const PlanRequest& request) {
  std::optional<Plan> best;
  for (const Machine& machine : sync_modes(request.machine)) {
    BestSearch whole(graph, request, machine);
    std::map<int, Graph> graphs;
    std::map<int, BestSearch> split;
    for (const Stream& stream : streams_of(graph, machine, request.k_block)) {
      if (!can_fit(graph, machine, stream)) continue;
      if (stream.carrier != Carrier::dst && split.find(stream.op) == split.end()) {
        const Graph& apart = graphs.emplace(stream.op, with_sums_apart(graph, stream.op)).first->second;
        split.emplace(std::piecewise_construct, std::forward_as_tuple(stream.op),
                      std::forward_as_tuple(apart, request, machine));
      }
      BestSearch& search = stream.carrier == Carrier::dst ? whole : split.at(stream.op);
      std::optional<Plan> plan = search.run(stream);
      if (plan && fits_core(*plan) && (!best || plan->cost.total < best->cost.total)) best = std::move(plan);
    }
  }
  return best;
}

}  // namespace

namespace {

bool double_buffered(const Plan& plan) {
  return std::all_of(plan.buffers.begin(), plan.buffers.end(), [](const PlanBuffer& buffer) {
    return buffer.copies == 2 || (buffer.role != BufferRole::input && buffer.role != BufferRole::output);
  });
}

}  // namespace

std::vector<Machine> sync_modes(const Machine& machine) {
  if (!machine.any_sync || machine.capacity_override) return {machine};
  Machine half = machine;
  half.full_sync = false;
  Machine full = machine;
  full.full_sync = true;
  return {half, full};
}

std::optional<Plan> search_whole(const Graph& graph, const PlanRequest& request, const Machine& machine) {
  return BestSearch(graph, request, machine).run({});
}

Plan plan_best(const Graph& graph, const PlanRequest& request) {
  std::optional<Plan> best;
  for (const Machine& machine : sync_modes(request.machine)) {
    std::optional<Plan> plan = search_whole(graph, request, machine);
    if (plan && (!best || better(*plan, *best))) best = std::move(plan);
  }
  if (!best) return refused(graph, request);
  if (request.k_block > 0) check_k_block(graph, request.k_block);
  // Blocks of K take less L1: what does not fit may then, or may have double buffers.
  const bool tight = !fits_l1(*best) || !double_buffered(*best);
  if (request.k_block > 0 || tight) {
    std::optional<Plan> streamed = best_streamed(graph, request);
    const bool wins = streamed && (request.k_block > 0 || !fits_l1(*best) || streamed->cost.total < best->cost.total);
    if (wins) {
      best = std::move(streamed);
      best->notes.emplace_back("K arrives in blocks");
    }
  }
  // The search covers the other strategies except for their exact orders of operations; so their plans are compared as
  // well, and none may be cheaper.
  for (const Strategy strategy :
       {Strategy::naive, Strategy::liveness, Strategy::subblock, Strategy::pipelined, Strategy::grid}) {
    if (request.k_block > 0) break;
    Plan other = unchecked_plan(graph, strategy, request);
    if (!other.legal() || !fits_core(other) || !better(other, *best)) continue;
    other.notes.emplace_back(fmt::format("the cheapest is the plan of {}", name_of(strategy)));
    best = std::move(other);
    best->strategy = Strategy::best;
  }
  if (!fits_l1(*best) && request.passes && request.k_block == 0) {
    if (std::optional<Plan> in_passes = plan_in_passes(graph, request)) return std::move(*in_passes);
  }
  check_buffers(*best);
  return std::move(*best);
}

}  // namespace tilegrid::planner
