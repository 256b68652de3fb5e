// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "runtime/cli/arch_arguments.h"
#include "runtime/cli/arguments.h"

namespace tilegrid::cli {
namespace {

struct Flags {
  ArchTexts arch;
  bool json = false;
};

std::string text_of(const ChosenArchitecture& chosen) {
  const auto& parameters = chosen.parameters.parameters();
  std::size_t name_width = 0;
  std::size_t unit_width = 0;
  for (const auto& [name, parameter] : parameters) {
    name_width = std::max(name_width, name.size());
    unit_width = std::max(unit_width, parameter.unit.size());
  }
  const Chip& chip = chosen.parameters;
  const GridSize die = chip.places().die();
  const GridSize workers = chip.workers();
  std::string text = fmt::format("{}: {}x{} workers on a die of {}x{} nodes, {} DRAM banks; {} parameters; built in: {}\n",
                                 chip.name(), workers.x, workers.y, die.x, die.y, chip.places().banks(), parameters.size(),
                                 fmt::join(Chip::built_in(), ", "));
  for (const auto& [name, parameter] : parameters) {
    text += fmt::format("  {:<{}}{:>12}  {:<{}}  {}\n", name, name_width, parameter.value, parameter.unit, unit_width,
                        parameter.source);
  }
  return text;
}

}  // namespace

Command add_arch_command(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand("arch", "Print a chip: its geometry, memories, and the constants of device time");
  app->allow_extras();
  auto flags = std::make_shared<Flags>();
  app->add_option("NAME|FILE", flags->arch.arch,
                  fmt::format("{}, or a file [wormhole_b0]", fmt::join(Chip::built_in(), ", ")))
      ->type_name("");
  app->add_option("--set", flags->arch.sets, "Change a constant; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app->add_flag("--json", flags->json, "Print JSON, which --arch takes as a file [off]")->disable_flag_override();
  return {app, [app, flags](Session& session) {
            refuse_empty_values(*app);
            const ChosenArchitecture chosen = choose_architecture(flags->arch.arch, flags->arch.sets);
            if (session.is_host()) put(flags->json ? chosen.parameters.json() : text_of(chosen));
            flush_output();
            return 0;
          }};
}

}  // namespace tilegrid::cli
