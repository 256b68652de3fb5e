// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "noc/node.h"
#include "runtime/protocol.h"

namespace tilegrid {

/// What a rank tells the host of a program's end: that all its fibers have ended, or that it has been idle for a while with
/// fibers blocked.
class IdleWatch {
 public:
  explicit IdleWatch(const noc::Node& node) : node_(node) {}

  [[nodiscard]] StatusReport status() const;
  /// The rank runs or has received something.
  void active() { idle_ = false; }
  /// The rank has nothing to do: returns what the host should hear now, if anything.
  [[nodiscard]] std::optional<StatusReport> report();
  /// What the host is told when it asks.
  [[nodiscard]] StatusReport answer();

 private:
  using Clock = std::chrono::steady_clock;

  const noc::Node& node_;
  StatusReport last_;
  bool idle_ = false;
  Clock::time_point idle_since_;
};

/// Decides on the host when a program is over, from the ranks' status reports.
///
/// When every rank has ended, so has the program: a kernel does not end before what it issued is acknowledged. When every
/// rank is idle, some with blocked fibers, and as many NoC messages were received as sent, the host asks every rank once
/// more; if no counter has moved, nothing was under way when the second round began, and the program is deadlocked (the
/// four-counter method).
class TerminationDetector {
 public:
  explicit TerminationDetector(int ranks) : reports_(ranks) {}
  /// Returns the reason when the program is over.
  [[nodiscard]] std::optional<EndReason> on_status(int rank, const StatusReport& report);
  [[nodiscard]] std::optional<EndReason> on_probe_answer(int rank, const StatusReport& report);
  /// True once when a round of probes should be sent.
  [[nodiscard]] bool take_probe_request();

 private:
  [[nodiscard]] bool all_finished() const;
  [[nodiscard]] bool balanced() const;

  std::vector<StatusReport> reports_;
  int answers_missing_ = 0;
  bool moved_ = false;  ///< since the round of probes began
  bool probe_requested_ = false;
};

}  // namespace tilegrid
