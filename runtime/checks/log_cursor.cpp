// SPDX-License-Identifier: Apache-2.0
#include "runtime/checks/log_cursor.h"

namespace tilegrid::races {

const std::vector<std::uint32_t>& BlockIndex::of(std::span<const Event> block) {
  const auto [found, is_new] = indices_.try_emplace(block.data());
  if (is_new) {
    for (std::uint32_t i = 0; i < block.size(); ++i) {
      if (moves_or_orders(block[i].kind())) found->second.push_back(i);
    }
  }
  return found->second;
}

void LogCursor::enter() {
  const EventSequence& sequence = log_->sequence(risc_);
  at_ = 0;
  for (; block_ < sequence.block_count(); ++block_) {
    events_ = sequence.block(block_);
    places_ = &index_->of(events_);
    if (!places_->empty()) return;
  }
  events_ = {};
}

}  // namespace tilegrid::races
