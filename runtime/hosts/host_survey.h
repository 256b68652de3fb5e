// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "runtime/device.h"
#include "runtime/report/value.h"

namespace tilegrid::hosts {

/// To be called on every rank before the session runs.
void register_survey();

/// What the hosts of a run are, how far their clocks differ, and what messages cost: within a process, between two of a
/// host, between hosts (every pair of up to eight, each with the first of more). On rank 0; takes some 20 ms a pair.
/// {"hosts": [...], "links": [...], "kinds": [...], "remarks": [...]}; a remark is a line on what will hurt.
[[nodiscard]] report::Value survey_hosts(Device& device);

[[nodiscard]] std::string survey_text(const report::Value& survey);

}  // namespace tilegrid::hosts
