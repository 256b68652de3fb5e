// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "runtime/workloads/fused_run.h"

namespace tilegrid::cli {

/// Everything that `tilegrid fused` prints.
[[nodiscard]] std::string text_report(const FusedOutcome& outcome);
/// What ran, for the log's header.
[[nodiscard]] std::string one_line_summary(const FusedOutcome& outcome);
/// Everything that is printed, and the same for each core and rank. Keys: config, plan, verify (null when there was none),
/// host, cores, totals as in run_report_json.h, device (null without device time, else as in device_report_json.h).
[[nodiscard]] nlohmann::ordered_json json_report(const FusedOutcome& outcome);

}  // namespace tilegrid::cli
