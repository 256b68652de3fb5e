// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "core/error.h"
#include "core/tile.h"
#include "kernels/attention/planned.h"
#include "kernels/planner/plan/log_cost.h"
#include "kernels/planner/print/print_plan.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/comparison.h"
#include "runtime/foreign/foreign_attention.h"
#include "runtime/report/checks_report.h"
#include "runtime/workloads/attention_formats.h"
#include "runtime/workloads/driver.h"
#include "runtime/workloads/fused.h"

namespace tilegrid::cli {
namespace {

using planner::LogCost;
using report::Value;
using workloads::Attention;

constexpr int block_side = 2;  // of the document's six-operation kernel, tiles

/// One kernel of the table.
struct Column : ComparedRun {
  std::string head[2];
  std::optional<planner::Refusal> slots;  ///< of a plan that does not fit
  int operations = 0;                     ///< of the graphs; 0: there is none
  std::optional<double> planned_cycles;   ///< of all output tiles, by the plans; compute side only
  std::string tiles_per_block;
  std::string loop;
  double output_tiles = 0;
  report::RunOutcome outcome;
  LogCost log;
  std::optional<double> compile_seconds;  ///< of kernels from files, on the host
};

double count(const Column& column, TileOp op) {
  std::uint64_t sum = 0;
  for (const CoreCounters& core : column.outcome.result.cores) sum += core.tiles[op];
  return static_cast<double>(sum);
}

planner::Machine machine_of(const attention::Config& config) {
  planner::Machine machine;
  machine.chip = config.chip;
  machine.dst_fp32 = config.compute.dst_fp32;
  machine.full_sync = config.compute.full_sync;
  machine.fidelity = config.compute.fidelity;
  machine.format = config.format.q;
  machine.output_format = config.format.out;
  machine.precision = planner::Precision::allow_tf32;
  return machine;
}

/// Runs it and keeps what the table needs.
void measure(const Session& session, Device& device, workloads::Workload& workload, const planner::Machine& machine,
             Column& column) {
  workload.options.report.clear();
  device.free_buffers();
  column.outcome = workloads::execute(session, device, workload, true);
  column.log = log_cost(column.outcome.result.log.cores, column.outcome.circular_buffers, machine);
  column.outcome.result.log.cores.clear();
  column.known_faults = column.outcome.known_faults;
  column.verified = workload.passed;
}

/// The six operations over a 2x2 block for every core of the grid; with the grid workaround over as many blocks of one tile.
Column six_op_column(const Session& session, Device& device, planner::Strategy strategy, const Attention& asked) {
  Column column;
  const bool grid = strategy == planner::Strategy::grid;
  column.head[0] = grid ? "six-op, 1 tile" : "six-op 2x2";
  column.head[1] = name_of(strategy);
  column.name = fmt::format("six-op {}", name_of(strategy));
  column.loop = "no";
  workloads::Fused fused;
  fused.options.grid = asked.options.grid;
  fused.options.progress = asked.options.progress;
  fused.options.chip = asked.options.chip;
  fused.options.checks = asked.options.checks;
  fused.options.architecture = asked.options.architecture;
  fused.seed = asked.seed;
  fused.strategy = strategy;
  fused.verify = VerifyMode::full;
  fused.request.preset = "six-op";
  fused.request.shapes.block = {{block_side}, {block_side}};
  fused.request.plan.machine = machine_of(asked.config);
  column.tiles_per_block = grid ? "1x1" : planner::text_of(fused.request.shapes.block);
  const planner::Graph graph = fused.request.load();
  column.operations = count_of(graph.ops());
  try {
    column.slots = planner::plan(graph, strategy, fused.request.plan).refusal;
  } catch (const UsageError& error) {
    column.refusal = error.message();
    return column;
  }
  if (column.slots) {
    column.refusal = fmt::format("{} ({}); would fit: {}", column.slots->reason,
                                 planner::account_text(column.slots->account), column.slots->fits);
    return column;
  }
  measure(session, device, fused, fused.request.plan.machine, column);
  const int blocks = fused.job.block_rows * fused.job.block_cols;
  column.output_tiles = 1.0 * blocks * fused.job.plan.block.tiles();
  column.planned_cycles = fused.job.plan.cost.compute * blocks;
  return column;
}

/// Of attention that has run: what its column has beside what was measured.
void describe_attention(const Attention& run, Column& column) {
  const attention::Config& config = run.config;
  column.tiles_per_block = fmt::format("{}x{}", config.q_chunk / tile_side, config.shape.v_dim_t());
  int steps = 0;
  std::size_t items = 0;
  for (const auto& work : run.split) {
    for (const attention::WorkItem& item : work) steps = std::max(steps, attention::k_chunks_of(config, item.chunk));
    items += work.size();
  }
  column.loop = fmt::format("{} x {} rows", steps, config.k_chunk);
  column.output_tiles = static_cast<double>(items) * config.q_chunk / tile_side * config.shape.v_dim_t();
}

Column attention_column(const Session& session, Device& device, const Attention& asked, attention::Kernel kernel) {
  Attention run;
  settle_as(run, asked, [&] { run.config.kernel = kernel; });
  run.options.progress = asked.options.progress;
  Column column;
  column.head[0] = "attention";
  column.head[1] = name_of(kernel);
  column.name = fmt::format("attention {}", name_of(kernel));
  measure(session, device, run, machine_of(run.config), column);
  const attention::Config& config = run.config;
  if (kernel == attention::Kernel::planned) {
    const attention::PlannedKernel planned = attention::plan_kernel(config);
    const bool one_step = !planned.steps[2] && !planned.steps[3];
    const attention::PlannedStep step = attention::k_step(!one_step, false);
    column.operations =
        count_of(step_graph(config, step).ops()) + count_of(step_graph(config, attention::PlannedStep::normalise).ops());
    column.planned_cycles = attention::planned_cycles(config, planned);
  }
  describe_attention(run, column);
  return column;
}

Column foreign_column(const Session& session, Device& device, foreign::ForeignAttention& run) {
  Column column;
  column.head[0] = "foreign";
  column.head[1] = name_of(run.files().kind);
  column.name = fmt::format("foreign {}", name_of(run.files().kind));
  column.refusal = run.refusal();
  if (column.refusal.empty()) {
    measure(session, device, run, machine_of(run.config), column);
    column.compile_seconds = run.compile_seconds();
  }
  describe_attention(run, column);
  return column;
}

struct Line {
  const char* title;
  const char* key;
  Value (*value)(const Column&);
  bool of_run = true;  ///< nothing for a refused plan
  Kind kind = Kind::text;
  const char* chart = "";  ///< of the page
};

Value rounded(double value) { return std::round(value * 100) / 100; }
Value per_tile(const Column& c, double figure) { return rounded(figure / c.output_tiles); }

Value slots(const Column& c) {
  if (c.slots) return fmt::format("{} of {}", c.slots->needed, c.slots->capacity);
  if (c.outcome.result.cores.empty()) return "refused";
  std::uint32_t peak = 0;
  for (const CoreCounters& core : c.outcome.result.cores) peak = std::max(peak, core.dst_peak_slots);
  return fmt::format("{} of {}", peak, c.outcome.result.cores.front().dst_capacity);
}

Value cores_with_work(const Column& c) {
  const std::vector<CoreCounters>& cores = c.outcome.result.cores;
  return std::count_if(cores.begin(), cores.end(), [](const CoreCounters& core) { return core.dst_sections > 0; });
}

Value double_buffered(const Column& c) {
  std::vector<std::string> roles;
  for (const CircularBufferConfig& buffer : c.outcome.circular_buffers) {
    const bool named = std::find(roles.begin(), roles.end(), buffer.role) != roles.end();
    if (c.log.double_buffered.contains(buffer.id) && !named) roles.push_back(buffer.role);
  }
  return roles.empty() ? "no" : fmt::format("{}", fmt::join(roles, ","));
}

Value bound(const Column& c) {
  if (c.log.unpack >= c.log.math && c.log.unpack >= c.log.pack) return "unpack";
  return c.log.math >= c.log.pack ? "math" : "pack";
}

constexpr Line lines[] = {
    {"operations of the graph", "operations",
     [](const Column& c) { return c.operations > 0 ? Value(c.operations) : Value(); }, false},
    {"slots needed of DST", "slots", slots, false, Kind::text, "DST slots needed"},
    {"fits", "fits", [](const Column& c) { return Value(c.refusal.empty() ? "yes" : "no, see below"); }, false},
    {"kinds of tile operations", "kinds", [](const Column& c) { return Value(c.log.kinds.size()); }, true, Kind::count,
     "Kinds of tile operations"},
    {"output tiles a core, block", "tiles_per_block", [](const Column& c) { return Value(c.tiles_per_block); }, false,
     Kind::text, "Output tiles a core, block"},
    {"  most in a DST section", "tiles_per_section", [](const Column& c) { return Value(c.log.most_tiles_in_section); }},
    {"grid: cores with work", "cores", cores_with_work},
    {"K/V loop", "kv_loop", [](const Column& c) { return Value(c.loop); }, false, Kind::text, "K/V loop"},
    {"matmuls", "matmuls", [](const Column& c) { return Value(c.log.matmuls.size()); }},
    {"reductions [c]", "reductions", [](const Column& c) { return Value(c.log.reductions.size()); }},
    {"CBs that the packer adds to", "packer_sums", [](const Column& c) { return Value(c.log.summed_by_packer.size()); }},
    {"double-buffered CBs", "double_buffered", double_buffered, true, Kind::text, "Double-buffered CBs"},
    {"per output tile: matmuls", "matmul_tiles", [](const Column& c) { return per_tile(c, count(c, TileOp::matmul)); }, true,
     Kind::number, "Matmuls an output tile"},
    {"  tiles unpacked", "unpacked_tiles", [](const Column& c) { return per_tile(c, count(c, TileOp::unpack)); }, true,
     Kind::number, "Tiles unpacked an output tile"},
    {"  tiles packed", "packed_tiles", [](const Column& c) { return per_tile(c, static_cast<double>(c.log.packed_tiles)); },
     true, Kind::number, "Tiles packed an output tile"},
    {"  DST sections", "dst_sections", [](const Column& c) { return per_tile(c, static_cast<double>(c.log.sections)); },
     true, Kind::number, "DST sections an output tile"},
    {"  cycles by the plan [a]", "planned_cycles",
     [](const Column& c) { return c.planned_cycles ? per_tile(c, *c.planned_cycles) : Value(); }, true, Kind::number,
     "Compute side, cycles an output tile, by the plan"},
    {"  cycles by the log [b]", "log_cycles", [](const Column& c) { return per_tile(c, c.log.cycles); }, true, Kind::number,
     "Compute side, cycles an output tile, by the log"},
    {"cycles a matmul tile [b]", "cycles_per_matmul_tile",
     [](const Column& c) { return rounded(c.log.cycles / count(c, TileOp::matmul)); }, true, Kind::number,
     "Cycles a matmul tile"},
    {"bounded by [b]", "bound", bound, true, Kind::text, "Bounded by"},
    {"L1 of a core, bytes", "l1_bytes", [](const Column& c) { return Value(c.outcome.result.cores.front().l1_used_bytes); },
     true, Kind::bytes, "L1 of a core"},
    {"verified", "passed", [](const Column& c) { return c.verified ? Value(*c.verified ? "PASS" : "FAIL") : Value(); }},
    {"device time, cycles", "device_cycles",
     [](const Column& c) { return c.outcome.device ? Value(c.outcome.device->time.cycles) : Value(); }, true, Kind::count,
     "Device time, cycles"},
    {"host seconds of compiling", "compile_seconds",
     [](const Column& c) { return c.compile_seconds ? Value(std::round(*c.compile_seconds * 1e4) / 1e4) : Value(); }},
    {"host seconds of the run", "host_seconds",
     [](const Column& c) { return Value(std::round(c.outcome.result.wall_seconds * 1e4) / 1e4); }},
};

/// Those of the lines.
Value figures_of(const Column& column) {
  Value figures;
  for (const Line& line : lines) {
    figures[line.key] = line.of_run && !column.refusal.empty() ? Value() : line.value(column);
  }
  return figures;
}

std::string cell(const Value& value) {
  if (value.is_null()) return "-";
  if (value.is_text()) return value.text();
  if (value.is_real() && value.number() >= 100) return fmt::format("{:.0f}", value.number());
  return report::to_json_line(value);
}

std::string table_text(const std::vector<Column>& columns, const Attention& asked) {
  std::vector<report::Table::Column> widths{{"", -28}};
  std::vector<std::string> first{""}, second{"Comparison of kernels"};
  for (const Column& column : columns) {
    widths.push_back({"", 17});
    first.push_back(column.head[0]);
    second.push_back(column.head[1]);
  }
  const report::Table table(widths);
  std::string text = table.row(first) + table.row(second);
  for (const Line& line : lines) {
    std::vector<std::string> cells{line.title};
    for (const Column& column : columns) cells.push_back(" " + cell(column[line.key]));
    text += table.row(cells);
  }
  text += "\n";
  for (const Column& column : columns) {
    if (!column.refusal.empty()) text += fmt::format("{} refused: {}\n", column.name, column.refusal);
  }
  return text +
         fmt::format(
             "grid {}, {}; six-op: a 2x2 block a core, or as many of one tile\n"
             "[a] modelled cycles of one core's compute side, by the plan (dst.md 3.4)\n"
             "[b] the same constants applied to the events of the run: a section takes as long as its slowest unit, 40 "
             "cycles "
             "for\n"
             "    its acquire and release, 30 for every change of operation and for every push or pop of a circular buffer\n"
             "[c] by the reduction unit; the hand-written kernel adds up its row sums by a matmul with a column of ones\n",
             report::text_of(asked.options.grid),
             numbers_text(workloads::format_text(asked.config.format), asked.config.format.q, asked.config.compute));
}

}  // namespace

int compare_kernels(const Session& session, Device& device, const Attention& asked, const std::string& folder) {
  using planner::Strategy;
  asked.flags().check_paths();
  const auto others = foreign::find_foreign(folder, asked, device);
  std::vector<Column> columns;
  for (const Strategy strategy :
       {Strategy::grid, Strategy::naive, Strategy::liveness, Strategy::subblock, Strategy::pipelined, Strategy::best}) {
    columns.push_back(six_op_column(session, device, strategy, asked));
  }
  for (const attention::Kernel kernel : {attention::Kernel::planned, attention::Kernel::hand_written}) {
    columns.push_back(attention_column(session, device, asked, kernel));
  }
  for (const auto& run : others) columns.push_back(foreign_column(session, device, *run));
  report::Array kernels;
  report::Conversions converted;  // the same of every kernel
  ComparisonPage shown{"Kernels", {}, {}, {}};
  shown.facts.emplace_back("grid", report::text_of(asked.options.grid));
  shown.facts.emplace_back("attention", asked.line());
  shown.winner.clear();  // they do not compute the same
  for (const Line& line : lines) {
    if (*line.chart == '\0') continue;
    shown.figures.push_back(
        {line.key, "", 0, line.kind, line.chart, line.kind == Kind::text ? Better::neither : Better::least});
  }
  const auto last = std::find_if(shown.figures.begin(), shown.figures.end(),
                                 [](const Figure& figure) { return figure.key == "device_cycles"; });
  std::rotate(shown.figures.begin(), last, last + 1);  // what matters most comes first
  for (Column& column : columns) {
    column.what = {{"kernel", column.name}};
    column.figures = figures_of(column);
    kernels.push_back(named_figures(column));
    if (converted.empty()) converted = column.outcome.conversions;
    shown.rows.push_back(&column);
  }
  const KnownFaults faults = faults_of(columns);
  const std::string text = table_text(columns, asked) + report::faults_text(faults) + report::conversions_text(converted);
  const Value figures{
      {"kernels", kernels}, {"warnings", report::faults_of(faults)}, {"converted", report::conversions_of(converted)}};
  publish(asked.options.json, asked.options.report, text, figures, shown);
  const bool passed = std::all_of(columns.begin(), columns.end(), [](const Column& c) { return c.verified.value_or(true); });
  return passed ? static_cast<int>(ExitCode::ok) : workloads::mismatch(session, "a kernel's output is wrong, see the table");
}

}  // namespace tilegrid::cli
