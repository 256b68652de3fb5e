// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/chip/known_faults.h"
#include "core/rounding_bound.h"
#include "kernels/program.h"
#include "runtime/device.h"

namespace tilegrid {

/// What launches left behind together.
struct Launches {
  RunResult result;                     ///< counts and host costs of all launches; the log of the last one
  std::vector<LaunchLog> earlier_logs;  ///< of the ones before, when recorded
  KnownFaults known_faults;             ///< that they relied on
  NumericsUse numerics;
};
/// Known faults of silicon that a launch's kernels relied on, each core's by its own configuration.
[[nodiscard]] KnownFaults faults_relied_on(const Program& program, const RunResult& result);
/// What a launch's numerics left out, or struck, each core's by its own configuration; of a dry run nothing.
[[nodiscard]] NumericsUse numerics_of(const Program& program, const RunResult& result);
/// Adds a later launch: what is a count adds up, what is a size is the largest; the log is the later one's.
void add(RunResult& sum, RunResult&& more);
/// `options.on_progress` gets the tile multiplications since the first launch.
[[nodiscard]] Launches launch_in_order(Device& device, const std::vector<Program>& programs, const LaunchOptions& options);

}  // namespace tilegrid
