// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

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

constexpr const char* partition_flag = "--partition";
constexpr std::array all_partitions{Partition::flat, Partition::contiguous, Partition::heads_first,
                                    Partition::rows, Partition::columns,    Partition::split_k};
constexpr std::array all_kvs{KvDelivery::dram, KvDelivery::chain, KvDelivery::multicast_row, KvDelivery::multicast_grid,
                             KvDelivery::automatic};

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
          {"fallback", report::text_or_null(fallback_reason(run.config))},
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

/// Some of `all`, by their names with commas between. Throws UsageError.
template <class E, std::size_t n>
std::vector<E> listed(const char* flag, const std::string& text, const std::array<E, n>& all) {
  std::vector<E> some;
  some.reserve(all.size());
  for (const std::string& word : split(text)) {
    const auto found = std::find_if(all.begin(), all.end(), [&](E one) { return word == name_of(one); });
    if (found == all.end()) {
      std::vector<const char*> names;
      names.reserve(all.size());
      for (const E one : all) names.push_back(name_of(one));
      throw UsageError(
          fmt::format("{} {}: {} is none of {}", flag, text, word.empty() ? "an empty word" : word, fmt::join(names, ", ")));
    }
    if (std::find(some.begin(), some.end(), *found) != some.end()) {
      throw UsageError(fmt::format("{} {}: {} is there twice", flag, text, word));
    }
    some.push_back(*found);
  }
  return some;
}

/// What is dealt, and every way in which it is.
struct Dealt : ComparedShape {
  attention::Shape shape;                              ///< of a row that ran
  std::vector<std::pair<Partition, KvDelivery>> ways;  ///< of the rows

  void add(Partition partition, KvDelivery delivery) {
    ways.emplace_back(partition, delivery);
    rows.push_back(row(fmt::format("{} {}", name_of(partition), name_of(delivery)),
                       {{partition_flag, name_of(partition)}, {kv_flag, name_of(delivery)}}));
    rows.back().what = {{"partition", name_of(partition)}, {"delivery", name_of(delivery)}};
  }

  void run(const Session& session, Device& device, std::size_t i) {
    const auto& [partition, delivery] = ways[i];
    Attention run;
    settle_as(run, *asked, [&, partition = partition, delivery = delivery] {
      run.config.partition = partition;
      run.config.kv = delivery;
      if (partition != Partition::split_k) run.config.k_parts = 0;
      if (delivery == KvDelivery::dram) run.config.kv_cores = 0;
    });
    run_row(session, device, run, rows[i], false, [&](const report::RunOutcome& outcome) {
      shape = run.shape();
      return figures_of_run(run, outcome);
    });
  }

  void set_gains() {
    for (ComparedRun& row : rows) {
      if (row.ran() && rows.front().ran()) row.figures[".gain"] = rows.front().cycles() / row.cycles();
    }
  }
  [[nodiscard]] std::string line() const {
    return fmt::format("{}{}; {} cores{}", attention::shape_text(shape), shape.causal ? ", causal" : "",
                       report::text_of(asked->options.grid), asked->options.dry_run ? "; dry runs, no numbers" : "");
  }
  [[nodiscard]] std::string text() const {
    const std::string title = best() == nullptr ? flags.varied_text() : line();
    std::string text = fmt::format("Partitions: {}\n{}\n", title, named_table(partition_figures, rows));
    for (const ComparedRun& row : rows) {
      if (!row.ran() || row["fallback"].is_null()) continue;
      text += fmt::format("  {:<26}{} instead: {}\n", row.name, row["used"].text(), row["fallback"].text());
    }
    return text + (best() == nullptr ? "  None runs\n" : fmt::format("  Least device time: {}\n", best()->name));
  }
};
using AllDealt = std::vector<Dealt>;

/// Of several: the winner of each.
std::string winners_of(const AllDealt& all) {
  if (all.size() == 1) return {};
  std::vector<report::Table::Column> columns{{"", 1}};
  const auto flags = flag_columns(all.front().flags.varied, 1);
  columns.insert(columns.end(), flags.begin(), flags.end());
  columns.insert(columns.end(), {{"device time", 14}, {"gain", 8}, {"   partition and K/V", -30}});
  const report::Table table(columns);
  std::string text = "\nLeast device time of each\n" + table.head();
  for (const Dealt& one : all) {
    std::vector<std::string> cells{""};
    for (const SweepPoint::Flag& flag : one.flags.varied) cells.push_back(flag.value);
    const ComparedRun* best = one.best();
    if (best == nullptr) {
      text += table.row(cells, "  none runs");
      continue;
    }
    const Value& gain = (*best)[".gain"];
    cells.insert(cells.end(), {report::duration_text(best->seconds()),
                               gain.is_null() ? "-" : fmt::format("{:.2f}x", gain.number()), "   " + best->name});
    text += table.row(cells);
  }
  return text;
}

/// Keys: version, command, dry_run, warnings; of one shape grid, shape, rows, winner; of several shapes (flags, grid, shape,
/// winner of each) and rows (a row's `shape` is the index).
Value partition_report(const AllDealt& all) {
  const Dealt& first = all.front();
  Value figures{{"version", report::program_version()},
                {"command", "compare-partitions"},
                {"dry_run", first.asked->options.dry_run},
                {"warnings", report::faults_of(faults_of_shapes(all))}};
  report::Array shapes;
  shapes.reserve(all.size());
  for (const Dealt& one : all) {
    shapes.push_back({{"flags", one.flags.varied_figures()},
                      {"grid", report::text_of(one.asked->options.grid)},
                      {"shape", one.best() == nullptr ? Value() : attention_shape_figures(one.shape)},
                      {"winner", one.winner()}});
  }
  const report::Array rows = rows_of(all, all.size() > 1);
  if (all.size() > 1) {
    figures["shapes"] = shapes;
    figures["rows"] = rows;
    return figures;
  }
  figures["grid"] = report::text_of(first.asked->options.grid);
  figures["shape"] = attention_shape_figures(first.shape);
  figures["rows"] = rows;
  figures["winner"] = first.winner();
  return figures;
}

struct ComparePartitions : ComparisonOutput {
  std::string partitions, deliveries;

  ComparePartitions() {
    flags.add(partition_flag, "LIST", "Those to compare, commas between [all]", partitions);
    flags.add(kv_flag, "LIST", "Deliveries of K and V to compare, commas between; of one, it and dram [dram]", deliveries);
  }

  [[nodiscard]] AllDealt all_dealt(const std::vector<std::string>& arguments) const {
    const std::vector<Partition> ways = partitions.empty() ? std::vector(all_partitions.begin(), all_partitions.end())
                                                           : listed(partition_flag, partitions, all_partitions);
    std::vector<KvDelivery> kvs = listed(kv_flag, deliveries.empty() ? name_of(KvDelivery::dram) : deliveries, all_kvs);
    if (kvs.size() == 1 && kvs.front() != KvDelivery::dram) kvs.insert(kvs.begin(), KvDelivery::dram);
    refuse_for_rows(arguments, {}, "compare-partitions");
    std::vector<SweepPoint> points{{arguments, {}, {}}};
    if (has_lists(arguments)) points = sweep_points("attention", Attention().flags(), arguments, false);
    AllDealt all;
    for (SweepPoint& point : points) {
      Dealt& one = all.emplace_back();
      point.arguments.push_back(fmt::format("{}={}", kv_flag, name_of(kvs.back())));  // for what goes with it
      one.ask(std::move(point));
      for (const Partition partition : ways) {
        for (const KvDelivery delivery : kvs) one.add(partition, delivery);
      }
    }
    return all;
  }

  int report(const Session& session, AllDealt& all) const {
    ComparisonPage shown{"Partitions of the work", {}, partition_figures, {}};
    std::string text;
    bool ran = false, wrong = false;
    for (Dealt& one : all) {
      one.set_gains();
      ran = ran || one.best() != nullptr;
      wrong = wrong || any_wrong(one.rows);
      text += (text.empty() ? "" : "\n") + one.text();
      for (const ComparedRun& row : one.rows) shown.rows.push_back(&row);
    }
    if (!ran) throw UsageError(all.front().rows.front().refusal);
    if (all.size() == 1) shown.facts.emplace_back("shape", all.front().line());
    if (all.size() > 1) shown.facts.emplace_back("flags", fmt::format("{}", fmt::join(all.front().flags.fixed, " ")));
    const int code = wrong ? workloads::mismatch(session, "outputs are wrong, see the report") : 0;
    publish(text + winners_of(all) + report::faults_text(faults_of_shapes(all)), partition_report(all), shown);
    return code;
  }

  int run(Session& session, const std::vector<std::string>& arguments) const {
    AllDealt all = all_dealt(arguments);
    all.front().asked->register_kernels();
    ManyRuns runs{"compare-partitions", "partitions", progress, {}, &flags, {}, {}, {}};
    std::vector<std::pair<Dealt*, std::size_t>> rows;
    for (Dealt& one : all) {
      runs.asked.push_back(&one.asked->flags());
      for (std::size_t row = 0; row < one.rows.size(); ++row) {
        rows.emplace_back(&one, row);
        runs.sessions.push_back(one.asked->options.session());
      }
    }
    runs.run = [&](Device& device, std::size_t i) { rows[i].first->run(session, device, rows[i].second); };
    runs.report = [&] { return report(session, all); };
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
      "mean, over those of the one with most. Every row is verified; --dry-run for large shapes.\n"
      "Lists of values, commas between, make a table for each combination and one of the winners.",
      "Example: tilegrid compare-partitions --heads 10 --seq 2560 --dim 128 --causal --dry-run\n"
      "         tilegrid compare-partitions --heads 8 --kv-heads 1 --seq 1 --kv-seq 8192 --dim 128 --kv-page 64\n"
      "         tilegrid compare-partitions --heads 8 --kv-heads 8 --seq 2560 --dim 128 --kv multicast-row --dry-run\n"
      "         tilegrid compare-partitions --heads 8 --seq 1024,4096 --dim 128 --partition flat,heads-first,split-k\n"
      "                  --kv dram,chain,multicast-grid --dry-run\n");
  made.takes_rest = true;
  return made;
}

}  // namespace tilegrid::cli
