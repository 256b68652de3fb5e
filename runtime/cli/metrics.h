// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/counters.h"

namespace tilegrid::cli {

/// A figure that every core has, for the grid view.
struct Metric {
  std::string name;   ///< as on the command line
  std::string title;  ///< as in the view's header
  std::string unit;   ///< empty for counts
  bool host = false;  ///< host cost rather than a device count
  std::function<double(const CoreCounters&, const CoreHostCost&)> value;
};

/// All of them, in the order of --help.
[[nodiscard]] const std::vector<Metric>& metrics();
[[nodiscard]] std::vector<std::string> metric_names();

/// Sum over both NoCs.
[[nodiscard]] TransferCounters transfers_of(const CoreCounters& core, TransferKind kind);

}  // namespace tilegrid::cli
