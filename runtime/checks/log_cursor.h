// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/events/event_log.h"

namespace tilegrid::races {

/// For each block of a log the positions of the events that move data or order it. Found once a block, since blocks repeat;
/// most other events only compute.
class BlockIndex {
 public:
  [[nodiscard]] const std::vector<std::uint32_t>& of(std::span<const Event> block);

 private:
  std::unordered_map<const Event*, std::vector<std::uint32_t>> indices_;
};

/// Walks through the events of one RISC that move data or order it.
class LogCursor {
 public:
  LogCursor(const EventLog& log, Risc risc, BlockIndex& index) : log_(&log), risc_(risc), index_(&index) { enter(); }

  [[nodiscard]] bool done() const { return events_.empty(); }
  [[nodiscard]] const Event& event() const { return events_[(*places_)[at_]]; }
  /// Number of the event's line in the core's EventLines.
  [[nodiscard]] std::uint16_t line() const { return log_->lines().number(risc_, passed_); }
  void next() {
    ++passed_;
    if (++at_ < places_->size()) return;
    ++block_;
    enter();
  }

 private:
  /// The next block with such an event.
  void enter();

  const EventLog* log_;
  Risc risc_;
  BlockIndex* index_;
  std::size_t block_ = 0;
  std::span<const Event> events_;
  const std::vector<std::uint32_t>* places_ = nullptr;
  std::size_t at_ = 0;
  std::size_t passed_ = 0;
};

}  // namespace tilegrid::races
