// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "runtime/protocol.h"
#include "runtime/termination.h"

namespace tilegrid {

/// The host's side of a program that runs: hears the ranks' reports, and tells all ranks once when and how it has ended.
class ProgramHost {
 public:
  /// `on_progress`: called with tile multiplications done so far on all ranks.
  ProgramHost(ControlChannel& control, std::function<void(std::uint64_t)> on_progress);

  /// A message to the host; any that is not about the program is an error here.
  void handle(const ControlMessage& message);
  /// Errors of ranks that could not begin the program.
  [[nodiscard]] const std::vector<ErrorReport>& errors() const { return errors_; }

 private:
  void end(std::optional<EndReason> reason);

  ControlChannel& control_;
  std::function<void(std::uint64_t)> on_progress_;
  TerminationDetector detector_;
  bool ended_ = false;
  std::vector<ErrorReport> errors_;
  std::vector<std::uint64_t> progress_;  ///< by rank
};

}  // namespace tilegrid
