// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/chip/chip.h"
#include "core/events/event_log.h"
#include "runtime/report/value.h"
#include "runtime/timing/device_time.h"
#include "runtime/timing/observer.h"
#include "runtime/timing/summary.h"
#include "runtime/timing/zone_times.h"

namespace tilegrid::report {

/// The constants of a chip, with what --set made of them.
struct ChosenArchitecture {
  struct Change {
    std::string name;
    double before = 0;
    double after = 0;
  };
  Chip parameters;
  std::vector<Change> changes;  ///< by name; what was set to the value that it had is none
};
/// Throws UsageError as Chip::load does.
[[nodiscard]] ChosenArchitecture choose_architecture(const std::string& name_or_path, const std::vector<std::string>& sets);

/// Device time of a run, with what it was computed from.
struct DeviceReport {
  std::string program;  ///< as in the log
  std::string chip;     ///< that it ran on, as in the log
  GridSize grid;
  ChosenArchitecture architecture;
  timing::DeviceTime time;
  timing::DeviceSummary summary;
  double replay_seconds = 0;  ///< on the host
  std::vector<timing::ZoneTime> zones{};
};
/// The name of the chip that a run was on; empty without a launch.
[[nodiscard]] std::string chip_name_of(const RunLog& log);
/// A chip of somebody's own has no name that can be looked up: its file must be given.
[[nodiscard]] bool is_of_built_in_chip(const RunLog& log);

/// Throws UsageError as timing::replay does. `progress`: with a line that says how far it is; `observer` looks on. Zones are
/// added to those of `zones`, where it is given: of launches that are replayed one by one.
[[nodiscard]] DeviceReport replay_run(const RunLog& log, const ChosenArchitecture& architecture, bool progress = false,
                                      timing::Observer* observer = nullptr, timing::ZoneTimes* zones = nullptr);

/// All figures, for each launch and core, too. Times are in cycles unless the name says seconds; shares are of the run's
/// cycles. `limits` are what timing::Limit says, the largest first; `bound.margin` is a share. Cycles of lanes are means
/// over cores, those of operations and phases sums over cores.
[[nodiscard]] Value device_figures(const DeviceReport& report);
/// The part that a line of a comparison has: cycles, seconds, tflops, peak_share, bound, arch, replay_seconds.
[[nodiscard]] Value short_device_figures(const DeviceReport& report);

/// The section "Device time" of a report, drawn from device_figures(), with a blank line first. It has no host cost: a
/// replay of the same log prints the same.
[[nodiscard]] std::string device_time_text(const Value& device);
/// Its first lines: how long, and what bounds it.
[[nodiscard]] std::string short_device_time_text(const Value& device);
/// One line of host cost.
[[nodiscard]] std::string replay_cost_text(const Value& device);

/// "MATH", "K/V stream", ...; what the reader of a run reads depends on its program.
[[nodiscard]] std::string name_of(timing::Limit::Kind kind, const std::string& program);

}  // namespace tilegrid::report
