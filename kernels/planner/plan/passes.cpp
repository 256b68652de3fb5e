// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/plan/passes.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/circular_buffer.h"
#include "core/core.h"
#include "core/ids.h"
#include "kernels/planner/plan/best_plan.h"
#include "kernels/planner/plan/pass_graphs.h"

namespace tilegrid::planner {
namespace {

/// Plans the passes of one cut, and joins them.
class PassPlanner {
 public:
  PassPlanner(const Graph& graph, const PlanRequest& request, const Machine& machine, AxisCut cut)
      : graph_(graph), request_(request), machine_(machine), cut_(cut) {}

  std::optional<Plan> run() {
    plan_.strategy = Strategy::best;
    plan_.graph = graph_;
    plan_.machine = machine_;
    plan_.block = graph_.value(graph_.outputs().front()).shape;
    for (const PassGraphs& pass : pass_graphs(graph_, cut_)) {
      if (!add(pass)) return std::nullopt;
    }
    if (!reads_agree()) return std::nullopt;
    double_buffered_ = true;
    set_copies();
    if (!fits_l1(plan_)) {
      double_buffered_ = false;
      set_copies();
    }
    if (plan_.buffers.size() > max_circular_buffers || !fits_l1(plan_)) return std::nullopt;
    add_cost();
    const int segments = graph_.axes()[cut_.axis].tiles / cut_.tiles;
    plan_.notes.push_back(fmt::format("the block does not fit L1: {} pass{} over {} segments of {} tile{}", sweeps_,
                                      sweeps_ == 1 ? "" : "es", segments, cut_.tiles, cut_.tiles == 1 ? "" : "s"));
    return std::move(plan_);
  }

 private:
  bool add(const PassGraphs& graphs) {
    Pass pass;
    pass.segments = graphs.segmented ? graph_.axes()[cut_.axis].tiles / cut_.tiles : 1;
    pass.segment = graphs.segmented ? cut_.tiles : 0;
    sweeps_ += graphs.segmented ? 1 : 0;
    const bool goes_on = graphs.later.graph.input_count() > 0;
    if (!plan_half(graphs.first, pass.first, pass.first_uses)) return false;
    pass.first_of = graphs.first.of;
    if (goes_on) {
      if (!plan_half(graphs.later, pass.later, pass.later_uses)) return false;
      pass.later_of = graphs.later.of;
    } else {
      pass.later = pass.first;
      pass.later_uses = pass.first_uses;
      pass.later_of = pass.first_of;
    }
    plan_.passes.push_back(std::move(pass));
    return true;
  }

  bool plan_half(const PassGraph& of, Plan& plan, std::vector<BufferUse>& uses) {
    std::optional<Plan> found = search_whole(of.graph, request_, machine_);
    if (!found) return false;
    plan = std::move(*found);
    if (plan.peak > plan_.peak || plan_.account.empty()) plan_.account = plan.account;
    plan_.peak = std::max(plan_.peak, plan.peak);
    for (const PlanBuffer& buffer : plan.buffers) uses.push_back(use_of(of, buffer));
    return true;
  }

  /// Buffers of the same contents are one. A value that is carried has one of its own, beside the one that a pass which also
  /// reads it may have.
  BufferUse use_of(const PassGraph& of, const PlanBuffer& buffer) {
    const bool scaler = buffer.role == BufferRole::scaler;
    const bool carried = !scaler && of.graph.value(buffer.value).carried && buffer.role != BufferRole::intermediate;
    PlanBuffer mine = buffer;
    mine.value = scaler ? no_value : of.of[buffer.value];
    mine.copies = 1;
    if (carried) mine.role = BufferRole::intermediate;
    const bool running = carried && std::find(of.running.begin(), of.running.end(), buffer.value) != of.running.end();
    const bool along = !scaler && along_axis(graph_, mine.value, cut_.axis);
    const bool kept = scaler || (carried && buffer.role == BufferRole::input && !running) ||
                      (buffer.role == BufferRole::input && !carried && !along);
    for (int i = 0; i < count_of(plan_.buffers); ++i) {
      const PlanBuffer& known = plan_.buffers[i];
      const bool same = known.role == mine.role && known.value == mine.value && known.tiles == mine.tiles &&
                        known.format == mine.format && known.transposed == mine.transposed && carried_[i] == carried;
      if (!same) continue;
      running_[i] = running_[i] || running;
      return {i, !kept};
    }
    plan_.buffers.push_back(mine);
    carried_.push_back(carried);
    running_.push_back(running);
    return {count_of(plan_.buffers) - 1, !kept};
  }

  /// The reader feeds all segments of a pass alike, and a kept input once a block.
  [[nodiscard]] bool reads_agree() const {
    std::vector<int> of_input(graph_.values().size(), -1);
    for (const Pass& pass : plan_.passes) {
      std::vector<int> first = inputs_of(pass.first, pass.first_uses);
      std::vector<int> later = inputs_of(pass.later, pass.later_uses);
      std::sort(first.begin(), first.end());
      std::sort(later.begin(), later.end());
      if (first != later) return false;
      for (const int buffer : first) {
        const ValueId value = plan_.buffers[buffer].value;
        if (along_axis(graph_, value, cut_.axis)) continue;
        if (of_input[value] >= 0 && of_input[value] != buffer) return false;
        of_input[value] = buffer;
      }
    }
    return true;
  }
  [[nodiscard]] static std::vector<int> inputs_of(const Plan& plan, const std::vector<BufferUse>& uses) {
    std::vector<int> inputs;
    for (std::size_t i = 0; i < plan.buffers.size(); ++i) {
      const PlanBuffer& buffer = plan.buffers[i];
      if (buffer.role == BufferRole::input && !plan.graph.value(buffer.value).carried) inputs.push_back(uses[i].buffer);
    }
    return inputs;
  }

  void set_copies() {
    for (int i = 0; i < count_of(plan_.buffers); ++i) {
      PlanBuffer& buffer = plan_.buffers[i];
      const bool moves = buffer.role == BufferRole::input || buffer.role == BufferRole::output;
      // A running value is read while its successor is packed.
      buffer.copies = running_[i] || (moves && double_buffered_) ? 2 : 1;
    }
    for (Pass& pass : plan_.passes) {
      for (std::size_t i = 0; i < pass.first_uses.size(); ++i) copy_copies(pass.first.buffers[i], pass.first_uses[i]);
      for (std::size_t i = 0; i < pass.later_uses.size(); ++i) copy_copies(pass.later.buffers[i], pass.later_uses[i]);
    }
  }
  void copy_copies(PlanBuffer& buffer, const BufferUse& use) const { buffer.copies = plan_.buffers[use.buffer].copies; }

  /// Cycles of a pass's transfers for each segment; what does not lie along the axis is read once a block.
  [[nodiscard]] double transfer(const Pass& pass, BufferRole role, std::vector<bool>& placed) const {
    double bytes = 0;
    for (std::size_t i = 0; i < pass.first.buffers.size(); ++i) {
      const PlanBuffer& buffer = pass.first.buffers[i];
      if (buffer.role != role || pass.first.graph.value(buffer.value).carried) continue;
      const int whole = pass.first_uses[i].buffer;
      if (!along_axis(graph_, plan_.buffers[whole].value, cut_.axis)) {
        if (placed[whole]) continue;
        placed[whole] = true;
        bytes += 1.0 * buffer.tiles * tile_bytes(buffer.format) / pass.segments;
      } else {
        bytes += 1.0 * buffer.tiles * tile_bytes(buffer.format);
      }
    }
    return bytes / machine_.chip.rates().reader;
  }

  static void add_busy(PlanCost& sum, const PlanCost& of, int times) {
    sum.unpack += of.unpack * times;
    sum.math += of.math * times;
    sum.pack += of.pack * times;
    sum.compute += of.compute * times;
    sum.unpacked_tiles += of.unpacked_tiles * times;
    sum.packed_tiles += of.packed_tiles * times;
  }

  /// Segments overlap with their transfers as blocks do.
  void add_cost() {
    PlanCost cost;
    std::vector<bool> placed(plan_.buffers.size(), false);
    for (const Pass& pass : plan_.passes) {
      add_busy(cost, pass.first.cost, 1);
      add_busy(cost, pass.later.cost, pass.segments - 1);
      const double read = transfer(pass, BufferRole::input, placed);
      const double write = transfer(pass, BufferRole::output, placed);
      cost.read += read * pass.segments;
      cost.write += write * pass.segments;
      const auto segment = [&](const PlanCost& of) {
        return double_buffered_ ? std::max({of.compute, read, write}) : read + of.compute + write;
      };
      cost.interval += segment(pass.first.cost) + segment(pass.later.cost) * (pass.segments - 1);
      if (cost.prologue == 0) cost.prologue = read;
      if (write > 0) cost.epilogue = write;
    }
    cost.blocks = std::max(1, request_.blocks);
    cost.total = cost.blocks * cost.interval + (double_buffered_ ? cost.prologue + cost.epilogue : 0);
    plan_.cost = cost;
  }

  const Graph& graph_;
  const PlanRequest& request_;
  const Machine& machine_;
  const AxisCut cut_;
  Plan plan_;
  std::vector<bool> carried_, running_;  ///< by buffer
  int sweeps_ = 0;
  bool double_buffered_ = true;
};

/// Whether one copy of the segments and of all that does not lie along the axis leaves L1 the room.
bool can_fit(const Graph& graph, const Machine& machine, AxisCut cut) {
  std::uint64_t tiles = 0;
  const auto add = [&](ValueId value) {
    const int whole = graph.value(value).shape.tiles();
    tiles += along_axis(graph, value, cut.axis) ? whole / graph.axes()[cut.axis].tiles * cut.tiles : whole;
  };
  for (ValueId input = 0; input < graph.input_count(); ++input) add(input);
  for (const ValueId output : graph.outputs()) add(output);
  const std::uint32_t tile = std::min(tile_bytes(machine.format), tile_bytes(machine.out_format()));
  return tiles * tile <= l1_for_buffers(machine);
}

/// The cheapest of the longest segments that fit.
std::optional<Plan> best_cut(const Graph& graph, const PlanRequest& request, AxisId axis) {
  constexpr int most_that_fit = 3;
  std::optional<Plan> best;
  for (const Machine& machine : sync_modes(request.machine)) {
    int fitting = 0;
    const int whole = graph.axes()[axis].tiles;
    for (int tiles = whole / 2; tiles >= 1 && fitting < most_that_fit; --tiles) {
      const AxisCut cut{axis, tiles};
      if (whole % tiles != 0 || !can_fit(graph, machine, cut)) continue;
      std::optional<Plan> plan = PassPlanner(graph, request, machine, cut).run();
      if (!plan) continue;
      ++fitting;
      if (!best || plan->cost.total < best->cost.total) best = std::move(plan);
    }
  }
  return best;
}

}  // namespace

std::optional<Plan> plan_in_passes(const Graph& graph, const PlanRequest& request) {
  std::vector<AxisId> axes;
  for (AxisId axis = 0; axis < count_of(graph.axes()); ++axis) {
    if (can_cut(graph, axis)) axes.push_back(axis);
  }
  std::stable_sort(axes.begin(), axes.end(),
                   [&](AxisId a, AxisId b) { return graph.axes()[a].tiles > graph.axes()[b].tiles; });
  for (const AxisId axis : axes) {
    if (std::optional<Plan> plan = best_cut(graph, request, axis)) return plan;
  }
  return std::nullopt;
}

}  // namespace tilegrid::planner
