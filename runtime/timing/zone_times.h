// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "runtime/timing/observer.h"

namespace tilegrid::timing {

/// How often, and for how many cycles, a RISC was in a zone that kernels name, over all cores.
struct ZoneTime {
  std::string name, file;
  unsigned line = 0;
  Lane lane{};
  std::uint64_t times = 0;
  double cycles = 0, least = 0, most = 0;
};

/// How often, and for how long, RISCs are in the zones that kernels name (DeviceZoneScopedN and its likes). A zone's time
/// has that of zones within.
class ZoneTimes final : public Observer {
 public:
  void started(const Start& launch) override;
  void scope(const ScopePoint& point) override;

  /// One for each zone and RISC that was in it, by name and place.
  [[nodiscard]] std::vector<ZoneTime> sums() const;

 private:
  using Place = std::tuple<std::string, std::string, unsigned>;  ///< name, file, line
  struct Open {
    std::uint32_t name = 0;
    double begin = 0;
  };

  const LaunchLog* log_ = nullptr;
  std::vector<EnumArray<Lane, std::vector<Open>>> open_;  ///< by core
  std::map<Place, EnumArray<Lane, ZoneTime>> sums_;
};

}  // namespace tilegrid::timing
