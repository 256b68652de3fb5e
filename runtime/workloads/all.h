// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "runtime/workloads/workload.h"

namespace tilegrid::workloads {

/// The workloads of `tilegrid`, in the order of --help.
[[nodiscard]] const std::vector<Maker>& all();

}  // namespace tilegrid::workloads
