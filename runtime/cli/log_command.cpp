// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/events/event_log.h"
#include "runtime/cli/arguments.h"
#include "runtime/report/report.h"

namespace tilegrid::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Flags {
  std::string file;
  std::string core;
  std::string risc;
  std::string limit;
  bool summary = false;
  bool check = false;
  bool json = false;
};

/// Which events to show.
struct Selection {
  int core = -1;  ///< index; -1: all
  int risc = -1;
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
  [[nodiscard]] bool takes(std::size_t core_index, int risc_index) const {
    return (core < 0 || core_index == static_cast<std::size_t>(core)) && (risc < 0 || risc == risc_index);
  }
};

Selection select(const Flags& flags, GridSize grid) {
  Selection selection;
  if (!flags.core.empty()) {
    const LogicalCore core = parse_core("--core", flags.core);
    if (!grid.contains(core)) throw UsageError(fmt::format("--core {}: the log's grid is {}", flags.core, text_of(grid)));
    selection.core = grid.index(core);
  }
  if (!flags.risc.empty()) selection.risc = static_cast<int>(parse_word("--risc", flags.risc, {"brisc", "ncrisc", "trisc"}));
  if (!flags.limit.empty()) selection.limit = parse_unsigned("--limit", flags.limit);
  return selection;
}

/// Calls visit(core index, risc, event, its number in the sequence) for the selected events, at most `left`, and takes them
/// from it.
template <class Visit>
void for_each_event(const LaunchLog& launch, const Selection& selection, std::uint64_t& left, const Visit& visit) {
  for (std::size_t core = 0; core < launch.cores.size(); ++core) {
    for (int risc = 0; risc < risc_count; ++risc) {
      if (!selection.takes(core, risc)) continue;
      std::size_t number = 0;
      for (const Event& event : launch.cores[core].sequence(static_cast<Risc>(risc))) {
        if (left == 0) return;
        --left;
        visit(core, static_cast<Risc>(risc), event, number++);
      }
    }
  }
}

using KindCounts = std::array<std::array<std::uint64_t, event_kind_count>, risc_count>;

KindCounts count_kinds(const RunLog& log, const Selection& selection) {
  KindCounts counts{};
  std::uint64_t left = selection.limit;
  for (const LaunchLog& launch : log.launches) {
    for_each_event(launch, selection, left, [&](std::size_t, Risc risc, const Event& event, std::size_t) {
      ++counts[static_cast<std::size_t>(risc)][static_cast<std::size_t>(event.kind())];
    });
  }
  return counts;
}

void print_summary(const KindCounts& counts) {
  put(fmt::format("{:<18}{:>14}{:>14}{:>14}{:>14}\n", "kind", "BRISC", "NCRISC", "TRISC", "all"));
  std::array<std::uint64_t, risc_count> totals{};
  const auto line = [](const char* name, const std::array<std::uint64_t, risc_count>& row) {
    put(fmt::format("{:<18}{:>14}{:>14}{:>14}{:>14}\n", name, row[0], row[1], row[2], row[0] + row[1] + row[2]));
  };
  for (std::size_t kind = 0; kind < event_kind_count; ++kind) {
    const std::array<std::uint64_t, risc_count> row{counts[0][kind], counts[1][kind], counts[2][kind]};
    for (std::size_t risc = 0; risc < risc_count; ++risc) totals.at(risc) += row.at(risc);
    if (row[0] + row[1] + row[2] > 0) line(name_of(static_cast<EventKind>(kind)), row);
  }
  line("total", totals);
}

Json summary_json(const KindCounts& counts) {
  Json result = Json::object();
  for (std::size_t risc = 0; risc < risc_count; ++risc) {
    Json kinds = Json::object();
    for (std::size_t kind = 0; kind < event_kind_count; ++kind) {
      if (counts.at(risc).at(kind) > 0) kinds[name_of(static_cast<EventKind>(kind))] = counts.at(risc).at(kind);
    }
    result[name_of(static_cast<Risc>(risc))] = kinds;
  }
  return result;
}

void print_events(const RunLog& log, const Selection& selection) {
  std::string block;
  std::uint64_t left = selection.limit;
  for (const LaunchLog& launch : log.launches) {
    if (log.launches.size() > 1) block += fmt::format("{}:\n", launch.name);
    for_each_event(launch, selection, left, [&](std::size_t core, Risc risc, const Event& event, std::size_t number) {
      const LogicalCore at = log.grid.core(static_cast<int>(core));
      block += fmt::format("({},{}) {:<6} {:>8}  {}\n", at.x, at.y, name_of(risc), number, to_text(event, launch.phases));
      if (block.size() < 32768) return;
      put(block);
      block.clear();
    });
  }
  put(block);
}

Json events_json(const RunLog& log, const Selection& selection) {
  Json list = Json::array();
  std::uint64_t left = selection.limit;
  for (std::size_t i = 0; i < log.launches.size(); ++i) {
    for_each_event(log.launches[i], selection, left,
                   [&](std::size_t core, Risc risc, const Event& event, std::size_t number) {
                     const LogicalCore at = log.grid.core(static_cast<int>(core));
                     list.push_back({{"launch", i},
                                     {"core", {at.x, at.y}},
                                     {"risc", name_of(risc)},
                                     {"number", number},
                                     {"kind", name_of(event.kind())},
                                     {"text", to_text(event, log.launches[i].phases)}});
                   });
  }
  return list;
}

/// Speaks only on the host; the other ranks of a launcher find the same exit code in silence.
int run_log(const Flags& flags, bool speaks) {
  std::error_code ignored;
  if (std::filesystem::is_directory(flags.file, ignored)) throw UsageError(fmt::format("{}: is a directory", flags.file));
  const RunLog log = load_log(flags.file);
  const Selection selection = select(flags, log.grid);
  const std::vector<std::string> findings = flags.check ? check_log(log) : std::vector<std::string>{};
  const int code = static_cast<int>(findings.empty() ? ExitCode::ok : ExitCode::kernel);
  if (!speaks) return code;
  const bool events = !flags.summary && !flags.check;
  if (flags.json) {
    Json json{{"file", flags.file}, {"program", log.program}, {"grid", text_of(log.grid)}};
    if (events) json["events"] = events_json(log, selection);
    if (flags.summary) json["summary"] = summary_json(count_kinds(log, selection));
    if (flags.check) json["findings"] = findings;
    put(json.dump(2) + "\n");
  } else {
    put(fmt::format("{}: {}; grid {}\n", flags.file, log.program, text_of(log.grid)));
    if (events) print_events(log, selection);
    if (flags.summary) print_summary(count_kinds(log, selection));
    for (const std::string& finding : findings) put(finding + "\n");
    if (flags.check) put(findings.empty() ? "check: ok\n" : fmt::format("check: {} findings\n", findings.size()));
  }
  flush_output();
  return code;
}

}  // namespace

Command add_log_command(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand("log", "Print, summarise or check an event log that `attention --log` saved");
  app->allow_extras();
  auto flags = std::make_shared<Flags>();
  app->add_option("FILE", flags->file, "The log")->required()->type_name("");
  app->add_option("--core", flags->core, "Only this core: column, row [all]")->type_name("X,Y");
  app->add_option("--risc", flags->risc, "Only this processor: brisc, ncrisc, trisc [all]")->type_name("NAME");
  app->add_option("--limit", flags->limit, "At most so many events [all]")->type_name("N");
  app->add_flag("--summary", flags->summary, "Events by kind instead of the events [off]")->disable_flag_override();
  app->add_flag("--check", flags->check,
                "Check what must hold in a complete log (of all cores); exit code 2 if it does not [off]")
      ->disable_flag_override();
  app->add_flag("--json", flags->json, "Print JSON [off]")->disable_flag_override();
  return {app, [flags](Session& session) { return run_log(*flags, session.is_host()); }};
}

}  // namespace tilegrid::cli
