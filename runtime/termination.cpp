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

std::optional<StatusReport> IdleWatch::report() {
  const StatusReport now = status();
  if (!now.idle) return std::nullopt;
  if (!std::exchange(idle_, true)) idle_since_ = Clock::now();
  const bool alone = node_.transport().size() == 1;
  const bool waited = alone || Clock::now() - idle_since_ > idle_before_report;
  if (now == last_ || (!now.finished && !waited)) return std::nullopt;
  // Once the end of this rank's fibers has been reported, only its message counters can change, and only the detection of a
  // deadlock needs them: so that is reported after a while, not at once.
  if (now.finished && last_.finished && !waited) return std::nullopt;
  last_ = now;
  return now;
}

StatusReport IdleWatch::answer() {
  const StatusReport now = status();
  // The host has now been told something that differs from the last report, so the next status is sent even if it equals
  // that report.
  if (now != last_) last_ = {};
  return now;
}

bool TerminationDetector::all_finished() const {
  return std::all_of(reports_.begin(), reports_.end(), [](const StatusReport& report) { return report.finished; });
}

bool TerminationDetector::balanced() const {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  for (const StatusReport& report : reports_) {
    if (!report.idle) return false;
    sent += report.sent;
    received += report.received;
  }
  return sent == received;
}

std::optional<EndReason> TerminationDetector::on_status(int rank, const StatusReport& report) {
  reports_[rank] = report;
  if (all_finished()) return EndReason::finished;
  if (answers_missing_ > 0) {
    moved_ = true;
  } else if (balanced()) {
    probe_requested_ = true;
  }
  return std::nullopt;
}

bool TerminationDetector::take_probe_request() {
  if (!std::exchange(probe_requested_, false)) return false;
  answers_missing_ = count_of(reports_);
  moved_ = false;
  return true;
}

std::optional<EndReason> TerminationDetector::on_probe_answer(int rank, const StatusReport& report) {
  // Messages of one rank arrive in order, so this answer is newer than any report of that rank.
  StatusReport& known = reports_[rank];
  moved_ = moved_ || report != known;
  known = report;
  if (--answers_missing_ > 0) return std::nullopt;
  // The last rank may tell of its end by an answer before it comes to tell so by itself.
  if (all_finished()) return EndReason::finished;
  if (!moved_) return EndReason::deadlock;
  // A rank that has become idle again with new counters has reported it, or will.
  if (balanced()) probe_requested_ = true;
  return std::nullopt;
}

}  // namespace tilegrid
