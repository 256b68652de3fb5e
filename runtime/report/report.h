// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "runtime/report/run_report.h"
#include "runtime/workloads/attention_run.h"

namespace tilegrid::cli {

/// Everything that `tilegrid attention` prints.
[[nodiscard]] std::string text_report(const AttentionOutcome& outcome);
/// What ran, for the log's header.
[[nodiscard]] std::string one_line_summary(const AttentionOutcome& outcome);

[[nodiscard]] const char* text_of(VerifyMode mode);

}  // namespace tilegrid::cli
