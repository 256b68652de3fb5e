// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/events/event_log.h"
#include "kernels/program.h"
#include "runtime/control_tree.h"
#include "runtime/program_host.h"
#include "runtime/protocol.h"

namespace tilegrid {

/// What a launch left behind. `cores` by core index, `ranks` by rank.
struct RunResult {
  std::vector<CoreCounters> cores;
  std::vector<CoreHostCost> core_hosts;
  std::vector<RankHostCost> ranks;
  LaunchLog log;                            ///< without cores when not recorded; they share one store of blocks
  std::vector<checks::Finding> findings{};  ///< warnings of the checks, by core
  double wall_seconds = 0;                  ///< on the host, from the launch to the last result
  Chip chip{};                              ///< that it ran on
};

/// One launch from the host's view: the program goes out to all ranks, runs, and what they hand in comes back.
class Launch {
 public:
  Launch(ControlChannel& control, const LaunchCommand& command) : control_(control), command_(command) {}

  /// Returns how the program ended, once all ranks have handed in their results.
  EndReason run(const HostHooks& hooks);

  /// What kernels printed, by core and RISC: the same text on any number of ranks. Moved out.
  [[nodiscard]] std::string take_output();

  /// What the checks found, by rank and core.
  [[nodiscard]] std::vector<checks::Finding> take_findings();
  /// After EndReason::failed: the error of the first core. Several ranks may fail before the end of the program reaches
  /// them.
  [[nodiscard]] ErrorReport first_error() const;
  /// Throws it, a kernel's with `warnings` behind its findings.
  [[noreturn]] void throw_first_error(const std::vector<checks::Finding>& warnings) const;
  /// After EndReason::deadlock: who waits for what.
  [[nodiscard]] std::vector<BlockedReport> blocked() const;
  /// After EndReason::finished: counters, costs and logs of all cores. The ranks' parts are moved out.
  [[nodiscard]] RunResult take_result();

 private:
  ControlChannel& control_;
  const LaunchCommand& command_;
  GatheredResults results_;
};

}  // namespace tilegrid
