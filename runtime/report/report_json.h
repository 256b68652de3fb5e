// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "runtime/workloads/attention_run.h"

namespace tilegrid::cli {

/// Everything that is printed, and the same for each core and rank. Keys: config, verify (null when off), host, cores,
/// totals, device (null without device time, else as in device_report_json.h). Device counts are in `cores` and `totals`;
/// host cost is in `host` and in each core's `host`. Sizes are in bytes, times in seconds. A figure that is not finite is
/// null.
[[nodiscard]] nlohmann::ordered_json json_report(const AttentionOutcome& outcome);

}  // namespace tilegrid::cli
