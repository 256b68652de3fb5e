// SPDX-License-Identifier: Apache-2.0
#include "core/error.h"

#include <fmt/format.h>

namespace tilegrid {

std::string details_of(const Fault& fault) {
  std::string text = fmt::format("{}; {}", fault.action, fault.rule);
  if (fault.asked && fault.available) {
    text += fmt::format("; asked {} {}, available {}", *fault.asked, fault.unit, *fault.available);
  }
  if (!fault.fix.empty()) text += fmt::format("; fix: {}", fault.fix);
  return text;
}

std::string describe(const Fault& fault, const std::string& place) {
  return fmt::format("{} · {}: {}", fault.error_class, place, details_of(fault));
}

}  // namespace tilegrid
