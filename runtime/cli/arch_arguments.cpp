// SPDX-License-Identifier: Apache-2.0
#include "runtime/cli/arch_arguments.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"
#include "runtime/cli/arguments.h"

namespace tilegrid::cli {

void add_arch_flags(CLI::App& app, ArchTexts& texts, bool optional) {
  const char* group = "Device time";
  app.add_option("--arch", texts.arch,
                 fmt::format("The chip: {}, or a file as `tilegrid arch --json` prints\n[wormhole_b0]",
                             fmt::join(Chip::built_in(), ", ")))
      ->type_name("NAME|FILE")
      ->group(group);
  app.add_option("--set", texts.sets, "Change a constant, see `tilegrid arch`; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->group(group);
  if (!optional) return;
  app.add_flag("--no-device-time", texts.no_device_time, "Do not replay the run into device time [off]")
      ->disable_flag_override()
      ->group(group);
}

ChosenArchitecture choose_architecture(const std::string& name_or_path, const std::vector<std::string>& sets) {
  ChosenArchitecture chosen;
  chosen.parameters = Chip::load(name_or_path);
  const Chip before = chosen.parameters;
  for (const std::string& assignment : sets) chosen.parameters.set(assignment);
  for (const auto& [name, parameter] : chosen.parameters.parameters()) {
    const double old = before[name];
    if (parameter.value < old || parameter.value > old) chosen.changes.push_back({name, old, parameter.value});
  }
  return chosen;
}

std::optional<ChosenArchitecture> architecture_from(const CLI::App& app, const ArchTexts& texts) {
  if (!texts.no_device_time) return choose_architecture(texts.arch, texts.sets);
  if (app.count("--set") > 0) throw UsageError("--set: does not go with --no-device-time");
  return std::nullopt;
}

Chip chip_from(const ArchTexts& texts) { return choose_architecture(texts.arch, texts.sets).parameters; }

GridSize grid_from(const std::string& text, const Chip& chip) {
  if (text.empty()) return chip.workers();
  const GridSize grid = parse_grid("--grid", text);
  chip.check_grid(grid, "--grid");
  return grid;
}

nlohmann::ordered_json architecture_json(const ChosenArchitecture& architecture) {
  nlohmann::ordered_json changed = nlohmann::ordered_json::object();
  for (const ChosenArchitecture::Change& change : architecture.changes) {
    changed[change.name] = {{"from", change.before}, {"to", change.after}};
  }
  return {{"name", architecture.parameters.name()}, {"changed", changed}};
}

}  // namespace tilegrid::cli
