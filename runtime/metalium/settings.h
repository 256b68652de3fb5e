// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/numerics.h"
#include "core/types.h"
#include "runtime/traces/traces.h"

namespace tilegrid::metalium {

/// What the environment says of a run, or a file that TILEGRID_SETTINGS names (lines "grid = 8x8", "check = race=warn", ...;
/// '#' begins a comment), before which the environment goes. Texts are as they were given: who uses them parses them.
struct Settings {
  std::string grid;                      ///< TILEGRID_GRID, columns x rows; empty: all of the chip
  std::string arch;                      ///< TILEGRID_ARCH: name or file of a chip
  std::vector<std::string> set;          ///< TILEGRID_SET: constants of the chip, key=value,...
  std::string check = "wild";            ///< TILEGRID_CHECK: as --check of the command
  std::string report = "summary";        ///< TILEGRID_REPORT: summary, off or a file for JSON
  std::string log;                       ///< TILEGRID_LOG: a file for the event log
  std::string shake;                     ///< TILEGRID_SHAKE: a seed
  Numerics numerics = default_numerics;  ///< TILEGRID_NUMERICS: exact, rounded or fast
  bool known_faults = false;             ///< TILEGRID_KNOWN_FAULTS=on: in exact numerics, as silicon has them
  bool time = true;                      ///< TILEGRID_TIME=off: without device time
  std::string print_cores = "all";  ///< TILEGRID_PRINT_CORES, or the vendor's TT_METAL_DPRINT_CORES: whose output is shown
  std::string print_riscs = "all";  ///< TILEGRID_PRINT_RISCS, or TT_METAL_DPRINT_RISCVS
  std::string print_file;           ///< TILEGRID_PRINT_FILE, or TT_METAL_DPRINT_FILE: a file for it
  traces::Options
      traces;         ///< TILEGRID_TRACE, _TRACE_CORES, _NOC_TRACE, _NPEVIZ, _PROFILER_CSV: files, and cores in the first
  std::string watch;  ///< TILEGRID_WATCH: seconds between looks at the cores

  /// One text of all, and the reverse: what rank 0 has is what all ranks use.
  [[nodiscard]] std::string to_text() const;
  /// Throws UsageError for a name that is none, or a value that is none of those that it may have; `where` first.
  [[nodiscard]] static Settings from_text(const std::string& text, const std::string& where);
};

/// Throws UsageError, also for a file that can't be written or that two settings name.
[[nodiscard]] Settings settings_of_environment();

}  // namespace tilegrid::metalium
