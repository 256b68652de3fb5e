// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/run/fused_program.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <type_traits>
#include <utility>

#include "core/error.h"
#include "core/ids.h"
#include "core/tile.h"
#include "kernels/common/deal.h"
#include "kernels/planner/run/fused_kernels.h"
#include "kernels/registry.h"

namespace tilegrid::planner {
namespace {

constexpr const char* reader_name = "fused/reader";
constexpr const char* compute_name = "fused/compute";
constexpr const char* writer_name = "fused/writer";

/// Axes along which there are block rows and block columns.
std::array<AxisId, 2> split_axes(const Graph& graph) { return graph.value(graph.outputs().front()).axes; }

/// 0: the axis of block rows, 1: of block columns, -1: neither.
int split_of(const FusedJob& job, AxisId axis) {
  if (axis == no_axis || job.plan.graph.axes()[axis].contracted) return -1;
  const std::array<AxisId, 2> split = split_axes(job.plan.graph);
  if (axis == split[0]) return 0;
  return axis == split[1] ? 1 : -1;
}
int blocks_along(const FusedJob& job, int split) {
  if (split < 0) return 1;
  return split == 0 ? job.block_rows : job.block_cols;
}

/// Whether the operation runs over the axis: sums over it, or mixes it with the other one.
bool contracts(const Graph& graph, const Op& op, AxisId axis) {
  const std::array<AxisId, 2>& of = graph.value(op.in[0]).axes;
  switch (op.kind) {
    case OpKind::matmul:
      return of[1] == axis;
    case OpKind::reduce:
      return (op.dim != ReduceDim::col && of[1] == axis) || (op.dim != ReduceDim::row && of[0] == axis);
    case OpKind::tile_sum:
      return of[op.dim == ReduceDim::row ? 1 : 0] == axis;
    default:
      return false;
  }
}

void check_axis(const FusedJob& job, int split) {
  const Graph& graph = job.plan.graph;
  const AxisId axis = split_axes(graph)[split];
  const int blocks = blocks_along(job, split);
  const char* what = split == 0 ? "rows" : "columns";
  if (blocks < 1) throw UsageError(fmt::format("{} block {}: at least 1 is needed", blocks, what));
  if (blocks == 1) return;
  const std::string& output = graph.value(graph.outputs().front()).name;
  if (axis == no_axis)
    throw UsageError(fmt::format("{} block {}: output '{}' has only one element there", blocks, what, output));
  if (!graph.axes()[axis].contracted) return;
  const auto found =
      std::find_if(graph.ops().begin(), graph.ops().end(), [&](const Op& op) { return contracts(graph, op, axis); });
  if (found != graph.ops().end()) {
    throw UsageError(fmt::format("{} block {}: operation '{}' sums over them, so that output '{}' can't be split there",
                                 blocks, what, found->name, output));
  }
  throw UsageError(fmt::format("{} block {}: rows and columns of output '{}' belong to the same axis and can't be split",
                               blocks, what, output));
}

bool reads(const Instruction& i, ValueId value) {
  return i.action != Action::pack && (i.value[0] == value || i.value[1] == value);
}
bool reads(const Stage& stage, ValueId value) {
  return std::any_of(stage.runs.begin(), stage.runs.end(), [&](const Run& run) {
    return std::any_of(run.body.begin(), run.body.end(), [&](const Instruction& i) { return reads(i, value); });
  });
}
bool packs_output(const Stage& stage, ValueId value) {
  return std::any_of(stage.runs.begin(), stage.runs.end(), [&](const Run& run) {
    return std::any_of(run.body.begin(), run.body.end(),
                       [&](const Instruction& i) { return i.action == Action::pack && i.to_output && i.value[0] == value; });
  });
}

/// Dimension of K of a value that the stage's matmuls read; -1: none reads it.
int k_dimension(const Graph& graph, const Stage& stage, ValueId value) {
  for (const Run& run : stage.runs) {
    for (const Instruction& i : run.body) {
      if (i.action != Action::matmul) continue;
      if (i.value[0] == value) return 1;
      if (i.value[1] == value) return graph.op(i.op).transpose_b ? 1 : 0;
    }
  }
  return -1;
}

Route route_of(const FusedJob& job, int cb, std::uint32_t address) {
  const PlanBuffer& buffer = job.plan.buffers[cb];
  const Value& value = job.plan.graph.value(buffer.value);
  Route route{.cb = cb,
              .address = address,
              .rows = value.shape.rows.tiles,
              .cols = value.shape.cols.tiles,
              .pitch = tensor_extent(job, buffer.value).tile_cols,
              .transposed = buffer.transposed};
  std::array<bool, 2> has{};
  for (int dim = 0; dim < 2; ++dim) {
    const int split = split_of(job, value.axes[dim]);
    if (split < 0) continue;
    has[split] = true;
    (dim == 0 ? route.row_step[split] : route.col_step[split]) = dim == 0 ? route.rows : route.cols;
  }
  if (buffer.role == BufferRole::output) route.first_only = {!has[0], !has[1]};
  return route;
}

/// Axis that a plan in passes cuts: the one along which a pass's inputs have but a segment; no_axis: none does.
AxisId cut_axis(const Plan& plan) {
  for (const Pass& pass : plan.passes) {
    for (ValueId value = 0; value < count_of(pass.first.graph.values()); ++value) {
      const ValueId whole = pass.first_of[value];
      const Shape part = pass.first.graph.value(value).shape;
      const Value& of = plan.graph.value(whole);
      if (part.rows != of.shape.rows) return of.axes[0];
      if (part.cols != of.shape.cols) return of.axes[1];
    }
  }
  return no_axis;
}

/// The dimension of a value along an axis; -1: none.
int dimension_along(const Value& value, AxisId axis) {
  if (axis == no_axis) return -1;
  if (value.axes[0] == axis) return 0;
  return value.axes[1] == axis ? 1 : -1;
}

/// Buffers of a role through which a pass moves values from or to DRAM, in the order in which its stages want them.
std::vector<int> buffers_of_pass(const Pass& pass, BufferRole role) {
  std::vector<int> buffers;
  const auto add = [&](const Stage& stage) {
    for (std::size_t i = 0; i < pass.first.buffers.size(); ++i) {
      const PlanBuffer& buffer = pass.first.buffers[i];
      if (buffer.role != role || pass.first.graph.value(buffer.value).carried) continue;
      const bool moves = role == BufferRole::input ? reads(stage, buffer.value) : packs_output(stage, buffer.value);
      const int whole = pass.first_uses[i].buffer;
      if (moves && std::find(buffers.begin(), buffers.end(), whole) == buffers.end()) buffers.push_back(whole);
    }
  };
  for (const Stage& stage : pass.first.stages) add(stage);
  return buffers;
}

/// Routes of all passes: what does not lie along the axis once a block, the rest segment by segment.
TransferPlan routes_of_passes(const FusedJob& job, const FusedTensors& tensors, BufferRole role) {
  const Plan& plan = job.plan;
  const AxisId axis = cut_axis(plan);
  TransferPlan transfers;
  transfers.block_cols = job.block_cols;
  std::vector<bool> placed(plan.buffers.size(), false);
  const std::vector<ValueId>& outputs = plan.graph.outputs();
  for (const Pass& pass : plan.passes) {
    RouteGroup whole;
    RouteGroup segments;
    segments.k_block = pass.segment;
    segments.k_blocks = pass.segments;
    for (const int cb : buffers_of_pass(pass, role)) {
      const ValueId value = plan.buffers[cb].value;
      const auto output = std::find(outputs.begin(), outputs.end(), value) - outputs.begin();
      Route route = route_of(job, cb, role == BufferRole::input ? tensors.inputs.at(value) : tensors.outputs.at(output));
      route.k_dim = dimension_along(plan.graph.value(value), axis);
      if (route.k_dim < 0 && placed[cb]) continue;
      placed[cb] = true;
      (route.k_dim < 0 ? whole : segments).routes.push_back(route);
    }
    if (!whole.routes.empty()) transfers.groups.push_back(std::move(whole));
    if (!segments.routes.empty()) transfers.groups.push_back(std::move(segments));
  }
  for (int i = 0; i < count_of(plan.buffers); ++i) {
    if (role == BufferRole::input && plan.buffers[i].role == BufferRole::scaler) transfers.scaler_cb = i;
  }
  return transfers;
}

/// How often all of K is read for a stage: with Carrier::dst once for each sub-block, whose section runs through all of K.
int sweeps_of(const Stage& stage) {
  if (stage.carrier != Carrier::dst) return 1;
  int sections = 0;
  for (const Run& run : stage.runs) sections += run.sections();
  return sections;
}

TransferPlan reads_of(const FusedJob& job, const FusedTensors& tensors) {
  const Plan& plan = job.plan;
  if (!plan.passes.empty()) return routes_of_passes(job, tensors, BufferRole::input);
  TransferPlan transfers;
  transfers.block_cols = job.block_cols;
  std::vector<bool> placed(plan.buffers.size());
  for (const Stage& stage : plan.stages) {
    RouteGroup whole;
    RouteGroup streamed;
    streamed.k_block = stage.k_block;
    streamed.k_blocks = stage.k_blocks;
    streamed.sweeps = sweeps_of(stage);
    for (int i = 0; i < count_of(plan.buffers); ++i) {
      const PlanBuffer& buffer = plan.buffers[i];
      if (buffer.role == BufferRole::scaler) transfers.scaler_cb = i;
      if (buffer.role != BufferRole::input || placed[i] || !reads(stage, buffer.value)) continue;
      placed[i] = true;
      Route route = route_of(job, i, tensors.inputs[buffer.value]);
      if (buffer.streamed) route.k_dim = k_dimension(plan.graph, stage, buffer.value);
      (buffer.streamed ? streamed : whole).routes.push_back(route);
    }
    if (!whole.routes.empty()) transfers.groups.push_back(std::move(whole));
    if (!streamed.routes.empty()) transfers.groups.push_back(std::move(streamed));
  }
  return transfers;
}

TransferPlan writes_of(const FusedJob& job, const FusedTensors& tensors) {
  const Plan& plan = job.plan;
  if (!plan.passes.empty()) return routes_of_passes(job, tensors, BufferRole::output);
  TransferPlan transfers;
  transfers.block_cols = job.block_cols;
  RouteGroup group;
  for (const Stage& stage : plan.stages) {
    for (int i = 0; i < count_of(plan.buffers); ++i) {
      const PlanBuffer& buffer = plan.buffers[i];
      if (buffer.role != BufferRole::output || !packs_output(stage, buffer.value)) continue;
      const std::vector<ValueId>& outputs = plan.graph.outputs();
      const auto index = std::find(outputs.begin(), outputs.end(), buffer.value) - outputs.begin();
      group.routes.push_back(route_of(job, i, tensors.outputs.at(index)));
    }
  }
  transfers.groups.push_back(std::move(group));
  return transfers;
}

void check_functions(const Plan& plan) {
  for (const Pass& pass : plan.passes) check_functions(pass.first);
  for (const Stage& stage : plan.stages) {
    for (const Run& run : stage.runs) {
      for (const Instruction& i : run.body) {
        if (i.action != Action::unary && i.action != Action::sfpu_binary && i.action != Action::ternary) continue;
        const Op& op = plan.graph.op(i.op);
        if (op.function != nullptr && !op.function->vector) {
          throw UsageError(fmt::format("operation '{}': {} can be planned, but the emulated vector unit does not have it",
                                       op.name, op.function->name));
        }
      }
    }
  }
}

/// A streamed operand is read by the matmuls of one stage only, and K blocks add up to K.
void check_streams(const Plan& plan) {
  for (const PlanBuffer& buffer : plan.buffers) {
    if (!buffer.streamed) continue;
    const Value& value = plan.graph.value(buffer.value);
    int readers = 0;
    for (const Stage& stage : plan.stages) {
      if (!reads(stage, buffer.value)) continue;
      ++readers;
      const int dim = k_dimension(plan.graph, stage, buffer.value);
      const int k = dim == 0 ? value.shape.rows.tiles : value.shape.cols.tiles;
      if (dim >= 0 && stage.k_block * stage.k_blocks == k) continue;
      throw UsageError(fmt::format("'{}' is streamed in {} blocks of {} tiles, but K has {}", value.name, stage.k_blocks,
                                   stage.k_block, k));
    }
    if (readers != 1) throw UsageError(fmt::format("'{}' is streamed, but {} stages read it", value.name, readers));
  }
}

std::string role_of(const Plan& plan, const PlanBuffer& buffer) {
  if (buffer.role == BufferRole::scaler) return "scaler";
  const std::string& name = plan.graph.value(buffer.value).name;
  return buffer.role == BufferRole::output ? name + " out" : name;
}

std::vector<CircularBufferConfig> circular_buffers(const Plan& plan) {
  constexpr std::size_t most = 32;  // tensix.md 1.5
  if (plan.buffers.size() > most) {
    throw UsageError(fmt::format("the plan needs {} circular buffers, a core has {}", plan.buffers.size(), most));
  }
  std::vector<CircularBufferConfig> buffers;
  for (const PlanBuffer& buffer : plan.buffers) {
    buffers.push_back(CircularBufferConfig::of_tiles(count_of(buffers), buffer.tiles * buffer.copies, buffer.format,
                                                     role_of(plan, buffer)));
  }
  return buffers;
}

}  // namespace

TensorExtent tensor_extent(const FusedJob& job, ValueId value) {
  const Value& of = job.plan.graph.value(value);
  const auto along = [&](Extent extent, AxisId axis) { return extent.tiles * blocks_along(job, split_of(job, axis)); };
  TensorExtent extent;
  extent.tile_rows = along(of.shape.rows, of.axes[0]);
  extent.tile_cols = along(of.shape.cols, of.axes[1]);
  extent.rows = of.shape.rows.unit ? 1 : extent.tile_rows * tile_side;
  extent.cols = of.shape.cols.unit ? 1 : extent.tile_cols * tile_side;
  return extent;
}

std::uint64_t matmul_tile_count(const FusedJob& job) {
  const Graph& graph = job.plan.graph;
  std::uint64_t tiles = 0;
  for (int op = 0; op < count_of(graph.ops()); ++op) {
    const Op& one = graph.op(op);
    if (one.kind != OpKind::matmul) continue;
    tiles += std::uint64_t{1} * job.block_rows * job.block_cols * graph.value(graph.result_of(op)).shape.tiles() *
             graph.value(one.in[0]).shape.cols.tiles;
  }
  return tiles;
}

double multiply_adds(const FusedJob& job) {
  const Graph& graph = job.plan.graph;
  double sum = 0;
  for (int op = 0; op < count_of(graph.ops()); ++op) {
    const TensorExtent result = tensor_extent(job, graph.result_of(op));
    const TensorExtent first = tensor_extent(job, graph.op(op).in[0]);
    const bool matmul = graph.op(op).kind == OpKind::matmul;
    sum += matmul ? 1.0 * result.rows * result.cols * first.cols
                  : std::max(1.0 * result.rows * result.cols, 1.0 * first.rows * first.cols);
  }
  return sum;
}

void validate_blocks(const FusedJob& job) {
  check_axis(job, 0);
  check_axis(job, 1);
}

void register_kernels() {
  register_kernel(reader_name, &fused_reader);
  register_kernel(compute_name, &fused_compute);
  register_kernel(writer_name, &fused_writer);
}

Program make_program(const FusedJob& job, const FusedTensors& tensors) {
  const Plan& plan = job.plan;
  if (std::ssize(tensors.inputs) != plan.graph.input_count() || plan.graph.outputs().size() != tensors.outputs.size()) {
    throw UsageError(fmt::format("{} input and {} output tensors for a graph of {} and {}", tensors.inputs.size(),
                                 tensors.outputs.size(), plan.graph.input_count(), plan.graph.outputs().size()));
  }
  validate_blocks(job);
  check_functions(plan);
  check_streams(plan);
  Program program;
  program.name = plan.graph.name.empty() ? "fused" : plan.graph.name;
  program.grid = job.grid;
  program.chip = plan.machine.chip;
  program.compute = {.fidelity = plan.machine.fidelity,
                     .dst_fp32 = plan.machine.dst_fp32,
                     .full_sync = plan.machine.full_sync,
                     .dst_capacity = plan.machine.capacity_override.value_or(0),
                     .numerics = plan.machine.numerics,
                     .known_faults = plan.machine.known_faults};
  program.circular_buffers = circular_buffers(plan);
  const CoreRange cores = CoreRange::all(job.grid);
  // As on the device: NCRISC reads on NoC 0, BRISC writes on NoC 1 (tensix.md 4.3: each NoC is fast in that direction).
  program.kernels = {{reader_name, Risc::ncrisc, NocId::noc0, cores, {}, {}, {}},
                     {compute_name, Risc::trisc, NocId::noc0, cores, {}, {}, {}},
                     {writer_name, Risc::brisc, NocId::noc1, cores, {}, {}, {}}};
  set_arguments(program.kernels[0], reads_of(job, tensors));
  set_arguments(program.kernels[1], plan);
  set_arguments(program.kernels[2], writes_of(job, tensors));
  deal(program, job.block_rows * job.block_cols);
  validate(program);
  return program;
}

}  // namespace tilegrid::planner
