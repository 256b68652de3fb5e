// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "runtime/report/run_report.h"

namespace tilegrid::cli {

/// Parts of every command's JSON report. Device counts are in `cores` and `totals`; host cost is in `host` and in each
/// core's `host`. Sizes are in bytes, times in seconds. A figure that is not finite is null.
[[nodiscard]] nlohmann::ordered_json host_json(const RunOutcome& outcome);
/// `work` says what a core had to do, by its index.
[[nodiscard]] nlohmann::ordered_json cores_json(const RunOutcome& outcome,
                                                const std::function<nlohmann::ordered_json(std::size_t core)>& work);
[[nodiscard]] nlohmann::ordered_json totals_json(const RunOutcome& outcome);
/// What the report of every run ends with: host, cores, totals, device, checks. `work` as above.
void add_run_json(nlohmann::ordered_json& report, const RunOutcome& outcome,
                  const std::function<nlohmann::ordered_json(std::size_t core)>& work);

/// Replaces a file as a whole. Throws UsageError when it can't be written.
void write_file(const std::string& path, const std::string& text);

}  // namespace tilegrid::cli
