// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "runtime/timing/device_time.h"

namespace tilegrid::timing {

/// What could bound a run, and the cycles that it takes or costs of the run's. For a compute lane its busy cycles; for
/// reader and writer what they need of the network, too: busy cycles and waits for barriers, DRAM and NoC, but not for
/// circular buffers. These are means over cores. Imbalance: cycles by which the last core ends after the mean of all.
/// Launch: what is before the kernels start and after the last has ended.
struct Limit {
  enum class Kind : std::uint8_t { math, unpack, pack, reader, writer, imbalance, launch };
  Kind kind{};
  double cycles = 0;
};
inline constexpr int limit_count = count_to(Limit::Kind::launch);

/// Launches added up, as they run one after the other.
struct DeviceSummary {
  double cycles = 0;
  std::vector<CoreTime> cores;  ///< the end is the sum of ends
  CoreTime mean;                ///< over cores
  int slowest = 0;              ///< the core with the last end
  std::vector<ShareTime> operations, phases;
  std::vector<LinkTime> links;  ///< the busiest first
  std::vector<DramTime> dram;
  double bytes_times_hops = 0;
  std::array<Limit, limit_count> limits;  ///< the largest first
  /// How much larger the first limit is than the second, as a share of all cycles.
  [[nodiscard]] double margin() const { return cycles > 0 ? (limits[0].cycles - limits[1].cycles) / cycles : 0; }
};
/// Launches added up.
[[nodiscard]] DeviceSummary summarise(std::span<const LaunchTime> launches);

/// "CB empty" as a key of JSON: cb_empty
[[nodiscard]] std::string key_of(Stall stall);

}  // namespace tilegrid::timing
