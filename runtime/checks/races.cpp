// SPDX-License-Identifier: Apache-2.0
#include "runtime/checks/races.h"

#include "runtime/checks/race_finder.h"

namespace tilegrid::races {

std::vector<checks::Finding> find(const Layout& layout, const std::vector<EventLog>& logs, const checks::Config& checks,
                                  bool complete) {
  return RaceFinder(layout, logs, checks, complete).run();
}

}  // namespace tilegrid::races
