// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/atomic_file.h"
#include "runtime/traces/traces.h"

namespace tilegrid::traces {

/// Chrome trace events (JSON), as Perfetto opens them. A process is a core, a thread one of its RISCs: spans by phase, and
/// within by operation or what is waited for; an arrow from where a transfer is issued to where it lands; counters for
/// circular buffers, DST halves and links. Times are microseconds of the device.
///
/// Large runs are thinned, by a rule that the file states: what takes less than so many cycles is part of the span before
/// it, and only every n-th transfer is drawn.
class ChromeTrace final : public Writer {
 public:
  ChromeTrace(std::string path, const RunLog& log, std::vector<bool> cores);

  void started(const timing::Start& launch) override;
  void busy(const timing::BusySpan& span) override;
  void stalled(const timing::StallSpan& span) override;
  void pages(const timing::PageChange& change) override;
  void section(const timing::DstSection& section) override;
  void moved(const timing::Movement& packet) override;
  void scope(const timing::ScopePoint& point) override;
  void sampled(double time, std::span<const timing::LinkTime> links) override;
  [[nodiscard]] double next_sample() const override { return next_sample_; }
  void ended(const timing::LaunchTime& launch) override;
  void finish() override;

 private:
  using Nanoseconds = std::int64_t;  ///< of the device, from the run's begin
  /// What a span is of: an operation, or a stall with its subject.
  struct Name {
    std::int16_t operation = -1;
    std::int16_t stall = -1;
    std::int64_t subject = -1;
    friend bool operator==(const Name&, const Name&) = default;
  };
  struct LaneState {
    // The span that is not written yet.
    std::optional<Name> name;
    std::uint8_t phase = 0;
    Nanoseconds begin = 0, end = 0, absorbed = 0;
    // The phase that is open. Its spans come after itself, as what is inside has to; those of stalls when it goes on.
    std::uint8_t open_phase = 0;
    Nanoseconds phase_begin = 0, phase_end = 0;
    std::string inside, behind;
  };
  struct CoreState {
    EnumArray<timing::Lane, LaneState> lanes;
  };
  /// A counter, not more often than the thinning allows.
  struct Counter {
    Nanoseconds written = -1;
    std::int64_t value = 0;
    std::optional<std::pair<Nanoseconds, std::int64_t>> waits;
  };
  /// Pages of a buffer: changes that can't be put in order yet.
  struct BufferState {
    std::deque<timing::PageChange> pushes, pops;
    std::int64_t level = 0;
    Counter counter;
  };

  [[nodiscard]] Nanoseconds at(double cycles) const;
  void name_processes();
  void describe(int pid, int tid, std::string_view what, std::string_view name);
  void add(int core, timing::Lane lane, const Name& name, std::uint8_t phase, double begin, double end);
  void flush(int core, timing::Lane lane);
  void close_phase(int core, timing::Lane lane);
  void level(int core, int cb, bool all);
  void count(Counter& counter, int pid, std::string_view name, Nanoseconds time, std::int64_t value);
  void write_count(int pid, std::string_view name, Nanoseconds time, std::int64_t value);
  void land(const timing::Movement& packet, int pid, int tid);
  void put(std::string_view text);
  [[nodiscard]] bool full() const { return written_ > most_detail; }
  [[nodiscard]] Nanoseconds least_span() const;
  [[nodiscard]] int pid_of_core(int core) const { return 2 + core; }
  [[nodiscard]] int pid_of_bank(int bank) const { return 2 + grid_.cores() + bank; }
  [[nodiscard]] int pid_of_noc(int noc) const { return pid_of_bank(banks_) + noc; }
  [[nodiscard]] bool chosen(int core) const { return cores_[core]; }

  static constexpr std::uint64_t most_detail = std::uint64_t{48} << 20U;  ///< bytes with all details
  static constexpr std::uint64_t step = std::uint64_t{1} << 20U;          ///< behind: the least span doubles with each

  OutputFile file_;
  std::string out_, text_;
  std::uint64_t written_ = 0;
  std::string program_;
  GridSize grid_;
  std::vector<bool> cores_;
  double least_cycles_ = 0;  ///< of a span
  std::uint64_t stride_ = 1;
  int banks_ = 0;
  double nanoseconds_ = 1;  ///< of a cycle
  double offset_ = 0;       ///< of the launch, cycles
  const LaunchLog* log_ = nullptr;
  const Chip* chip_ = nullptr;
  std::vector<std::string> operations_, phases_;  ///< as JSON has them, with quotes
  std::vector<CoreState> states_;
  std::map<std::pair<int, int>, BufferState> buffers_;                    ///< by core and CB
  std::vector<std::array<Counter, 2>> halves_;                            ///< by core
  std::map<std::pair<int, int>, std::pair<double, std::int64_t>> links_;  ///< by NoC, and node with direction: busy, percent
  double next_sample_ = 0, last_sample_ = 0, interval_ = 0;
  int samples_ = 0;
  std::uint64_t transfers_ = 0, flows_ = 0;
  std::set<std::pair<int, int>> zoned_;  ///< cores and lanes that have a thread for zones
  bool named_ = false, has_text_ = false;
};

}  // namespace tilegrid::traces
