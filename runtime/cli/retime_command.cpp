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
#include "runtime/report/metrics.h"
#include "runtime/report/print.h"
#include "runtime/report/run_report.h"
#include "runtime/report/table.h"

namespace tilegrid::cli {
namespace {

struct Retime {
  Flags flags;
  std::string file, json, view = "none", arch = "wormhole_b0";
  std::vector<std::string> sets;
  traces::Options traces;

  Retime() {
    flags.add("FILE", "", "The log", file).reads().required = true;
    add_arch_flags(flags, arch, sets);
    std::vector<std::string> views = report::metric_names(false);
    flags.in("").add("--view", "METRIC",
                     fmt::format("Grid view of a figure by core, or none:\n{} [none]", fmt::join(views, ", ")),
                     [this, views](const std::string& text) mutable {
                       views.emplace_back("none");
                       if (std::find(views.begin(), views.end(), text) == views.end()) refuse_word("--view", text, views);
                       view = text;
                     });
    flags.add("--json", "FILE", "Write JSON, as `device` of a run's report; - for standard output alone [none]", json)
        .writes();
    add_trace_flags(flags, traces);
  }

  int run(Session& session, const std::vector<std::string>&) const {
    return session.run_alone([&] { return retime(); });
  }

  /// On rank 0, which alone reads the log.
  [[nodiscard]] int retime() const {
    report::ChosenArchitecture chip = report::choose_architecture(arch, sets);
    flags.check_paths();
    const RunLog log = load_log(file);
    // A short file can claim any number of events, as loops repeat.
    if (const std::string time = time_for_events(file, event_count(log), "replay"); !time.empty()) say_error(time);
    // A chip of somebody's own has no name that can be looked up: its file must be given.
    const std::string own = log.launches.empty() ? std::string() : log.launches.front().chip;
    const std::vector<std::string> known = Chip::built_in();
    if (!flags.given("--arch") && std::find(known.begin(), known.end(), own) != known.end()) {
      chip = report::choose_architecture(own, sets);
    }
    traces::Traces writing(traces, log);
    const report::DeviceReport done = report::replay_run(log, chip, true, writing.observer());
    std::string failure;
    writing.finish([&](const std::function<void()>& write) {
      try {
        write();
      } catch (const UsageError& error) {
        if (failure.empty()) failure = error.message();
      }
    });
    const report::Value device = device_figures(done);
    report::print_report(
        json,
        [&] {
          return fmt::format("{}: {}; grid {}\n", file, log.program, report::text_of(log.grid)) + device_time_text(device) +
                 replay_cost_text(device) + device_view_text(done, view);
        },
        [&]() -> report::Value {
          return {{"file", file}, {"program", log.program}, {"grid", report::text_of(log.grid)}, {"device", device}};
        });
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
