// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <queue>
#include <tuple>
#include <utility>
#include <vector>

namespace tilegrid::replay {

/// What happens at a point in time to something that several cores share.
enum class Step : std::uint32_t {
  issue,  ///< a data-movement RISC (index: its stream) stands at an event that others can see
  serve,  ///< a packet (index) reaches a DRAM channel
  ready,  ///< the data of a read are there: the packet asks for its NIU
  head,   ///< the head of a packet reaches the router before its next port
  front,  ///< the packet before it has left the router's buffer
  land,   ///< a semaphore update (index) takes effect
  wake,   ///< a port (index) may be free for those who wait
};

struct Appointment {
  double time = 0;
  std::uint64_t key = 0;  ///< core, RISC, number in its sequence: decides between equal times
  std::uint32_t index = 0;
  Step step{};
};

/// The one queue of a replay: appointments by time, then by core, RISC and sequence number, then by step. Most are not far
/// ahead: those of the next `span` cycles lie in one list a cycle, which is put in order when its cycle comes; what is
/// further away lies in a heap. An appointment for the past is next.
class Agenda {
 public:
  void add(const Appointment& appointment) {
    const auto cycle = static_cast<std::int64_t>(appointment.time);
    if (cycle <= now_) {
      insert(appointment);
    } else if (cycle < now_ + span) {
      put(static_cast<std::size_t>(cycle % span), appointment);
    } else {
      later_.push(appointment);
    }
    ++size_;
  }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  Appointment next() {
    if (first_ == current_.size()) advance();
    --size_;
    return current_[first_++];
  }

 private:
  static constexpr std::int64_t span = 4096;
  static constexpr std::uint32_t nothing = 0xFFFF'FFFF;
  struct Entry {
    Appointment appointment;
    std::uint32_t behind = nothing;  ///< next of the same cycle, or next free one
  };
  struct Later {
    bool operator()(const Appointment& a, const Appointment& b) const { return before(b, a); }
  };
  static bool before(const Appointment& a, const Appointment& b) {
    if (a.time != b.time) return a.time < b.time;
    return std::tie(a.key, a.step, a.index) < std::tie(b.key, b.step, b.index);
  }

  void put(std::size_t slot, const Appointment& appointment) {
    std::uint32_t at = free_;
    if (at == nothing) {
      at = static_cast<std::uint32_t>(entries_.size());
      entries_.emplace_back();
    } else {
      free_ = entries_[at].behind;
    }
    std::uint64_t& taken = taken_[slot / 64];
    const std::uint64_t bit = std::uint64_t{1} << slot % 64;
    entries_[at] = {appointment, (taken & bit) != 0 ? lists_[slot] : nothing};
    lists_[slot] = at;
    taken |= bit;
  }
  /// Into the list of the present cycle, behind what comes before it.
  void insert(const Appointment& appointment) {
    std::size_t at = current_.size();
    current_.push_back(appointment);
    for (; at > first_ && before(appointment, current_[at - 1]); --at) current_[at] = current_[at - 1];
    current_[at] = appointment;
  }
  /// To the next cycle that has any appointment.
  void advance() {
    current_.clear();
    first_ = 0;
    const std::int64_t near = next_taken();
    const std::int64_t far = later_.empty() ? near : static_cast<std::int64_t>(later_.top().time);
    now_ = near < 0 || (!later_.empty() && far < near) ? far : near;
    if (near == now_) {
      const auto slot = static_cast<std::size_t>(near % span);
      taken_[slot / 64] &= ~(std::uint64_t{1} << slot % 64);
      for (std::uint32_t at = lists_[slot]; at != nothing;) {
        insert(entries_[at].appointment);
        const std::uint32_t behind = std::exchange(entries_[at].behind, free_);
        free_ = std::exchange(at, behind);
      }
    }
    for (; !later_.empty() && static_cast<std::int64_t>(later_.top().time) <= now_; later_.pop()) insert(later_.top());
  }
  /// The first cycle after the present one whose list is not empty; -1 when all are.
  [[nodiscard]] std::int64_t next_taken() const {
    const auto start = static_cast<std::size_t>((now_ + 1) % span);
    std::uint64_t word = taken_[start / 64] >> start % 64 << start % 64;
    for (std::size_t i = 0; i <= taken_.size(); ++i) {
      const std::size_t at = (start / 64 + i) % taken_.size();
      if (i != 0) word = taken_[at];
      if (word != 0) {
        const std::size_t slot = at * 64 + static_cast<std::size_t>(std::countr_zero(word));
        return now_ + 1 + static_cast<std::int64_t>((slot + span - start) % span);
      }
    }
    return -1;
  }

  std::int64_t now_ = -1;
  std::size_t size_ = 0;
  std::vector<Appointment> current_;
  std::size_t first_ = 0;  ///< of those in current_ that are still to come
  std::vector<Entry> entries_;
  std::uint32_t free_ = nothing;                  ///< first of the entries that nobody uses
  std::array<std::uint32_t, span> lists_;         ///< first entry by cycle, of those that are taken
  std::array<std::uint64_t, span / 64> taken_{};  ///< a bit for each list that is not empty
  std::priority_queue<Appointment, std::vector<Appointment>, Later> later_;
};

}  // namespace tilegrid::replay
