// SPDX-License-Identifier: Apache-2.0
// From stages to a whole plan: its circular buffers and its cost.
#include <fmt/format.h>

#include <algorithm>

#include "core/circular_buffer.h"
#include "core/core.h"
#include "core/error.h"
#include "core/l1.h"
#include "kernels/planner/plan/cost.h"
#include "kernels/planner/plan/planner.h"
#include "kernels/planner/plan/stages.h"

namespace tilegrid::planner {
namespace {

/// What the plan's stages read from CBs and leave there.
struct Traffic {
  std::vector<bool> read;        ///< by value
  std::vector<bool> transposed;  ///< by value: every reader wants it as the transposed operand of a matmul
  std::vector<bool> streamed;    ///< by value
  bool scaler = false;
};

Traffic traffic_of(const Plan& plan) {
  const Graph& graph = plan.graph;
  Traffic traffic;
  traffic.read.assign(graph.values().size(), false);
  traffic.transposed.assign(graph.values().size(), true);
  traffic.streamed.assign(graph.values().size(), false);
  for (const Stage& stage : plan.stages) {
    for (const int op : stage.ops) {
      const Op& operation = graph.op(op);
      traffic.scaler = traffic.scaler || operation.kind == OpKind::reduce;
      for (std::size_t i = 0; i < operation.in.size(); ++i) {
        const ValueId value = operation.in[i];
        const int producer = graph.op_of(value);
        const bool here = producer >= 0 && std::find(stage.ops.begin(), stage.ops.end(), producer) != stage.ops.end();
        if (here) continue;
        traffic.read[value] = true;
        const bool factor = operation.kind == OpKind::matmul && i == 1 && operation.transpose_b;
        if (!factor) traffic.transposed[value] = false;
        const bool factor_in = operation.kind == OpKind::matmul && i < 2 && graph.is_input(value);
        if (stage.k_blocks > 1 && factor_in) traffic.streamed[value] = true;
      }
    }
  }
  return traffic;
}

int buffered_tiles(const Plan& plan, ValueId value, bool streamed) {
  const Shape shape = plan.graph.value(value).shape;
  if (!streamed) return shape.tiles();
  for (const Stage& stage : plan.stages) {
    if (stage.k_blocks <= 1) continue;
    for (const int op : stage.ops) {
      const Op& operation = plan.graph.op(op);
      if (operation.kind != OpKind::matmul) continue;
      if (operation.in[0] == value || operation.in[1] == value) return shape.tiles() / stage.k_blocks;
    }
  }
  return shape.tiles();
}

void make_buffers(Plan& plan, bool double_buffered) {
  const Graph& graph = plan.graph;
  const Traffic traffic = traffic_of(plan);
  const CostModel formats(graph, plan.machine);
  plan.buffers.clear();
  for (ValueId value = 0; value < count_of(graph.values()); ++value) {
    const bool read = traffic.read[value];
    const bool transposed = read && traffic.transposed[value];
    const bool streamed = traffic.streamed[value];
    const int tiles = buffered_tiles(plan, value, streamed);
    const int copies = double_buffered && !graph.value(value).carried ? 2 : 1;
    if (read && graph.is_input(value)) {
      plan.buffers.push_back(
          {BufferRole::input, value, tiles, streamed ? 2 : copies, formats.format_of(value), transposed, streamed});
    } else if (read) {
      plan.buffers.push_back({BufferRole::intermediate, value, tiles, 1, formats.format_of(value), transposed, false});
    }
    if (graph.is_output(value)) {
      plan.buffers.push_back({BufferRole::output, value, tiles, copies, formats.format_of(value, true), false, false});
    }
  }
  for (const Stage& stage : plan.stages) {
    if (stage.k_blocks <= 1 || stage.carrier != Carrier::reload) continue;
    // Partial sums come back from a CB of their own.
    const ValueId sums = graph.result_of(stage.ops.front());
    if (plan.buffer_of(sums) != nullptr) continue;
    plan.buffers.push_back(
        {BufferRole::intermediate, sums, graph.value(sums).shape.tiles(), 1, formats.format_of(sums), false, false});
  }
  if (traffic.scaler) plan.buffers.push_back({BufferRole::scaler, no_value, 1, 1, plan.machine.half_format(), false, false});
}

/// Bytes of a block's transfers, over the bandwidth of one core.
double transfer_cycles(const Plan& plan, BufferRole role) {
  double bytes = 0;
  for (const PlanBuffer& buffer : plan.buffers) {
    if (buffer.role != role || plan.graph.value(buffer.value).carried) continue;
    bytes += static_cast<double>(plan.graph.value(buffer.value).shape.tiles()) * tile_bytes(buffer.format);
  }
  return bytes / plan.machine.chip.rates().reader;
}

void make_cost(Plan& plan, const PlanRequest& request, bool double_buffered) {
  const CostModel model(plan.graph, plan.machine);
  UnitCycles busy;
  PlanCost cost;
  for (const Stage& stage : plan.stages) cost.compute += model.stage(stage, busy);
  cost.unpack = busy.unpack;
  cost.math = busy.math;
  cost.pack = busy.pack;
  cost.unpacked_tiles = static_cast<std::uint64_t>(busy.unpacked_tiles);
  cost.packed_tiles = static_cast<std::uint64_t>(busy.packed_tiles);
  cost.read = transfer_cycles(plan, BufferRole::input);
  cost.write = transfer_cycles(plan, BufferRole::output);
  cost.prologue = cost.read;
  cost.epilogue = cost.write;
  const int blocks = std::max(1, request.blocks);
  cost.blocks = blocks;
  if (double_buffered) {
    cost.interval = std::max({cost.compute, cost.read, cost.write});
    cost.total = cost.prologue + cost.compute + (blocks - 1) * cost.interval + cost.epilogue;
  } else {
    cost.interval = cost.read + cost.compute + cost.write;
    cost.total = blocks * cost.interval;
  }
  cost.total *= plan.cores;
  plan.cost = cost;
}

}  // namespace

void finish_plan(Plan& plan, const PlanRequest& request, bool double_buffered) {
  plan.block = plan.graph.value(plan.graph.outputs().front()).shape;
  plan.peak = 0;
  for (Stage& stage : plan.stages) {
    stage.packs.clear();
    for (const Run& run : stage.runs) {
      plan.peak = std::max(plan.peak, run.peak);
      for (const Instruction& instruction : run.body) {
        if (instruction.action != Action::pack) continue;
        if (std::find(stage.packs.begin(), stage.packs.end(), instruction.value[0]) == stage.packs.end()) {
          stage.packs.push_back(instruction.value[0]);
        }
      }
    }
  }
  make_buffers(plan, double_buffered);
  make_cost(plan, request, double_buffered);
}

}  // namespace tilegrid::planner
