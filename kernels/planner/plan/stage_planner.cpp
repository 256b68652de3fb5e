// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/plan/stage_planner.h"

#include <algorithm>
#include <limits>

namespace tilegrid::planner {
namespace {

/// No DST has more slots than this; sub-blocks of more tiles can't fit.
constexpr int most_slots = 16;
/// Larger stages are not searched for orders.
constexpr std::size_t most_searched_ops = 192;

void add_run(StagePlan& plan, const StageProblem& problem, const Schedule& schedule, Run run, TileOrder order,
             int capacity) {
  if (run.rows == 0 || run.cols == 0) return;
  Body body = expand(problem, schedule, run.h, run.w, order, capacity);
  run.body = std::move(body.instructions);
  run.peak = body.peak;
  if (body.peak > plan.peak) {
    plan.peak = body.peak;
    plan.account = std::move(body.account);
    plan.at = std::move(body.at);
  }
  plan.stage.runs.push_back(std::move(run));
}

bool same(const Schedule& a, const Schedule& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Step& x, const Step& y) { return x.op == y.op && x.form == y.form && x.keep == y.keep; });
}

/// Schedules worth laying out: cheap ones for every number of slots, and the compilers' own.
std::vector<Schedule> schedules_for(const StageProblem& problem, int capacity, int least) {
  std::vector<Schedule> schedules;
  const auto add = [&](Schedule schedule) {
    if (schedule.empty()) return;
    for (const Schedule& known : schedules) {
      if (same(known, schedule)) return;
    }
    schedules.push_back(std::move(schedule));
  };
  for (int slots = least; slots <= capacity && problem.ops().size() <= most_searched_ops; ++slots) {
    // Numbers of slots between the least and all are mostly left out: once a slot or two are free there is little to gain.
    if (slots > least + 2 && slots < capacity) continue;
    for (const CycleWeights weights : {CycleWeights{1, 1}, CycleWeights{1, 0.1}, CycleWeights{0.1, 1}}) {
      add(best_schedule(problem, slots, weights));
    }
  }
  add(listed_schedule(problem));
  return schedules;
}

/// Sub-blocks of at most so many tiles, the largest first.
std::vector<Cut> cuts_of(Shape shape, int max_tiles) {
  const int limit = max_tiles > 0 ? std::min(max_tiles, most_slots) : most_slots;
  std::vector<Cut> cuts;
  for (int h = 1; h <= shape.rows.tiles && h <= limit; ++h) {
    for (int w = 1; w <= shape.cols.tiles && h * w <= limit; ++w) cuts.push_back({h, w, TileOrder::tile_by_tile});
  }
  std::stable_sort(cuts.begin(), cuts.end(), [](const Cut& a, const Cut& b) { return a.h * a.w > b.h * b.w; });
  return cuts;
}

int sections_of(const Stage& stage) {
  int count = 0;
  for (const Run& run : stage.runs) count += run.sections();
  return count;
}

}  // namespace

StagePlan lay_out(const StageProblem& problem, const Schedule& schedule, Cut cut, int capacity) {
  StagePlan plan;
  const Shape shape = problem.group().shape;
  plan.stage.ops = problem.group().ops;
  plan.stage.shape = shape;
  plan.stage.by_kind = cut.order != TileOrder::tile_by_tile && cut.h * cut.w > 1;
  const int rows = shape.rows.tiles / cut.h * cut.h;
  const int cols = shape.cols.tiles / cut.w * cut.w;
  const int below = shape.rows.tiles - rows;
  const int right = shape.cols.tiles - cols;
  const auto run = [](int row, int col, int height, int width, int h, int w) {
    Run result;
    result.row = row;
    result.col = col;
    result.rows = height;
    result.cols = width;
    result.h = h;
    result.w = w;
    return result;
  };
  // A tile of a packer's sum is written first by the section at column (row) 0: the main run comes before what is left of
  // it.
  add_run(plan, problem, schedule, run(0, 0, rows, cols, cut.h, cut.w), cut.order, capacity);
  add_run(plan, problem, schedule, run(0, cols, rows, right, cut.h, right), cut.order, capacity);
  add_run(plan, problem, schedule, run(rows, 0, below, cols, below, cut.w), cut.order, capacity);
  add_run(plan, problem, schedule, run(rows, cols, below, right, below, right), cut.order, capacity);
  UnitCycles busy;
  plan.cycles = CostModel(problem.graph(), problem.machine()).stage(plan.stage, busy);
  return plan;
}

std::optional<StagePlan> least_cut(const StageProblem& problem, const Schedule& schedule, int capacity, int max_tiles) {
  std::optional<StagePlan> best;
  for (const Cut& cut : cuts_of(problem.group().shape, max_tiles)) {
    StagePlan plan = lay_out(problem, schedule, cut, capacity);
    if (plan.peak > capacity) continue;
    const auto rank = [](const StagePlan& p) { return std::pair(sections_of(p.stage), p.cycles); };
    if (!best || rank(plan) < rank(*best)) best = std::move(plan);
  }
  return best;
}

std::optional<StagePlan> cheapest(const StageProblem& problem, int capacity, int least, int max_tiles, bool single) {
  std::optional<StagePlan> best;
  for (const Schedule& schedule : schedules_for(problem, capacity, least)) {
    int largest = 0;
    for (Cut cut : cuts_of(problem.group().shape, max_tiles)) {
      // Sub-blocks of less than half the size that fits are not tried: they make more sections and reuse less.
      if (cut.h * cut.w * 2 < largest) break;
      for (const TileOrder order : {TileOrder::tile_by_tile, TileOrder::by_kind, TileOrder::grouped}) {
        if (order != TileOrder::tile_by_tile && cut.h * cut.w == 1) continue;
        cut.order = order;
        StagePlan plan = lay_out(problem, schedule, cut, capacity);
        if (plan.peak > capacity) break;  // the next orders need no fewer
        if (order == TileOrder::grouped) largest = std::max(largest, cut.h * cut.w);
        if (single && sections_of(plan.stage) != 1) continue;
        if (!best || plan.cycles < best->cycles) best = std::move(plan);
      }
    }
  }
  return best;
}

int slots_alone(const Graph& graph, const Machine& machine, int op) {
  OpGroup group{{op}, graph.value(graph.result_of(op)).shape};
  const std::vector<bool> packed(graph.values().size(), true);
  if (summed_by_packer(graph, graph.op(op))) return 1;
  return fewest_slots(StageProblem(graph, machine, group, packed));
}

namespace {

/// How many tiles cross into and out of a stretch of operations: what it costs to make it a stage of its own.
double crossing(const Graph& graph, const std::vector<int>& ops, const std::vector<bool>& packed) {
  const auto inside = [&](int op) { return std::find(ops.begin(), ops.end(), op) != ops.end(); };
  double tiles = 0.5;  // a stage has its own overhead
  for (const int op : ops) {
    for (const ValueId value : graph.op(op).in) {
      const int producer = graph.op_of(value);
      if (producer < 0 || !inside(producer)) tiles += 1;
    }
    const ValueId result = graph.result_of(op);
    bool leaves = packed[result];
    for (const int user : graph.users_of(result)) leaves = leaves || !inside(user);
    if (leaves) tiles += 1;
  }
  return tiles;
}

/// Marks the values that leave a stretch, besides those that are packed anyway.
std::vector<bool> packed_beyond(const Graph& graph, const std::vector<int>& ops, std::vector<bool> packed) {
  for (const int op : ops) {
    const ValueId result = graph.result_of(op);
    for (const int user : graph.users_of(result)) {
      if (std::find(ops.begin(), ops.end(), user) == ops.end()) packed[result] = true;
    }
  }
  return packed;
}

}  // namespace

std::vector<OpGroup> split_group(const Graph& graph, const Machine& machine, const OpGroup& group,
                                 const std::vector<bool>& packed, int capacity) {
  // Cuts are made along one order of the operations: the one that would need the fewest slots, if there were enough.
  const StageProblem whole(graph, machine, group, packed);
  std::vector<int> order;
  const Schedule schedule = best_schedule(whole, fewest_slots(whole), {});
  for (const Step& step : schedule) order.push_back(step.op);
  if (order.empty()) order = whole.ops();
  const std::size_t count = order.size();
  // A sum of the packer goes with the operation whose result it adds up.
  const auto stretch = [&](std::size_t first, std::size_t last) {
    std::vector<int> ops(order.begin() + first, order.begin() + last);
    for (const int sum : whole.packer_sums()) {
      const int producer = graph.op_of(graph.op(sum).in[0]);
      if (std::find(ops.begin(), ops.end(), producer) != ops.end()) ops.push_back(sum);
    }
    return ops;
  };
  std::vector<double> price(count + 1, std::numeric_limits<double>::infinity());
  std::vector<std::size_t> from(count + 1, 0);
  price[0] = 0;
  for (std::size_t first = 0; first < count; ++first) {
    if (price[first] == std::numeric_limits<double>::infinity()) continue;
    int misses = 0;
    // In a large group long stretches are not tried: they seldom fit, and take long.
    const std::size_t longest = count <= 40 ? count : 24;
    for (std::size_t last = first + 1; last <= std::min(count, first + longest) && misses < 3; ++last) {
      const std::vector<int> ops = stretch(first, last);
      const OpGroup part{ops, group.shape};
      const std::vector<bool> leaving = packed_beyond(graph, ops, packed);
      const StageProblem problem(graph, machine, part, leaving);
      // A longer stretch can need fewer slots, when it ends values that a shorter one must hand on.
      if (count_of(problem.held_values()) > capacity || fewest_slots(problem) > capacity) {
        ++misses;
        continue;
      }
      const double total = price[first] + crossing(graph, ops, packed);
      if (total < price[last]) {
        price[last] = total;
        from[last] = first;
      }
    }
  }
  if (price[count] == std::numeric_limits<double>::infinity()) return {};
  std::vector<OpGroup> parts;
  for (std::size_t last = count; last > 0; last = from[last]) parts.push_back({stretch(from[last], last), group.shape});
  std::reverse(parts.begin(), parts.end());
  return parts;
}

}  // namespace tilegrid::planner
