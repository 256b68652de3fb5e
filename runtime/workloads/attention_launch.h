// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "kernels/attention/kernel_args.h"
#include "runtime/device.h"

namespace tilegrid::cli {

/// The programs of the config's kernel, in the order of their launches: one, or three for the unfused kernel, whose score
/// matrix and mask get buffers; the mask is written unless the run is dry. Throws UsageError when something does not fit.
[[nodiscard]] std::vector<Program> make_programs(Device& device, const attention::Config& config,
                                                 const attention::TensorAddresses& addresses, bool dry);

/// What launches left behind together.
struct Launches {
  RunResult result;                     ///< counts and host costs of all launches; the log of the last one
  std::vector<LaunchLog> earlier_logs;  ///< of the ones before, when recorded
};
/// `options.on_progress` gets the tile multiplications since the first launch.
[[nodiscard]] Launches launch_in_order(Device& device, const std::vector<Program>& programs, const LaunchOptions& options);

}  // namespace tilegrid::cli
