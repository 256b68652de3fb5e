// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tilegrid::timing {

/// A counter that only grows, with the times at which it did: pages pushed to a circular buffer, or popped from it. Times
/// never decrease, because one RISC does all the growing. Counts that are asked for should not decrease either: a smaller
/// one gets the time of the largest so far.
class PageFlow {
 public:
  [[nodiscard]] std::int64_t total() const { return total_; }

  void add(std::int64_t pages, double time) {
    if (size_ == ring_.size()) grow();
    total_ += pages;
    ring_[(first_ + size_++) & (ring_.size() - 1)] = {total_, time};
  }
  /// The time at which the counter reached `target`, at most total(); 0 for a target that is not positive. Forgets what
  /// came before.
  double reached(std::int64_t target) {
    forget(target);
    return size_ == 0 || target <= 0 ? 0 : ring_[first_].time;
  }
  /// Calls f(total, time) for each growth that is not forgotten.
  template <class F>
  void each(F&& f) const {
    for (std::size_t i = 0; i < size_; ++i) {
      const Point& point = ring_[(first_ + i) & (ring_.size() - 1)];
      f(point.total, point.time);
    }
  }
  /// Forgets times below `target`: nobody will ask for less.
  void forget(std::int64_t target) {
    while (size_ != 0 && ring_[first_].total < target) {
      first_ = (first_ + 1) & (ring_.size() - 1);
      --size_;
    }
  }

 private:
  struct Point {
    std::int64_t total = 0;
    double time = 0;
  };
  void grow() {
    std::vector<Point> larger(ring_.empty() ? 8 : ring_.size() * 2);
    for (std::size_t i = 0; i < size_; ++i) larger[i] = ring_[(first_ + i) & (ring_.size() - 1)];
    ring_ = std::move(larger);
    first_ = 0;
  }
  std::vector<Point> ring_;  ///< its size is a power of two
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  std::int64_t total_ = 0;
};

}  // namespace tilegrid::timing
