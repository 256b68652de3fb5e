// SPDX-License-Identifier: Apache-2.0
// What must hold in any complete log.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "core/error.h"
#include "core/events/event_log.h"

namespace tilegrid {
namespace {

/// Follows one sequence and collects what breaks a rule.
class SequenceCheck {
 public:
  SequenceCheck(std::string place, std::vector<std::string>& findings) : place_(std::move(place)), findings_(findings) {}

  void run(const EventSequence& events) {
    if (events.empty()) return;
    if (events.front().kind() != EventKind::kernel_start) report("does not begin with kernel_start");
    if (events.back().kind() != EventKind::kernel_end) report("does not end with kernel_end: the kernel did not finish");
    for (const Event& event : events) step(event);
    if (acquired_ || committed_ != 0) report("ends inside a DST section");
    for (std::size_t noc = 0; noc < noc_count; ++noc) {
      report_open(open_reads_[noc], noc, "reads", "without a barrier");
      report_open(open_writes_[noc], noc, "writes", "without a barrier or flush");
    }
  }
  std::map<int, std::int64_t> pushed;
  std::map<int, std::int64_t> popped;

 private:
  void step(const Event& event) {
    using namespace events;
    visit(event, Cases{[&](const CbPush& e) { pushed[e.cb] += e.pages; }, [&](const CbPop& e) { popped[e.cb] += e.pages; },
                       [&](const NocRead& e) { ++open_reads_[e.noc][e.trid]; },
                       [&](const NocWrite& e) { ++open_writes_[e.noc][e.trid]; },
                       [&](const NocMulticast& e) { ++open_writes_[e.noc][0]; },
                       [&](const ReadBarrier& e) { close(open_reads_[e.noc], e.trid); },
                       [&](const WriteBarrier& e) { close(open_writes_[e.noc], e.trid); },
                       [&](const WritesFlushed& e) { close(open_writes_[e.noc], e.trid); },
                       [&](const DstAcquire&) { acquire(); }, [&](const DstCommit&) { commit(); },
                       [&](const DstWait&) {
                         if (committed_ == 0) report("dst_wait with nothing committed");
                       },
                       [&](const DstRelease&) {
                         if (committed_ == 0) report("dst_release with nothing committed");
                         --committed_;
                       },
                       [](const auto&) {}});
  }
  void acquire() {
    if (acquired_) report("dst_acquire inside a section");
    acquired_ = true;
  }
  void commit() {
    if (!acquired_) report("dst_commit outside of a section");
    acquired_ = false;
    ++committed_;
  }
  /// Transfers of a NoC by transaction id.
  using Open = std::map<int, int>;
  static void close(Open& open, std::optional<std::uint32_t> trid) {
    if (trid) {
      open.erase(*trid);
    } else {
      open.clear();
    }
  }
  void report_open(const Open& open, std::size_t noc, const char* what, const char* how) {
    int count = 0;
    for (const auto& [trid, transfers] : open) count += transfers;
    if (count != 0) report(fmt::format("{} {} on NoC {} {}", count, what, noc, how));
  }
  void report(const std::string& what) { findings_.push_back(place_ + ": " + what); }

  std::string place_;
  std::vector<std::string>& findings_;
  bool acquired_ = false;
  int committed_ = 0;
  EnumArray<NocId, Open> open_reads_;
  EnumArray<NocId, Open> open_writes_;
};

}  // namespace

namespace {

void check_launch(const LaunchLog& launch, GridSize grid, const std::string& prefix, std::vector<std::string>& findings) {
  for (int i = 0; i < count_of(launch.cores); ++i) {
    const LogicalCore at = grid.core(i);
    const std::string core = fmt::format("{}core ({},{})", prefix, at.x, at.y);
    std::map<int, std::int64_t> balance;
    for (const Risc risc : each<Risc>) {
      SequenceCheck check(fmt::format("{} {}", core, name_of(risc)), findings);
      check.run(launch.cores[i].sequence(risc));
      for (const auto& [cb, pages] : check.pushed) balance[cb] += pages;
      for (const auto& [cb, pages] : check.popped) balance[cb] -= pages;
    }
    for (const auto& [cb, pages] : balance) {
      if (pages < 0) findings.push_back(fmt::format("{}: CB {} has {} more pops than pushes", core, cb, -pages));
    }
  }
}

}  // namespace

std::uint64_t event_count(const RunLog& log) {
  std::uint64_t events = 0;
  for (const LaunchLog& launch : log.launches) {
    for (const EventLog& core : launch.cores) {
      for (const Risc risc : each<Risc>) events += core.sequence(risc).size();
    }
  }
  return events;
}

std::string time_for_events(const std::string& file, std::uint64_t events, const std::string& what) {
  constexpr std::uint64_t worth_a_word = 200'000'000;
  constexpr double events_per_minute = 60 * 1e7;  // measured: a replay on one core has 12 million a second
  const double minutes = static_cast<double>(events) / events_per_minute;
  if (events > most_events_read) {
    throw UsageError(fmt::format("{}: claims {} events to {}, which would take some {:.1f} hours; at most {} are taken",
                                 file, events, what, minutes / 60, most_events_read));
  }
  if (events < worth_a_word) return {};
  return fmt::format("{}: {} events to {}, some {:.0f} minutes", file, events, what, std::max(1.0, minutes));
}

std::vector<std::string> check_log(const RunLog& log) {
  std::vector<std::string> findings;
  for (const LaunchLog& launch : log.launches) {
    check_launch(launch, log.grid, log.launches.size() > 1 ? launch.name + ": " : "", findings);
  }
  return findings;
}

}  // namespace tilegrid
