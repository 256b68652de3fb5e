// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace tilegrid {

/// A stream of choices that depends on its seed alone (splitmix64; a remainder is even enough for choices).
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
  [[nodiscard]] std::size_t below(std::size_t count) { return static_cast<std::size_t>(next() % count); }
  /// True once in `times` on average.
  [[nodiscard]] bool one_in(std::size_t times) { return below(times) == 0; }

 private:
  std::uint64_t state_;
};

/// How a shaken run goes about it, chosen by its seed: mild and rough ways find different mistakes.
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
  std::size_t preempt_one_in;  ///< calls of the kernel API that may take time
  bool by_priority;            ///< the fiber with the highest priority runs, else any
  std::size_t traffic_one_in;  ///< switches between fibers after which something under way moves on
  int slow_noc;                ///< its traffic waits as long as anything else can happen; -1: none
  bool early_reads;            ///< reads may land before their barrier
};

}  // namespace tilegrid
