// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "noc/grid.h"
#include "runtime/checks/race_finder.h"

namespace tilegrid::races {

Moment RaceFinder::transfer_moment(const Kernel& kernel, ThreadKind kind, int noc, int trid) {
  const int thread = layout_.transfers(kind, kernel.risc, noc, trid);
  return {.core = kernel.core,
          .thread = thread,
          .epoch = epochs_[static_cast<std::size_t>(kernel.core)][static_cast<std::size_t>(thread)]};
}

void RaceFinder::finish_transfers(Kernel& kernel, ThreadKind kind, int noc, int trid_and_one) {
  for (int trid = 0; trid < layout_.trids; ++trid) {
    if (trid_and_one != 0 && trid != trid_and_one - 1) continue;
    const int thread = layout_.transfers(kind, kernel.risc, noc, trid);
    kernel.clock.learn(thread, epochs_[static_cast<std::size_t>(kernel.core)][static_cast<std::size_t>(thread)]++);
  }
}

RaceFinder::Channel& RaceFinder::channel_of(const Kernel& kernel, int noc, int destination, bool multicast) {
  Channel& channel = channels_[{kernel.core, static_cast<int>(kernel.risc), noc, destination, multicast}];
  if (channel.number == 0) channel.number = static_cast<std::uint32_t>(channels_.size());
  return channel;
}

void RaceFinder::step_transfer(Kernel& kernel, const Event& event) {
  const int noc = event.op;
  if (event.kind == EventKind::noc_read) {
    const Moment moment = transfer_moment(kernel, ThreadKind::read, noc, event.a);
    const int peer = core_of(cores_by_node_, event.x);
    if (peer >= 0 && !words_at_.contains(event.address)) use(kernel, peer, event.address, event.count, false, moment);
    if (!words_at_.contains(event.y)) use(kernel, kernel.core, event.y, event.count, true, moment);
    return;
  }
  const bool multicast = event.kind == EventKind::noc_multicast;
  const bool one_word = event.count == sizeof(std::uint32_t);
  const std::uint32_t local = multicast ? extra_of(event) : event.y;
  const bool has_source = multicast ? !one_word : static_cast<TransferForm>(event.b) != TransferForm::inlined;
  if (has_source && !words_at_.contains(local)) {
    use(kernel, kernel.core, local, event.count, false,
        transfer_moment(kernel, ThreadKind::source, noc, multicast ? 0 : event.a));
  }
  if (!multicast) {
    const int peer = core_of(cores_by_node_, event.x);
    if (peer >= 0) land(kernel, event, peer, false);
    return;
  }
  const int low = core_of(cores_by_node_, event.x);
  const int high = core_of(cores_by_node_, event.y);
  if (low < 0 || high < 0) return;
  const LogicalCore first = program_.grid.core(low);
  const LogicalCore last = program_.grid.core(high);
  for (int y = first.y; y <= last.y; ++y) {
    for (int x = first.x; x <= last.x; ++x) {
      const int destination = program_.grid.index({x, y});
      if (destination != kernel.core || event.b != 0) land(kernel, event, destination, true);
    }
  }
}

void RaceFinder::land(Kernel& kernel, const Event& event, int destination, bool multicast) {
  Channel& channel = channel_of(kernel, event.op, destination, multicast);
  Moment moment = transfer_moment(kernel, ThreadKind::landing, event.op, multicast ? 0 : event.a);
  moment.channel = channel.number;
  moment.sequence = ++channel.sequence;
  if (event.count == sizeof(std::uint32_t) && words_at_.contains(event.address)) {
    Clock seen = kernel.clock;
    seen.learn_channel(channel.number, channel.sequence);
    set(kernel, destination, event.address, extra_of(event), moment, seen);
    kernel.clock.advance(ThreadLayout::kernel(kernel.risc));
    return;
  }
  if (check_slot(kernel, destination, event.address, event.count)) {
    use(kernel, destination, event.address, event.count, true, moment);
  }
}

/// Whether a write goes to memory that its owner has made free for it, or that is no slot of a circular buffer in use.
bool RaceFinder::check_slot(const Kernel& kernel, int destination, std::uint32_t offset, std::uint32_t bytes) {
  const BufferMap::Buffer* where = map_.at(offset);
  if (where == nullptr || where->on_buffer || !checks_.on(checks::Class::remote_slot)) return true;
  const Buffer& buffer =
      buffers_[static_cast<std::size_t>(destination)][static_cast<std::size_t>(where - map_.buffers.data())];
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

void RaceFinder::step_barrier(Kernel& kernel, const Event& event) {
  switch (event.kind) {
    case EventKind::read_barrier:
      finish_transfers(kernel, ThreadKind::read, event.op, event.a);
      break;
    case EventKind::writes_flushed:
      finish_transfers(kernel, ThreadKind::source, event.op, event.a);
      break;
    case EventKind::write_barrier:
      finish_transfers(kernel, ThreadKind::source, event.op, event.a);
      finish_transfers(kernel, ThreadKind::landing, event.op, event.a);
      break;
    case EventKind::atomic_barrier: {
      auto& under_way = kernel.atomics[event.op];
      for (const auto& [channel, sequence] : under_way) kernel.clock.learn_channel(channel, sequence);
      under_way.clear();
      break;
    }
    default:
      break;
  }
}

}  // namespace tilegrid::races
