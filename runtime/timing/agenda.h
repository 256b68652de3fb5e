// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <queue>
#include <tuple>
#include <vector>

namespace tilegrid::timing {

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

/// The one queue of a replay: appointments in order of time, then of core, RISC and sequence number (the key), then of
/// step. Most are for the near future: each of the next `span` cycles has a list of its own, kept in order, and what is
/// further away lies in a heap. An appointment for the past is the next one.
class Agenda {
 public:
  // Always inlined, with the fields as arguments: they then go from registers straight to their place. A struct that is
  // written and copied at once makes the copy wait for the stores.
  [[gnu::always_inline]] void add(double time, std::uint64_t key, std::uint32_t index, Step step) {
    ++size_;
    const auto cycle = static_cast<std::int64_t>(time);
    if (cycle >= now_ + span) return later_.push({time, key, index, step});
    put(static_cast<std::size_t>(std::max(cycle, now_)), time, key, index, step);
  }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[gnu::always_inline]] Appointment next() {
    if (lists_[static_cast<std::size_t>(now_) % span].first == nothing) advance();
    List& list = lists_[static_cast<std::size_t>(now_) % span];
    --size_;
    const std::uint32_t at = list.first;
    Entry& entry = entries_[at];
    list.first = entry.behind;
    entry.behind = free_;
    free_ = at;
    return {entry.time, entry.key, entry.index, entry.step};
  }

 private:
  static constexpr std::int64_t span = 8192;
  static constexpr std::uint32_t nothing = 0xFFFF'FFFF;
  struct Entry {
    double time = 0;
    std::uint64_t key = 0;
    std::uint32_t index = 0;
    Step step{};
    std::uint32_t behind = nothing;  ///< next entry of the same cycle, or the next free one
  };
  struct List {
    std::uint32_t first = nothing;
    std::uint32_t last = nothing;  ///< of a list that is not empty
  };
  template <class A, class B>
  static bool before(const A& a, const B& b) {
    if (a.time != b.time) return a.time < b.time;
    return std::tie(a.key, a.step, a.index) < std::tie(b.key, b.step, b.index);
  }
  struct Later {
    bool operator()(const Appointment& a, const Appointment& b) const { return before(b, a); }
  };

  [[gnu::always_inline]] void put(std::size_t cycle, double time, std::uint64_t key, std::uint32_t index, Step step) {
    std::uint32_t at = free_;
    if (at == nothing) {
      at = static_cast<std::uint32_t>(entries_.size());
      entries_.emplace_back();
    } else {
      free_ = entries_[at].behind;
    }
    Entry& entry = entries_[at];
    entry.time = time;
    entry.key = key;
    entry.index = index;
    entry.step = step;
    const std::size_t slot = cycle % span;
    List& list = lists_[slot];
    if (list.first == nothing) {
      taken_[slot / 64] |= std::uint64_t{1} << slot % 64;
      entry.behind = nothing;
      list = {at, at};
    } else if (!before(entry, entries_[list.last])) {
      entry.behind = nothing;
      entries_[list.last].behind = at;
      list.last = at;
    } else {
      std::uint32_t* place = &list.first;
      while (!before(entry, entries_[*place])) place = &entries_[*place].behind;
      entry.behind = *place;
      *place = at;
    }
  }
  /// To the next cycle that has any appointment.
  [[gnu::noinline]] void advance() {
    const auto slot = static_cast<std::size_t>(now_) % span;
    taken_[slot / 64] &= ~(std::uint64_t{1} << slot % 64);
    const std::int64_t near = next_taken();
    const std::int64_t far = later_.empty() ? near : static_cast<std::int64_t>(later_.top().time);
    now_ = near < 0 || (!later_.empty() && far < near) ? far : near;
    for (; !later_.empty() && static_cast<std::int64_t>(later_.top().time) <= now_; later_.pop()) {
      const Appointment& due = later_.top();
      put(static_cast<std::size_t>(now_), due.time, due.key, due.index, due.step);
    }
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

  std::int64_t now_ = 0;
  std::size_t size_ = 0;
  std::vector<Entry> entries_;
  std::uint32_t free_ = nothing;                  ///< first of the entries that nobody uses
  std::array<List, span> lists_;                  ///< by cycle
  std::array<std::uint64_t, span / 64> taken_{};  ///< a bit for each list that is not empty; the present one may lag
  std::priority_queue<Appointment, std::vector<Appointment>, Later> later_;
};

}  // namespace tilegrid::timing
