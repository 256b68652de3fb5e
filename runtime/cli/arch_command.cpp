// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "runtime/cli/commands.h"
#include "runtime/flags/kernel_flags.h"
#include "runtime/report/device_report.h"
#include "runtime/report/table.h"

namespace tilegrid::cli {
namespace {

struct Arch {
  Flags flags;
  std::string arch = "wormhole_b0";
  std::vector<std::string> sets;
  bool json = false;

  Arch() {
    flags.add("NAME|FILE", "", fmt::format("{}, or a file [wormhole_b0]", fmt::join(Chip::built_in(), ", ")), arch);
    flags.add(std::string(set_flag), "KEY=VALUE", "Change a constant; may be repeated", sets);
    flags.add_switch("--json", "Print JSON, which --arch takes as a file", json);
  }

  [[nodiscard]] static std::string text_of(const Chip& chip) {
    std::size_t name = 0, unit = 0;
    for (const auto& [key, parameter] : chip.parameters()) {
      name = std::max(name, key.size());
      unit = std::max(unit, parameter.unit.size());
    }
    const report::Table table({{"", -static_cast<int>(name) - 2}, {"", 12}, {"", -static_cast<int>(unit) - 2}, {"", 0}});
    const GridSize die = chip.places().die();
    std::string text = fmt::format("{}: {} workers on a die of {} nodes, {} DRAM banks; {} parameters; built in: {}\n",
                                   chip.name(), report::text_of(chip.workers()), report::text_of(die), chip.places().banks(),
                                   chip.parameters().size(), fmt::join(Chip::built_in(), ", "));
    for (const auto& [key, parameter] : chip.parameters()) {
      text += table.row({"  " + key, fmt::format("{}", parameter.value), "  " + parameter.unit, "  " + parameter.source});
    }
    return text;
  }

  int run(Session& session, const std::vector<std::string>&) const {
    static_cast<void>(session.load_chip(arch));
    const Chip chip = report::choose_architecture(arch, sets).parameters;
    say(session, json ? chip.json() : text_of(chip));
    return 0;
  }
};

}  // namespace

Command arch_command() {
  return command<Arch>("arch", "Print a chip: its geometry, memories, and the constants of device time");
}

}  // namespace tilegrid::cli
