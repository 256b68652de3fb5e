// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/events/event_log.h"
#include "runtime/cli/arch_arguments.h"
#include "runtime/report/device_summary.h"
#include "runtime/timing/device_time.h"

namespace tilegrid::cli {

/// Device time of a run, with what it was computed from.
struct DeviceReport {
  std::string program;  ///< as in the log
  GridSize grid;
  ChosenArchitecture architecture;
  timing::DeviceTime time;
  DeviceSummary summary;
  double replay_seconds = 0;  ///< on the host
};
/// Throws UsageError as timing::replay does.
[[nodiscard]] DeviceReport replay_run(const RunLog& log, const ChosenArchitecture& architecture);

/// The section "Device time" of a report, with a blank line first. It has no host cost: a replay of the same log prints the
/// same.
[[nodiscard]] std::string device_time_text(const DeviceReport& report);
/// One line of host cost.
[[nodiscard]] std::string replay_cost_text(const DeviceReport& report);
/// The grid view of a figure that a replay has, by its name in metrics(); nothing for "none".
[[nodiscard]] std::string device_view_text(const DeviceReport& report, const std::string& metric);

/// "MATH", "K/V stream", ...; what the reader of a run reads depends on its program.
[[nodiscard]] std::string name_of(Limit::Kind kind, const std::string& program);
/// "12.3 us", "0.415 ms"
[[nodiscard]] std::string duration_text(double seconds);

}  // namespace tilegrid::cli
