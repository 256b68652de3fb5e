// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace tilegrid {

/// Random choices that depend on the seed alone, on any host: splitmix64. Taking a remainder favours small numbers a
/// little, which does not matter here.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : state_(seed) {}
  [[nodiscard]] std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15U;
    z = (z ^ z >> 30U) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27U) * 0x94D049BB133111EBU;
    return z ^ z >> 31U;
  }
  /// 0 to count - 1.
  [[nodiscard]] std::size_t below(std::size_t count) { return next() % count; }
  /// True once in `times` on average.
  [[nodiscard]] bool one_in(std::size_t times) { return below(times) == 0; }

 private:
  std::uint64_t state_;
};

/// How hard a shaken run shakes, chosen by its seed: some mistakes show when everything is out of order, others only when
/// little is.
struct Temper {
  explicit Temper(std::uint64_t seed) {
    Chance chance(seed);
    constexpr std::size_t preemptions[] = {2, 5, 25};
    preempt_one_in = preemptions[chance.below(3)];
    by_priority = chance.one_in(2);
    constexpr std::size_t steps[] = {1, 3, 12};
    traffic_one_in = steps[chance.below(3)];
    slow_noc = static_cast<int>(chance.below(3)) - 1;
    early_reads = !chance.one_in(3);
  }
  std::size_t preempt_one_in;  ///< one of so many calls where a kernel can be interrupted does interrupt it
  bool by_priority;            ///< the ready fiber with the highest priority is next, else any of them
  std::size_t traffic_one_in;  ///< after one of so many switches between fibers a transfer makes a step
  int slow_noc;                ///< transfers of this NoC wait until nothing else can happen; -1: of none
  bool early_reads;            ///< reads may land before their barrier
};

}  // namespace tilegrid
