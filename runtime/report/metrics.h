// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/counters.h"
#include "runtime/timing/device_time.h"

namespace tilegrid::report {

/// A figure that every core has, for the grid view.
struct Metric {
  std::string name;   ///< as on the command line
  std::string title;  ///< as in the view's header
  std::string unit;   ///< empty for counts
  bool host = false;  ///< host cost rather than a device count
  std::function<double(const CoreCounters&, const CoreHostCost&)> value;
  /// Of a figure of the device-time replay, which has no `value`: from the core's time and the run's cycles.
  std::function<double(const timing::CoreTime&, double cycles)> device_time = nullptr;
};

/// All of them, in the order of --help.
[[nodiscard]] const std::vector<Metric>& metrics();
/// Of all, or of those that have a `device_time`.
[[nodiscard]] std::vector<std::string> metric_names(bool all = true);

/// The picture of a metric of counts or host cost, and of one of the replay, with a blank line first.
[[nodiscard]] std::string count_view_text(const Metric& metric, GridSize grid, const std::vector<CoreCounters>& cores,
                                          const std::vector<CoreHostCost>& hosts);
[[nodiscard]] std::string time_view_text(const Metric& metric, GridSize grid, const std::vector<timing::CoreTime>& cores,
                                         double cycles);

/// Sum over both NoCs.
[[nodiscard]] TransferCounters transfers_of(const CoreCounters& core, TransferKind kind);

}  // namespace tilegrid::report
