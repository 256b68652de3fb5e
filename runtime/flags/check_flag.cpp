// SPDX-License-Identifier: Apache-2.0
#include "runtime/flags/check_flag.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "runtime/flags/flags.h"

namespace tilegrid {
namespace {

void set_one(std::string_view flag, const std::string& text, checks::Config& config) {
  static const EnumNames<checks::Severity> severities(
      {checks::Severity::off, checks::Severity::warn, checks::Severity::error},
      [](checks::Severity severity) { return name_of(severity); });
  if (text == "wild") {
    config = checks::Config::wild();
    return;
  }
  const std::size_t at = text.find('=');
  if (at == std::string::npos) {
    throw UsageError(fmt::format("{} {}: CLASS=off, CLASS=warn, CLASS=error or wild is expected", flag, text));
  }
  const std::string name = text.substr(0, at);
  const checks::Severity severity = parse_word(fmt::format("{} {}=", flag, name), text.substr(at + 1), severities);
  std::vector<std::string> names;
  names.reserve(checks::class_rows.size() + 1);
  for (const checks::ClassRow& one : checks::class_rows) names.emplace_back(one.name);
  names.emplace_back("all");
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    const std::string nearest = nearest_word(name, names);
    throw UsageError(fmt::format("{} {}: no class is called '{}'{}; there are {}", flag, text, name,
                                 nearest.empty() ? "" : fmt::format(", did you mean {}", nearest), fmt::join(names, ", ")));
  }
  if (name == "all") {
    config = checks::Config::all(severity);
  } else {
    config.set(static_cast<checks::Class>(found - names.begin()), severity);
  }
}

}  // namespace

void set_checks(std::string_view flag, const std::string& list, checks::Config& config) {
  for (const std::string& one : split(list)) set_one(flag, one, config);
}

}  // namespace tilegrid
