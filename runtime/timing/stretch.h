// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/timing/device_time.h"
#include "runtime/timing/page_flow.h"

namespace tilegrid::timing {

/// What a core's compute lanes were like where a stretch began, as words: all that the stretch can see of it, with times
/// from the unpacker's clock on. A time that is over already for who would wait for it is as good as the present.
using StretchKey = std::vector<std::uint64_t>;

/// Adds how a buffer looks to who waits for pages, or for room: counts from `zero` on, times from `base` on. What came
/// before `clock` has come, so only its count matters: below it, and below all counts that can be asked for, nobody waits.
inline void describe_flow(StretchKey& key, const PageFlow& flow, std::int64_t zero, std::int64_t lowest, double clock,
                          double base) {
  std::int64_t come = std::max(lowest, std::int64_t{0});
  const std::size_t place = key.size();
  std::uint64_t to_come = 0;
  key.insert(key.end(), 3, 0);
  flow.each([&](std::int64_t total, double time) {
    if (time <= clock) {
      come = std::max(come, total);
    } else {
      ++to_come;
      key.insert(key.end(), {static_cast<std::uint64_t>(total - zero), std::bit_cast<std::uint64_t>(time - base)});
    }
  });
  key[place] = static_cast<std::uint64_t>(flow.total() - zero);
  key[place + 1] = static_cast<std::uint64_t>(come - zero);
  key[place + 2] = to_come;
}

/// What a stretch did to a core that was in one state. Times are from the unpacker's clock at its begin on.
struct StretchOutcome {
  struct Pages {
    std::uint32_t cb = 0;
    bool pushed = false;  ///< else popped
    std::uint32_t count = 0;
    double time = 0;
  };
  template <class Where>
  using Sums = std::vector<std::pair<Where, double>>;  ///< what is not 0

  EnumArray<Lane, double> clocks{}, busy{};
  std::array<double, 2> src_free{};
  std::int64_t acquired = 0, committed = 0, waited = 0, released = 0;  ///< sections
  std::array<double, 4> commits{}, releases{};                         ///< times of the last ones, from the last on
  std::uint32_t fpu_setup = 0, vector_setup = 0;
  std::uint8_t front_phase = 0, pack_phase = 0;
  std::vector<Pages> pages;  ///< in the order of the events
  Sums<std::pair<Lane, Stall>> stalled;
  Sums<std::size_t> starved;
  Sums<std::pair<std::size_t, Lane>> operations, phases;
  std::uint64_t matmul_tiles = 0;
  double matmul_tile_phases = 0;
};

/// Steps of a compute kernel between waits for other RISCs: the body of a loop, or a part of it. A core that comes to it as
/// it, or another one, came before does the same again: that is then looked up, and the sums of all its steps are added at
/// once. Since times are exact (exact.h), nobody can tell.
class Stretch {
 public:
  explicit Stretch(std::uint32_t steps) : steps_(steps) {}
  [[nodiscard]] std::uint32_t steps() const { return steps_; }

  /// Buffers whose pages the stretch waits for, and those in which it waits for room.
  std::vector<std::uint32_t> awaited, filled;
  /// Sections that must be committed and not yet waited for, and acquired and not yet released, when it begins.
  std::int64_t commits_needed = 0, acquires_needed = 0;

  /// Whether a look-up is worth its while: the first visit never is, nor are those of a stretch that never finds itself.
  [[nodiscard]] bool worth_a_look() {
    constexpr std::uint32_t patience = 256;
    if (visits_ == 0) {
      ++visits_;
      return false;
    }
    return misses_ < patience || misses_ < hits_;
  }
  [[nodiscard]] const StretchOutcome* find(const StretchKey& key) {
    const auto known = outcomes_.find(key);
    (known == outcomes_.end() ? misses_ : hits_) += 1;
    return known == outcomes_.end() ? nullptr : &known->second;
  }
  /// Outcomes that are kept of one stretch.
  static constexpr std::size_t most_outcomes = 512;
  void keep(const StretchKey& key, StretchOutcome outcome) {
    if (outcomes_.size() < most_outcomes) outcomes_.emplace(key, std::move(outcome));
  }

 private:
  struct Hash {
    std::size_t operator()(const StretchKey& key) const {
      std::uint64_t hash = key.size();
      for (const std::uint64_t word : key) hash = std::rotl((hash ^ word) * 0x9E37'79B9'7F4A'7C15, 29);
      return hash;
    }
  };
  std::uint32_t steps_;
  std::uint32_t visits_ = 0;
  std::uint64_t hits_ = 0, misses_ = 0;
  std::unordered_map<StretchKey, StretchOutcome, Hash> outcomes_;
};

}  // namespace tilegrid::timing
