// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/control_tree.h"
#include "runtime/program_cores.h"
#include "runtime/program_host.h"
#include "runtime/protocol.h"
#include "runtime/termination.h"

namespace tilegrid {

/// Runs one program on one rank: starts its cores, runs their fibers, serves other ranks, until the host says that the
/// program is over. What it tells the host goes to the rank above it in the control tree, with what those below it have
/// told; on rank 0 the host's side (ProgramHost) gets what all have told together.
class ProgramRun {
 public:
  /// `hooks`: of the host only.
  ProgramRun(ControlChannel& control, const LaunchCommand& launch, HostHooks hooks = {});

  /// Returns how the program ended. Control messages that are not about the program are an error here.
  EndReason run();
  /// This rank's part of the result; valid after run().
  [[nodiscard]] RankResult take_result();

 private:
  using Clock = std::chrono::steady_clock;

  void start();
  void run_fibers();
  void serve_if_due();
  void handle(const ControlMessage& message);
  void hear(const ControlMessage& message);
  void report_failure();
  void report_status();
  void answer_probe();
  void answer_look();
  void report_progress();

  ControlChannel& control_;
  noc::Node& node_;
  const LaunchCommand& launch_;
  const bool alone_;  ///< no other rank is there to be served
  ProgramCores cores_;
  const ControlTree tree_;
  IdleWatch idle_;
  StatusTree status_;
  ProgressTree progress_;
  LookTree look_;
  std::unique_ptr<ProgramHost> host_;  ///< rank 0 only
  std::optional<EndReason> ended_;
  std::vector<ErrorReport> errors_;
  Clock::time_point last_progress_;
  std::uint64_t told_progress_ = 0;
  Clock::time_point last_poll_;
  RankHostCost cost_;
};

}  // namespace tilegrid
