// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "runtime/protocol.h"
#include "runtime/termination.h"

namespace tilegrid {

/// What the host hears of a program while it runs.
struct HostHooks {
  std::function<void(std::uint64_t)> on_progress{};  ///< tile multiplications so far on all ranks, about twice a second
  double look_seconds = 0;                           ///< between looks at the cores; 0: only when SIGUSR1 asks for one
  std::function<void(const std::vector<BlockedReport>&)> on_look{};  ///< where the cores stand, in their order
};

/// The host's side of a program that runs: hears what all ranks together report, and tells them once when and how it has
/// ended.
class ProgramHost {
 public:
  ProgramHost(ControlChannel& control, HostHooks hooks);

  /// A message to the host; any that is not about the program is an error here.
  void handle(const ControlMessage& message);
  /// Asks the ranks where their cores stand when it is time for that, or somebody wants to know.
  void look_if_due(std::chrono::steady_clock::time_point now);
  /// Errors of ranks that could not begin the program.
  [[nodiscard]] const std::vector<ErrorReport>& errors() const { return errors_; }

 private:
  void end(std::optional<EndReason> reason);
  void show(LookAnswer answer);

  ControlChannel& control_;
  HostHooks hooks_;
  TerminationDetector detector_;
  bool ended_ = false;
  std::vector<ErrorReport> errors_;
  std::uint32_t question_ = 0;  ///< number of the last look
  bool look_asked_ = false;     ///< and not answered yet
  std::chrono::steady_clock::time_point last_look_ = std::chrono::steady_clock::now();
};

}  // namespace tilegrid
