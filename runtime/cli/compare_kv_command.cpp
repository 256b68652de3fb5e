// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>

#include "core/error.h"
#include "core/tile.h"
#include "kernels/attention/delivery.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/many_runs.h"
#include "runtime/data/tensors.h"
#include "runtime/flags/sweep_points.h"
#include "runtime/report/checks_report.h"
#include "runtime/report/print.h"
#include "runtime/report/table.h"
#include "runtime/workloads/driver.h"

namespace tilegrid::cli {
namespace {

using attention::Balance;
using report::Value;
using workloads::Attention;

/// One delivery with one balance.
struct Row {
  attention::KvDelivery delivery{};
  Balance balance{};
  std::string refusal;  ///< why there are no figures
  Value figures;
  std::optional<bool> verified;
  std::optional<std::uint64_t> output_hash;
  [[nodiscard]] double cycles() const { return figures["device"]["cycles"].number(); }
};

/// All rows of one shape, with the same chunks: those of the delivery that is estimated to be quickest.
struct Comparison {
  SweepPoint flags;
  std::unique_ptr<Attention> asked;
  attention::Config config;  ///< of the first row
  std::string refusal;       ///< why there are no rows
  std::vector<Row> rows;
  KnownFaults known_faults;
  report::Conversions conversions;

  /// The row with the least device time; null without any.
  [[nodiscard]] const Row* best(std::optional<attention::KvDelivery> of = {}) const {
    const Row* best = nullptr;
    for (const Row& row : rows) {
      if (!row.refusal.empty() || (of && (row.delivery != *of || row.figures["used"].text() != name_of(*of)))) continue;
      if (best == nullptr || row.cycles() < best->cycles()) best = &row;
    }
    return best;
  }
  /// Whether all outputs are the same bits and the verified ones right.
  [[nodiscard]] bool passed() const {
    std::optional<std::uint64_t> hash;
    for (const Row& row : rows) {
      if (!row.verified.value_or(true)) return false;
      if (!row.output_hash) continue;
      if (hash && hash != row.output_hash) return false;
      hash = row.output_hash;
    }
    return true;
  }
};

const char* text_of(Balance balance) { return balance == Balance::zigzag ? "zigzag" : "contiguous"; }

/// Of Q, as far as it is read.
std::uint64_t q_bytes(const attention::Config& config) {
  const attention::Shape& shape = config.shape;
  const int rows = shape.seq_q - attention::blind_chunks_of(config) * config.q_chunk;
  return matrix_bytes(shape.batch * shape.heads, rows, shape.dim, config.format.q);
}

Value figures_of(const Attention& run, const report::RunOutcome& outcome) {
  const report::DeviceReport& device = *outcome.device;
  const timing::DeviceSummary& summary = device.summary;
  const auto stall = [](const timing::CoreTime& core) {
    return core.starved.at(attention::cb_k) + core.starved.at(attention::cb_v);
  };
  double worst = 0;
  for (const timing::CoreTime& core : summary.cores) worst = std::max(worst, stall(core));
  std::uint64_t messages = 0, bytes = 0;
  for (const RankHostCost& rank : outcome.result.ranks) {
    messages += rank.messages;
    bytes += rank.bytes;
  }
  const std::uint64_t read = bytes_of(outcome, TransferKind::dram_read);
  const double cycles = device.time.cycles;
  const double mean = stall(summary.mean);
  return {{"used", name_of(run.config.delivery)},
          {"fallback", report::text_or_null(fallback_reason(run.config))},
          {"team", attention::team_text(run.config)},
          {"cores", run.config.team.cores()},
          {"device",
           {{"cycles", cycles},
            {"seconds", device.time.seconds},
            {"tflops", device.time.tflops},
            {"peak_share", device.time.peak_share},
            {"bound", report::name_of(summary.limits[0].kind, device.program)}}},
          {"dram_bytes", read - q_bytes(run.config)},  // each Q chunk is read once, by its core
          {"dram_total_bytes", read + bytes_of(outcome, TransferKind::dram_write)},
          {"noc_byte_hops", summary.bytes_times_hops},
          {"max_link_share", summary.links.empty() ? 0 : summary.links.front().busy / summary.cycles},
          {"kv_stall", {{"mean", mean}, {"worst", worst}, {"mean_share", mean / cycles}, {"worst_share", worst / cycles}}},
          {"l1_bytes", report::most_l1_bytes(outcome)},
          {"host", {{"seconds", outcome.result.wall_seconds}, {"mpi_messages", messages}, {"mpi_bytes", bytes}}},
          {"verified", run.passed},
          {"output_hash", run.output_hash ? Value(fmt::format("{:016x}", *run.output_hash)) : Value()}};
}

/// The first row chooses the chunks for all.
Row run_row(const Session& session, Device& device, Comparison& comparison, attention::KvDelivery delivery,
            Balance balance) {
  const bool is_first = comparison.rows.empty();
  Row row{delivery, balance, {}, {}, {}, {}};
  Attention run;
  run.ask_as(*comparison.asked);
  run.config.kv = delivery;
  if (delivery == attention::KvDelivery::dram) run.config.kv_cores = 0;
  run.config.balance = balance;
  run.chunks_for_all = is_first;
  run.options.progress = false;
  run.hash_output = !run.options.dry_run;
  if (!is_first) {
    run.config.q_chunk = comparison.config.q_chunk;
    run.config.k_chunk = comparison.config.k_chunk;
    // All outputs must be the same bits: one that is right is enough.
    run.verify = {VerifyMode::off};
  }
  device.free_buffers();
  try {
    const report::RunOutcome outcome = workloads::execute(session, device, run);
    if (is_first) comparison.config = run.config;
    if (is_first) comparison.config.shape = run.shape();
    row.figures = figures_of(run, outcome);
    add(comparison.known_faults, outcome.known_faults);
    if (is_first) comparison.conversions = outcome.conversions;
    row.verified = run.passed;
    row.output_hash = run.output_hash;
  } catch (const UsageError& error) {
    row.refusal = error.message();
  }
  return row;
}

/// Fills in config and rows. Shapes that do not run are refusals, all other errors leave it.
void run_comparison(const Session& session, Device& device, Comparison& comparison) {
  attention::Config asked = comparison.asked->config;
  asked.grid = comparison.asked->options.grid;
  try {
    attention::check_kv_cores(asked);
  } catch (const UsageError& error) {
    comparison.refusal = comparison.asked->flags().with_flags(error.message());
    return;
  }
  std::vector<Balance> balances{Balance::zigzag};
  if (asked.shape.causal) balances.push_back(Balance::contiguous);
  for (const attention::KvDelivery delivery : attention::all_deliveries) {
    for (const Balance balance : balances) {
      Row row = run_row(session, device, comparison, delivery, balance);
      if (comparison.rows.empty() && !row.refusal.empty()) {
        comparison.refusal = row.refusal;
        return;
      }
      comparison.rows.push_back(std::move(row));
    }
  }
}

std::string name_of(const Row& row, bool causal) {
  return fmt::format("{}{}", attention::name_of(row.delivery), causal ? fmt::format(" {}", text_of(row.balance)) : "");
}

std::string shape_text(const Comparison& comparison) {
  const attention::Config& config = comparison.config;
  const attention::Shape& shape = config.shape;
  return fmt::format("{}{}; Q {} and K {} rows a chunk; {} cores", attention::shape_text(shape),
                     shape.causal ? ", causal" : "", config.q_chunk, config.k_chunk, report::text_of(config.grid));
}

std::string rows_text(const Comparison& comparison) {
  const bool causal = comparison.config.shape.causal;
  const report::Table table({{"", -28},
                             {"device time", 12},
                             {"peak", 7},
                             {" bound by", -12},
                             {"K/V DRAM", 11},
                             {"bytes*hops", 11},
                             {"link", 7},
                             {"K/V stall mean", 15},
                             {"worst", 13},
                             {"host s", 9},
                             {"messages", 11},
                             {"bytes", 11}});
  std::string text = table.head();
  std::string notes = "\n";
  for (const Row& row : comparison.rows) {
    const std::string name = name_of(row, causal);
    if (!row.refusal.empty()) {
      text += fmt::format("  {:<26}does not run: {}\n", name, row.refusal);
      continue;
    }
    const Value& device = row.figures["device"];
    const Value& stall = row.figures["kv_stall"];
    const Value& host = row.figures["host"];
    text += table.row(
        {"  " + name, report::duration_text(device["seconds"].number()), report::percent(device["peak_share"].number()),
         " " + device["bound"].text(), report::bytes_text(row.figures["dram_bytes"].number()),
         report::bytes_text(row.figures["noc_byte_hops"].number()), report::percent(row.figures["max_link_share"].number()),
         fmt::format("{} {}", report::grouped(stall["mean"].number()), report::percent(stall["mean_share"].number())),
         report::percent(stall["worst_share"].number()), fmt::format("{:.3f}", host["seconds"].number()),
         report::grouped(host["mpi_messages"].count()), report::bytes_text(host["mpi_bytes"].number())});
    notes += fmt::format("  {:<26}{}; L1 {} bytes", name, row.figures["team"].text(),
                         report::grouped(row.figures["l1_bytes"].count()));
    const std::string& fallback = row.figures["fallback"].text();
    if (!fallback.empty()) notes += fmt::format("; fallback to {}: {}", row.figures["used"].text(), fallback);
    notes += '\n';
  }
  return text + notes;
}

std::string outputs_text(const Comparison& comparison) {
  if (comparison.asked->options.dry_run) return "\n  Dry runs: no numbers, and host cost without data\n";
  const auto verified =
      std::find_if(comparison.rows.begin(), comparison.rows.end(), [](const Row& row) { return row.verified; });
  const char* verdict = "not verified";
  if (verified != comparison.rows.end()) verdict = *verified->verified ? "verified" : "wrong";
  return fmt::format("\n  Outputs {}\n", comparison.passed() ? fmt::format("are the same bits, and {}", verdict)
                                                             : fmt::format("differ, or are wrong: {}", verdict));
}

/// One shape, all rows.
std::string comparison_text(const Comparison& comparison) {
  std::string text = fmt::format("K/V deliveries: {}\n", shape_text(comparison)) + rows_text(comparison);
  text += outputs_text(comparison);
  const bool causal = comparison.config.shape.causal;
  if (const Row* best = comparison.best()) {
    text += fmt::format("  Least device time: {}, {:.2f} times as fast as {}\n", name_of(*best, causal),
                        comparison.rows.front().cycles() / best->cycles(), name_of(comparison.rows.front(), causal));
  }
  return text;
}

/// Neighbours in the sweep that differ in the last flag only, and in the best delivery.
std::string change_text(const Comparison& before, const Comparison& after) {
  const Row* a = before.best();
  const Row* b = after.best();
  const auto& x = before.flags.varied;
  const auto& y = after.flags.varied;
  if (a == nullptr || b == nullptr || a->delivery == b->delivery || x.empty()) return {};
  std::vector<std::string> where;
  for (std::size_t i = 0; i + 1 < x.size(); ++i) {
    if (x[i].value != y[i].value) return {};
    where.push_back(fmt::format("{} {}", x[i].name, x[i].value));
  }
  return fmt::format("  from {} to {} between {} {} and {}{}{}\n", attention::name_of(a->delivery),
                     attention::name_of(b->delivery), x.back().name, x.back().value, y.back().value,
                     where.empty() ? "" : ", at ", fmt::join(where, " "));
}

/// Many shapes: the winner of each, and where it changes.
std::string winners_text(const std::vector<Comparison>& comparisons) {
  const SweepPoint& first = comparisons.front().flags;
  std::string text = fmt::format("K/V deliveries{}{}: {} shapes, dry runs; least device time of each\n",
                                 first.fixed.empty() ? "" : " ", fmt::join(first.fixed, " "), comparisons.size());
  std::vector<report::Table::Column> columns{{"", 1}};
  for (const SweepPoint::Flag& flag : first.varied) {
    columns.push_back({flag.name, static_cast<int>(std::max<std::size_t>(flag.name.size(), 8)) + 1});
  }
  for (const attention::KvDelivery delivery : attention::all_deliveries) {
    columns.push_back({attention::name_of(delivery), 16});
  }
  for (const auto& [title, width] :
       std::initializer_list<std::pair<const char*, int>>{{"   best", -29}, {"gain", 6}, {"Q", 6}, {"K", 6}}) {
    columns.push_back({title, width});
  }
  const report::Table table(columns);
  text += table.head();
  for (const Comparison& comparison : comparisons) {
    std::vector<std::string> cells{""};
    for (const SweepPoint::Flag& flag : comparison.flags.varied) cells.push_back(flag.value);
    const Row* best = comparison.best();
    if (best == nullptr) {
      text += table.row(cells, "  does not run: " + comparison.refusal);
      continue;
    }
    for (const attention::KvDelivery delivery : attention::all_deliveries) {
      const Row* least = comparison.best(delivery);
      cells.push_back(least == nullptr ? "-" : report::duration_text(least->figures["device"]["seconds"].number()));
    }
    cells.push_back("   " + name_of(*best, comparison.config.shape.causal));
    cells.push_back(fmt::format("{:.2f}x", comparison.rows.front().cycles() / best->cycles()));
    cells.push_back(std::to_string(comparison.config.q_chunk));
    cells.push_back(std::to_string(comparison.config.k_chunk));
    text += table.row(cells);
  }
  std::string changes;
  for (std::size_t i = 1; i < comparisons.size(); ++i) changes += change_text(comparisons[i - 1], comparisons[i]);
  return text + (changes.empty() ? "The best delivery is the same along the last flag\n" : "The best delivery changes\n") +
         changes;
}

Value shape_figures(const Comparison& comparison) {
  const attention::Config& config = comparison.config;
  const attention::Shape& shape = config.shape;
  Value winner;
  if (const Row* best = comparison.best()) {
    winner = {
        {"delivery", attention::name_of(best->delivery)}, {"balance", text_of(best->balance)}, {"cycles", best->cycles()}};
  }
  return {{"flags", comparison.flags.varied_figures()},
          {"grid", report::text_of(config.grid)},
          {"batch", shape.batch},
          {"heads", shape.heads},
          {"kv_heads", shape.kv_heads},
          {"seq", shape.seq_q},
          {"kv_seq", shape.seq_kv},
          {"dim", shape.dim},
          {"v_dim", shape.value_dim()},
          {"scale", shape.score_scale()},
          {"causal", shape.causal},
          {"q_chunk", config.q_chunk},
          {"k_chunk", config.k_chunk},
          {"winner", winner},
          {"refusal", report::text_or_null(comparison.refusal)}};
}

/// Keys: command, dry_run, warnings, shapes (one for each comparison: flags, config, winner, refusal), rows (of all
/// shapes; a row's `shape` is the index).
Value figures_of(const std::vector<Comparison>& comparisons) {
  report::Array shapes, rows;
  for (std::size_t i = 0; i < comparisons.size(); ++i) {
    shapes.push_back(shape_figures(comparisons[i]));
    for (const Row& row : comparisons[i].rows) {
      Value figures{{"shape", i},
                    {"delivery", attention::name_of(row.delivery)},
                    {"balance", text_of(row.balance)},
                    {"refusal", report::text_or_null(row.refusal)}};
      for (const report::Member& figure : row.figures.members()) figures[figure.name] = figure.value;
      rows.push_back(figures);
    }
  }
  return {{"command", "compare-kv"},
          {"dry_run", comparisons.front().asked->options.dry_run},
          {"warnings", report::faults_of(faults_of(comparisons))},
          {"converted", report::conversions_of(comparisons.front().conversions)},
          {"shapes", shapes},
          {"rows", rows}};
}

/// Whether a flag has several values: --seq 1024,2048.
bool has_lists(const std::vector<std::string>& arguments) {
  constexpr std::array<std::string_view, 5> others{"--q", "--k", "--v", "--arch", "--check"};
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::size_t equals = arguments[i].find('=');
    const std::string name = arguments[i].substr(0, equals);
    if (std::find(others.begin(), others.end(), name) != others.end()) {
      if (equals == std::string::npos) ++i;
      continue;
    }
    if (arguments[i].find(',') != std::string::npos) return true;
  }
  return false;
}

struct CompareKv {
  Flags flags;
  std::string json;
  bool progress = true;

  CompareKv() {
    flags.add("--json", "FILE", "Write the rows there; - for standard output alone [none]", json).writes();
    flags.add_switch("--no-progress", "No progress line on a terminal", progress, false);
  }

  static std::vector<Comparison> comparisons_of(std::vector<std::string> arguments) {
    // Flags of attention that a comparison sets itself, or has no use for.
    constexpr std::array<std::string_view, 14> unfit{
        "--kv",          "--balance",   "--kernel",          "--steps",          "--out",
        "--log",         "--split",     "--compare-kernels", "--no-device-time", "--trace",
        "--trace-cores", "--noc-trace", "--npeviz",          "--profiler-csv"};
    refuse_arguments(arguments, unfit, "compare-kv");
    std::vector<SweepPoint> points{{arguments, {}, {}}};
    if (has_lists(arguments)) {
      std::erase(arguments, "--dry-run");  // which they are
      points = sweep_points("attention", Attention().flags(), arguments);
    }
    std::vector<Comparison> comparisons;
    for (SweepPoint& point : points) {
      Comparison& one = comparisons.emplace_back();
      one.asked = std::make_unique<Attention>();
      parse_flags(one.asked->flags(), point.arguments);
      one.asked->settle();
      one.flags = std::move(point);
    }
    return comparisons;
  }

  static int exit_code(const Session& session, const std::vector<Comparison>& comparisons) {
    const auto ran = [](const Comparison& one) { return one.best() != nullptr; };
    if (std::none_of(comparisons.begin(), comparisons.end(), ran)) {
      throw Error(ExitCode::kernel, fmt::format("none of {} shapes runs, see the report", comparisons.size()));
    }
    const auto passed = [](const Comparison& one) { return one.passed(); };
    if (std::all_of(comparisons.begin(), comparisons.end(), passed)) return 0;
    return workloads::mismatch(session, "outputs are wrong, or are not the same bits, see the report");
  }

  int run(Session& session, const std::vector<std::string>& arguments) const {
    std::vector<Comparison> comparisons = comparisons_of(arguments);
    comparisons.front().asked->register_kernels();
    ManyRuns runs{"compare-kv", "shapes", progress, {}, &flags, {}, {}, {}};
    for (const Comparison& one : comparisons) {
      runs.sessions.push_back(one.asked->options.session());
      runs.asked.push_back(&one.asked->flags());
    }
    runs.run = [&](Device& device, std::size_t i) { run_comparison(session, device, comparisons[i]); };
    runs.report = [&] {
      if (comparisons.size() == 1 && !comparisons.front().refusal.empty()) throw UsageError(comparisons.front().refusal);
      report::print_report(
          json,
          [&] {
            const bool one = comparisons.size() == 1;
            return (one ? comparison_text(comparisons.front()) : winners_text(comparisons)) +
                   report::faults_text(faults_of(comparisons)) + report::conversions_text(comparisons.front().conversions);
          },
          [&] { return figures_of(comparisons); });
      return exit_code(session, comparisons);
    };
    return run_all(session, runs);
  }
};

}  // namespace

Command compare_kv_command() {
  Command made = command<CompareKv>(
      "compare-kv",
      "Compare the ways in which K and V come to the cores: --kv dram, chain, multicast-row and multicast-grid, with\n"
      "zigzag and contiguous balance when causal. Takes the flags of `tilegrid attention`; all rows have the same chunks,\n"
      "by default those of the delivery that is estimated to be quickest.\n"
      "Runs in full, for the host's cost and to see that all outputs are the same bits; --dry-run for large shapes.\n"
      "Lists of values, comma between, make dry runs of all combinations and a table of the winners.",
      "Example: tilegrid compare-kv --heads 8 --kv-heads 1 --seq 2560 --dim 128 --json kv.json && scripts/plot kv.json\n"
      "         tilegrid compare-kv --dim 128 --heads 8,16 --seq 1024,2048,4096,8192\n");
  made.takes_rest = true;
  return made;
}

}  // namespace tilegrid::cli
