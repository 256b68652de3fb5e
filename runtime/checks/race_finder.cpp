// SPDX-License-Identifier: Apache-2.0
#include "runtime/checks/race_finder.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/l1.h"
#include "noc/grid.h"

namespace tilegrid::races {
namespace {

std::uint32_t packed(PhysicalCore node) {
  return static_cast<std::uint32_t>(node.x) | static_cast<std::uint32_t>(node.y) << 8U;
}

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

RaceFinder::RaceFinder(const Program& program, const std::vector<EventLog>& logs, const checks::Config& checks)
    : program_(program), logs_(logs), checks_(checks), cores_(static_cast<int>(logs.size())), map_(program) {
  for (int core = 0; core < cores_; ++core)
    cores_by_node_[packed(program.chip.places().physical_of(program.grid.core(core)))] = core;
  look_through_blocks();
  for (int core = 0; core < cores_; ++core) {
    const auto at = static_cast<std::size_t>(core);
    for (int risc = 0; risc < risc_count; ++risc) {
      if (logs[at].sequence(static_cast<Risc>(risc)).empty()) continue;
      kernels_.push_back({core, static_cast<Risc>(risc), LogCursor(logs[at], static_cast<Risc>(risc), index_),
                          Clock(core, layout_, cores_)});
      kernels_.back().clock.advance(ThreadLayout::kernel(static_cast<Risc>(risc)));
    }
    shadows_.emplace_back(map_);
    std::vector<Buffer>& buffers = buffers_.emplace_back(map_.buffers.size());
    for (std::size_t i = 0; i < buffers.size(); ++i) buffers[i].slots.resize(map_.buffers[i].pages);
    epochs_.emplace_back(static_cast<std::size_t>(layout_.size()), 1U);
  }
  words_.resize(logs.size());
}

/// What the layout of clocks and cells depends on: from each block once, however often it is repeated.
void RaceFinder::look_through_blocks() {
  std::unordered_set<const Event*> seen;
  for (const EventLog& log : logs_) {
    for (int risc = 0; risc < risc_count; ++risc) {
      const EventSequence& sequence = log.sequence(static_cast<Risc>(risc));
      for (std::size_t i = 0; i < sequence.block_count(); ++i) {
        const auto block = sequence.block(i);
        if (!seen.insert(block.data()).second) continue;
        for (const std::uint32_t place : index_.of(block)) look_at(block[place]);
      }
    }
  }
}

void RaceFinder::look_at(const Event& event) {
  const auto touch = [&](std::uint32_t offset) {
    if (const BufferMap::Buffer* buffer = map_.at(offset)) touched_.insert(buffer->id);
  };
  switch (event.kind) {
    case EventKind::noc_read:
    case EventKind::noc_write:
      layout_.trids = std::max(layout_.trids, event.a + 1);
      touch(event.y);
      if (core_of(cores_by_node_, event.x) >= 0) touch(event.address);
      break;
    case EventKind::noc_multicast:
      if (event.count != sizeof(std::uint32_t)) touch(extra_of(event));
      touch(event.address);
      break;
    case EventKind::semaphore_set:
    case EventKind::semaphore_inc:
    case EventKind::semaphore_wait:
      words_at_.insert(event.address);
      break;
    case EventKind::cb_push:
    case EventKind::cb_pop:
      used_buffers_.insert(event.a);
      break;
    default:
      break;
  }
}

int RaceFinder::core_of(const std::map<std::uint32_t, int>& nodes, std::uint32_t node) {
  const auto found = nodes.find(node);
  return found == nodes.end() ? -1 : found->second;
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
    // What a kernel saw in this run does not come in the order taken here: it polled, or a race decided. It goes on.
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
      for (const KernelConfig& config : program_.kernels) {
        if (config.risc == risc && config.cores.contains(at)) kernel = config.name;
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
  const Event& event = kernel.cursor.event();
  switch (event.kind) {
    case EventKind::cb_reserve:
    case EventKind::cb_push:
    case EventKind::cb_wait:
    case EventKind::cb_pop:
      if (!step_buffer(kernel, event, force)) return false;
      break;
    case EventKind::noc_read:
    case EventKind::noc_write:
    case EventKind::noc_multicast:
      step_transfer(kernel, event);
      break;
    case EventKind::semaphore_set:
    case EventKind::semaphore_inc:
    case EventKind::semaphore_wait:
      if (!step_semaphore(kernel, event, force)) return false;
      break;
    default:
      step_barrier(kernel, event);
      break;
  }
  kernel.cursor.next();
  return true;
}

bool RaceFinder::step_buffer(Kernel& kernel, const Event& event, bool force) {
  const BufferMap::Buffer& where = map_.of(event.a);
  Buffer& buffer = buffers_[static_cast<std::size_t>(kernel.core)][static_cast<std::size_t>(&where - map_.buffers.data())];
  // The first count of `list` that reaches `pages`; what comes before is no longer asked for.
  const auto see = [&](std::deque<Count>& list, std::uint64_t pages) {
    while (list.size() > 1 && list.front().pages < pages) list.pop_front();
    if (!list.empty() && list.front().pages >= pages) kernel.clock.join(list.front().clock);
  };
  const auto slots = [&](bool reserved) {
    for (std::uint32_t i = 0; i < event.count; ++i) {
      Slot& slot = buffer.slots[(buffer.received + i) % where.pages];
      slot.reserved = reserved;
      if (reserved) slot.moment = moment_of(kernel);
      if (reserved) slot.call = call_of(kernel);
    }
  };
  switch (event.kind) {
    case EventKind::cb_reserve:
      if (buffer.acked + where.pages < buffer.received + event.count && !force) return false;
      if (buffer.received + event.count > where.pages) see(buffer.pops, buffer.received + event.count - where.pages);
      use_pages(kernel, event, true, true, buffer.received);
      slots(true);
      break;
    case EventKind::cb_push:
      use_pages(kernel, event, true, false, buffer.received);
      slots(false);
      buffer.received += event.count;
      buffer.pushes.push_back({buffer.received, kernel.clock});
      kernel.clock.advance(ThreadLayout::kernel(kernel.risc));
      break;
    case EventKind::cb_wait:
      if (buffer.received < buffer.acked + event.count && !force) return false;
      see(buffer.pushes, buffer.acked + event.count);
      use_pages(kernel, event, false, false, buffer.acked);
      break;
    default:
      use_pages(kernel, event, false, false, buffer.acked);
      buffer.acked += event.count;
      buffer.pops.push_back({buffer.acked, kernel.clock});
      kernel.clock.advance(ThreadLayout::kernel(kernel.risc));
      break;
  }
  return true;
}

void RaceFinder::use_pages(Kernel& kernel, const Event& event, bool write, bool only_look, std::uint64_t from) {
  if (!checks_.on(checks::Class::race) || !touched_.contains(event.a)) return;
  const BufferMap::Buffer& buffer = map_.of(event.a);
  if (buffer.on_buffer) return;
  for (std::uint32_t i = 0; i < event.count; ++i) {
    const auto page = static_cast<std::uint32_t>((from + i) % buffer.pages);
    use(kernel, kernel.core, buffer.first + page * buffer.page_bytes, buffer.page_bytes, write, moment_of(kernel),
        only_look);
  }
}

void RaceFinder::use(const Kernel& kernel, int core, std::uint32_t offset, std::uint32_t bytes, bool write,
                     const Moment& moment, bool only_look) {
  if (!checks_.on(checks::Class::race)) return;
  const Call call = call_of(kernel);
  const Access access{offset, offset + bytes, write, moment, call.what, call.risc, call.line};
  shadows_[static_cast<std::size_t>(core)].use(access, kernel.clock, only_look, [&](const Access& earlier) {
    // A push stores nothing itself: what its own RISC sends from there may still be on its way.
    const bool own = earlier.moment.core == kernel.core && earlier.risc == kernel.risc;
    if (call.what == EventKind::cb_push && own && !earlier.write) return;
    const Call other{earlier.moment.core, earlier.risc, earlier.line, earlier.what};
    const LogicalCore at = program_.grid.core(core);
    report(checks::Class::race, call, other, kernel.core,
           fmt::format("{} {} {} of core ({},{}), which {} {}; nothing orders the two; fix: a barrier and a semaphore or a "
                       "circular buffer between them",
                       call_name(call.what), write ? "writes" : "reads", map_.text_of(offset, offset + bytes), at.x, at.y,
                       text_of(other), earlier.write ? "writes" : "reads"));
  });
}

RaceFinder::Call RaceFinder::call_of(const Kernel& kernel) const {
  return {kernel.core, kernel.risc, kernel.cursor.line(), kernel.cursor.event().kind};
}

Moment RaceFinder::moment_of(const Kernel& kernel) const {
  const int thread = ThreadLayout::kernel(kernel.risc);
  return {.core = kernel.core, .thread = thread, .epoch = kernel.clock.epoch(thread)};
}

std::string RaceFinder::text_of(const Call& call) const {
  const EventLines::Line& line = logs_[static_cast<std::size_t>(call.core)].lines().lines()[call.line];
  const LogicalCore at = program_.grid.core(call.core);
  return fmt::format("{} of core ({},{}) {} at {}:{}", call_name(call.what), at.x, at.y, name_of(call.risc), line.file,
                     line.line);
}

void RaceFinder::report(checks::Class c, const Call& at, const std::optional<Call>& other, int core,
                        const std::string& message) {
  if (!checks_.on(c)) return;
  const EventLines::Line& line = logs_[static_cast<std::size_t>(at.core)].lines().lines()[at.line];
  EventLines::Line second;
  if (other) second = logs_[static_cast<std::size_t>(other->core)].lines().lines()[other->line];
  const int second_risc = other ? static_cast<int>(other->risc) : -1;
  Reported& reported = reports_[{c, line.file, line.line, at.risc, second.file, second.line, second_risc}];
  if (reported.message.empty()) reported.message = message;
  ++reported.cores[core];
}

}  // namespace tilegrid::races
