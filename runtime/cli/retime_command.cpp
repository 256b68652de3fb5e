// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/events/event_log.h"
#include "runtime/cli/arch_arguments.h"
#include "runtime/cli/arguments.h"
#include "runtime/report/device_report.h"
#include "runtime/report/device_report_json.h"
#include "runtime/report/metrics.h"
#include "runtime/report/print_report.h"
#include "runtime/report/run_report.h"

namespace tilegrid::cli {
namespace {

struct Flags {
  std::string file;
  ArchTexts arch;
  std::string view = "none";
  std::string json;
};

/// Speaks only on the host; the other ranks of a launcher find the same errors in silence.
int run_retime(const CLI::App& app, const Flags& flags, bool speaks) {
  refuse_empty_values(app);
  ChosenArchitecture architecture = choose_architecture(flags.arch.arch, flags.arch.sets);
  std::vector<std::string> views = device_metric_names();
  views.emplace_back("none");
  const std::string view = views[parse_word("--view", flags.view, views)];
  std::error_code ignored;
  if (std::filesystem::is_directory(flags.file, ignored)) throw UsageError(fmt::format("{}: is a directory", flags.file));
  const bool to_file = !flags.json.empty() && flags.json != "-";
  if (to_file && speaks) check_output_files({{"--json", flags.json}}, {{"retime", flags.file}});
  const RunLog log = load_log(flags.file);
  // A chip of somebody's own has no name that can be looked up: its file must be given.
  const std::string own = log.launches.empty() ? std::string() : log.launches.front().chip;
  const std::vector<std::string> known = Chip::built_in();
  if (app.count("--arch") == 0 && std::find(known.begin(), known.end(), own) != known.end()) {
    architecture = choose_architecture(own, flags.arch.sets);
  }
  const DeviceReport report = replay_run(log, architecture);
  if (!speaks) return 0;
  const auto text = [&] {
    return fmt::format("{}: {}; grid {}\n", flags.file, log.program, text_of(log.grid)) + device_time_text(report) +
           replay_cost_text(report) + device_view_text(report, view);
  };
  const auto json = [&] {
    return nlohmann::ordered_json{{"version", TILEGRID_VERSION},
                                  {"file", flags.file},
                                  {"program", log.program},
                                  {"grid", text_of(log.grid)},
                                  {"device", device_json(report)}};
  };
  print_report(flags.json, text, json);
  return 0;
}

}  // namespace

Command add_retime_command(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand("retime", "Device time of a run from the event log that --log saved");
  app->allow_extras();
  auto flags = std::make_shared<Flags>();
  app->add_option("FILE", flags->file, "The log")->required()->type_name("");
  add_arch_flags(*app, flags->arch, false);
  std::string views;
  for (const std::string& name : device_metric_names()) views += (views.empty() ? "" : ", ") + name;
  app->add_option("--view", flags->view, fmt::format("Grid view of a figure by core, or none:\n{} [none]", views))
      ->type_name("METRIC");
  app->add_option("--json", flags->json, "Write JSON, as `device` of a run's report; - for standard output alone [none]")
      ->type_name("FILE");
  app->footer("Example: tilegrid attention --log a.log && tilegrid retime a.log --set noc_hop_cycles=18\n" +
              parent.get_footer());
  return {app, [app, flags](Session& session) { return run_retime(*app, *flags, session.is_host()); }};
}

}  // namespace tilegrid::cli
