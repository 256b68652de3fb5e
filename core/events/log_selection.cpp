// SPDX-License-Identifier: Apache-2.0
#include "core/events/log_selection.h"

#include <span>
#include <unordered_map>
#include <utility>

namespace tilegrid {

std::uint64_t LogSelection::unlimited_size(const RunLog& log) const {
  std::uint64_t events = 0;
  for_each_sequence(log, [&](std::size_t, LogicalCore, Risc, const EventSequence& sequence) { events += sequence.size(); });
  return events;
}

KindCounts LogSelection::count_kinds(const RunLog& log) const {
  KindCounts counts{};
  if (limit != no_limit) {
    for_each_event(log, [&](std::size_t, LogicalCore, Risc one, const Event& event, std::size_t) {
      ++counts[one][event.kind()];
      return true;
    });
    return counts;
  }
  // Each block once, times how often it comes.
  for_each_sequence(log, [&](std::size_t, LogicalCore, Risc one, const EventSequence& sequence) {
    std::unordered_map<const Event*, std::pair<std::span<const Event>, std::uint64_t>> blocks;
    for (std::size_t i = 0; i < sequence.block_count(); ++i) {
      auto& [events, times] = blocks[sequence.block(i).data()];
      events = sequence.block(i);
      ++times;
    }
    for (const auto& [at, block] : blocks) {
      for (const Event& event : block.first) counts[one][event.kind()] += block.second;
    }
  });
  return counts;
}

}  // namespace tilegrid
