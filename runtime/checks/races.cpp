// SPDX-License-Identifier: Apache-2.0
#include "runtime/checks/races.h"

#include "runtime/checks/race_finder.h"

namespace tilegrid::races {

bool wanted(const audit::Config& checks) {
  using enum audit::Class;
  return checks.any({race, remote_slot, semaphore_race, semaphore_passed});
}

std::vector<audit::Finding> find(const Program& program, const std::vector<EventLog>& logs, const audit::Config& checks) {
  return RaceFinder(program, logs, checks).run();
}

}  // namespace tilegrid::races
