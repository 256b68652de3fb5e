// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/error.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/comparison.h"
#include "runtime/report/checks_report.h"
#include "runtime/report/print.h"
#include "runtime/workloads/driver.h"

namespace tilegrid::cli {
namespace {

using attention::KvDelivery;
using attention::Partition;
using report::Value;
using workloads::Attention;

constexpr std::array all_partitions{Partition::flat, Partition::contiguous, Partition::heads_first,
                                    Partition::rows, Partition::columns,    Partition::split_k};

const std::vector<Figure> partition_figures{
    {".chunks", "Q x K", 9, Kind::text, "Q x K rows a chunk"},
    {"parts", "parts", 6, Kind::text, "Parts of K"},
    {"device/seconds", "device time", 12, Kind::seconds, "Device time", Better::least},
    {".gain", "gain", 7, Kind::number, "Gain over the first row", Better::most, "{:.2f}x"},
    {"device/peak_share", "peak", 7, Kind::share, "Part of the peak", Better::most},
    {"balance", "balance", 8, Kind::share, "Balance: mean K steps over the most", Better::most},
    {"device/bound", " bound by", -12, Kind::text, "Bound by"},
    {".dram", "DRAM", 11, Kind::bytes, "DRAM, read and written", Better::least},
    {"core_to_core_bytes", "core to core", 13, Kind::bytes, "From core to core"},
    {"noc_byte_hops", "bytes*hops", 11, Kind::bytes, "NoC: bytes times hops", Better::least},
    {"l1_bytes", "L1", 11, Kind::bytes, "L1 of a core", Better::least},
    {".numbers", "  numbers", -10},
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
  const std::uint64_t read = bytes_of(outcome, TransferKind::dram_read);
  const std::uint64_t written = bytes_of(outcome, TransferKind::dram_write);
  return {{"q_chunk", run.config.q_chunk},
          {"k_chunk", run.config.k_chunk},
          {".chunks", fmt::format("{}x{}", run.config.q_chunk, run.config.k_chunk)},
          {"parts", run.config.parts},
          {"used", name_of(run.config.delivery)},
          {"device",
           {{"cycles", device.time.cycles},
            {"seconds", device.time.seconds},
            {"peak_share", device.time.peak_share},
            {"bound", report::name_of(device.summary.limits[0].kind, device.program)}}},
          {"balance", balance_of(run)},
          {"dram_read_bytes", read},
          {"dram_written_bytes", written},
          {".dram", read + written},
          {"core_to_core_bytes", between_cores},
          {"noc_byte_hops", device.summary.bytes_times_hops},
          {"l1_bytes", report::most_l1_bytes(outcome)},
          {"verified", run.passed},
          {".numbers", !run.passed   ? "-"
                       : *run.passed ? "verified"
                                     : "WRONG"}};
}

ComparedRun dealt(Partition partition, KvDelivery delivery) {
  ComparedRun row;
  row.name = fmt::format("{} {}", name_of(partition), name_of(delivery));
  row.flags.varied = {{"--partition", name_of(partition)}, {"--kv", name_of(delivery)}};
  row.what = {{"partition", name_of(partition)}, {"delivery", name_of(delivery)}};
  return row;
}

/// Sets `shape` where it runs, to that which was asked for.
void run_dealt(const Session& session, Device& device, const Attention& asked, ComparedRun& row, attention::Shape& shape) {
  const std::string &partition = row.what["partition"].text(), &delivery = row.what["delivery"].text();
  std::vector<std::string> changes{"--partition=" + partition, "--kv=" + delivery};
  if (partition != name_of(Partition::split_k)) changes.emplace_back("--k-parts=0");
  if (delivery == name_of(KvDelivery::dram)) changes.emplace_back("--kv-cores=0");
  Attention run;
  settle_as(run, asked, changes);
  run_row(session, device, run, row, false, [&](const report::RunOutcome& outcome) {
    shape = run.shape();
    return figures_of_run(run, outcome);
  });
}

std::string shape_line(const Attention& asked, const attention::Shape& shape) {
  return fmt::format("{}{}; {} cores{}", attention::shape_text(shape), shape.causal ? ", causal" : "",
                     report::text_of(asked.options.grid), asked.options.dry_run ? "; dry runs, no numbers" : "");
}

/// Keys: version, command, dry_run, warnings, grid, shape, rows, winner. Some row runs.
Value partition_report(const Attention& asked, const attention::Shape& shape, const ComparedRuns& all) {
  report::Array rows;
  for (const ComparedRun& row : all) rows.push_back(named_figures(row));
  const ComparedRun& best = *quickest(all);
  Value winner = best.what;
  winner["cycles"] = best.cycles();
  return {{"version", report::program_version()},
          {"command", "compare-partitions"},
          {"dry_run", asked.options.dry_run},
          {"warnings", report::faults_of(faults_of(all))},
          {"grid", report::text_of(asked.options.grid)},
          {"shape", attention_shape_figures(shape)},
          {"rows", rows},
          {"winner", winner}};
}

struct ComparePartitions : ComparisonOutput {
  int report(const Session& session, const Attention& asked, const attention::Shape& shape, ComparedRuns& rows) const {
    const ComparedRun* best = quickest(rows);
    if (best == nullptr) throw UsageError(rows.front().refusal);
    ComparisonPage shown{"Partitions of the work", {{"shape", shape_line(asked, shape)}}, partition_figures, {}};
    for (ComparedRun& row : rows) {
      if (row.ran() && rows.front().ran()) row.figures[".gain"] = rows.front().cycles() / row.cycles();
      shown.rows.push_back(&row);
    }
    const int code = any_wrong(rows) ? workloads::mismatch(session, "outputs are wrong, see the report") : 0;
    publish(fmt::format("Partitions: {}\n{}\n  Least device time: {}\n{}", shape_line(asked, shape),
                        named_table(partition_figures, rows), best->name, report::faults_text(faults_of(rows))),
            partition_report(asked, shape, rows), shown);
    return code;
  }

  int run(Session& session, const std::vector<std::string>& arguments) const {
    refuse_for_rows(arguments, std::array<std::string_view, 1>{"--partition"}, "compare-partitions");
    Attention asked;
    parse_flags(asked.flags(), arguments);
    asked.settle();
    asked.register_kernels();
    ComparedRuns rows;
    for (const Partition partition : all_partitions) {
      rows.push_back(dealt(partition, KvDelivery::dram));
      if (asked.config.kv != KvDelivery::dram) rows.push_back(dealt(partition, asked.config.kv));
    }
    attention::Shape shape;
    ManyRuns runs{"compare-partitions", "partitions", progress, {}, &flags, {&asked.flags()}, {}, {}};
    runs.sessions.assign(rows.size(), asked.options.session());
    runs.run = [&](Device& device, std::size_t i) { run_dealt(session, device, asked, rows[i], shape); };
    runs.report = [&] { return report(session, asked, shape, rows); };
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
