// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/error.h"
#include "core/tile.h"
#include "kernels/attention/delivery.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/comparison.h"
#include "runtime/data/tensors.h"
#include "runtime/report/checks_report.h"
#include "runtime/workloads/driver.h"

namespace tilegrid::cli {
namespace {

using attention::KvDelivery;
using report::Value;
using workloads::Attention;

constexpr const char* balance_flag = "--balance";

const std::vector<Figure> row_figures{
    {"device/seconds", "device time", 12, Kind::seconds, "Device time", Better::least},
    {"device/peak_share", "peak", 7, Kind::share, "Part of the peak", Better::most},
    {"device/bound", " bound by", -12, Kind::text, "Bound by"},
    {"dram_bytes", "K/V DRAM", 11, Kind::bytes, "K and V from DRAM", Better::least},
    {"dram_total_bytes", "", 0, Kind::bytes, "DRAM in all", Better::least},
    {"noc_byte_hops", "bytes*hops", 11, Kind::bytes, "NoC: bytes times hops", Better::least},
    {"max_link_share", "link", 7, Kind::share, "Busiest link", Better::least},
    {".kv_stall", "K/V stall mean", 15},
    {"kv_stall/mean_share", "", 0, Kind::share, "Waits for K and V, mean core", Better::least},
    {"kv_stall/worst_share", "worst", 13, Kind::share, "Waits for K and V, worst core", Better::least},
    {"l1_bytes", "", 0, Kind::bytes, "L1 of a core", Better::least},
    {"host/seconds", "host s", 9, Kind::number, "", Better::neither, "{:.3f}"},
    {"host/mpi_messages", "messages", 11, Kind::count, "MPI messages of the host", Better::least},
    {"host/mpi_bytes", "bytes", 11, Kind::bytes, "MPI bytes of the host", Better::least},
};

/// All rows of one shape, a delivery with a balance each, with the same chunks: those of the delivery that is estimated to
/// be quickest.
struct Shape : ComparedShape {
  attention::Config config;  ///< of the first row
  std::string refusal;       ///< why there are no rows

  /// The best of those with that delivery, where it was not replaced by another.
  [[nodiscard]] const ComparedRun* best_by(KvDelivery delivery) const {
    const std::string name = name_of(delivery);
    return quickest(
        rows, [&](const ComparedRun& row) { return row.what["delivery"].text() == name && row["used"].text() == name; });
  }
  [[nodiscard]] double gain(const ComparedRun& row) const { return rows.front().cycles() / row.cycles(); }
  /// Whether all outputs are the same bits and the verified ones right.
  [[nodiscard]] bool passed() const {
    std::string hash;
    for (const ComparedRun& row : rows) {
      const std::string& own = row["output_hash"].text();
      if (!hash.empty() && !own.empty() && own != hash) return false;
      if (!own.empty()) hash = own;
    }
    return !any_wrong(rows);
  }
};

/// Of Q, as far as it is read.
std::uint64_t q_bytes(const attention::Config& config) {
  const attention::Shape& shape = config.shape;
  const int rows = shape.seq_q - attention::blind_chunks_of(config) * config.q_chunk;
  return matrix_bytes(shape.batch * shape.heads, rows, shape.dim, config.format.q);
}

Value kv_figures(const Attention& run, const report::RunOutcome& outcome) {
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
          {".kv_stall", fmt::format("{} {}", report::grouped(mean), report::percent(mean / cycles))},
          {"l1_bytes", report::most_l1_bytes(outcome)},
          {"host", {{"seconds", outcome.result.wall_seconds}, {"mpi_messages", messages}, {"mpi_bytes", bytes}}},
          {"verified", run.passed},
          {"output_hash", run.output_hash ? Value(fmt::format("{:016x}", *run.output_hash)) : Value()}};
}

/// The first row chooses the chunks for all.
ComparedRun delivered(const Session& session, Device& device, Shape& shape, KvDelivery kv, attention::Balance deal) {
  const bool is_first = shape.rows.empty();
  const std::string delivery = name_of(kv), balance = name_of(deal);
  Attention run;
  settle_as(run, *shape.asked, [&] {
    run.config.kv = kv;
    run.config.balance = deal;
    if (kv == KvDelivery::dram) run.config.kv_cores = 0;
    if (is_first) return;
    run.config.q_chunk = shape.config.q_chunk;
    run.config.k_chunk = shape.config.k_chunk;
    // All outputs must be the same bits: one that is right is enough.
    run.verify.mode = VerifyMode::off;
  });
  run.chunks_for_all = is_first;
  run.hash_output = !run.options.dry_run;
  std::vector<SweepPoint::Flag> own{{kv_flag, delivery}};
  const bool causal = run.config.shape.causal;
  if (causal) own.push_back({balance_flag, balance});
  ComparedRun row = shape.row(causal ? delivery + " " + balance : delivery, own);
  row.what = {{"delivery", delivery}, {"balance", balance}};
  run_row(session, device, run, row, false, [&](const report::RunOutcome& outcome) {
    if (is_first) shape.config = run.config;
    if (is_first) shape.config.shape = run.shape();
    return kv_figures(run, outcome);
  });
  return row;
}

/// Fills in config and rows. Shapes that do not run are refusals, all other errors leave it.
void run_shape(const Session& session, Device& device, Shape& shape) {
  attention::Config asked = shape.asked->config;
  asked.grid = shape.asked->options.grid;
  try {
    attention::check_kv_cores(asked);
  } catch (const UsageError& error) {
    shape.refusal = shape.asked->flags().with_flags(error.message());
    return;
  }
  std::vector<attention::Balance> balances{attention::Balance::zigzag};
  if (asked.shape.causal) balances.push_back(attention::Balance::contiguous);
  for (const KvDelivery delivery : attention::all_deliveries) {
    for (const attention::Balance balance : balances) {
      ComparedRun row = delivered(session, device, shape, delivery, balance);
      if (shape.rows.empty() && !row.ran()) {
        shape.refusal = row.refusal;
        return;
      }
      shape.rows.push_back(std::move(row));
    }
  }
}

std::string shape_text(const Shape& one) {
  const attention::Config& config = one.config;
  return fmt::format("{}{}; Q {} and K {} rows a chunk; {} cores", attention::shape_text(config.shape),
                     config.shape.causal ? ", causal" : "", config.q_chunk, config.k_chunk, report::text_of(config.grid));
}

std::string notes_text(const ComparedRuns& rows) {
  std::string notes = "\n";
  for (const ComparedRun& row : rows) {
    if (!row.ran()) continue;
    notes += fmt::format("  {:<26}{}; L1 {} bytes", row.name, row["team"].text(), report::grouped(row["l1_bytes"].count()));
    const std::string& fallback = row["fallback"].text();
    if (!fallback.empty()) notes += fmt::format("; fallback to {}: {}", row["used"].text(), fallback);
    notes += '\n';
  }
  return notes;
}

std::string outputs_text(const Shape& shape) {
  if (shape.asked->options.dry_run) return "\n  Dry runs: no numbers, and host cost without data\n";
  const auto verified =
      std::find_if(shape.rows.begin(), shape.rows.end(), [](const ComparedRun& row) { return row.verified.has_value(); });
  const char* verdict = "not verified";
  if (verified != shape.rows.end()) verdict = *verified->verified ? "verified" : "wrong";
  return fmt::format("\n  Outputs {}\n", shape.passed() ? fmt::format("are the same bits, and {}", verdict)
                                                        : fmt::format("differ, or are wrong: {}", verdict));
}

/// One shape, all rows.
std::string one_shape_text(const Shape& shape) {
  std::string text = fmt::format("K/V deliveries: {}\n", shape_text(shape)) + named_table(row_figures, shape.rows) +
                     notes_text(shape.rows) + outputs_text(shape);
  if (const ComparedRun* best = shape.best()) {
    text += fmt::format("  Least device time: {}, {:.2f} times as fast as {}\n", best->name, shape.gain(*best),
                        shape.rows.front().name);
  }
  return text;
}

/// Neighbours in the sweep that differ in the last flag only, and in the best delivery.
std::string change_text(const Shape& before, const Shape& after) {
  const ComparedRun* a = before.best();
  const ComparedRun* b = after.best();
  const auto& x = before.flags.varied;
  const auto& y = after.flags.varied;
  if (a == nullptr || b == nullptr || x.empty()) return {};
  const std::string &from = a->what["delivery"].text(), &to = b->what["delivery"].text();
  if (from == to) return {};
  std::vector<std::string> where;
  for (std::size_t i = 0; i + 1 < x.size(); ++i) {
    if (x[i].value != y[i].value) return {};
    where.push_back(fmt::format("{} {}", x[i].name, x[i].value));
  }
  return fmt::format("  from {} to {} between {} {} and {}{}{}\n", from, to, x.back().name, x.back().value, y.back().value,
                     where.empty() ? "" : ", at ", fmt::join(where, " "));
}

/// Many shapes: the winner of each, and where it changes.
std::string winners_text(const std::vector<Shape>& shapes) {
  const SweepPoint& first = shapes.front().flags;
  std::string text = fmt::format("K/V deliveries{}{}: {} shapes, dry runs; least device time of each\n",
                                 first.fixed.empty() ? "" : " ", fmt::join(first.fixed, " "), shapes.size());
  std::vector<report::Table::Column> columns{{"", 1}};
  const auto flags = flag_columns(first.varied, 1);
  columns.insert(columns.end(), flags.begin(), flags.end());
  for (const KvDelivery delivery : attention::all_deliveries) columns.push_back({name_of(delivery), 16});
  columns.insert(columns.end(), {{"   best", -29}, {"gain", 6}, {"Q", 6}, {"K", 6}});
  const report::Table table(columns);
  text += table.head();
  for (const Shape& shape : shapes) {
    std::vector<std::string> cells{""};
    for (const SweepPoint::Flag& flag : shape.flags.varied) cells.push_back(flag.value);
    const ComparedRun* best = shape.best();
    if (best == nullptr) {
      text += table.row(cells, "  does not run: " + shape.refusal);
      continue;
    }
    for (const KvDelivery delivery : attention::all_deliveries) {
      const ComparedRun* least = shape.best_by(delivery);
      cells.push_back(least == nullptr ? "-" : report::duration_text(least->seconds()));
    }
    cells.insert(cells.end(), {"   " + best->name, fmt::format("{:.2f}x", shape.gain(*best)),
                               std::to_string(shape.config.q_chunk), std::to_string(shape.config.k_chunk)});
    text += table.row(cells);
  }
  std::string changes;
  for (std::size_t i = 1; i < shapes.size(); ++i) changes += change_text(shapes[i - 1], shapes[i]);
  return text + (changes.empty() ? "The best delivery is the same along the last flag\n" : "The best delivery changes\n") +
         changes;
}

Value shape_figures(const Shape& one) {
  const attention::Config& config = one.config;
  Value figures{{"flags", one.flags.varied_figures()}, {"grid", report::text_of(config.grid)}};
  figures.add(attention_shape_figures(config.shape));
  figures["q_chunk"] = config.q_chunk;
  figures["k_chunk"] = config.k_chunk;
  figures["winner"] = one.winner();
  figures["refusal"] = report::text_or_null(one.refusal);
  return figures;
}

/// Of the first row.
report::Conversions conversions_of_all(const std::vector<Shape>& shapes) {
  const ComparedRuns& rows = shapes.front().rows;
  return rows.empty() ? report::Conversions() : rows.front().conversions;
}

/// Keys: command, dry_run, warnings, shapes (one for each shape: flags, config, winner, refusal), rows (of all shapes; a
/// row's `shape` is the index).
Value all_figures(const std::vector<Shape>& shapes) {
  report::Array list;
  list.reserve(shapes.size());
  for (const Shape& shape : shapes) list.push_back(shape_figures(shape));
  return {{"command", "compare-kv"},
          {"dry_run", shapes.front().asked->options.dry_run},
          {"warnings", report::faults_of(faults_of_shapes(shapes))},
          {"converted", report::conversions_of(conversions_of_all(shapes))},
          {"shapes", list},
          {"rows", rows_of(shapes, true)}};
}

struct CompareKv : ComparisonOutput {
  static std::vector<Shape> shapes_of(std::vector<std::string> arguments) {
    refuse_for_rows(arguments, {kv_flag, balance_flag}, "compare-kv");
    std::vector<SweepPoint> points{{arguments, {}, {}}};
    if (has_lists(arguments)) {
      std::erase(arguments, dry_run_flag);  // which they are
      points = sweep_points("attention", Attention().flags(), arguments);
    }
    std::vector<Shape> shapes;
    for (SweepPoint& point : points) shapes.emplace_back().ask(std::move(point));
    return shapes;
  }

  static int exit_code(const Session& session, const std::vector<Shape>& shapes) {
    const auto ran = [](const Shape& one) { return one.best() != nullptr; };
    if (std::none_of(shapes.begin(), shapes.end(), ran)) {
      throw Error(ExitCode::kernel, fmt::format("none of {} shapes runs, see the report", shapes.size()));
    }
    if (std::all_of(shapes.begin(), shapes.end(), [](const Shape& one) { return one.passed(); })) return 0;
    return workloads::mismatch(session, "outputs are wrong, or are not the same bits, see the report");
  }

  void report(const std::vector<Shape>& shapes) const {
    const bool one = shapes.size() == 1;
    ComparisonPage shown{"Deliveries of K and V", {}, row_figures, {}};
    if (one) shown.facts.emplace_back("shape", shape_text(shapes.front()));
    if (one) shown.facts.emplace_back("numbers", outputs_text(shapes.front()).substr(3));
    if (!one) shown.facts.emplace_back("flags", fmt::format("{}", fmt::join(shapes.front().flags.fixed, " ")));
    std::vector<ComparedRun> refused;
    for (const Shape& shape : shapes) {
      if (shape.best() == nullptr) {
        ComparedRun& row = refused.emplace_back();
        row.name = row.group = shape.flags.varied_text();
        row.flags = shape.flags;
        row.refusal = shape.refusal;
      }
      for (const ComparedRun& row : shape.rows) shown.rows.push_back(&row);
    }
    for (const ComparedRun& row : refused) shown.rows.push_back(&row);
    publish((one ? one_shape_text(shapes.front()) : winners_text(shapes)) + report::faults_text(faults_of_shapes(shapes)) +
                report::conversions_text(conversions_of_all(shapes)),
            all_figures(shapes), shown);
  }

  int run(Session& session, const std::vector<std::string>& arguments) const {
    std::vector<Shape> shapes = shapes_of(arguments);
    shapes.front().asked->register_kernels();
    ManyRuns runs{"compare-kv", "shapes", progress, {}, &flags, {}, {}, {}};
    for (const Shape& one : shapes) {
      runs.add(*one.asked);
    }
    runs.run = [&](Device& device, std::size_t i) { run_shape(session, device, shapes[i]); };
    runs.report = [&] {
      if (shapes.size() == 1 && !shapes.front().refusal.empty()) throw UsageError(shapes.front().refusal);
      report(shapes);
      return exit_code(session, shapes);
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
