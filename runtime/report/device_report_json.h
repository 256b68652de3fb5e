// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include "runtime/report/device_report.h"

namespace tilegrid::cli {

/// Everything that device_time_text prints, for each launch and core, too. Times are in cycles unless the name says
/// seconds; shares are of the run's cycles. `limits` are what Limit says; `bound.margin` is a share. Cycles of lanes are
/// means over cores, those of operations and phases sums over cores.
[[nodiscard]] nlohmann::ordered_json device_json(const DeviceReport& report);
/// {by, share, margin, limits: {name: cycles}}
[[nodiscard]] nlohmann::ordered_json bound_json(const DeviceSummary& summary, const std::string& program);

}  // namespace tilegrid::cli
