// SPDX-License-Identifier: Apache-2.0
#include "runtime/cli/compare_kernels.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/error.h"
#include "core/tile.h"
#include "kernels/attention/planned.h"
#include "kernels/planner/graph/presets.h"
#include "kernels/planner/plan/planner.h"
#include "kernels/planner/print/print_plan.h"
#include "kernels/planner/reference/reference.h"
#include "kernels/planner/run/fused_program.h"
#include "runtime/cli/arguments.h"
#include "runtime/cli/log_cost.h"
#include "runtime/data/attention_data.h"
#include "runtime/report/run_report_json.h"
#include "runtime/workloads/attention_run.h"

namespace tilegrid::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int block_side = 2;  // of the document's six-operation kernel, tiles

/// One kernel of the table.
struct Column {
  std::string head[2];
  std::string key;
  std::optional<planner::Plan> plan;     ///< of six-op kernels
  std::string refusal;                   ///< not run
  int operations = 0;                    ///< of the graphs; 0: there is none
  std::optional<double> planned_cycles;  ///< of all output tiles, by the plans; compute side only
  std::string tiles_per_block;
  std::string loop;
  double output_tiles = 0;
  int cores = 0;  ///< that had work
  RunResult result;
  std::vector<CircularBufferConfig> circular_buffers;
  LogCost log;
  std::optional<bool> passed;
};

std::uint64_t count(const Column& column, TileOp op) {
  std::uint64_t sum = 0;
  for (const CoreCounters& core : column.result.cores) sum += core.tiles[static_cast<std::size_t>(op)];
  return sum;
}

planner::Machine machine_of(const attention::Config& config) {
  planner::Machine machine;
  machine.chip = config.chip;
  machine.dst_fp32 = config.compute.dst_fp32;
  machine.full_sync = config.compute.full_sync;
  machine.fidelity = config.compute.fidelity;
  machine.format = config.format;
  machine.precision = planner::Precision::allow_tf32;
  return machine;
}

void measure(Column& column, RunResult result, const std::vector<CircularBufferConfig>& buffers,
             const planner::Machine& machine) {
  column.result = std::move(result);
  column.circular_buffers = buffers;
  column.log = log_cost(column.result.log.cores, buffers, machine);
  column.result.log.cores.clear();
  column.cores = static_cast<int>(std::count_if(column.result.cores.begin(), column.result.cores.end(),
                                                [](const auto& c) { return c.dst_sections > 0; }));
}

/// DRAM for a value's tensor.
Buffer create(Device& device, const planner::FusedJob& job, planner::ValueId value) {
  const std::uint32_t page = tile_bytes(job.plan.machine.format);
  return device.create_buffer(static_cast<std::uint64_t>(planner::tensor_extent(job, value).tiles()) * page, page);
}

/// An input with random values.
planner::Tensor random_input(const planner::FusedJob& job, planner::ValueId value, std::uint64_t seed) {
  const planner::TensorExtent extent = planner::tensor_extent(job, value);
  const auto values = static_cast<std::size_t>(extent.rows) * static_cast<std::size_t>(extent.cols);
  return {extent.rows, extent.cols, attention::random_samples(seed, value, values, attention::Distribution::normal)};
}

std::uint32_t upload(Device& device, const Buffer& buffer, const planner::Tensor& tensor, DataFormat format) {
  std::vector<std::byte> bytes(buffer.bytes());
  tilize(tensor.values, tensor.rows, tensor.cols, format, bytes);
  device.write(buffer, bytes);
  return buffer.address;
}

planner::Tensor download(Device& device, const Buffer& buffer, const planner::TensorExtent& extent, DataFormat format) {
  std::vector<std::byte> bytes(buffer.bytes());
  device.read(buffer, bytes);
  planner::Tensor tensor{extent.rows, extent.cols, {}};
  tensor.values.resize(static_cast<std::size_t>(extent.rows) * static_cast<std::size_t>(extent.cols));
  untilize(bytes, extent.rows, extent.cols, format, tensor.values);
  return tensor;
}

/// Runs the plan over a 2x2 block for every core of the grid; with the grid workaround as many blocks of one tile.
void run_plan(Device& device, Column& column, std::uint64_t seed) {
  const planner::Plan& plan = *column.plan;
  const DataFormat format = plan.machine.format;
  const GridSize grid = device.grid();
  planner::FusedJob job{.plan = plan, .block_rows = grid.y, .block_cols = grid.x, .grid = grid};
  job.block_rows *= block_side / plan.block.rows.tiles;
  job.block_cols *= block_side / plan.block.cols.tiles;
  std::vector<planner::Tensor> inputs;
  std::vector<Buffer> outputs;
  planner::FusedTensors addresses;
  for (planner::ValueId id = 0; id < plan.graph.input_count(); ++id) {
    inputs.push_back(random_input(job, id, seed));
    addresses.inputs.push_back(upload(device, create(device, job, id), inputs.back(), format));
  }
  for (const planner::ValueId id : plan.graph.outputs()) {
    outputs.push_back(create(device, job, id));
    addresses.outputs.push_back(outputs.back().address);
  }
  const Program program = planner::make_program(job, addresses);
  measure(column, device.launch(program), program.circular_buffers, plan.machine);
  const std::vector<planner::Evaluated> expected = planner::evaluate(plan.graph, inputs, planner::error_model(plan.machine));
  column.passed = true;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const planner::TensorExtent extent = planner::tensor_extent(job, plan.graph.outputs()[i]);
    const bool passed = planner::compare(expected[i], download(device, outputs[i], extent, format)).passed();
    column.passed = *column.passed && passed;
  }
  device.free_buffers();
  const int blocks = job.block_rows * job.block_cols;
  column.output_tiles = static_cast<double>(blocks) * plan.block.tiles();
  column.planned_cycles = plan.cost.compute * blocks;
}

Column six_op_column(Device& device, planner::Strategy strategy, const attention::Config& config, std::uint64_t seed) {
  Column column;
  const bool grid = strategy == planner::Strategy::grid;
  column.head[0] = grid ? "six-op, 1 tile" : "six-op 2x2";
  column.head[1] = name_of(strategy);
  column.key = fmt::format("six-op {}", name_of(strategy));
  const planner::Shape block{{block_side, false}, {block_side, false}};
  const planner::Graph graph = planner::preset_graph("six-op", block, 0);
  column.operations = static_cast<int>(graph.ops().size());
  column.tiles_per_block = grid ? "1x1" : planner::text_of(block);
  column.loop = "no";
  try {
    column.plan = planner::plan(graph, strategy, {.machine = machine_of(config)});
  } catch (const UsageError& error) {
    column.refusal = error.message();
    return column;
  }
  if (column.plan->refusal) {
    const planner::Refusal& refusal = *column.plan->refusal;
    column.refusal =
        fmt::format("{} ({}); would fit: {}", refusal.reason, planner::account_text(refusal.account), refusal.fits);
    return column;
  }
  run_plan(device, column, seed);
  return column;
}

/// Modelled cycles of all steps of all Q chunks.
double planned_attention_cycles(const AttentionOutcome& outcome, const attention::PlannedKernel& kernel) {
  const attention::KernelArgs args = attention::KernelArgs::from(outcome.config, {});
  const auto cost = [&](attention::PlannedStep step) {
    return kernel.steps.at(static_cast<std::size_t>(step)).value().plan.cost.compute;
  };
  double cycles = 0;
  for (const auto& items : outcome.split) {
    for (const attention::WorkItem& item : items) {
      const auto chunk = static_cast<std::uint32_t>(item.chunk);
      for (std::uint32_t j = 0; j < args.visited_chunks(chunk); ++j)
        cycles += cost(attention::k_step(j != 0, args.masked(chunk, j)));
      cycles += cost(attention::PlannedStep::normalise);
    }
  }
  return cycles;
}

Column attention_column(const Session& session, Device& device, AttentionOptions options, attention::Kernel kernel) {
  options.config.kernel = kernel;
  options.progress = false;
  AttentionOutcome outcome = attention_outcome(session, device, options, true);
  device.free_buffers();
  const attention::Config& config = outcome.config;
  Column column;
  column.head[0] = "attention";
  column.head[1] = name_of(kernel);
  column.key = fmt::format("attention {}", name_of(kernel));
  measure(column, std::move(outcome.result), outcome.circular_buffers, machine_of(config));
  if (kernel == attention::Kernel::planned) {
    const attention::PlannedKernel planned = attention::plan_kernel(config);
    const bool one_step = !planned.steps[2] && !planned.steps[3];
    const attention::PlannedStep step = attention::k_step(!one_step, false);
    column.operations = static_cast<int>(step_graph(config, step).ops().size() +
                                         step_graph(config, attention::PlannedStep::normalise).ops().size());
    column.planned_cycles = planned_attention_cycles(outcome, planned);
  }
  column.tiles_per_block = fmt::format("{}x{}", config.q_chunk / tile_side, config.shape.dim / tile_side);
  int steps = 0;
  std::size_t items = 0;
  for (const auto& work : outcome.split) {
    for (const attention::WorkItem& item : work) steps = std::max(steps, attention::k_chunks_of(config, item.chunk));
    items += work.size();
  }
  column.loop = fmt::format("{} x {} rows", steps, config.k_chunk);
  column.output_tiles = static_cast<double>(items) * config.q_chunk / tile_side * config.shape.dim / tile_side;
  if (outcome.verification) column.passed = outcome.verification->passed;
  return column;
}

struct Row {
  std::string title;
  std::string key;
  std::function<Json(const Column&)> value;  ///< null: does not apply
  bool of_run = true;                        ///< nothing for a refused plan
};

std::string join_roles(const Column& column, const std::set<int>& ids) {
  std::vector<std::string> roles;
  for (const CircularBufferConfig& buffer : column.circular_buffers) {
    if (ids.contains(buffer.id)) roles.push_back(buffer.role);
  }
  return roles.empty() ? "no" : fmt::format("{}", fmt::join(roles, ","));
}

Json rounded(double value) { return std::round(value * 100) / 100; }

std::vector<Row> plan_rows() {
  return {
      {"operations of the graph", "operations",
       [](const Column& c) { return c.operations > 0 ? Json(c.operations) : Json(); }, false},
      {"slots needed of DST", "slots",
       [](const Column& c) {
         if (!c.refusal.empty() && c.plan)
           return Json(fmt::format("{} of {}", c.plan->refusal->needed, c.plan->refusal->capacity));
         if (c.result.cores.empty()) return Json("refused");
         std::uint32_t peak = 0;
         for (const CoreCounters& core : c.result.cores) peak = std::max(peak, core.dst_peak_slots);
         return Json(fmt::format("{} of {}", peak, c.result.cores.front().dst_capacity));
       },
       false},
      {"fits", "fits", [](const Column& c) { return Json(c.refusal.empty() ? "yes" : "no, see below"); }, false},
      {"kinds of tile operations", "kinds", [](const Column& c) { return Json(c.log.kinds.size()); }},
      {"output tiles a core, block", "tiles_per_block", [](const Column& c) { return Json(c.tiles_per_block); }, false},
      {"  most in a DST section", "tiles_per_section", [](const Column& c) { return Json(c.log.most_tiles_in_section); }},
      {"grid: cores with work", "cores", [](const Column& c) { return Json(c.cores); }},
      {"K/V loop", "kv_loop", [](const Column& c) { return Json(c.loop); }, false},
      {"matmuls", "matmuls", [](const Column& c) { return Json(c.log.matmuls.size()); }},
      {"reductions [c]", "reductions", [](const Column& c) { return Json(c.log.reductions.size()); }},
      {"CBs that the packer adds to", "packer_sums", [](const Column& c) { return Json(c.log.summed_by_packer.size()); }},
  };
}

std::vector<Row> cost_rows() {
  const auto per_tile = [](auto figure) {
    return [=](const Column& c) { return rounded(static_cast<double>(figure(c)) / c.output_tiles); };
  };
  return {
      {"double-buffered CBs", "double_buffered", [](const Column& c) { return Json(join_roles(c, c.log.double_buffered)); }},
      {"per output tile: matmuls", "matmul_tiles", per_tile([](const Column& c) { return count(c, TileOp::matmul); })},
      {"  tiles unpacked", "unpacked_tiles", per_tile([](const Column& c) { return count(c, TileOp::unpack); })},
      {"  tiles packed", "packed_tiles", per_tile([](const Column& c) { return c.log.packed_tiles; })},
      {"  DST sections", "dst_sections", per_tile([](const Column& c) { return c.log.sections; })},
      {"  cycles by the plan [a]", "planned_cycles",
       [](const Column& c) { return c.planned_cycles ? rounded(*c.planned_cycles / c.output_tiles) : Json(); }},
      {"  cycles by the log [b]", "log_cycles", per_tile([](const Column& c) { return c.log.cycles; })},
      {"cycles a matmul tile [b]", "cycles_per_matmul_tile",
       [](const Column& c) { return rounded(c.log.cycles / static_cast<double>(count(c, TileOp::matmul))); }},
      {"bounded by [b]", "bound",
       [](const Column& c) {
         const LogCost& log = c.log;
         if (log.unpack >= log.math && log.unpack >= log.pack) return Json("unpack");
         return Json(log.math >= log.pack ? "math" : "pack");
       }},
      {"L1 of a core, bytes", "l1_bytes", [](const Column& c) { return Json(c.result.cores.front().l1_used_bytes); }},
      {"verified", "passed", [](const Column& c) { return c.passed ? Json(*c.passed ? "PASS" : "FAIL") : Json(); }},
      {"host seconds of the run", "host_seconds",
       [](const Column& c) { return Json(std::round(c.result.wall_seconds * 1e4) / 1e4); }},
  };
}

std::vector<Row> rows() {
  std::vector<Row> all = plan_rows();
  for (Row& row : cost_rows()) all.push_back(std::move(row));
  return all;
}

Json value_of(const Row& row, const Column& column) {
  if (row.of_run && !column.refusal.empty()) return {};
  return row.value(column);
}

std::string cell(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float() && value.get<double>() >= 100) return fmt::format("{:.0f}", value.get<double>());
  return value.dump();
}

std::string table_text(const std::vector<Column>& columns, const AttentionOptions& options) {
  const attention::Config& config = options.config;
  constexpr std::size_t wide = 17;
  const auto head = [&](int line) {
    std::string text = fmt::format("{:<28}", line == 0 ? "" : "Comparison of kernels");
    for (const Column& column : columns) text += fmt::format("{:>{}}", column.head[line], wide);
    return text + "\n";
  };
  std::string text = head(0) + head(1);
  for (const Row& row : rows()) {
    text += fmt::format("{:<28}", row.title);
    for (const Column& column : columns) text += fmt::format("{:>{}}", cell(value_of(row, column)), wide);
    text += '\n';
  }
  text += "\n";
  for (const Column& column : columns) {
    if (!column.refusal.empty()) text += fmt::format("{} refused: {}\n", column.key, column.refusal);
  }
  text += fmt::format(
      "grid {}, {} in DRAM, {} DST in {} sync, fidelity {}; six-op: a 2x2 block a core, or as many of one tile\n"
      "[a] modelled cycles of one core's compute side, by the plan (dst.md 3.4)\n"
      "[b] the same constants applied to the events of the run: a section takes as long as its slowest unit, 40 cycles for\n"
      "    its acquire and release, 30 for every change of operation and for every push or pop of a circular buffer\n"
      "[c] by the reduction unit; the hand-written kernel adds up its row sums by a matmul with a column of ones\n",
      text_of(config.grid), name_of(config.format), config.compute.dst_fp32 ? "fp32" : "bf16",
      config.compute.full_sync ? "full" : "half", text_of(config.compute.fidelity));
  return text;
}

Json table_json(const std::vector<Column>& columns) {
  Json kernels = Json::array();
  for (const Column& column : columns) {
    Json json{{"kernel", column.key}, {"refusal", column.refusal.empty() ? Json() : Json(column.refusal)}};
    for (const Row& row : rows()) json[row.key] = value_of(row, column);
    kernels.push_back(std::move(json));
  }
  return {{"version", TILEGRID_VERSION}, {"kernels", kernels}};
}

}  // namespace

int compare_kernels(const Session& session, Device& device, const AttentionOptions& options) {
  using planner::Strategy;
  std::vector<Column> columns;
  for (const Strategy strategy :
       {Strategy::grid, Strategy::naive, Strategy::liveness, Strategy::subblock, Strategy::pipelined, Strategy::best}) {
    columns.push_back(six_op_column(device, strategy, options.config, options.seed));
  }
  for (const attention::Kernel kernel : {attention::Kernel::planned, attention::Kernel::hand_written}) {
    columns.push_back(attention_column(session, device, options, kernel));
  }
  if (!options.quiet()) put(table_text(columns, options));
  if (!options.json.empty()) {
    const std::string json = table_json(columns).dump(2) + "\n";
    if (options.quiet()) {
      put(json);
    } else {
      write_file(options.json, json);
    }
  }
  flush_output();
  const bool passed = std::all_of(columns.begin(), columns.end(), [](const Column& c) { return c.passed.value_or(true); });
  return static_cast<int>(passed ? ExitCode::ok : ExitCode::mismatch);
}

}  // namespace tilegrid::cli
