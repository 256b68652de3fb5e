// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <set>

#include "core/simd/dispatch.h"
#include "noc/node.h"
#include "runtime/cli/commands.h"
#include "runtime/hosts/host_survey.h"
#include "runtime/hosts/rank_map.h"
#include "runtime/report/checks_report.h"
#include "runtime/report/print.h"
#include "runtime/report/table.h"

namespace tilegrid::cli {
namespace {

using report::Value;

#ifdef NDEBUG
constexpr const char* build_type = "optimised, assertions off";
#else
constexpr const char* build_type = "assertions on";
#endif

std::string text_of(const Value& info) {
  std::string text;
  const auto line = [&](const char* name, const std::string& value) { text += fmt::format("{:<18}{}\n", name, value); };
  const bool mpi = !info["mpi"].is_null();
  for (const char* key : {"version", "revision", "build", "compiler"}) {
    line(key == std::string("version") ? "tilegrid" : key, info[key].text());
  }
  line("SIMD target", info["simd"].text());
  line("MPI", mpi ? info["mpi"].text() : "not initialised (no launcher)");
  if (mpi) line("yields when idle", info["yields_when_idle"].truth() ? "yes" : "no");
  line("grid", fmt::format("{} ({} cores)", info["grid"].text(), info[".cores"].count()));
  line("ranks", std::to_string(info["ranks"].count()));
  line("hosts", std::to_string(info["hosts"].list().size()));
  text += "\n" + hosts::rank_map_text(info["map"], info[".dealt"].truth());
  return text + (info["survey"].is_null() ? "" : "\n" + hosts::survey_text(info["survey"]));
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

  [[nodiscard]] Value figures(const Session& session, Device& device) const {
    const Value map = hosts::rank_map(device);
    std::set<std::string> names;
    for (const Value& rank : map.list()) names.insert(rank["host"].text());
    const bool mpi = session.uses_mpi();
    Value info{{"build", build_type},
               {"compiler", "GCC-compatible " __VERSION__},
               {"simd", simd_target_name()},
               {"mpi", mpi ? Value(session.info().library) : Value()},
               {"yields_when_idle", mpi ? Value(session.info().yields_when_idle) : Value()},
               {"grid", report::text_of(grid)},
               {".cores", grid.cores()},
               {"ranks", device.ranks()},
               {"hosts", report::Array(names.begin(), names.end())},
               {"map", map},
               {".dealt", device.placement().dealt},
               {"known_faults", report::known_faults()}};
    if (hosts) info["survey"] = hosts::survey_hosts(device);
    return report::versioned(info);
  }

  int run(Session& session, const std::vector<std::string>&) const {
    hosts::register_rank_map();
    hosts::register_survey();
    return session.run({.grid = grid}, [&](Device& device) {
      const Value info = figures(session, device);
      report::print_report(
          json ? "-" : "", [&] { return text_of(info); }, [&] { return info; });
      return 0;
    });
  }
};

}  // namespace

Command info_command() { return command<Info>("info", "Version, SIMD target, MPI, and how ranks map to cores and hosts"); }

}  // namespace tilegrid::cli
