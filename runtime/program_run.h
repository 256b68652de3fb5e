// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "kernels/api/context.h"
#include "runtime/protocol.h"

namespace tilegrid {

/// Decides on the host when a program is over, from the ranks' status reports.
///
/// A rank reports when all its fibers have ended, or when it has been idle for a while with fibers blocked. When every
/// rank has ended, so has the program: a kernel does not end before what it issued is acknowledged. When every rank is
/// idle, some with blocked fibers, and as many NoC messages were received as sent, the host asks every rank once more; if
/// no counter has moved, nothing was under way when the second round began, and the program is deadlocked (the
/// four-counter method).
class TerminationDetector {
 public:
  explicit TerminationDetector(int ranks) : reports_(static_cast<std::size_t>(ranks)) {}
  /// Returns the reason when the program is over.
  [[nodiscard]] std::optional<EndReason> on_status(int rank, const StatusReport& report);
  [[nodiscard]] std::optional<EndReason> on_probe_answer(int rank, const StatusReport& report);
  /// True once when a round of probes should be sent.
  [[nodiscard]] bool take_probe_request();

 private:
  [[nodiscard]] bool balanced() const;

  std::vector<StatusReport> reports_;
  int answers_missing_ = 0;
  bool moved_ = false;  ///< since the round of probes began
  bool probe_requested_ = false;
};

/// Runs one program on one rank: sets up its cores, runs their fibers, serves other ranks, until the host says that the
/// program is over. On rank 0 it is also the host's side of that decision.
class ProgramRun {
 public:
  /// `on_progress`, host only: called with tile multiplications done so far on all ranks, about twice a second.
  ProgramRun(ControlChannel& control, const LaunchCommand& launch, std::function<void(std::uint64_t)> on_progress = {});

  /// Returns how the program ended. Control messages that are not about the program are an error here.
  EndReason run();
  /// This rank's part of the result; valid after run().
  [[nodiscard]] RankResult take_result();

 private:
  using Clock = std::chrono::steady_clock;

  void set_up_core(Core& core);
  void set_up_checks(Core& core);
  void check_semaphores(Core& core);
  void check_blocked_waits();
  void start_kernels(Core& core);
  void run_fibers();
  void serve();
  void serve_if_due();
  void handle(const ControlMessage& message);
  void handle_on_host(const ControlMessage& message);
  void end(EndReason reason);
  void report_failure();
  void report_status();
  void report_progress();
  [[nodiscard]] StatusReport status() const;

  ControlChannel& control_;
  noc::Node& node_;
  const LaunchCommand& launch_;
  std::function<void(std::uint64_t)> on_progress_;
  std::vector<std::unique_ptr<KernelContext>> contexts_;
  std::shared_ptr<EventStore> log_store_ = std::make_shared<EventStore>();  ///< of all cores: they repeat each other
  std::unique_ptr<TerminationDetector> detector_;                           ///< host only
  std::optional<EndReason> ended_;
  bool end_sent_ = false;
  std::vector<ErrorReport> errors_;
  StatusReport last_status_;
  bool idle_ = false;
  Clock::time_point start_;
  Clock::time_point idle_since_;
  Clock::time_point last_progress_;
  Clock::time_point last_poll_;
  std::vector<std::uint64_t> progress_;  ///< host only, by rank
  RankHostCost host_;
};

}  // namespace tilegrid
