// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/events/event_log.h"
#include "noc/grid.h"
#include "runtime/timing/replay.h"
#include "tests/support/wormhole_grid.h"

namespace tilegrid::timing {

/// A machine where everything is free or endless but for the network's hops and flits and what a test sets.
inline Chip free_machine(const std::vector<std::string>& settings) {
  Chip machine = Chip::load("wormhole_b0");
  const auto all = machine.parameters();
  for (const auto& [name, parameter] : all) {
    if (name == "dst_tiles" || name == "circular_buffers" || name.ends_with("_share")) continue;
    if (name.ends_with("_per_cycle")) {
      machine.set(name + "=1e9");
    } else if (name.ends_with("_flit_cycles") || name == "noc_response_channels") {
      machine.set(name + "=1");
    } else if (name == "matmul_phase_cycles") {
      machine.set(name + "=16");
    } else if (parameter.unit != "bytes" && parameter.unit != "Hz" && parameter.unit != "flits") {
      machine.set(name + "=0");
    }
  }
  machine.set("noc_hop_cycles=9");
  machine.set("noc_niu_cycles=5");
  for (const std::string& setting : settings) machine.set(setting);
  return machine;
}

/// A run of one launch on the upper left part of the die, to be filled in.
struct HandLog {
  explicit HandLog(GridSize grid = {4, 1}) {
    run.grid = grid;
    run.launches.emplace_back();
    launch().name = "hand-made";
    launch().cores.resize(static_cast<std::size_t>(grid.cores()));
  }
  LaunchLog& launch() { return run.launches.front(); }
  HandLog& buffer(int id, std::uint32_t pages, DataFormat format = DataFormat::bf16) {
    launch().setups[0].buffers.push_back({.id = id, .pages = pages, .page_bytes = tile_bytes(format), .format = format});
    return *this;
  }
  HandLog& kernel(int core, Risc risc, const std::vector<Event>& events) {
    EventLog& log = launch().cores[static_cast<std::size_t>(core)];
    log.append(risc, events::KernelStart{});
    for (const Event& event : events) log.append(risc, event);
    log.append(risc, events::KernelEnd{});
    return *this;
  }
  RunLog run;
};

inline PhysicalCore worker(int x, int y) { return noc::physical_of({x, y}); }

inline constexpr double tiny = 1e-4;  ///< what is endless in a free machine still takes a little
inline constexpr Event wait_reads = events::ReadBarrier{}, wait_writes = events::WriteBarrier{};
inline constexpr Event wait_left = events::WritesFlushed{};
inline constexpr Event acquire = events::DstAcquire{}, commit = events::DstCommit{}, wait_dst = events::DstWait{},
                       release = events::DstRelease{};
inline Event read(PhysicalCore from, std::uint32_t bytes) { return events::NocRead{.bytes = bytes, .peer = from}; }
inline Event write(PhysicalCore to, std::uint32_t bytes, std::uint8_t trid = 0) {
  return events::NocWrite{.trid = trid, .bytes = bytes, .peer = to};
}

inline Event reserve(int id, std::uint32_t pages) {
  return events::CbReserve{.cb = static_cast<std::uint8_t>(id), .pages = pages};
}
inline Event push(int id, std::uint32_t pages) {
  return events::CbPush{.cb = static_cast<std::uint8_t>(id), .pages = pages};
}
inline Event wait(int id, std::uint32_t pages) {
  return events::CbWait{.cb = static_cast<std::uint8_t>(id), .pages = pages};
}
inline Event pop(int id, std::uint32_t pages) { return events::CbPop{.cb = static_cast<std::uint8_t>(id), .pages = pages}; }
inline Event copy_from(int id, std::uint32_t tiles) {
  return events::Copy{.cb = static_cast<std::uint8_t>(id), .tiles = tiles};
}
inline Event pack_to(int id, std::uint32_t tiles) {
  return events::Pack{.cb = static_cast<std::uint8_t>(id), .tiles = tiles};
}

inline const LaneTime& lane(const DeviceTime& time, Lane which, std::size_t core = 0) {
  return time.launches.front().cores[core].lanes[which];
}
inline double stalled(const LaneTime& lane, Stall stall) { return lane.stalled[stall]; }

}  // namespace tilegrid::timing
