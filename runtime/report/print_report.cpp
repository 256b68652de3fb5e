// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/print_report.h"

#include "runtime/cli/arguments.h"
#include "runtime/report/run_report_json.h"

namespace tilegrid::cli {

void print_report(const std::string& json_path, const std::function<std::string()>& text,
                  const std::function<nlohmann::ordered_json()>& json) {
  if (json_path != "-") put(text());
  if (!json_path.empty()) print_json(json_path, json());
  flush_output();
}

void print_json(const std::string& path, const nlohmann::ordered_json& json) {
  const std::string whole = json.dump(2) + "\n";
  if (path != "-") return write_file(path, whole);
  put(whole);
  flush_output();
}

}  // namespace tilegrid::cli
