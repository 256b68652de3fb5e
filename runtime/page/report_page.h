// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "runtime/report/run_report.h"
#include "runtime/report/value.h"

/// The page of --report: one HTML file that needs nothing else, and its data as JSON beside it.
namespace tilegrid::page {

/// What the page of a run shows: the document, and what only pictures need of the outcome: `measures` (a figure of every
/// core each, in the order of their index), `timeline` (page/timeline.h), and `chip`, where things lie and what they can
/// do.
[[nodiscard]] report::Value of_run(const report::Document& document, const report::RunOutcome& outcome);

/// What the page of a log shows that was replayed: the same as far as a replay knows it; `report` has the cores' places
/// alone.
[[nodiscard]] report::Value of_log(const report::DeviceReport& device, const report::Value& timeline);

/// Makes the folder where it is missing, and in it index.html and report.json. `page` has `kind` ("run", "retime",
/// "comparison" or "plan"), `title`, and what the scripts here draw of that kind. Throws UsageError when something can't be
/// written.
void write(const std::string& folder, const report::Value& page);

/// The files that write() makes, index.html first.
[[nodiscard]] std::vector<std::string> files_of(const std::string& folder);
/// Why write() would fail, empty when it would not: a file of that name, no permission, less room than a page takes.
/// Leaves nothing behind.
[[nodiscard]] std::string why_not(const std::string& folder);

}  // namespace tilegrid::page
