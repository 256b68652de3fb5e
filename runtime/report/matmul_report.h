// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "runtime/workloads/matmul_run.h"

namespace tilegrid::cli {

/// Everything that `tilegrid matmul` prints.
[[nodiscard]] std::string text_report(const MatmulOutcome& outcome);
/// What ran, for the log's header.
[[nodiscard]] std::string one_line_summary(const MatmulOutcome& outcome);
/// Everything that is printed, and the same for each core and rank. Keys: config, verify (null when there was none), host,
/// cores, totals as in run_report_json.h, device (null without device time, else as in device_report_json.h).
[[nodiscard]] nlohmann::ordered_json json_report(const MatmulOutcome& outcome);

/// "multicast", "dram"; "packer", "reload": as on the command line.
[[nodiscard]] const char* text_of(matmul::Delivery delivery);
[[nodiscard]] const char* text_of(matmul::Carrier carrier);

}  // namespace tilegrid::cli
