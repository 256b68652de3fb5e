// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/print.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "core/atomic_file.h"
#include "core/error.h"
#include "runtime/revision.h"

namespace tilegrid::report {
namespace {

bool output_failed = false;

void check_output(bool good) {
  if (good || output_failed) return;
  output_failed = true;  // and what follows is dropped
  if (errno != EPIPE) throw UsageError(fmt::format("standard output can't be written: {}", std::strerror(errno)));
}

}  // namespace

void put(std::string_view text) {
  if (output_failed || text.empty()) return;
  check_output(std::fwrite(text.data(), 1, text.size(), stdout) == text.size());
}

bool output_is_gone() { return output_failed; }

void flush_output() { check_output(std::fflush(stdout) == 0); }

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
  for (const Member& member : report.members()) all[member.name] = member.value;
  return all;
}

}  // namespace tilegrid::report
