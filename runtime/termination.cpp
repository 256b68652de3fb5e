// SPDX-License-Identifier: Apache-2.0
#include "runtime/termination.h"

#include <algorithm>
#include <utility>

#include "noc/shaken_traffic.h"

namespace tilegrid {
namespace {

/// A rank that has been blocked for this long tells the host. Normal waits for an answer are far shorter than this; a
/// deadlock is noticed this much late.
constexpr auto idle_before_report = std::chrono::milliseconds(20);

}  // namespace

StatusReport IdleWatch::status() const {
  const Scheduler& scheduler = node_.scheduler();
  const bool failed = scheduler.failure() != nullptr;
  StatusReport report;
  report.finished = scheduler.all_finished() && !failed;
  const bool under_way = scheduler.any_ready() || (node_.shaken() != nullptr && node_.shaken()->any());
  report.idle = (failed || !under_way) && node_.transport().sends_done();
  report.sent = node_.program_messages_sent();
  report.received = node_.program_messages_received();
  return report;
}

bool IdleWatch::waited(const StatusReport& now) {
  const auto time = Clock::now();
  if (!now.idle || now != std::exchange(last_, now)) since_ = time;
  if (!now.idle) return false;
  return node_.transport().size() == 1 || time - since_ > idle_before_report;
}

StatusTree::StatusTree(const std::vector<int>& children) {
  for (const int child : children) below_[child];
}

void StatusTree::hear_answer(int child, const StatusReport& report) {
  hear(child, report);
  --missing_;
}

StatusReport StatusTree::with_below(StatusReport own) const {
  for (const auto& [child, below] : below_) {
    own.idle = own.idle && below.idle;
    own.finished = own.finished && below.finished;
    own.sent += below.sent;
    own.received += below.received;
  }
  return own;
}

std::optional<StatusReport> StatusTree::report(const StatusReport& own, bool waited) {
  const StatusReport now = with_below(own);
  if (!now.idle || now == last_ || (!now.finished && !waited)) return std::nullopt;
  // Once the end of all these fibers has been reported, only their message counters can change, and only the detection of a
  // deadlock needs them: so that is reported after a while, not at once.
  if (now.finished && last_.finished && !waited) return std::nullopt;
  last_ = now;
  return now;
}

void StatusTree::ask() {
  asked_ = true;
  missing_ = below_.size();
}

std::optional<StatusReport> StatusTree::answer(const StatusReport& own) {
  if (!asked_ || missing_ > 0) return std::nullopt;
  asked_ = false;
  const StatusReport now = with_below(own);
  // The rank above has now been told something that differs from the last report, so the next one is sent even if it equals
  // that report.
  if (now != last_) last_ = {};
  return now;
}

std::optional<EndReason> TerminationDetector::on_status(const StatusReport& report) {
  known_ = report;
  if (report.finished) return EndReason::finished;
  if (asked_) {
    moved_ = true;
  } else if (balanced()) {
    probe_requested_ = true;
  }
  return std::nullopt;
}

bool TerminationDetector::take_probe_request() {
  if (!std::exchange(probe_requested_, false)) return false;
  asked_ = true;
  moved_ = false;
  return true;
}

std::optional<EndReason> TerminationDetector::on_probe_answer(const StatusReport& report) {
  asked_ = false;
  moved_ = moved_ || report != known_;
  known_ = report;
  // That all have ended may be told by an answer before the last rank comes to tell so by itself.
  if (report.finished) return EndReason::finished;
  if (!moved_) return EndReason::deadlock;
  // A rank that has become idle again with new counters has reported it, or will.
  if (balanced()) probe_requested_ = true;
  return std::nullopt;
}

}  // namespace tilegrid
