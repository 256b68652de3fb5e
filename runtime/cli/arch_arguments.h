// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/chip/chip.h"

namespace tilegrid::cli {

/// Flags as text.
struct ArchTexts {
  std::string arch = "wormhole_b0";
  std::vector<std::string> sets;
  bool no_device_time = false;
};
/// --arch and --set, and --no-device-time where a command can go without.
void add_arch_flags(CLI::App& app, ArchTexts& texts, bool optional);

/// The constants of a chip, with what --set made of them.
struct ChosenArchitecture {
  struct Change {
    std::string name;
    double before = 0;
    double after = 0;
  };
  Chip parameters;
  std::vector<Change> changes;  ///< by name; what was set to the value that it had is none
};
/// Throws UsageError as Chip::load does.
[[nodiscard]] ChosenArchitecture choose_architecture(const std::string& name_or_path, const std::vector<std::string>& sets);
/// None for --no-device-time, with which --set does not go.
[[nodiscard]] std::optional<ChosenArchitecture> architecture_from(const CLI::App& app, const ArchTexts& texts);

/// The chip that the run is on, with or without device time.
[[nodiscard]] Chip chip_from(const ArchTexts& texts);
/// The grid that --grid names, or without it all of the chip. Throws UsageError for one that the chip does not have.
[[nodiscard]] GridSize grid_from(const std::string& text, const Chip& chip);

/// Keys: name, changed ({parameter: {from, to}}).
[[nodiscard]] nlohmann::ordered_json architecture_json(const ChosenArchitecture& architecture);

}  // namespace tilegrid::cli
