// SPDX-License-Identifier: Apache-2.0
#include "core/checks/classes.h"

namespace tilegrid::checks {

const char* name_of(Severity severity) {
  constexpr std::array<const char*, 3> names{"off", "warn", "error"};
  return names[static_cast<std::size_t>(severity)];
}

Config::Config() {
  for (const ClassRow& row : class_rows) set(row.id, row.severity);
}

}  // namespace tilegrid::checks
