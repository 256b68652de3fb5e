// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/comparison.h"
#include "runtime/report/checks_report.h"
#include "runtime/workloads/driver.h"

namespace tilegrid::cli {
namespace {

using report::Value;

/// Runs a point; its figures: what it has chosen, device, l1_bytes, dram_bytes.
void run_point(const Session& session, Device& device, std::unique_ptr<workloads::Workload> workload, ComparedRun& row,
               std::vector<workloads::Choice>& choices) {
  run_row(session, device, *workload, row, true, [&](const report::RunOutcome& outcome) {
    Value figures;
    choices = workload->choices();
    for (const workloads::Choice& choice : choices) figures[choice.key] = choice.value;
    figures["device"] = short_device_figures(*outcome.device);
    figures["l1_bytes"] = report::most_l1_bytes(outcome);  // of the core with most
    figures["dram_bytes"] = bytes_of(outcome, TransferKind::dram_read) + bytes_of(outcome, TransferKind::dram_write);
    const Value& bound = figures["device"]["bound"];
    figures[".bound"] = fmt::format("{}, margin {}", bound["by"].text(), report::percent(bound["margin"].number()));
    return figures;
  });
}

/// Those with figures by device time, then the others in the order of the sweep.
void rank(ComparedRuns& rows) {
  std::stable_sort(rows.begin(), rows.end(), [](const ComparedRun& a, const ComparedRun& b) {
    return a.ran() && b.ran() ? a.seconds() < b.seconds() : a.ran() && !b.ran();
  });
}

std::vector<Figure> figures_of(const std::vector<workloads::Choice>& choices) {
  std::vector<Figure> figures{
      {"device/seconds", "device time", 13, Kind::seconds, "Device time", Better::least},
      {"device/tflops", "TFLOP/s", 9, Kind::number, "TFLOP/s", Better::most, "{:.2f}"},
      {"device/peak_share", "peak", 8, Kind::share, "Part of the peak", Better::most},
      {".bound", "   bound by", -29, Kind::text, "Bound by"},
      {"l1_bytes", "L1", 11, Kind::bytes, "L1 of a core", Better::least},
      {"dram_bytes", "DRAM", 11, Kind::bytes, "DRAM, read and written", Better::least},
  };
  for (const workloads::Choice& choice : choices) {
    figures.push_back({choice.key, choice.column, 7, Kind::text, "Chosen: " + choice.column});
  }
  return figures;
}

/// The sweep once it has run, the best first.
struct Swept {
  std::string command;
  ComparedRuns rows;
  std::vector<workloads::Choice> choices;
  std::uint64_t top = std::numeric_limits<std::uint64_t>::max();

  [[nodiscard]] std::size_t ran() const {
    return static_cast<std::size_t>(
        std::count_if(rows.begin(), rows.end(), [](const ComparedRun& row) { return row.ran(); }));
  }
  /// With figures, as far as they are shown.
  [[nodiscard]] std::vector<const ComparedRun*> shown() const {
    std::vector<const ComparedRun*> best;
    for (std::size_t i = 0; i < std::min(ran(), top); ++i) best.push_back(&rows[i]);
    return best;
  }

  [[nodiscard]] std::string text() const {
    const std::vector<std::string>& fixed = rows.front().flags.fixed;
    std::string all = fmt::format("Sweep of {}{}{}: {} configurations, {} ran, by device time; dry runs, no numbers\n",
                                  command, fixed.empty() ? "" : " ", fmt::join(fixed, " "), rows.size(), ran());
    if (ran() > 0) {
      all += flag_table(4, figures_of(choices), shown(),
                        [](const ComparedRun&, std::size_t i) { return std::pair(std::to_string(i + 1), std::string()); });
    }
    if (ran() > top) all += fmt::format("     {} more\n", ran() - top);
    for (std::size_t i = ran(); i < rows.size(); ++i) {
      const std::string flags = rows[i].flags.varied_text() + ": ";
      const std::string& why = rows[i].refusal;  // which often begins with the same flags
      all +=
          fmt::format("{} {}{}\n", i == ran() ? "does not run:" : "             ", why.starts_with(flags) ? "" : flags, why);
    }
    return all + report::faults_text(faults_of(rows));
  }

  [[nodiscard]] Value figures() const {
    report::Array best, refused;
    for (const ComparedRun* row : shown()) {
      best.push_back({{"flags", row->flags.varied_figures()}});
      best.back().add(row->figures);
    }
    for (std::size_t i = ran(); i < rows.size(); ++i) {
      refused.push_back({{"flags", rows[i].flags.varied_figures()}, {"reason", rows[i].refusal}});
    }
    const std::vector<std::string>& fixed = rows.front().flags.fixed;
    return {{"command", command},
            {"fixed", report::Array(fixed.begin(), fixed.end())},
            {"configurations", best},
            {"refused", refused},
            {"warnings", report::faults_of(faults_of(rows))}};
  }

  [[nodiscard]] ComparisonPage page() const {
    ComparisonPage page{"Sweep of " + command, {}, figures_of(choices), shown()};
    page.facts.emplace_back("flags", fmt::format("{}", fmt::join(rows.front().flags.fixed, " ")));
    page.facts.emplace_back(
        "ran", fmt::format("{} of {} configurations, as dry runs; {} are shown", ran(), rows.size(), page.rows.size()));
    for (std::size_t i = ran(); i < rows.size(); ++i) page.rows.push_back(&rows[i]);
    return page;
  }
};

/// The sweep of one workload.
struct Sweep : ComparisonOutput {
  workloads::Maker make;
  std::uint64_t top = std::numeric_limits<std::uint64_t>::max();

  Sweep() : ComparisonOutput("Write the table there; - for standard output alone [none]") {
    flags.add("--top", "N", "Show the best N only [all]", [this](const Given& given) {
      top = parse_unsigned(given.flag, given.text);
      if (top == 0) given.refuse("at least one is shown");
    });
  }

  int run(Session& session, const std::vector<std::string>& arguments) const {
    const std::unique_ptr<workloads::Workload> first = make();
    Swept swept{first->name(), {}, {}, top};
    ManyRuns runs{"sweep", "configurations", progress, {}, &flags, {}, {}, {}};
    // All of them before the first runs, so that a typing error shows at once.
    std::vector<std::unique_ptr<workloads::Workload>> workloads;
    for (SweepPoint& point : sweep_points(swept.command, first->flags(), arguments)) {
      runs.add(*workloads.emplace_back(settled(make, point.arguments)));
      ComparedRun& row = swept.rows.emplace_back();
      row.name = point.varied_text();
      row.flags = std::move(point);
    }
    first->register_kernels();
    runs.run = [&](Device& device, std::size_t i) {
      run_point(session, device, std::move(workloads[i]), swept.rows[i], swept.choices);
    };
    runs.report = [&]() -> int {
      rank(swept.rows);
      publish(swept.text(), swept.figures(), swept.page());
      const ComparedRun& best = swept.rows.front();
      if (best.ran()) return 0;
      throw Error(ExitCode::kernel,
                  fmt::format("none of {} configurations runs; {}: {}", swept.rows.size(), best.name, best.refusal));
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
