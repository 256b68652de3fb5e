// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

#include "core/simd/dispatch.h"
#include "noc/node.h"
#include "runtime/cli/commands.h"
#include "runtime/hosts/host_survey.h"
#include "runtime/report/checks_report.h"
#include "runtime/report/print.h"
#include "runtime/report/table.h"
#include "runtime/revision.h"
#include "runtime/task.h"

namespace tilegrid::cli {
namespace {

using report::Value;

constexpr const char* task_name = "info/host";

std::vector<std::byte> host_task(std::span<const std::byte>) {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return to_bytes(std::string(name.data()));
}

#ifdef NDEBUG
constexpr const char* build_type = "optimised, assertions off";
#else
constexpr const char* build_type = "assertions on";
#endif

struct RankPlace {
  std::string host;
  std::vector<int> cores;
  std::vector<int> banks;
};

std::vector<RankPlace> ask_ranks(Device& device) {
  const auto answers = device.map(task_name, std::vector<std::vector<std::byte>>(device.ranks()));
  const noc::Placement& placement = device.placement();
  std::vector<RankPlace> places;
  for (int rank = 0; rank < device.ranks(); ++rank) {
    RankPlace& place = places.emplace_back();
    place.host = from_bytes<std::string>(answers[rank]);
    for (int i = 0; i < placement.cores_of(rank); ++i) place.cores.push_back(placement.core_at(rank, i));
  }
  for (int bank = 0; bank < placement.banks; ++bank) {
    places[placement.rank_of_bank(bank)].banks.push_back(bank);
  }
  return places;
}

/// One line for ranks of a host that follow each other and have equally many cores; dealt ones each have every so many.
std::string map_text(GridSize grid, const std::vector<RankPlace>& places, bool dealt) {
  const auto core_text = [&](int index) { return fmt::format("({},{})", grid.core(index).x, grid.core(index).y); };
  const report::Table table({{"ranks", -12}, {"cores a rank", -14}, {"cores (x,y)", -24}, {"host", -20}, {"DRAM banks", 0}});
  std::string text = table.head();
  for (std::size_t first = 0; first < places.size();) {
    std::size_t last = first;
    const auto like_first = [&](const RankPlace& place) {
      return place.host == places[first].host && place.cores.size() == places[first].cores.size();
    };
    while (last + 1 < places.size() && like_first(places[last + 1])) ++last;
    std::string banks;
    for (std::size_t rank = first; rank <= last; ++rank) {
      const std::vector<int>& own = places[rank].banks;
      if (own.empty()) continue;
      const std::string range =
          own.size() == 1 ? fmt::format("{}", own.front()) : fmt::format("{}-{}", own.front(), own.back());
      banks +=
          fmt::format("{}{}", banks.empty() ? "" : ", ", first == last ? range : fmt::format("{} on rank {}", range, rank));
    }
    text += table.row({first == last ? std::to_string(first) : fmt::format("{} to {}", first, last),
                       std::to_string(places[first].cores.size()),
                       fmt::format("{} to {}{}", core_text(places[first].cores.front()),
                                   core_text(std::max(places[first].cores.back(), places[last].cores.back())),
                                   dealt && places.size() > 1 && places[first].cores.size() > 1 ? ", dealt" : ""),
                       places[first].host, banks.empty() ? "none" : banks});
    first = last + 1;
  }
  return text;
}

Value map_figures(GridSize grid, const std::vector<RankPlace>& places) {
  report::Array list;
  for (std::size_t rank = 0; rank < places.size(); ++rank) {
    report::Array cores;
    for (const int core : places[rank].cores) {
      const LogicalCore at = grid.core(core);
      cores.push_back(report::Array{at.x, at.y});
    }
    list.push_back({{"rank", rank},
                    {"host", places[rank].host},
                    {"cores", cores},
                    {"dram_banks", report::Array(places[rank].banks.begin(), places[rank].banks.end())}});
  }
  return list;
}

struct Info {
  Flags flags;
  GridSize grid{8, 10};
  bool json = false;
  bool hosts = false;

  Info() {
    flags.add("--grid", "XxY", "Cores: columns x rows [$]", grid);
    flags.add_switch("--json", "Print JSON, with a list by rank", json);
    flags.add_switch("--hosts",
                     "Before a long run on a cluster: memory, CPUs and clocks of each host, and what\nmessages cost", hosts);
  }

  int tell(const Session& session, Device& device) const {
    const std::vector<RankPlace> places = ask_ranks(device);
    std::set<std::string> names;
    for (const RankPlace& place : places) names.insert(place.host);
    const Value survey = hosts ? hosts::survey_hosts(device) : Value();
    const bool mpi = session.uses_mpi();
    const char* compiler = "GCC-compatible " __VERSION__;
    std::string text;
    const auto line = [&](const char* name, const auto& value) { text += fmt::format("{:<18}{}\n", name, value); };
    line("tilegrid", report::program_version());
    line("revision", source_revision());
    line("build", build_type);
    line("compiler", compiler);
    line("SIMD target", simd_target_name());
    line("MPI", mpi ? session.info().library : "not initialised (no launcher)");
    if (mpi) line("yields when idle", session.info().yields_when_idle ? "yes" : "no");
    line("grid", fmt::format("{} ({} cores)", report::text_of(grid), grid.cores()));
    line("ranks", device.ranks());
    line("hosts", names.size());
    report::print_report(
        json ? "-" : "",
        [&] {
          return text + "\n" + map_text(grid, places, device.placement().dealt) +
                 (hosts ? "\n" + hosts::survey_text(survey) : "");
        },
        [&]() -> Value {
          Value figures{{"build", build_type},
                        {"compiler", compiler},
                        {"simd", simd_target_name()},
                        {"mpi", mpi ? Value(session.info().library) : Value()},
                        {"yields_when_idle", mpi ? Value(session.info().yields_when_idle) : Value()},
                        {"grid", report::text_of(grid)},
                        {"ranks", device.ranks()},
                        {"hosts", report::Array(names.begin(), names.end())},
                        {"map", map_figures(grid, places)},
                        {"known_faults", report::known_faults()}};
          if (hosts) figures["survey"] = survey;
          return figures;
        });
    return 0;
  }

  int run(Session& session, const std::vector<std::string>&) const {
    register_task(task_name, &host_task);
    hosts::register_survey();
    return session.run({.grid = grid}, [&](Device& device) { return tell(session, device); });
  }
};

}  // namespace

Command info_command() { return command<Info>("info", "Version, SIMD target, MPI, and how ranks map to cores and hosts"); }

}  // namespace tilegrid::cli
