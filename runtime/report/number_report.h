// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "runtime/report/run_report.h"

/// What became of numbers, of a run that looked at them (--diagnostics).
namespace tilegrid::report {

/// Of one core, and of all: a list of {operation, event, elements, first}, null where nobody looked. Of all, the first is
/// that of the first core, and says which; `cores` are those that have some.
[[nodiscard]] Value numbers_of(const RunOutcome& outcome, std::size_t core);
[[nodiscard]] Value numbers_of(const RunOutcome& outcome);
/// The lines of those of all; empty where nobody looked.
[[nodiscard]] std::string numbers_text(const Value& numbers);

}  // namespace tilegrid::report
