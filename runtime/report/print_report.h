// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace tilegrid::cli {

/// Prints a report: `text` on standard output and JSON to the file `json_path`; "-": JSON alone on standard output, "":
/// none. Throws UsageError when one of them can't be written.
void print_report(const std::string& json_path, const std::function<std::string()>& text,
                  const std::function<nlohmann::ordered_json()>& json);

/// JSON to a file, or, for "-", to standard output. Throws UsageError when it can't be written.
void print_json(const std::string& path, const nlohmann::ordered_json& json);

}  // namespace tilegrid::cli
