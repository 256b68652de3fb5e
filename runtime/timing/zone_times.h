// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "runtime/report/value.h"
#include "runtime/timing/observer.h"

namespace tilegrid::report {

/// How often, and for how long, RISCs are in the zones that kernels name (DeviceZoneScopedN and its likes). A zone's time
/// has that of zones within.
class ZoneTimes final : public timing::Observer {
 public:
  void started(const timing::Start& launch) override;
  void scope(const timing::ScopePoint& point) override;

  /// One for each zone and RISC, sums over cores: name, file, line, risc, times, and cycles as sum, mean, least, most.
  [[nodiscard]] Value figures() const;

 private:
  using Place = std::tuple<std::string, std::string, unsigned>;  ///< name, file, line
  struct Sum {
    std::uint64_t times = 0;
    double cycles = 0, least = 0, most = 0;
  };
  struct Open {
    std::uint32_t name = 0;
    double begin = 0;
  };

  const LaunchLog* log_ = nullptr;
  std::vector<EnumArray<timing::Lane, std::vector<Open>>> open_;  ///< by core
  std::map<Place, EnumArray<timing::Lane, Sum>> sums_;
};

/// A table of them with a blank line first; nothing without any.
[[nodiscard]] std::string zones_text(const Value& zones);

}  // namespace tilegrid::report
