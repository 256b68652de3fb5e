// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "core/error.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/many_runs.h"
#include "runtime/flags/sweep_points.h"
#include "runtime/report/checks_report.h"
#include "runtime/report/print.h"
#include "runtime/report/table.h"
#include "runtime/workloads/all.h"
#include "runtime/workloads/driver.h"

namespace tilegrid::cli {
namespace {

using report::Value;

/// One point of the sweep: what it is, then what came of it.
struct Point {
  SweepPoint flags;
  std::unique_ptr<workloads::Workload> workload;  ///< until it has run
  std::string refusal;                            ///< why there are no figures
  Value device;                                   ///< null: did not run
  std::uint64_t l1_bytes = 0;                     ///< of the core with most
  std::uint64_t dram_bytes = 0;                   ///< read and written
  std::vector<workloads::Choice> choices;
  KnownFaults known_faults;
};

void run_point(const Session& session, Device& device, Point& point) {
  device.free_buffers();
  const std::unique_ptr<workloads::Workload> workload = std::move(point.workload);
  try {
    const report::RunOutcome outcome = workloads::execute(session, device, *workload);
    point.l1_bytes = report::most_l1_bytes(outcome);
    point.dram_bytes = bytes_of(outcome, TransferKind::dram_read) + bytes_of(outcome, TransferKind::dram_write);
    point.choices = workload->choices();
    point.known_faults = outcome.known_faults;
    point.device = short_device_figures(*outcome.device);
  } catch (const Error& error) {
    if (error.code() != ExitCode::usage && error.code() != ExitCode::kernel) throw;
    point.refusal = error.message();
  }
}

/// Those with figures by device time, then the others in the order of the sweep.
void rank(std::vector<Point>& points) {
  std::stable_sort(points.begin(), points.end(), [](const Point& a, const Point& b) {
    if (a.device.is_null() || b.device.is_null()) return !a.device.is_null() && b.device.is_null();
    return a.device["seconds"].number() < b.device["seconds"].number();
  });
}

std::vector<std::string> cells_of(const Point& point, std::size_t number) {
  const Value& device = point.device;
  const Value& bound = device["bound"];
  std::vector<std::string> cells{std::to_string(number)};
  for (const SweepPoint::Flag& flag : point.flags.varied) cells.push_back(flag.value);
  for (const std::string& cell :
       {report::duration_text(device["seconds"].number()), fmt::format("{:.2f}", device["tflops"].number()),
        report::percent(device["peak_share"].number()),
        fmt::format("   {}, margin {}", bound["by"].text(), report::percent(bound["margin"].number())),
        report::bytes_text(point.l1_bytes), report::bytes_text(point.dram_bytes)}) {
    cells.push_back(cell);
  }
  for (const workloads::Choice& choice : point.choices) {
    cells.push_back(choice.value.is_text() ? choice.value.text() : std::to_string(choice.value.count()));
  }
  return cells;
}

report::Table table_of(const Point& first) {
  std::vector<report::Table::Column> columns{{"", 4}};
  for (const SweepPoint::Flag& flag : first.flags.varied) {
    columns.push_back({flag.name, static_cast<int>(std::max<std::size_t>(flag.name.size(), 8)) + 2});
  }
  for (const report::Table::Column& column : std::initializer_list<report::Table::Column>{
           {"device time", 13}, {"TFLOP/s", 9}, {"peak", 8}, {"   bound by", -29}, {"L1", 11}, {"DRAM", 11}}) {
    columns.push_back(column);
  }
  for (const workloads::Choice& choice : first.choices) columns.push_back({choice.column, 7});
  return report::Table(columns);
}

std::string table_text(const std::string& command, const std::vector<Point>& points, std::size_t top) {
  const auto ran = static_cast<std::size_t>(
      std::count_if(points.begin(), points.end(), [](const Point& point) { return !point.device.is_null(); }));
  const std::vector<std::string>& fixed = points.front().flags.fixed;
  std::string text = fmt::format("Sweep of {}{}{}: {} configurations, {} ran, by device time; dry runs, no numbers\n",
                                 command, fixed.empty() ? "" : " ", fmt::join(fixed, " "), points.size(), ran);
  const report::Table table = table_of(points.front());
  if (ran > 0) text += table.head();
  for (std::size_t i = 0; i < std::min(ran, top); ++i) text += table.row(cells_of(points[i], i + 1));
  if (ran > top) text += fmt::format("     {} more\n", ran - top);
  for (std::size_t i = ran; i < points.size(); ++i) {
    const std::string flags = points[i].flags.varied_text() + ": ";
    const std::string& why = points[i].refusal;  // which often begins with the same flags
    text += fmt::format("{} {}{}\n", i == ran ? "does not run:" : "             ", why.starts_with(flags) ? "" : flags, why);
  }
  return text + report::faults_text(faults_of(points));
}

Value table_figures(const std::string& command, const std::vector<Point>& points, std::size_t top) {
  report::Array ran, refused;
  for (const Point& point : points) {
    Value figures{{"flags", point.flags.varied_figures()}};
    if (point.device.is_null()) {
      figures["reason"] = point.refusal;
      refused.push_back(figures);
    } else if (ran.size() < top) {
      for (const workloads::Choice& choice : point.choices) figures[choice.key] = choice.value;
      figures["device"] = point.device;
      figures["l1_bytes"] = point.l1_bytes;
      figures["dram_bytes"] = point.dram_bytes;
      ran.push_back(figures);
    }
  }
  const std::vector<std::string>& fixed = points.front().flags.fixed;
  return {{"command", command},
          {"fixed", report::Array(fixed.begin(), fixed.end())},
          {"configurations", ran},
          {"refused", refused},
          {"warnings", report::faults_of(faults_of(points))}};
}

/// The sweep of one workload.
struct Sweep {
  Flags flags;
  workloads::Maker make;
  std::string json;
  std::uint64_t top = std::numeric_limits<std::uint64_t>::max();
  bool progress = true;

  Sweep() {
    flags.add("--json", "FILE", "Write the table there; - for standard output alone [none]", json).writes();
    flags.add("--top", "N", "Show the best N only [all]", [this](const std::string& text) {
      top = parse_unsigned("--top", text);
      if (top == 0) throw UsageError("--top 0: at least one is shown");
    });
    flags.add_switch("--no-progress", "No progress line on a terminal", progress, false);
  }

  /// All of them before the first runs, so that a typing error shows at once.
  [[nodiscard]] std::vector<Point> points_of(const std::vector<std::string>& arguments) const {
    std::vector<Point> points;
    const std::unique_ptr<workloads::Workload> swept = make();
    for (SweepPoint& one : sweep_points(swept->name(), swept->flags(), arguments)) {
      Point& point = points.emplace_back();
      point.workload = make();
      parse_flags(point.workload->flags(), one.arguments);
      point.workload->options.progress = false;
      point.workload->settle();
      point.flags = std::move(one);
    }
    return points;
  }

  int run(Session& session, const std::vector<std::string>& arguments) const {
    std::vector<Point> points = points_of(arguments);
    const std::unique_ptr<workloads::Workload> swept = make();
    swept->register_kernels();
    ManyRuns runs{"sweep", "configurations", progress, {}, &flags, {}, {}, {}};
    for (const Point& point : points) {
      runs.sessions.push_back({.grid = point.workload->options.grid});
      runs.sessions.back().chip = point.workload->options.chip;
      runs.asked.push_back(&point.workload->flags());
    }
    runs.run = [&](Device& device, std::size_t i) { run_point(session, device, points[i]); };
    runs.report = [&]() -> int {
      rank(points);
      report::print_report(
          json, [&] { return table_text(swept->name(), points, top); },
          [&] { return table_figures(swept->name(), points, top); });
      if (!points.front().device.is_null()) return 0;
      throw Error(ExitCode::kernel, fmt::format("none of {} configurations runs; {}: {}", points.size(),
                                                points.front().flags.varied_text(), points.front().refusal));
    };
    return run_all(session, runs);
  }
};

}  // namespace

Command sweep_command() {
  Command sweep{"sweep", "Rank configurations of a command by device time"};
  return of_each_workload(std::move(sweep), "sweep: what to sweep is missing", [](const workloads::Maker& make) {
    const workloads::About about = make()->about();
    Command child = command<Sweep>(
        about.name,
        fmt::format("Any flag of `tilegrid {}` with a list of values, comma between: all combinations run as\n"
                    "dry runs and are ranked by device time; those that do not fit are listed with the reason.\n"
                    "--causal=on,off for a flag without a value, --set KEY=1,2 for a constant",
                    about.name),
        about.sweep_examples + "\n");
    static_cast<Sweep*>(child.owner.get())->make = make;
    return child;
  });
}

}  // namespace tilegrid::cli
