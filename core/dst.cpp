// SPDX-License-Identifier: Apache-2.0
#include "core/dst.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "core/checks/reporter.h"
#include "core/error.h"
#include "core/types.h"

namespace tilegrid {
namespace {

constexpr int physical_slots = 16;  // of 16 bits; 32-bit mode pairs them (tensix.md 1.2)

Fault order_fault(std::string action, std::string rule, const std::string& fix) {
  return checks::fault_of(checks::Class::dst_order, std::move(action), std::move(rule)).hint(fix);
}

}  // namespace

void Dst::FreeAligned::operator()(float* memory) const { std::free(memory); }

int Dst::mode_capacity(bool fp32, bool full_sync) { return physical_slots / (fp32 ? 2 : 1) / (full_sync ? 1 : 2); }

const char* Dst::mode_name(bool fp32, bool full_sync) {
  if (fp32) return full_sync ? "32-bit DST in full-sync" : "32-bit DST in half-sync";
  return full_sync ? "16-bit DST in full-sync" : "16-bit DST in half-sync";
}

Dst::Dst(bool fp32, bool full_sync, int limit)
    : fp32_(fp32), full_sync_(full_sync), halves_(full_sync ? 1 : 2), capacity_(mode_capacity(fp32, full_sync)) {
  if (limit > 0) capacity_ = std::min(capacity_, limit);
  const std::size_t bytes = static_cast<std::size_t>(capacity_ * halves_) * tile_elements * sizeof(float);
  storage_.reset(static_cast<float*>(std::aligned_alloc(64, bytes)));
  if (!storage_) throw std::bad_alloc();
}

void Dst::reset() {
  math_half_ = pack_half_ = committed_ = peak_ = 0;
  acquired_ = packing_ = false;
  longest_sum_ = 0;
  written_[0] = written_[1] = 0;
  dirty_[0] = dirty_[1] = 0;
}

void Dst::acquire() {
  if (acquired_) {
    return checks::violated(reporter_, checks::Class::dst_order, [] {
      return order_fault("tile_regs_acquire while the section is acquired already", "acquire and commit alternate",
                         "call tile_regs_commit before the next tile_regs_acquire");
    });
  }
  if (committed_ == halves_) {  // silicon waits for ever
    throw order_fault(
        fmt::format("tile_regs_acquire with {} committed and not released", halves_ == 1 ? "the DST" : "both DST halves"),
        fmt::format("{} has {} section{}", full_sync_ ? "full-sync" : "half-sync", halves_, halves_ == 1 ? "" : "s"),
        "call tile_regs_wait, pack, and tile_regs_release first");
  }
  acquired_ = true;
}

void Dst::commit() {
  if (!acquired_) {
    return checks::violated(reporter_, checks::Class::dst_order, [] {
      return order_fault("tile_regs_commit without tile_regs_acquire", "acquire and commit alternate",
                         "call tile_regs_acquire first");
    });
  }
  acquired_ = false;
  ++committed_;
  math_half_ = (math_half_ + 1) % halves_;
}

void Dst::wait() {
  if (packing_) {
    return checks::violated(reporter_, checks::Class::dst_order, [] {
      return order_fault("tile_regs_wait while pack holds a section already", "wait and release alternate",
                         "call tile_regs_release before the next tile_regs_wait");
    });
  }
  if (committed_ == 0) {  // silicon waits for ever
    throw order_fault("tile_regs_wait with nothing committed", "pack gets a section from tile_regs_commit",
                      "call tile_regs_commit first");
  }
  packing_ = true;
}

void Dst::release() {
  if (!packing_) {
    return checks::violated(reporter_, checks::Class::dst_order, [] {
      return order_fault("tile_regs_release without tile_regs_wait", "wait and release alternate",
                         "call tile_regs_wait first");
    });
  }
  packing_ = false;
  --committed_;
  written_[pack_half_] = 0;
  dirty_[pack_half_] = 0;
  std::fill(std::begin(sums_[pack_half_]), std::end(sums_[pack_half_]), 0U);
  pack_half_ = (pack_half_ + 1) % halves_;
}

void Dst::throw_out_of_range(int first, int count, const char* who) const {
  const int whole = mode_capacity(fp32_, full_sync_);
  const bool limited = capacity_ < whole;
  throw Fault("DST capacity",
              count == 1 ? fmt::format("{} used DST tile {}", who, first)
                         : fmt::format("{} used DST tiles {}..{}", who, first, std::int64_t{first} + count - 1),
              fmt::format("Insufficient DST capacity for all operands: {} {}", mode_name(fp32_, full_sync_),
                          limited ? fmt::format("is limited to {} of its {} tiles", capacity_, whole)
                                  : fmt::format("has {} tiles", capacity_)))
      .numbers(std::int64_t{first} + count, capacity_, "tiles")
      .hint(limited      ? "use a smaller subblock, reuse slots, or raise the limit"
            : full_sync_ ? "use a smaller subblock, or reuse slots"
                         : "use a smaller subblock, reuse slots, or full-sync");
}

void Dst::report_outside(const char* who) const {
  checks::violated(reporter_, checks::Class::dst_order, [&] {
    return order_fault(fmt::format("{} outside of a DST section", who), "math owns DST between acquire and commit",
                       "call tile_regs_acquire first");
  });
}

void Dst::report_unwritten(int index, float* tile, const char* who) {
  checks::violated(reporter_, checks::Class::uninitialised_dst, [&] {
    return fault_of(checks::Class::uninitialised_dst,
                    fmt::format("{} read DST tile {}, which nothing wrote in this section", who, index),
                    "the SFPU reads undefined values from a cleared slot")
        .hint("write the slot first (copy_tile or a matrix operation)");
  });
  std::fill_n(tile, tile_elements, 0.0F);
  mark_written(index, 1);
}

void Dst::report_not_packing(const char* who) const {
  checks::violated(reporter_, checks::Class::dst_order, [&] {
    return order_fault(fmt::format("{} before tile_regs_wait", who), "pack owns a section between wait and release",
                       "call tile_regs_wait after tile_regs_commit");
  });
}

void Dst::mark_accumulator(int first, int count) {
  check_range(first, count, "note_accumulation");
  dirty_[math_half_] &= ~(bits(count) << first);
}

}  // namespace tilegrid
