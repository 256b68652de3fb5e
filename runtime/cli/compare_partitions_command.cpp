// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "core/error.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/many_runs.h"
#include "runtime/report/checks_report.h"
#include "runtime/report/print.h"
#include "runtime/report/table.h"
#include "runtime/workloads/driver.h"

namespace tilegrid::cli {
namespace {

using attention::KvDelivery;
using attention::Partition;
using report::Value;
using workloads::Attention;

constexpr std::array all_partitions{Partition::flat, Partition::contiguous, Partition::heads_first,
                                    Partition::rows, Partition::columns,    Partition::split_k};

/// One partition with one delivery.
struct Dealt {
  Partition partition{};
  KvDelivery delivery{};
  std::string refusal;  ///< why there are no figures
  Value figures;
  std::optional<bool> verified;
  KnownFaults known_faults;
  attention::Shape shape;  ///< as asked for
  [[nodiscard]] double cycles() const { return figures["device"]["cycles"].number(); }
  [[nodiscard]] std::string name() const { return fmt::format("{} {}", name_of(partition), name_of(delivery)); }
};

/// K steps of a core on the mean over those of the core that has most: 1 when all have as many.
double balance_of(const Attention& run) {
  std::int64_t all = 0, most = 0;
  for (const auto& items : run.split) {
    std::int64_t steps = 0;
    for (const attention::WorkItem& item : items) steps += attention::k_steps_of(run.config, item);
    all += steps;
    most = std::max(most, steps);
  }
  return most == 0 ? 1 : static_cast<double>(all) / static_cast<double>(most) / count_of(run.split);
}

Value figures_of_run(const Attention& run, const report::RunOutcome& outcome) {
  const report::DeviceReport& device = *outcome.device;
  std::uint64_t between_cores = 0;
  for (const TransferKind kind : {TransferKind::l1_read, TransferKind::l1_write, TransferKind::multicast}) {
    between_cores += bytes_of(outcome, kind);
  }
  return {{"q_chunk", run.config.q_chunk},
          {"k_chunk", run.config.k_chunk},
          {"parts", run.config.parts},
          {"used", name_of(run.config.delivery)},
          {"device",
           {{"cycles", device.time.cycles},
            {"seconds", device.time.seconds},
            {"peak_share", device.time.peak_share},
            {"bound", report::name_of(device.summary.limits[0].kind, device.program)}}},
          {"balance", balance_of(run)},
          {"dram_read_bytes", bytes_of(outcome, TransferKind::dram_read)},
          {"dram_written_bytes", bytes_of(outcome, TransferKind::dram_write)},
          {"core_to_core_bytes", between_cores},
          {"noc_byte_hops", device.summary.bytes_times_hops},
          {"l1_bytes", report::most_l1_bytes(outcome)},
          {"verified", run.passed}};
}

void run_row(const Session& session, Device& device, const Attention& asked, Dealt& row) {
  Attention run;
  run.ask_as(asked);
  run.config.partition = row.partition;
  run.config.kv = row.delivery;
  if (row.partition != Partition::split_k) run.config.k_parts = 0;
  if (row.delivery == KvDelivery::dram) run.config.kv_cores = 0;
  run.options.progress = false;
  device.free_buffers();
  try {
    const report::RunOutcome outcome = workloads::execute(session, device, run);
    row.shape = run.shape();
    row.figures = figures_of_run(run, outcome);
    row.verified = run.passed;
    row.known_faults = outcome.known_faults;
  } catch (const UsageError& error) {
    row.refusal = error.message();
  }
}

/// The row with the least device time; null without any.
const Dealt* best_of(const std::vector<Dealt>& rows) {
  const Dealt* best = nullptr;
  for (const Dealt& row : rows) {
    if (row.refusal.empty() && (best == nullptr || row.cycles() < best->cycles())) best = &row;
  }
  return best;
}

std::string rows_text(const std::vector<Dealt>& rows) {
  const report::Table table({{"", -28},
                             {"Q x K", 9},
                             {"parts", 6},
                             {"device time", 12},
                             {"gain", 7},
                             {"peak", 7},
                             {"balance", 8},
                             {" bound by", -12},
                             {"DRAM", 11},
                             {"core to core", 13},
                             {"bytes*hops", 11},
                             {"L1", 11},
                             {"  numbers", -10}});
  std::string text = table.head();
  for (const Dealt& row : rows) {
    if (!row.refusal.empty()) {
      text += fmt::format("  {:<26}does not run: {}\n", row.name(), row.refusal);
      continue;
    }
    const Value& figures = row.figures;
    const Value& device = figures["device"];
    const double dram = figures["dram_read_bytes"].number() + figures["dram_written_bytes"].number();
    const bool first_runs = rows.front().refusal.empty();
    text += table.row(
        {"  " + row.name(), fmt::format("{}x{}", figures["q_chunk"].count(), figures["k_chunk"].count()),
         fmt::format("{}", figures["parts"].count()), report::duration_text(device["seconds"].number()),
         first_runs ? fmt::format("{:.2f}x", rows.front().cycles() / row.cycles()) : "-",
         report::percent(device["peak_share"].number()), report::percent(figures["balance"].number()),
         " " + device["bound"].text(), report::bytes_text(dram), report::bytes_text(figures["core_to_core_bytes"].number()),
         report::bytes_text(figures["noc_byte_hops"].number()), report::bytes_text(figures["l1_bytes"].number()),
         !row.verified   ? "  -"
         : *row.verified ? "  verified"
                         : "  WRONG"});
  }
  return text;
}

std::string text_of_rows(const Attention& asked, const std::vector<Dealt>& rows) {
  const Dealt* best = best_of(rows);
  if (best == nullptr) return {};
  std::string text =
      fmt::format("Partitions: {}{}; {} cores{}\n", attention::shape_text(best->shape), best->shape.causal ? ", causal" : "",
                  report::text_of(asked.options.grid), asked.options.dry_run ? "; dry runs, no numbers" : "");
  return text + rows_text(rows) + fmt::format("\n  Least device time: {}\n", best->name());
}

Value shape_figures_of(const attention::Shape& shape) {
  return {{"batch", shape.batch},       {"heads", shape.heads},         {"kv_heads", shape.kv_heads},
          {"seq", shape.seq_q},         {"kv_seq", shape.seq_kv},       {"dim", shape.dim},
          {"v_dim", shape.value_dim()}, {"scale", shape.score_scale()}, {"causal", shape.causal}};
}

/// Keys: version, command, dry_run, warnings, grid, shape, rows, winner. Some row runs.
Value figures_of(const Attention& asked, const std::vector<Dealt>& all) {
  report::Array rows;
  for (const Dealt& row : all) {
    Value figures{{"partition", name_of(row.partition)},
                  {"delivery", name_of(row.delivery)},
                  {"refusal", report::text_or_null(row.refusal)}};
    for (const report::Member& figure : row.figures.members()) figures[figure.name] = figure.value;
    rows.push_back(figures);
  }
  const Dealt& best = *best_of(all);
  return {
      {"version", report::program_version()},
      {"command", "compare-partitions"},
      {"dry_run", asked.options.dry_run},
      {"warnings", report::faults_of(faults_of(all))},
      {"grid", report::text_of(asked.options.grid)},
      {"shape", shape_figures_of(best.shape)},
      {"rows", rows},
      {"winner", {{"partition", name_of(best.partition)}, {"delivery", name_of(best.delivery)}, {"cycles", best.cycles()}}}};
}

struct ComparePartitions {
  Flags flags;
  std::string json;
  bool progress = true;

  ComparePartitions() {
    flags.add("--json", "FILE", "Write the rows there; - for standard output alone [none]", json).writes();
    flags.add_switch("--no-progress", "No progress line on a terminal", progress, false);
  }

  static void check(const std::vector<std::string>& arguments) {
    // Flags of attention that the comparison sets itself, or has no use for.
    constexpr std::array<std::string_view, 13> unfit{
        "--partition",      "--kernel", "--steps",       "--out",       "--log",    "--split",       "--compare-kernels",
        "--no-device-time", "--trace",  "--trace-cores", "--noc-trace", "--npeviz", "--profiler-csv"};
    refuse_arguments(arguments, unfit, "compare-partitions");
  }

  static int exit_code(const Session& session, const std::vector<Dealt>& rows) {
    if (best_of(rows) == nullptr) throw UsageError(rows.front().refusal);
    const auto passed = [](const Dealt& row) { return row.verified.value_or(true); };
    if (std::all_of(rows.begin(), rows.end(), passed)) return 0;
    return workloads::mismatch(session, "outputs are wrong, see the report");
  }

  int run(Session& session, const std::vector<std::string>& arguments) const {
    check(arguments);
    Attention asked;
    parse_flags(asked.flags(), arguments);
    asked.settle();
    asked.register_kernels();
    std::vector<Dealt> rows;
    for (const Partition partition : all_partitions) {
      rows.push_back({partition, KvDelivery::dram, {}, {}, {}, {}, {}});
      if (asked.config.kv != KvDelivery::dram) rows.push_back({partition, asked.config.kv, {}, {}, {}, {}, {}});
    }
    ManyRuns runs{"compare-partitions", "partitions", progress, {}, &flags, {&asked.flags()}, {}, {}};
    runs.sessions.assign(rows.size(), asked.options.session());
    runs.run = [&](Device& device, std::size_t i) { run_row(session, device, asked, rows[i]); };
    runs.report = [&] {
      const int code = exit_code(session, rows);
      report::print_report(
          json, [&] { return text_of_rows(asked, rows) + report::faults_text(faults_of(rows)); },
          [&] { return figures_of(asked, rows); });
      return code;
    };
    return run_all(session, runs);
  }
};

}  // namespace

Command compare_partitions_command() {
  Command made = command<ComparePartitions>(
      "compare-partitions",
      "Compare the ways in which heads and Q chunks are dealt to cores (--partition), in device time, balance,\n"
      "communication and DRAM. Takes the flags of `tilegrid attention`; with --kv each partition runs with K and V from\n"
      "DRAM and with that delivery. Chunks that are not given are chosen for each row. Balance: K steps of a core on the\n"
      "mean, over those of the one with most. Every row is verified; --dry-run for large shapes.",
      "Example: tilegrid compare-partitions --heads 10 --seq 2560 --dim 128 --causal --dry-run\n"
      "         tilegrid compare-partitions --heads 8 --kv-heads 1 --seq 1 --kv-seq 8192 --dim 128 --kv-page 64\n"
      "         tilegrid compare-partitions --heads 8 --kv-heads 8 --seq 2560 --dim 128 --kv multicast-row --dry-run\n");
  made.takes_rest = true;
  return made;
}

}  // namespace tilegrid::cli
