// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/error.h"
#include "core/events/event_log.h"
#include "core/say.h"
#include "runtime/cli/commands.h"
#include "runtime/flags/kernel_flags.h"
#include "runtime/flags/trace_flags.h"
#include "runtime/page/report_page.h"
#include "runtime/page/timeline.h"
#include "runtime/report/metrics.h"
#include "runtime/report/print.h"
#include "runtime/report/run_report.h"
#include "runtime/report/table.h"

namespace tilegrid::cli {
namespace {

struct Retime {
  Flags flags;
  std::string file, json, page, view = "none", arch = "wormhole_b0";
  std::vector<std::string> sets;
  traces::Options traces;

  Retime() {
    flags.add("FILE", "", "The log", file).reads().required = true;
    add_arch_flags(flags, arch, sets);
    add_view_flag(
        flags.in(""), view,
        fmt::format("Grid view of a figure by core, or none:\n{} [none]", fmt::join(report::metric_names(false), ", ")),
        true);
    add_report_flags(flags, json, "Write JSON, as `device` of a run's report; - for standard output alone [none]", page,
                     "Write a page there that shows it as that of a run does, before and after where the chip is\nanother, "
                     "for any browser (index.html), and its data (report.json) [none]");
    add_trace_flags(flags, traces);
  }

  int run(Session& session, const std::vector<std::string>&) const {
    return session.run_alone([&] { return retime(); });
  }

  /// The replay on the chip that the log was made on, to see beside that on another.
  static void add_before(report::Value& shown, const RunLog& log, const std::string& own,
                         const report::ChosenArchitecture& chip) {
    shown["before"] = device_figures(report::replay_run(log, report::choose_architecture(own, {}), true));
    shown["before_chip"] = own;
    shown["after_chip"] = chip.parameters.name() + (chip.changes.empty() ? "" : " with other constants");
    report::Value& changes = shown["changes"] = report::Array();
    for (const report::ChosenArchitecture::Change& one : chip.changes) {
      changes.push({{"name", one.name}, {"before", one.before}, {"after", one.after}});
    }
  }

  /// On rank 0, which alone reads the log.
  [[nodiscard]] int retime() const {
    report::ChosenArchitecture chip = report::choose_architecture(arch, sets);
    flags.check_paths();
    const RunLog log = load_log(file);
    // A short file can claim any number of events, as loops repeat.
    if (const std::string time = time_for_events(file, event_count(log), "replay"); !time.empty()) say_error(time);
    const bool known_chip = report::is_of_built_in_chip(log);
    const std::string own = report::chip_name_of(log);
    if (!flags.given(arch_flag) && known_chip) chip = report::choose_architecture(own, sets);
    traces::Traces writing(traces, log);
    page::Timeline timeline;
    timing::Observers all;
    if (!page.empty()) all.add(timeline);
    if (writing.observer() != nullptr) all.add(*writing.observer());
    const report::DeviceReport done = report::replay_run(log, chip, true, all.empty() ? nullptr : &all);
    const std::string failure = writing.finish();
    const report::Value device = device_figures(done);
    std::string text = fmt::format("{}: {}; grid {}\n", file, log.program, report::text_of(log.grid)) +
                       device_time_text(device) + replay_cost_text(device) + device_view_text(done, view);
    report::Value figures{{"file", file}, {"program", log.program}, {"grid", report::text_of(log.grid)}, {"device", device}};
    report::print_report(
        json, [&] { return text; }, [&] { return figures; });
    if (!page.empty()) {
      report::Value shown = page::of_log(done, timeline.figures());
      shown["facts"] = report::Array{report::Array{"log", file}, report::Array{"program", log.program},
                                     report::Array{"grid", report::text_of(log.grid)},
                                     report::Array{"chip", done.architecture.parameters.name()}};
      shown["text"] = text;
      shown["report"].add(figures);
      shown["report"] = report::versioned(shown["report"]);
      if (known_chip && (own != chip.parameters.name() || !chip.changes.empty())) add_before(shown, log, own, chip);
      page::write(page, shown);
    }
    if (!failure.empty()) throw UsageError(failure);
    return 0;
  }
};

}  // namespace

Command retime_command() {
  return command<Retime>("retime", "Device time of a run from the event log that --log saved",
                         "Example: tilegrid attention --log a.log && tilegrid retime a.log --set noc_hop_cycles=18\n");
}

}  // namespace tilegrid::cli
