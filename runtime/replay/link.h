// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

namespace tilegrid::replay {

/// Something that serves one packet at a time: a link, a port of a NIU. Packets are not asked for in the order in which they
/// arrive at a link, as each takes all links of its route at once; so a link may be taken for one that comes from far away
/// before one from nearby asks. Packets on dynamic virtual channels (responses of reads) may then use the last pause before
/// the others; those on a static one (writes, tensix.md 4.1) queue behind whatever is there.
class Link {
 public:
  /// When a packet of `length` cycles that arrives at `time` begins.
  double take(double time, double length, bool dynamic) {
    busy_ += length;
    if (dynamic) {
      const double begin = std::max(time, pause_begin_);
      if (begin + length <= pause_end_) {
        pause_begin_ = begin + length;
        return begin;
      }
    }
    const double begin = std::max(time, free_);
    if (begin > free_) {
      pause_begin_ = free_;
      pause_end_ = begin;
    }
    free_ = begin + length;
    return begin;
  }
  void carried(std::uint64_t bytes) { bytes_ += bytes; }
  [[nodiscard]] double free() const { return free_; }  ///< of all packets so far
  [[nodiscard]] double busy() const { return busy_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  double free_ = 0;
  double busy_ = 0;
  std::uint64_t bytes_ = 0;
  double pause_begin_ = 0, pause_end_ = 0;
};

}  // namespace tilegrid::replay
