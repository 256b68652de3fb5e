// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/events/event_log.h"
#include "core/types.h"

namespace tilegrid::timing {

/// The five instruction streams of a core.
enum class Lane : std::uint8_t { brisc, ncrisc, unpack, math, pack };
inline constexpr int lane_count = count_to(Lane::pack);
[[nodiscard]] const char* name_of(Lane lane);

/// What a lane waits for while it is not busy.
enum class Stall : std::uint8_t {
  cb_empty,   ///< cb_wait_front
  cb_full,    ///< cb_reserve_back
  dst,        ///< math for a free half, pack for a committed one
  src,        ///< math for tiles in the Src banks, unpack for a free bank
  barrier,    ///< NoC barrier: latency and whatever the network adds
  semaphore,  ///< a value that another core writes
  dram,       ///< the part of a barrier that DRAM queues account for
  noc,        ///< the part of a barrier that busy links and NIUs account for
  launch,     ///< before the kernel starts
};
inline constexpr int stall_count = count_to(Stall::launch);
[[nodiscard]] const char* name_of(Stall stall);

}  // namespace tilegrid::timing

namespace tilegrid {
template <>
inline constexpr int enum_size<timing::Lane> = timing::lane_count;
template <>
inline constexpr int enum_size<timing::Stall> = timing::stall_count;
}  // namespace tilegrid

namespace tilegrid::timing {

/// Cycles of one lane over a launch: busy + stalls + idle (after its end) = the launch's cycles.
struct LaneTime {
  double busy = 0;
  double end = 0;  ///< when its kernel ended
  EnumArray<Stall, double> stalled{};
};

struct CoreTime {
  EnumArray<Lane, LaneTime> lanes;
  std::array<double, 32> starved{};  ///< cycles that its lanes waited for pages of a circular buffer, by the buffer's id
  double end = 0;
};

/// One resource of the network over a launch.
struct LinkTime {
  PhysicalCore from;
  int noc = 0;
  int direction = 0;  ///< noc::Direction
  double busy = 0;    ///< cycles in which a flit crossed
  std::uint64_t bytes = 0;
};
struct DramTime {
  double busy = 0;
  std::uint64_t bytes_read = 0, bytes_written = 0;
};

/// Busy cycles summed over cores, by what was done: by event kind on the lane that did it, and by phase of the program.
struct ShareTime {
  std::string name;
  EnumArray<Lane, double> busy{};
};

/// One launch (program) of the run.
struct LaunchTime {
  std::string name;
  double cycles = 0;  ///< from the launch to the last core's end, launch overhead included
  std::vector<CoreTime> cores;
  std::vector<LinkTime> links;        ///< those that carried anything
  std::vector<DramTime> dram;         ///< by bank
  std::vector<ShareTime> operations;  ///< "matmul", "vector exp_fast", "pack", ...
  std::vector<ShareTime> phases;      ///< of the program (Program::phases), "" outside of zones
  double bytes_times_hops = 0;
  double matmul_tile_phases = 0;  ///< sum over tile products of fidelity phases
  std::uint64_t matmul_tiles = 0;
  std::uint64_t events = 0;
};

/// Device time of a run: its launches one after the other.
struct DeviceTime {
  double cycles = 0;
  double seconds = 0;
  double flops = 0;       ///< what the result takes (RunLog::useful_flops), else of tile products: 2 x 32^3 each
  double tflops = 0;      ///< flops over seconds
  double peak_share = 0;  ///< fidelity-weighted: tile phases x cycles of one over cores x cycles
  std::uint64_t events = 0;
  std::vector<LaunchTime> launches;
};

}  // namespace tilegrid::timing
