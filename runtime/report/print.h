// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "runtime/report/value.h"

namespace tilegrid::report {

/// Prints a report: `text` on standard output and JSON to the file `json_path`; "-": JSON alone on standard output, "":
/// none. JSON begins with what versioned() adds. Throws UsageError when one of them can't be written.
void print_report(const std::string& json_path, const std::function<std::string()>& text,
                  const std::function<Value()>& json);
/// JSON to a file, or, for "-", to standard output. Throws UsageError when it can't be written.
void print_json(const std::string& path, const Value& json);

/// Version of the JSON of all reports: report.schema.json describes this one. It counts up when a key goes or changes its
/// meaning; that a key is new does not count.
inline constexpr int schema_version = 1;
/// The program's version.
[[nodiscard]] const char* program_version();
/// The report with "schema_version", and with "version" and "revision", the program's, where it has none.
[[nodiscard]] Value versioned(const Value& report);

}  // namespace tilegrid::report
