// SPDX-License-Identifier: Apache-2.0
#include "runtime/checks/races.h"

#include "runtime/checks/race_finder.h"

namespace tilegrid::races {

bool wanted(const checks::Config& checks) {
  using enum checks::Class;
  return checks.any({race, remote_slot, semaphore_race, semaphore_passed});
}

std::vector<checks::Finding> find(const Program& program, const std::vector<EventLog>& logs, const checks::Config& checks) {
  return RaceFinder(program, logs, checks).run();
}

}  // namespace tilegrid::races
