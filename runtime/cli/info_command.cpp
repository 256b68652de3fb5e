// SPDX-License-Identifier: Apache-2.0
#include "runtime/cli/info_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "core/simd/dispatch.h"
#include "noc/node.h"
#include "runtime/cli/arguments.h"
#include "runtime/report/report.h"
#include "runtime/task.h"

namespace tilegrid::cli {
namespace {

using Json = nlohmann::ordered_json;

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
  int first_core = 0;
  int cores = 0;
  std::vector<int> banks;
};

std::vector<RankPlace> ask_ranks(const Session& session, Device& device) {
  const auto answers = device.map(task_name, std::vector<std::vector<std::byte>>(static_cast<std::size_t>(device.ranks())));
  // As the session places DRAM: on as many ranks as cores of the host can serve at a time.
  const int bank_owners = std::clamp(session.info().cores, 1, std::min(device.chip().places().banks(), device.ranks()));
  const noc::Placement placement{device.grid(), device.ranks(), bank_owners, device.chip().places().banks()};
  std::vector<RankPlace> places;
  for (int rank = 0; rank < device.ranks(); ++rank) {
    const int first = placement.first_core(rank);
    places.push_back({from_bytes<std::string>(answers[static_cast<std::size_t>(rank)]),
                      first,
                      placement.first_core(rank + 1) - first,
                      {}});
  }
  for (int bank = 0; bank < placement.banks; ++bank) {
    places[static_cast<std::size_t>(placement.rank_of_bank(bank))].banks.push_back(bank);
  }
  return places;
}

std::string core_text(GridSize grid, int index) {
  const LogicalCore at = grid.core(index);
  return fmt::format("({},{})", at.x, at.y);
}

/// One line for ranks of a host that follow each other and have equally many cores.
std::string map_text(GridSize grid, const std::vector<RankPlace>& places) {
  std::string text = fmt::format("{:<12}{:<14}{:<20}{:<20}DRAM banks\n", "ranks", "cores a rank", "cores (x,y)", "host");
  for (std::size_t first = 0; first < places.size();) {
    std::size_t last = first;
    const auto like_first = [&](const RankPlace& place) {
      return place.host == places[first].host && place.cores == places[first].cores;
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
    const std::string ranks = first == last ? std::to_string(first) : fmt::format("{} to {}", first, last);
    const std::string cores = fmt::format("{} to {}", core_text(grid, places[first].first_core),
                                          core_text(grid, places[last].first_core + places[last].cores - 1));
    text += fmt::format("{:<12}{:<14}{:<20}{:<20}{}\n", ranks, places[first].cores, cores, places[first].host,
                        banks.empty() ? "none" : banks);
    first = last + 1;
  }
  return text;
}

Json map_json(GridSize grid, const std::vector<RankPlace>& places) {
  Json list = Json::array();
  for (std::size_t rank = 0; rank < places.size(); ++rank) {
    Json cores = Json::array();
    for (int i = 0; i < places[rank].cores; ++i) {
      const LogicalCore at = grid.core(places[rank].first_core + i);
      cores.push_back({at.x, at.y});
    }
    list.push_back({{"rank", rank}, {"host", places[rank].host}, {"cores", cores}, {"dram_banks", places[rank].banks}});
  }
  return list;
}

int run_info(const Session& session, Device& device, bool as_json) {
  const std::vector<RankPlace> places = ask_ranks(session, device);
  std::set<std::string> hosts;
  for (const RankPlace& place : places) hosts.insert(place.host);
  const std::string mpi = session.uses_mpi() ? session.info().library : "not initialised (no launcher)";
  const char* yields = session.info().yields_when_idle ? "yes" : "no";
  if (as_json) {
    const Json json{{"version", TILEGRID_VERSION},
                    {"build", build_type},
                    {"compiler", "GCC-compatible " __VERSION__},
                    {"simd", simd_target_name()},
                    {"mpi", session.uses_mpi() ? Json(mpi) : Json()},
                    {"yields_when_idle", session.uses_mpi() ? Json(session.info().yields_when_idle) : Json()},
                    {"grid", text_of(device.grid())},
                    {"ranks", device.ranks()},
                    {"hosts", hosts},
                    {"map", map_json(device.grid(), places)}};
    put(json.dump(2) + "\n");
  } else {
    std::string text;
    const auto line = [&](const char* name, const auto& value) { text += fmt::format("{:<18}{}\n", name, value); };
    line("tilegrid", TILEGRID_VERSION);
    line("build", build_type);
    line("compiler", "GCC-compatible " __VERSION__);
    line("SIMD target", simd_target_name());
    line("MPI", mpi);
    if (session.uses_mpi()) line("yields when idle", yields);
    line("grid", text_of(device.grid()) + fmt::format(" ({} cores)", device.grid().cores()));
    line("ranks", device.ranks());
    line("hosts", hosts.size());
    put(text + "\n" + map_text(device.grid(), places));
  }
  flush_output();
  return 0;
}

}  // namespace

void register_info_task() { register_task(task_name, &host_task); }

Command add_info_command(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand("info", "Version, SIMD target, MPI, and how ranks map to cores and hosts");
  app->allow_extras();
  struct Flags {
    std::string grid = "8x10";
    bool json = false;
  };
  auto flags = std::make_shared<Flags>();
  app->add_option("--grid", flags->grid, "Cores: columns x rows [8x10]")->type_name("XxY");
  app->add_flag("--json", flags->json, "Print JSON, with a list by rank [off]")->disable_flag_override();
  return {app, [flags](Session& session) {
            return session.run({.grid = parse_grid("--grid", flags->grid)},
                               [&](Device& device) { return run_info(session, device, flags->json); });
          }};
}

}  // namespace tilegrid::cli
