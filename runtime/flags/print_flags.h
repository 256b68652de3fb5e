// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/api/printout.h"
#include "runtime/device.h"
#include "runtime/flags/flags.h"

namespace tilegrid {

/// What a user wants to see of what kernels print.
struct PrintOptions {
  std::string cores = "all", riscs = "all";
  std::string file;    ///< empty: standard output
  bool watch = false;  ///< the cores while they run (Device::set_watch)
};

/// --print-cores, --print-riscs, --print-file and --watch.
void add_print_flags(Flags& flags, PrintOptions& options);

/// Cores of a grid by index, in order: "all", "none", or cores and rectangles, "0,0" or "0,0-3,1 7,9" or
/// "(0,0),(1,1)-(2,2)". Throws UsageError, `flag` first, for a core that the grid does not have.
[[nodiscard]] std::vector<int> parse_cores(std::string_view flag, const std::string& text, GridSize grid);
/// Bits of a PrintFilter: "all", "none", or some of BR, NC, TR, TR0, TR1 and TR2, or BRISC, NCRISC, TRISC, with commas or
/// plus signs between them. Throws UsageError.
[[nodiscard]] std::uint8_t parse_riscs(std::string_view flag, const std::string& text);
/// Throws UsageError, which names the flags by these prefixes: "--print-" or "TILEGRID_PRINT_".
[[nodiscard]] PrintFilter print_filter(const PrintOptions& options, GridSize grid, bool environment = false);

/// Seconds between looks at the cores: what TILEGRID_WATCH says, which may be null. Throws UsageError.
[[nodiscard]] double watch_seconds(const char* environment);

/// Where what kernels print goes to: a file, or standard output, or standard error where that one is a report's alone.
class PrintTarget {
 public:
  /// Begins the file anew. Throws UsageError when it can't be written.
  PrintTarget(const PrintOptions& options, bool to_stderr);
  void put(std::string_view text);
  /// Throws UsageError when not everything could be written to the file.
  void finish();

 private:
  std::string path_;
  bool to_stderr_;
  std::ofstream file_;
};

}  // namespace tilegrid
