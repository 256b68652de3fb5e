// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "core/events/event_log.h"

namespace tilegrid {

/// Events by kind, of each RISC.
using KindCounts = EnumArray<Risc, EnumArray<EventKind, std::uint64_t>>;

/// A part of a log, in the order of launches, cores and RISCs.
struct LogSelection {
  static constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();
  std::optional<LogicalCore> core;  ///< none: all
  std::optional<Risc> risc;         ///< none: all
  std::uint64_t limit = no_limit;   ///< the first so many events

  /// Calls visit(launch, core, risc, sequence) for the sequences that it has, `limit` aside.
  template <class Visit>
  void for_each_sequence(const RunLog& log, const Visit& visit) const {
    for (std::size_t launch = 0; launch < log.launches.size(); ++launch) {
      const std::vector<EventLog>& cores = log.launches[launch].cores;
      for (int index = 0; index < count_of(cores); ++index) {
        const LogicalCore at = log.grid.core(index);
        if (core && *core != at) continue;
        for (const Risc one : each<Risc>) {
          if (!risc || *risc == one) visit(launch, at, one, cores[index].sequence(one));
        }
      }
    }
  }
  /// Calls visit(launch, core, risc, event, its number in the sequence) for the events, until it says no more.
  template <class Visit>
  void for_each_event(const RunLog& log, const Visit& visit) const {
    std::uint64_t left = limit;
    for_each_sequence(log, [&](std::size_t launch, LogicalCore at, Risc one, const EventSequence& sequence) {
      std::size_t number = 0;
      for (const Event& event : sequence) {
        if (left == 0) return;
        left = visit(launch, at, one, event, number++) ? left - 1 : 0;
      }
    });
  }
  /// Events without a limit; they are not looked at, as a short file can claim any number of them: loops repeat.
  [[nodiscard]] std::uint64_t unlimited_size(const RunLog& log) const;
  [[nodiscard]] KindCounts count_kinds(const RunLog& log) const;
};

}  // namespace tilegrid
