// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/stopwatch.h"
#include "core/types.h"
#include "runtime/deadlock/blocked_report.h"

namespace tilegrid {

/// Where the cores of a program that runs stand, as a grid of the cores' layout: of each its kernels on BRISC, NCRISC and
/// TRISC, as what they wait for. Below it what the marks mean, the states that most cores are in, with waypoints and lines,
/// and the tile multiplications of the cores. `seconds` since the program began.
[[nodiscard]] std::string status_text(const std::vector<BlockedReport>& cores, GridSize grid, const std::string& program,
                                      double seconds);

/// Shows that on standard error: on a terminal in place of the last one.
class StatusView {
 public:
  StatusView(GridSize grid, std::string program) : grid_(grid), program_(std::move(program)) {}
  void show(const std::vector<BlockedReport>& cores);
  /// The last one goes, where that is possible.
  void clear();

 private:
  GridSize grid_;
  std::string program_;
  std::size_t lines_ = 0;  ///< of what stands there now
  Stopwatch watch_;
};

}  // namespace tilegrid
