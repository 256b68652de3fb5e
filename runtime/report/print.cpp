// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/print.h"

#include "core/atomic_file.h"
#include "core/say.h"
#include "runtime/revision.h"

namespace tilegrid::report {
void print_report(const std::string& json_path, const std::function<std::string()>& text,
                  const std::function<Value()>& json) {
  if (json_path != "-") put(text());
  if (!json_path.empty()) print_json(json_path, versioned(json()));
  flush_output();
}

void print_json(const std::string& path, const Value& json) {
  const std::string whole = to_json(json);
  if (path != "-") return write_file(path, whole);
  put(whole);
  flush_output();
}

const char* program_version() { return TILEGRID_VERSION; }

Value versioned(const Value& report) {
  Value all{{"schema_version", schema_version}, {"version", program_version()}, {"revision", source_revision()}};
  all.add(report);
  return all;
}

}  // namespace tilegrid::report
