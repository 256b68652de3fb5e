// SPDX-License-Identifier: Apache-2.0
#include "runtime/timing/microbenchmarks.h"

#include <algorithm>
#include <random>

#include "noc/grid.h"
#include "runtime/timing/replay.h"

namespace tilegrid::timing {
namespace {

constexpr std::uint32_t l1_offset = 1U << 20U;

/// A read or a write, and the barrier that waits for it.
Event transfer(EventKind kind, PhysicalCore peer, std::uint32_t bytes, NocId noc = NocId::noc0) {
  if (kind == EventKind::noc_read) {
    return events::NocRead{.noc = noc, .bytes = bytes, .peer = peer, .offset = l1_offset};
  }
  return events::NocWrite{.noc = noc, .bytes = bytes, .peer = peer, .offset = l1_offset};
}
Event barrier_of(EventKind kind, NocId noc = NocId::noc0) {
  if (kind == EventKind::noc_read) return events::ReadBarrier{.noc = noc};
  return events::WriteBarrier{.noc = noc};
}

}  // namespace

PhysicalCore Microbenchmarks::node_of(LogicalCore core) const { return chip_.places().physical_of(core); }

RunLog Microbenchmarks::empty(const char* name) const {
  RunLog log;
  log.grid = grid_;
  log.program = name;
  log.launches.emplace_back();
  log.launches.front().name = name;
  log.launches.front().cores.resize(grid_.cores());
  log.launches.front().chip = chip_.name();
  log.launches.front().geometry = chip_.geometry();
  return log;
}

/// A kernel on NCRISC that does `events` and waits for them.
void Microbenchmarks::add_kernel(RunLog& log, LogicalCore core, const std::vector<Event>& events,
                                 const Event& barrier) const {
  EventLog& core_log = log.launches.front().cores[grid_.index(core)];
  core_log.append(Risc::ncrisc, events::KernelStart{});
  for (const Event& event : events) core_log.append(Risc::ncrisc, event);
  core_log.append(Risc::ncrisc, barrier);
  core_log.append(Risc::ncrisc, events::KernelEnd{});
}

RunLog Microbenchmarks::repeated(const char* name, LogicalCore core, const Event& event, int count,
                                 const Event& barrier) const {
  RunLog log = empty(name);
  add_kernel(log, core, std::vector<Event>(count, event), barrier);
  return log;
}

std::vector<Event> Microbenchmarks::to_banks(EventKind kind, int bank, std::uint32_t bytes, int count, int banks) const {
  std::vector<Event> events;
  for (int i = 0; i < count; ++i) {
    events.push_back(transfer(kind, chip_.places().dram_endpoint((bank + i % banks) % chip_.places().banks()), bytes));
  }
  return events;
}

RunLog Microbenchmarks::l1_read(LogicalCore core, LogicalCore from, std::uint32_t bytes, int count) const {
  return repeated("L1 read", core, transfer(EventKind::noc_read, node_of(from), bytes), count, events::ReadBarrier{});
}

RunLog Microbenchmarks::l1_write(LogicalCore core, LogicalCore to, std::uint32_t bytes, int count) const {
  return repeated("L1 write", core, transfer(EventKind::noc_write, node_of(to), bytes), count, events::WriteBarrier{});
}

RunLog Microbenchmarks::dram_read(LogicalCore core, int bank, std::uint32_t bytes, int count, int banks) const {
  RunLog log = empty("DRAM read");
  add_kernel(log, core, to_banks(EventKind::noc_read, bank, bytes, count, banks), events::ReadBarrier{});
  return log;
}

RunLog Microbenchmarks::dram_write(LogicalCore core, int bank, std::uint32_t bytes, int count, int banks) const {
  RunLog log = empty("DRAM write");
  add_kernel(log, core, to_banks(EventKind::noc_write, bank, bytes, count, banks), events::WriteBarrier{});
  return log;
}

void Microbenchmarks::write_to_others(RunLog& log, LogicalCore core, GridSize part, std::uint32_t bytes) const {
  std::vector<Event> events;
  const int own = part.index(core);
  for (int i = 1; i < part.cores(); ++i) {
    events.push_back(transfer(EventKind::noc_write, node_of(part.core((own + i) % part.cores())), bytes));
  }
  add_kernel(log, core, events, events::WriteBarrier{});
}

RunLog Microbenchmarks::one_to_all(LogicalCore core, GridSize part, std::uint32_t bytes) const {
  RunLog log = empty("one to all");
  write_to_others(log, core, part, bytes);
  return log;
}

RunLog Microbenchmarks::one_from_all(LogicalCore core, GridSize part, std::uint32_t bytes) const {
  RunLog log = empty("one from all");
  std::vector<Event> events;
  const int own = part.index(core);
  for (int i = 1; i < part.cores(); ++i) {
    events.push_back(transfer(EventKind::noc_read, node_of(part.core((own + i) % part.cores())), bytes));
  }
  add_kernel(log, core, events, events::ReadBarrier{});
  return log;
}

/// A kernel that moves pages of `bytes` to or from these banks on `noc`.
void Microbenchmarks::add_pages(RunLog& log, LogicalCore core, NocId noc, EventKind kind, std::uint32_t bytes,
                                const std::vector<int>& banks) const {
  std::vector<Event> events;
  for (const int bank : banks) {
    events.push_back(transfer(kind, chip_.places().dram_endpoint(bank), bytes, noc));
  }
  add_kernel(log, core, events, barrier_of(kind, noc));
}

RunLog Microbenchmarks::dram_by_all(GridSize part, NocId noc, EventKind kind, std::uint32_t bytes, int count) const {
  RunLog log = empty("DRAM by all");
  std::minstd_rand numbers(1);  // its sequence is part of the standard
  for (int core = 0; core < part.cores(); ++core) {
    std::vector<int> banks(count);
    for (int& bank : banks) bank = static_cast<int>((numbers() >> 8U) % static_cast<unsigned>(chip_.places().banks()));
    add_pages(log, part.core(core), noc, kind, bytes, banks);
  }
  return log;
}

RunLog Microbenchmarks::dram_beside(EventKind kind, std::uint32_t bytes, int count) const {
  RunLog log = empty("DRAM beside");
  const NocId noc = kind == EventKind::noc_read ? NocId::noc0 : NocId::noc1;
  for (int bank = 0; bank < chip_.places().banks(); ++bank) {
    const PhysicalCore endpoint = chip_.places().dram_endpoint(bank);
    for (int core = 0; core < grid_.cores(); ++core) {
      const PhysicalCore at = chip_.places().physical_of(grid_.core(core));
      if (at.x != endpoint.x + 1 || at.y != endpoint.y) continue;
      add_pages(log, grid_.core(core), noc, kind, bytes, std::vector<int>(count, bank));
    }
  }
  return log;
}

RunLog Microbenchmarks::all_to_all(GridSize part, std::uint32_t bytes) const {
  RunLog log = empty("all to all");
  for (int core = 0; core < part.cores(); ++core) write_to_others(log, part.core(core), part, bytes);
  return log;
}

RunLog Microbenchmarks::multicast(LogicalCore core, LogicalCore first, LogicalCore last, std::uint32_t bytes, bool linked,
                                  int count, bool loopback) const {
  RunLog log = empty("multicast");
  const events::NocMulticast event{.linked = linked,
                                   .loopback = loopback,
                                   .bytes = bytes,
                                   .first = node_of(first),
                                   .last = node_of(last),
                                   .offset = l1_offset};
  add_kernel(log, core, std::vector<Event>(count, event), events::WriteBarrier{});
  return log;
}

double kernel_cycles(const RunLog& log, const Chip& chip) {
  double end = 0;
  for (const LaunchTime& launch : replay(log, chip).launches) {
    double last = chip["launch_cycles"];
    for (const CoreTime& core : launch.cores) last = std::max(last, core.end);
    end += last - chip["launch_cycles"];
  }
  return end;
}

}  // namespace tilegrid::timing
