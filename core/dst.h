// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "core/types.h"

namespace tilegrid {

namespace checks {
class Reporter;
}

/// The DST register file with its hand-over between math and pack.
///
/// Storage is 16 tiles of 16-bit or 8 of 32-bit; half-sync splits it in two halves that math and pack use in turn, so that
/// a section has 8 or 4 slots; full-sync gives all 16 or 8 to one section (tensix.md 1.2, 1.3). A lower limit may be set, to
/// see how a compiler fares that plans with fewer slots. Values are kept as floats, rounded to the mode's format by the
/// units that write them.
///
/// On hardware math and pack are two processors that wait for each other; here the compute kernel is one fiber. So a call
/// that would have to wait for a later call of the same fiber is a fault: tile_regs_acquire when all halves are committed,
/// tile_regs_wait when none is. Other calls out of order (a commit without acquire, for instance) are violations of class
/// dst-order; when the user has set that to less than an error, such a call does nothing.
class Dst {
 public:
  /// `limit`: most slots of a section. 0, or more than the mode has: no limit.
  Dst(bool fp32, bool full_sync, int limit = 0);

  /// Slots of a section without a limit.
  [[nodiscard]] static int mode_capacity(bool fp32, bool full_sync);
  /// "16-bit DST in half-sync"
  [[nodiscard]] static const char* mode_name(bool fp32, bool full_sync);
  /// From now on violations go to `reporter`, which throws, notes or drops them; without a reporter they are thrown.
  void set_checks(checks::Reporter* reporter) { reporter_ = reporter; }

  void acquire();
  void commit();
  void wait();
  void release();  ///< the half's slots become cleared
  void reset();    ///< as after power-on

  [[nodiscard]] int capacity() const { return capacity_; }
  [[nodiscard]] bool fp32() const { return fp32_; }
  [[nodiscard]] bool full_sync() const { return full_sync_; }
  [[nodiscard]] bool acquired() const { return acquired_; }
  [[nodiscard]] bool packing() const { return packing_; }
  [[nodiscard]] int committed() const { return committed_; }

  /// `count` slots that math is about to write from `first` on; checks the section and the range. `who` names the call.
  [[nodiscard]] float* math_slots(int first, int count, const char* who) {
    if (!acquired_) report_outside(who);
    check_range(first, count, who);
    peak_ = std::max(peak_, first + count);
    return slot(math_half_, first);
  }
  /// As math_slots, for an operation that reads the slot as an SFPU: a slot that was never written is a violation of
  /// uninitialised-dst, since hardware leaves it undefined; it reads as zeros here.
  [[nodiscard]] float* written_slot(int index, const char* who) {
    float* tile = math_slots(index, 1, who);
    if (cleared(index, 1) != 0) report_unwritten(index, tile, who);
    return tile;
  }
  /// Bit i: slot first + i is cleared and reads as the operation's identity.
  [[nodiscard]] std::uint32_t cleared(int first, int count) const { return ~(written_[math_half_] >> first) & bits(count); }
  /// `adds_on`: what was written may be added to by a product (a product itself, or a copy); anything else makes the slots
  /// dirty.
  void mark_written(int first, int count, bool adds_on = false) {
    const std::uint32_t mask = bits(count) << first;
    written_[math_half_] |= mask;
    if (!adds_on) dirty_[math_half_] |= mask;
  }
  /// One more tile of products goes into each of these slots' sums; to be called before mark_written().
  void count_sums(int first, int count) {
    const std::uint32_t fresh = cleared(first, count);
    for (int i = 0; i < count; ++i) {
      std::uint32_t& sum = sums_[math_half_][first + i];
      sum = ((fresh >> i) & 1U) != 0 ? 1 : sum + 1;
      longest_sum_ = std::max(longest_sum_, sum);
    }
  }
  /// Most tiles of products that a slot has added up within a section so far, as far as they were counted.
  [[nodiscard]] std::uint32_t longest_sum() const { return longest_sum_; }
  /// Products may add to what these slots hold: they are not dirty.
  void mark_accumulator(int first, int count);
  /// Bit i: slot first + i is dirty: a product would add to the result of another operation (class dst-dirty).
  [[nodiscard]] std::uint32_t dirty(int first, int count) const { return dirty_[math_half_] >> first & bits(count); }

  /// The slot that pack reads; null when it is cleared, which packs as zeros.
  [[nodiscard]] const float* pack_slot(int index, const char* who) {
    if (!packing_) report_not_packing(who);
    check_range(index, 1, who);
    peak_ = std::max(peak_, index + 1);
    return ((written_[pack_half_] >> index) & 1U) != 0 ? slot(pack_half_, index) : nullptr;
  }

  /// Highest slot used in any section so far, plus one.
  [[nodiscard]] int peak() const { return peak_; }
  /// Counts from nothing until raise_peak() is called with what this returns: the peak so far.
  [[nodiscard]] int begin_peak() { return std::exchange(peak_, 0); }
  void raise_peak(int peak) { peak_ = std::max(peak_, peak); }

 private:
  [[nodiscard]] static std::uint32_t bits(int count) { return count >= 32 ? ~0U : (1U << count) - 1U; }
  void check_range(int first, int count, const char* who) const {
    const bool fits = first >= 0 && count <= capacity_ && first <= capacity_ - count;  // a sum could overflow
    if (!fits) throw_out_of_range(first, count, who);
  }
  [[nodiscard]] float* slot(int half, int index) const {
    return storage_.get() + std::ptrdiff_t{half * capacity_ + index} * tile_elements;
  }
  [[noreturn]] void throw_out_of_range(int first, int count, const char* who) const;
  void report_outside(const char* who) const;
  void report_unwritten(int index, float* tile, const char* who);
  void report_not_packing(const char* who) const;

  bool fp32_;
  bool full_sync_;
  int halves_;
  int capacity_;
  int math_half_ = 0;
  int pack_half_ = 0;
  int committed_ = 0;
  bool acquired_ = false;
  bool packing_ = false;
  int peak_ = 0;
  std::uint32_t written_[2] = {0, 0};
  std::uint32_t dirty_[2] = {0, 0};
  std::uint32_t sums_[2][16] = {};  ///< tiles of products by slot
  std::uint32_t longest_sum_ = 0;
  checks::Reporter* reporter_ = nullptr;
  struct FreeAligned {
    void operator()(float* memory) const;
  };
  std::unique_ptr<float, FreeAligned> storage_;
};

}  // namespace tilegrid
