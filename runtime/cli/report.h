// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "runtime/cli/attention_run.h"

namespace tilegrid::cli {

/// Everything that `tilegrid attention` prints.
[[nodiscard]] std::string text_report(const AttentionOutcome& outcome);
/// What ran, for the log's header.
[[nodiscard]] std::string one_line_summary(const AttentionOutcome& outcome);

/// Smallest, largest and mean of a figure over cores.
struct Spread {
  double total = 0;
  double min = 0;
  double mean = 0;
  double max = 0;
};
[[nodiscard]] Spread spread_of(const std::vector<double>& values);
/// Over the cores of a run.
template <class Value>
[[nodiscard]] Spread spread_over_cores(const RunResult& result, const Value& value) {
  std::vector<double> values;
  values.reserve(result.cores.size());
  for (const CoreCounters& core : result.cores) values.push_back(static_cast<double>(value(core)));
  return spread_of(values);
}

[[nodiscard]] const char* text_of(VerifyMode mode);
[[nodiscard]] const char* text_of(Fidelity fidelity);
/// "8x10"
[[nodiscard]] std::string text_of(GridSize grid);

}  // namespace tilegrid::cli
