// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "noc/grid.h"
#include "runtime/checks/race_finder.h"

namespace tilegrid::races {

Moment RaceFinder::transfer_moment(const Kernel& kernel, ThreadKind kind, NocId noc, int trid) {
  const int thread = layout_.transfers(kind, kernel.risc, to_underlying(noc), trid);
  return {.core = kernel.core, .thread = thread, .epoch = epochs_[kernel.core][thread]};
}

void RaceFinder::finish_transfers(Kernel& kernel, ThreadKind kind, NocId noc, std::optional<int> only) {
  for (int trid = 0; trid < layout_.trids; ++trid) {
    if (only && trid != *only) continue;
    const int thread = layout_.transfers(kind, kernel.risc, to_underlying(noc), trid);
    kernel.clock.learn(thread, epochs_[kernel.core][thread]++);
  }
}

RaceFinder::Channel& RaceFinder::channel_of(const Kernel& kernel, NocId noc, int destination, bool multicast) {
  Channel& channel = channels_[{kernel.core, to_underlying(kernel.risc), to_underlying(noc), destination, multicast}];
  if (channel.number == 0) channel.number = count_of<std::uint32_t>(channels_);
  return channel;
}

void RaceFinder::step_through(Kernel& kernel, const events::NocRead& event) {
  const Moment moment = transfer_moment(kernel, ThreadKind::read, event.noc, event.trid);
  const int peer = core_at(event.peer);
  if (peer >= 0 && !words_at_.contains(event.offset)) use(kernel, peer, event.offset, event.bytes, false, moment);
  if (!words_at_.contains(event.local)) use(kernel, kernel.core, event.local, event.bytes, true, moment);
}

void RaceFinder::step_through(Kernel& kernel, const events::NocWrite& event) {
  if (event.form != TransferForm::inlined && !words_at_.contains(event.local)) {
    use(kernel, kernel.core, event.local, event.bytes, false,
        transfer_moment(kernel, ThreadKind::source, event.noc, event.trid));
  }
  const int peer = core_at(event.peer);
  if (peer >= 0) land(kernel, {event.noc, event.trid, event.offset, event.bytes, event.word, false}, peer);
}

void RaceFinder::step_through(Kernel& kernel, const events::NocMulticast& event) {
  if (event.bytes != events::word_bytes && !words_at_.contains(event.local)) {
    use(kernel, kernel.core, event.local, event.bytes, false, transfer_moment(kernel, ThreadKind::source, event.noc, 0));
  }
  const int low = core_at(event.first);
  const int high = core_at(event.last);
  if (low < 0 || high < 0) return;
  const LogicalCore first = program_.grid.core(low);
  const LogicalCore last = program_.grid.core(high);
  const Landing landing{event.noc, 0, event.offset, event.bytes, event.word, true};
  for (int y = first.y; y <= last.y; ++y) {
    for (int x = first.x; x <= last.x; ++x) {
      const int destination = program_.grid.index({x, y});
      if (destination != kernel.core || event.loopback) land(kernel, landing, destination);
    }
  }
}

void RaceFinder::land(Kernel& kernel, const Landing& landing, int destination) {
  Channel& channel = channel_of(kernel, landing.noc, destination, landing.multicast);
  Moment moment = transfer_moment(kernel, ThreadKind::landing, landing.noc, landing.trid);
  moment.channel = channel.number;
  moment.sequence = ++channel.sequence;
  if (landing.bytes == events::word_bytes && words_at_.contains(landing.offset)) {
    Clock seen = kernel.clock;
    seen.learn_channel(channel.number, channel.sequence);
    set(kernel, destination, landing.offset, landing.word, moment, seen);
    kernel.clock.advance(ThreadLayout::kernel(kernel.risc));
    return;
  }
  if (check_slot(kernel, destination, landing.offset, landing.bytes)) {
    use(kernel, destination, landing.offset, landing.bytes, true, moment);
  }
}

/// Whether a write may go there: to pages that the receiver has reserved, or to memory that is not part of a circular
/// buffer in use.
bool RaceFinder::check_slot(const Kernel& kernel, int destination, std::uint32_t offset, std::uint32_t bytes) {
  const BufferMap& map = map_of(destination);
  const BufferMap::Buffer* where = map.at(offset);
  if (where == nullptr || where->on_buffer || !checks_.on(checks::Class::remote_slot)) return true;
  const Buffer& buffer = buffers_[destination][where - map.buffers.data()];
  const auto is_buffer = used_buffers_.find(where->id);
  if (is_buffer == used_buffers_.end()) return true;
  const std::uint32_t last = (offset + bytes - 1 - where->first) / where->page_bytes;
  for (std::uint32_t page = (offset - where->first) / where->page_bytes; page <= last && page < where->pages; ++page) {
    const Slot& slot = buffer.slots[page];
    if (slot.reserved && kernel.clock.knows(slot.moment)) continue;
    const Call call = call_of(kernel);
    const LogicalCore at = program_.grid.core(destination);
    const std::string owner = !slot.call       ? "its owner has not reserved it"
                              : !slot.reserved ? fmt::format("it is not free again since {}", text_of(*slot.call))
                                               : fmt::format("nothing says that {} comes first", text_of(*slot.call));
    report(
        checks::Class::remote_slot, call, slot.call, kernel.core,
        fmt::format("write to page {} of CB {} '{}' of core ({},{}): {}; a slot is written once its owner has reserved it "
                    "and said so; fix: wait for a semaphore that the owner increments after cb_reserve_back",
                    page, where->id, where->role, at.x, at.y, owner));
    return false;
  }
  return true;
}

void RaceFinder::step_through(Kernel& kernel, const events::ReadBarrier& event) {
  finish_transfers(kernel, ThreadKind::read, event.noc, event.trid);
}

void RaceFinder::step_through(Kernel& kernel, const events::WritesFlushed& event) {
  finish_transfers(kernel, ThreadKind::source, event.noc, event.trid);
}

void RaceFinder::step_through(Kernel& kernel, const events::WriteBarrier& event) {
  finish_transfers(kernel, ThreadKind::source, event.noc, event.trid);
  finish_transfers(kernel, ThreadKind::landing, event.noc, event.trid);
}

void RaceFinder::step_through(Kernel& kernel, const events::AtomicBarrier& event) {
  auto& under_way = kernel.atomics[event.noc];
  for (const auto& [channel, sequence] : under_way) kernel.clock.learn_channel(channel, sequence);
  under_way.clear();
}

}  // namespace tilegrid::races
