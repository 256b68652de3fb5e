// SPDX-License-Identifier: Apache-2.0
#include "core/checks/reporter.h"

#include <fmt/format.h>

#include <algorithm>

namespace tilegrid::checks {
namespace {

/// What one core may find at different places of one class: a kernel that is wrong everywhere must not fill memory.
constexpr std::size_t most_of_a_class = 64;

}  // namespace

std::string text_of(const Place& place) { return fmt::format("{} at {}:{}", name_of(place.risc), place.file, place.line); }

void Reporter::begin(const Config& config, int core, std::function<Place()> where) {
  config_ = config;
  core_ = core;
  where_ = std::move(where);
  findings_.clear();
}

void Reporter::report(Class c, Fault fault) {
  if (config_.of(c) == Severity::error) throw fault;
  Place place = here();
  if (fault.line != 0) {
    place.file = fault.file;
    place.line = fault.line;
  }
  note(c, place, fault);
}

void Reporter::note(Class c, const Place& place, const Fault& fault) {
  if (!on(c)) return;
  ++noted_;
  Finding finding{.error_class = name_of(c), .severity = config_.of(c), .core = core_, .message = details_of(fault)};
  if (place.line != 0) {
    finding.risc = name_of(place.risc);
    finding.kernel = place.kernel;
    finding.file = place.file;
    finding.line = place.line;
  }
  std::size_t of_class = 0;
  for (Finding& known : findings_) {
    if (known.error_class != finding.error_class) continue;
    ++of_class;
    const bool same = known.line == finding.line && known.risc == finding.risc && known.file == finding.file;
    if (!same || (place.line == 0 && known.message != finding.message)) continue;
    ++known.count;  // the first message stands for those of the same line
    return;
  }
  if (of_class < most_of_a_class) findings_.push_back(std::move(finding));
}

}  // namespace tilegrid::checks
