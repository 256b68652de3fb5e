// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "noc/node.h"
#include "runtime/protocol.h"

namespace tilegrid {

/// What a rank and those below it in the control tree tell the rank above: that all their fibers have ended, or that all of
/// them are idle with fibers blocked. The counters of a report are sums, of states of several times; each of them only
/// grows, so that two equal sums are of the same counters.
class StatusTree {
 public:
  explicit StatusTree(const std::vector<int>& children);

  /// A rank below has reported, or answered a probe; what a rank sends arrives in order.
  void hear(int child, const StatusReport& report) { below_.at(child) = report; }
  void hear_answer(int child, const StatusReport& report);
  /// What there is to say when this rank is in state `own`; `waited`: it has been idle for long enough for a blocked rank to
  /// say so. Nothing while somebody is busy, and nothing twice.
  [[nodiscard]] std::optional<StatusReport> report(const StatusReport& own, bool waited);
  /// A probe has come, and was handed on. The host sends the next one when this one has been answered.
  void ask();
  /// The answer to it, once, when all below have answered.
  [[nodiscard]] std::optional<StatusReport> answer(const StatusReport& own);

 private:
  [[nodiscard]] StatusReport with_below(StatusReport own) const;

  std::map<int, StatusReport> below_;
  bool asked_ = false;
  std::size_t missing_ = 0;  ///< answers from below
  StatusReport last_;        ///< reported
};

/// How a rank's own fibers and messages stand.
class IdleWatch {
 public:
  explicit IdleWatch(const noc::Node& node) : node_(node) {}

  [[nodiscard]] StatusReport status() const;
  /// Fibers can run.
  void active() { since_ = Clock::now(); }
  /// True when `now`, this rank's state, has been an idle one for a while.
  [[nodiscard]] bool waited(const StatusReport& now);

 private:
  using Clock = std::chrono::steady_clock;

  const noc::Node& node_;
  StatusReport last_;
  Clock::time_point since_ = Clock::now();
};

/// Decides on the host when a program is over, from what all ranks together report (StatusTree).
///
/// When every rank has ended, so has the program: a kernel does not end before what it issued is acknowledged. When every
/// rank is idle, some with blocked fibers, and as many NoC messages were received as sent, the host asks every rank once
/// more; if no counter has moved, nothing was under way when the second round began, and the program is deadlocked (the
/// four-counter method).
class TerminationDetector {
 public:
  /// Returns the reason when the program is over.
  [[nodiscard]] std::optional<EndReason> on_status(const StatusReport& report);
  [[nodiscard]] std::optional<EndReason> on_probe_answer(const StatusReport& report);
  /// True once when a round of probes should be sent.
  [[nodiscard]] bool take_probe_request();

 private:
  [[nodiscard]] bool balanced() const { return known_.idle && known_.sent == known_.received; }

  StatusReport known_;
  bool asked_ = false;
  bool moved_ = false;  ///< since the round of probes began
  bool probe_requested_ = false;
};

}  // namespace tilegrid
