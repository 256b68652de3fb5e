// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "kernels/attention/verify/verify.h"
#include "runtime/device.h"
#include "runtime/report/run_report.h"

namespace tilegrid::workloads {

/// Makes the task of verification known; every rank, before its session begins.
void register_verify_task();

/// How the ranks of the device compare pieces. `costs` learn of the memory that it takes, `on_progress` of the rows that
/// have been compared.
[[nodiscard]] attention::CompareRound share_out(Device& device, std::vector<RankHostCost>& costs,
                                                std::function<void(std::uint64_t)> on_progress = {});

/// Figures and text of a verification of an output of so many rows and those extents.
void describe(const attention::Verification& v, std::int64_t rows, const std::vector<std::int64_t>& extents,
              report::Document& document);

}  // namespace tilegrid::workloads
