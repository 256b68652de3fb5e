// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/flags/flags.h"
#include "runtime/report/value.h"

namespace tilegrid {

/// One combination of flags.
struct SweepPoint {
  struct Flag {
    std::string name;
    std::string value;
  };
  std::vector<std::string> arguments;  ///< of the command
  std::vector<Flag> varied;            ///< those with more than one value
  std::vector<std::string> fixed;      ///< the others as they were given; the same for all points

  /// "--seq 1024 --dim 64"; "these flags" when none varies.
  [[nodiscard]] std::string varied_text() const;
  /// Values by name.
  [[nodiscard]] report::Value varied_figures() const;
};

/// The flag of a workload that a sweep adds.
inline constexpr std::string_view dry_run_flag = "--dry-run";

/// More are refused.
inline constexpr std::size_t most_sweep_points = 10000;

/// All combinations of flags with lists of values; the last flag varies fastest. Of dry runs, --dry-run is added, and flags
/// that make no difference to one are refused; without `dry` any flag can have a list. Throws UsageError for a flag that
/// `command` does not have (with the nearest) or that a sweep has no use for, a flag that is given twice, an empty value,
/// and for too many combinations. The values are not looked at.
[[nodiscard]] std::vector<SweepPoint> sweep_points(const std::string& command, const Flags& flags,
                                                   const std::vector<std::string>& arguments, bool dry = true);

}  // namespace tilegrid
