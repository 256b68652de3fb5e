// SPDX-License-Identifier: Apache-2.0
#include "runtime/checks/race_finder.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/l1.h"
#include "noc/grid.h"

namespace tilegrid::races {
namespace {

const char* call_name(EventKind kind) {
  switch (kind) {
    case EventKind::cb_reserve:
      return "cb_reserve_back";
    case EventKind::cb_push:
      return "cb_push_back";
    case EventKind::cb_wait:
      return "cb_wait_front";
    case EventKind::cb_pop:
      return "cb_pop_front";
    case EventKind::noc_read:
      return "noc_async_read";
    case EventKind::noc_write:
      return "noc_async_write";
    case EventKind::noc_multicast:
      return "noc_async_write_multicast";
    case EventKind::semaphore_set:
      return "noc_semaphore_set";
    case EventKind::semaphore_inc:
      return "noc_semaphore_inc";
    case EventKind::semaphore_wait:
      return "noc_semaphore_wait";
    default:
      return name_of(kind);
  }
}

}  // namespace

RaceFinder::RaceFinder(const Layout& layout, const std::vector<EventLog>& logs, const checks::Config& checks, bool complete)
    : program_(layout),
      logs_(logs),
      checks_(checks),
      complete_(complete),
      cores_(count_of(logs)),
      maps_(layout.memories.begin(), layout.memories.end()) {
  for (int core = 0; core < cores_; ++core) {
    const PhysicalCore node = layout.places.physical_of(layout.grid.core(core));
    cores_by_node_[{node.x, node.y}] = core;
  }
  look_through_blocks();
  for (int core = 0; core < cores_; ++core) {
    const std::size_t at = core;
    for (const Risc risc : each<Risc>) {
      if (logs[at].sequence(risc).empty()) continue;
      kernels_.push_back({core, risc, LogCursor(logs[at], risc, index_), Clock(core, layout_, cores_)});
      kernels_.back().clock.advance(ThreadLayout::kernel(risc));
    }
    const BufferMap& map = map_of(core);
    shadows_.emplace_back(map);
    std::vector<Buffer>& buffers = buffers_.emplace_back(map.buffers.size());
    for (std::size_t i = 0; i < buffers.size(); ++i) buffers[i].slots.resize(map.buffers[i].pages);
    epochs_.emplace_back(layout_.size(), 1U);
  }
  words_.resize(logs.size());
}

/// Collects what the layout of clocks and shadow cells depends on (transaction ids, semaphores, buffers in use), from each
/// block once however often it is repeated.
void RaceFinder::look_through_blocks() {
  std::unordered_set<const Event*> seen;
  for (const EventLog& log : logs_) {
    for (const Risc risc : each<Risc>) {
      const EventSequence& sequence = log.sequence(risc);
      for (std::size_t i = 0; i < sequence.block_count(); ++i) {
        const auto block = sequence.block(i);
        if (!seen.insert(block.data()).second) continue;
        for (const std::uint32_t place : index_.of(block)) look_at(block[place]);
      }
    }
  }
}

void RaceFinder::look_at(const Event& event) {
  using namespace events;
  const auto touch = [&](std::uint32_t offset) {
    for (const BufferMap& map : maps_) {
      if (const BufferMap::Buffer* buffer = map.at(offset)) touched_.insert(buffer->id);
    }
  };
  visit(event, Cases{[&]<EventKind K>(const UnicastEvent<K>& transfer) {
                       layout_.trids = std::max<int>(layout_.trids, transfer.trid + 1);
                       touch(transfer.local);
                       if (core_at(transfer.peer) >= 0) touch(transfer.offset);
                     },
                     [&](const NocMulticast& multicast) {
                       if (multicast.bytes != word_bytes) touch(multicast.local);
                       touch(multicast.offset);
                     },
                     [&](const SemaphoreSet& set) { words_at_.insert(set.offset); },
                     [&](const SemaphoreInc& increment) { words_at_.insert(increment.offset); },
                     [&](const SemaphoreWait& wait) { words_at_.insert(wait.offset); },
                     [&](const CbPush& push) { used_buffers_.insert(push.cb); },
                     [&](const CbPop& pop) { used_buffers_.insert(pop.cb); }, [](const auto&) {}});
}

int RaceFinder::core_at(PhysicalCore node) const {
  const auto found = cores_by_node_.find({node.x, node.y});
  return found == cores_by_node_.end() ? -1 : found->second;
}

std::vector<checks::Finding> RaceFinder::run() {
  for (bool left = true; left;) {
    left = false;
    bool moved = false;
    for (Kernel& kernel : kernels_) {
      while (!kernel.cursor.done() && step(kernel, false)) moved = true;
      left = left || !kernel.cursor.done();
    }
    if (moved || !left) continue;
    if (!complete_) break;  // they stopped there
    // No kernel can go on in the order taken here, though all went on in the run: one of them polled, or a race decided
    // what it saw. The first that waits is let through.
    for (Kernel& kernel : kernels_) {
      if (!kernel.cursor.done() && step(kernel, true)) break;
    }
  }
  std::vector<checks::Finding> findings;
  for (const auto& [key, reported] : reports_) {
    const auto& [c, file, line, risc, other_file, other_line, other_risc] = key;
    for (const auto& [core, count] : reported.cores) {
      const LogicalCore at = program_.grid.core(core);
      std::string kernel;
      for (const Layout::Kernel& one : program_.kernels) {
        if (one.risc == risc && one.runs_on(at)) kernel = one.name;
      }
      findings.push_back({.error_class = checks::name_of(c),
                          .severity = checks_.of(c),
                          .core = core,
                          .risc = name_of(risc),
                          .kernel = kernel,
                          .file = file,
                          .line = line,
                          .message = reported.message,
                          .count = count});
    }
  }
  return findings;
}

bool RaceFinder::step(Kernel& kernel, bool force) {
  using namespace events;
  const bool done = visit(kernel.cursor.event(),
                          Cases{[&]<EventKind K>(const CbEvent<K>& event) { return step_buffer(kernel, event, force); },
                                [&](const SemaphoreWait& event) { return wait(kernel, event, force); },
                                [&](const auto& event) {
                                  step_through(kernel, event);
                                  return true;
                                }});
  if (done) kernel.cursor.next();
  return done;
}

RaceFinder::Buffer& RaceFinder::buffer_of(const Kernel& kernel, const BufferMap::Buffer& where) {
  return buffers_[kernel.core][&where - map_of(kernel.core).buffers.data()];
}

/// Learns from the first count of `list` that reaches `pages`. Smaller counts are dropped: nobody will ask for them again.
void RaceFinder::see(Kernel& kernel, std::deque<Count>& list, std::uint64_t pages) {
  while (list.size() > 1 && list.front().pages < pages) list.pop_front();
  if (!list.empty() && list.front().pages >= pages) kernel.clock.join(list.front().clock);
}

bool RaceFinder::step_buffer(Kernel& kernel, const events::CbReserve& event, bool force) {
  const BufferMap::Buffer& where = map_of(kernel.core).of(event.cb);
  Buffer& buffer = buffer_of(kernel, where);
  if (buffer.acked + where.pages < buffer.received + event.pages && !force) return false;
  if (buffer.received + event.pages > where.pages) see(kernel, buffer.pops, buffer.received + event.pages - where.pages);
  use_pages(kernel, where, event.pages, true, true, buffer.received);
  const Slot reserved{true, moment_of(kernel), call_of(kernel)};
  for (std::uint32_t i = 0; i < event.pages; ++i) buffer.slots[(buffer.received + i) % where.pages] = reserved;
  return true;
}

bool RaceFinder::step_buffer(Kernel& kernel, const events::CbPush& event, bool) {
  const BufferMap::Buffer& where = map_of(kernel.core).of(event.cb);
  Buffer& buffer = buffer_of(kernel, where);
  use_pages(kernel, where, event.pages, true, false, buffer.received);
  for (std::uint32_t i = 0; i < event.pages; ++i) buffer.slots[(buffer.received + i) % where.pages].reserved = false;
  buffer.received += event.pages;
  buffer.pushes.push_back({buffer.received, kernel.clock});
  kernel.clock.advance(ThreadLayout::kernel(kernel.risc));
  return true;
}

bool RaceFinder::step_buffer(Kernel& kernel, const events::CbWait& event, bool force) {
  const BufferMap::Buffer& where = map_of(kernel.core).of(event.cb);
  Buffer& buffer = buffer_of(kernel, where);
  if (buffer.received < buffer.acked + event.pages && !force) return false;
  see(kernel, buffer.pushes, buffer.acked + event.pages);
  use_pages(kernel, where, event.pages, false, false, buffer.acked);
  return true;
}

bool RaceFinder::step_buffer(Kernel& kernel, const events::CbPop& event, bool) {
  const BufferMap::Buffer& where = map_of(kernel.core).of(event.cb);
  Buffer& buffer = buffer_of(kernel, where);
  use_pages(kernel, where, event.pages, false, false, buffer.acked);
  buffer.acked += event.pages;
  buffer.pops.push_back({buffer.acked, kernel.clock});
  kernel.clock.advance(ThreadLayout::kernel(kernel.risc));
  return true;
}

void RaceFinder::use_pages(const Kernel& kernel, const BufferMap::Buffer& buffer, std::uint32_t pages, bool write,
                           bool only_look, std::uint64_t from) {
  if (!checks_.on(checks::Class::race) || !touched_.contains(buffer.id) || buffer.on_buffer) return;
  for (std::uint32_t i = 0; i < pages; ++i) {
    const auto page = static_cast<std::uint32_t>((from + i) % buffer.pages);
    use(kernel, kernel.core, buffer.first + page * buffer.page_bytes, buffer.page_bytes, write, moment_of(kernel),
        only_look);
  }
}

void RaceFinder::use(const Kernel& kernel, int core, std::uint32_t offset, std::uint32_t bytes, bool write,
                     const Moment& moment, bool only_look) {
  if (!checks_.on(checks::Class::race)) return;
  const Access access{offset,      offset + bytes,      write, moment, kernel.cursor.event().kind(),
                      kernel.risc, kernel.cursor.line()};
  shadows_[core].use(access, kernel.clock, only_look, [&](const Access& earlier) {
    const Call call = call_of(kernel);
    // A push stands for the stores before it, but stores nothing itself: the same RISC may still be sending from these
    // pages.
    const bool own = earlier.moment.core == kernel.core && earlier.risc == kernel.risc;
    if (call.what == EventKind::cb_push && own && !earlier.write) return;
    const Call other{earlier.moment.core, earlier.risc, earlier.line, earlier.what};
    const LogicalCore at = program_.grid.core(core);
    report(checks::Class::race, call, other, kernel.core,
           fmt::format("{} {} {} of core ({},{}), which {} {}; nothing orders the two; fix: a barrier and a semaphore or a "
                       "circular buffer between them",
                       call_name(call.what), write ? "writes" : "reads", map_of(core).text_of(offset, offset + bytes), at.x,
                       at.y, text_of(other), earlier.write ? "writes" : "reads"));
  });
}

RaceFinder::Call RaceFinder::call_of(const Kernel& kernel) const {
  return {kernel.core, kernel.risc, kernel.cursor.line(), kernel.cursor.event().kind()};
}

Moment RaceFinder::moment_of(const Kernel& kernel) const {
  const int thread = ThreadLayout::kernel(kernel.risc);
  return {.core = kernel.core, .thread = thread, .epoch = kernel.clock.epoch(thread)};
}

std::string RaceFinder::text_of(const Call& call) const {
  const EventLines::Line& line = logs_[call.core].lines().lines()[call.line];
  const LogicalCore at = program_.grid.core(call.core);
  return fmt::format("{} of core ({},{}) {} at {}:{}", call_name(call.what), at.x, at.y, name_of(call.risc), line.file,
                     line.line);
}

void RaceFinder::report(checks::Class c, const Call& at, const std::optional<Call>& other, int core,
                        const std::string& message) {
  if (!checks_.on(c)) return;
  const EventLines::Line& line = logs_[at.core].lines().lines()[at.line];
  EventLines::Line second;
  if (other) second = logs_[other->core].lines().lines()[other->line];
  const int second_risc = other ? to_underlying(other->risc) : -1;
  Reported& reported = reports_[{c, line.file, line.line, at.risc, second.file, second.line, second_risc}];
  if (reported.message.empty()) reported.message = message;
  ++reported.cores[core];
}

}  // namespace tilegrid::races
