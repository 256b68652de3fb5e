// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <queue>
#include <tuple>
#include <vector>

#include "core/ids.h"

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
  look,   ///< an observer looks at the links
};

struct Appointment {
  double time = 0;
  std::uint64_t key = 0;  ///< core, RISC, number in its sequence: decides between equal times
  std::uint32_t index = 0;
  Step step{};
};

/// Appointments of one step whose times hardly ever decrease from one to the next: a ring in order, whose new ones find
/// their place from its end.
class Procession {
 public:
  struct Entry {
    double time = 0;
    std::uint64_t key = 0;
    std::uint32_t index = 0;
  };
  [[nodiscard]] bool empty() const { return first_ == end_; }
  [[nodiscard]] const Entry& front() const { return ring_[first_ & mask_]; }
  void pop() { ++first_; }
  [[gnu::always_inline]] void add(double time, std::uint64_t key, std::uint32_t index) {
    if (end_ - first_ > mask_) grow();
    std::size_t at = end_++;
    for (; at != first_; --at) {
      const Entry& last = ring_[(at - 1) & mask_];
      if (last.time < time || (last.time == time && last.key <= key)) break;
      ring_[at & mask_] = last;
    }
    Entry& entry = ring_[at & mask_];
    entry.time = time;
    entry.key = key;
    entry.index = index;
  }

 private:
  [[gnu::noinline]] void grow() {
    std::vector<Entry> larger(ring_.size() * 2);
    for (std::size_t i = first_; i != end_; ++i) larger[i - first_] = ring_[i & mask_];
    end_ -= first_;
    first_ = 0;
    ring_ = std::move(larger);
    mask_ = ring_.size() - 1;
  }
  std::vector<Entry> ring_ = std::vector<Entry>(64);  ///< its size is a power of two
  std::size_t mask_ = 63;
  std::size_t first_ = 0, end_ = 0;  ///< without end; the ring has their lower bits
};

/// The one queue of a replay: appointments in order of time, then of core, RISC and sequence number (the key), then of
/// step. Most are for the near future: each of the next `span` cycles has a list of its own, kept in order. What is further
/// away lies unordered in a block of as many cycles, which is dealt to the lists when its time has come, and what lies
/// behind all blocks in a heap. Heads of packets, half of all, come as far behind the present as any before them, and so in
/// order: they have a queue of their own. An appointment for the past is the next one.
class Agenda {
 public:
  // Always inlined, with the fields as arguments: they then go from registers straight to their place. A struct that is
  // written and copied at once makes the copy wait for the stores.
  [[gnu::always_inline]] void add(double time, std::uint64_t key, std::uint32_t index, Step step) {
    ++size_;
    const std::int64_t cycle = cycle_of(time);
    if (cycle >= now_ + span) return put_later({time, key, index, step});
    put(std::max(cycle, now_), time, key, index, step);
  }
  /// The head of a packet, which goes from router to router in a few cycles.
  [[gnu::always_inline]] void add_head(double time, std::uint64_t key, std::uint32_t index) { heads_.add(time, key, index); }
  /// Is called for each appointment from far away when it has come near: what it is about may be far from the cache.
  using Dealt = void (*)(const void* whose, std::uint32_t index, Step step);
  void when_dealt(Dealt call, const void* whose) {
    dealt_ = call;
    whose_ = whose;
  }
  /// Of the appointment that next() gave last.
  [[nodiscard]] std::uint64_t present_key() const { return present_key_; }
  [[nodiscard]] bool empty() const { return size_ == 0 && heads_.empty(); }
  /// Whether the next one is a head: next_head() then says the same as next(), without a look at what step it is.
  [[nodiscard, gnu::always_inline]] bool head_is_next() {
    if (heads_.empty()) return false;
    if (size_ == 0) return true;
    if (lists_[slot_of(now_)].first == nothing) {
      // Not far beyond the head: what comes to the lists next may lie before what is in them, and then goes to the first.
      if (!advance(cycle_of(heads_.front().time))) return true;
    }
    return head_is_before(entries_[lists_[slot_of(now_)].first]);
  }
  [[gnu::always_inline]] Procession::Entry next_head() {
    const Procession::Entry head = heads_.front();
    heads_.pop();
    present_key_ = head.key;
    return head;
  }
  /// Of the heads the first; null when there is none.
  [[nodiscard]] const Procession::Entry* following_head() const { return heads_.empty() ? nullptr : &heads_.front(); }
  [[gnu::always_inline]] Appointment next() {
    if (head_is_next()) {
      const Procession::Entry head = next_head();
      return {head.time, head.key, head.index, Step::head};
    }
    return next_of_lists();
  }
  /// When the next one is no head.
  [[gnu::always_inline]] Appointment next_of_lists() {
    if (lists_[slot_of(now_)].first == nothing) advance();
    List& list = lists_[slot_of(now_)];
    const std::uint32_t at = list.first;
    Entry& entry = entries_[at];
    --size_;
    list.first = entry.behind;
    entry.behind = free_;
    free_ = at;
    present_key_ = entry.key;
    return {entry.time, entry.key, entry.index, entry.step};
  }

 private:
  static constexpr std::int64_t span = 4096;
  static constexpr std::int64_t much_later = 32;
  static constexpr std::size_t words = span / 64;
  static_assert(words == 64, "one more word has a bit for each");
  static constexpr std::int64_t blocks = 64;  ///< a word has a bit for each
  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
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

  [[nodiscard]] bool head_is_before(const Entry& entry) const {
    const Procession::Entry& head = heads_.front();
    if (head.time != entry.time) return head.time < entry.time;
    return std::tuple(head.key, Step::head, head.index) < std::tie(entry.key, entry.step, entry.index);
  }

  [[nodiscard]] static std::int64_t cycle_of(double time) { return static_cast<std::int64_t>(time); }
  [[nodiscard]] static std::size_t slot_of(std::int64_t cycle) { return static_cast<std::size_t>(cycle) % span; }
  [[nodiscard]] static std::uint64_t bit(std::size_t number) { return std::uint64_t{1} << number % 64; }

  [[gnu::noinline]] void put_later(const Appointment& appointment) {
    const std::int64_t block = cycle_of(appointment.time) / span;
    if (block - now_ / span < blocks) {
      blocks_[block % blocks].push_back(appointment);
      taken_blocks_ |= bit(block);
    } else {
      later_.push(appointment);
    }
    far_ = std::min(far_, block * span);
  }
  [[gnu::always_inline]] void put(std::int64_t cycle, double time, std::uint64_t key, std::uint32_t index, Step step) {
    std::uint32_t at = free_;
    if (at == nothing) {
      at = count_of<std::uint32_t>(entries_);
      entries_.emplace_back();
    } else {
      free_ = entries_[at].behind;
    }
    Entry& entry = entries_[at];
    entry.time = time;
    entry.key = key;
    entry.index = index;
    entry.step = step;
    const std::size_t slot = slot_of(cycle);
    List& list = lists_[slot];
    if (list.first == nothing) {
      taken_[slot / 64] |= bit(slot);
      taken_words_ |= bit(slot / 64);
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
  /// To the next cycle that has any appointment. False when that is much later than a head's; then it goes to the head's.
  [[gnu::noinline]] bool advance(std::int64_t head = never) {
    for (;;) {
      const std::size_t slot = slot_of(now_);
      taken_[slot / 64] &= ~bit(slot);
      if (taken_[slot / 64] == 0) taken_words_ &= ~bit(slot / 64);
      const std::int64_t next = std::min(next_taken(), far_);
      if (next - std::min(next, head) > much_later) {
        now_ = std::max(now_, head);
        return false;
      }
      now_ = next;
      if (now_ < far_) return true;
      deal();
      if (lists_[slot_of(now_)].first != nothing) return true;
    }
  }
  /// The block that begins at the present cycle goes to the lists.
  [[gnu::noinline]] void deal() {
    const std::int64_t block = now_ / span;
    const std::size_t slot = block % blocks;
    const auto deal_one = [&](const Appointment& due) {
      put(cycle_of(due.time), due.time, due.key, due.index, due.step);
      if (dealt_ != nullptr) dealt_(whose_, due.index, due.step);
    };
    for (const Appointment& due : blocks_[slot]) deal_one(due);
    blocks_[slot].clear();
    taken_blocks_ &= ~bit(slot);
    for (; !later_.empty() && cycle_of(later_.top().time) / span == block; later_.pop()) deal_one(later_.top());
    far_ = later_.empty() ? never : cycle_of(later_.top().time) / span * span;
    if (taken_blocks_ == 0) return;
    const std::uint64_t behind = std::rotr(taken_blocks_, static_cast<int>(slot));
    far_ = std::min(far_, (block + std::countr_zero(behind)) * span);
  }
  /// The first cycle after the present one whose list is not empty; `never` when all are.
  [[nodiscard]] std::int64_t next_taken() const {
    const std::size_t slot = slot_of(now_);
    std::size_t word = slot / 64;
    std::uint64_t rest = taken_[word] & ~std::uint64_t{1} << slot % 64;
    if (rest == 0) {
      // The words behind it, round the end, up to the bits of its own that are before the present cycle.
      const std::uint64_t behind = std::rotr(taken_words_, static_cast<int>((word + 1) % words));
      if (behind == 0) return never;
      word = (word + 1 + std::countr_zero(behind)) % words;
      rest = taken_[word];
    }
    const std::size_t next = word * 64 + std::countr_zero(rest);
    return now_ + static_cast<std::int64_t>((next + span - slot) % span);
  }

  Dealt dealt_ = nullptr;
  const void* whose_ = nullptr;
  Procession heads_;
  std::uint64_t present_key_ = 0;
  std::int64_t now_ = 0;  ///< the cycle that is looked at: no list before it holds any
  std::size_t size_ = 0;  ///< without heads
  std::vector<Entry> entries_;
  std::uint32_t free_ = nothing;              ///< first of the entries that nobody uses
  std::array<List, span> lists_;              ///< by cycle
  std::array<std::uint64_t, words> taken_{};  ///< a bit for each list that is not empty; the present one may lag
  std::uint64_t taken_words_ = 0;             ///< a bit for each of these words that is not 0
  std::int64_t far_ = never;                  ///< first cycle of the first block that holds any
  std::array<std::vector<Appointment>, blocks> blocks_;
  std::uint64_t taken_blocks_ = 0;                                           ///< a bit for each block that is not empty
  std::priority_queue<Appointment, std::vector<Appointment>, Later> later_;  ///< beyond the blocks
};

}  // namespace tilegrid::timing
