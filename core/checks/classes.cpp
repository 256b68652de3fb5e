// SPDX-License-Identifier: Apache-2.0
#include "core/checks/classes.h"

namespace tilegrid::checks {

const char* name_of(Severity severity) {
  constexpr std::array<const char*, 3> names{"off", "warn", "error"};
  return names[to_underlying(severity)];
}

Config::Config() {
  for (const ClassRow& row : class_rows) set(row.id, row.severity);
}

Config Config::wild() {
  Config config;
  // Counters and state machines of CBs and DST run on; two producers or consumers work while they take turns.
  for (const Class c :
       {Class::cb_window, Class::cb_owner, Class::cb_count, Class::noc_target, Class::kernel_argument, Class::dst_order,
        Class::uninitialised_dst, Class::format_reconfig, Class::kernel_end, Class::read_target, Class::write_flush}) {
    config.set(c, Severity::warn);
  }
  // Orders that silicon may never show: what they did here is what it does.
  for (const Class c : {Class::race, Class::remote_slot, Class::semaphore_race, Class::semaphore_passed})
    config.set(c, Severity::warn);
  // The host sets semaphores anew for each launch.
  for (const Class c : {Class::semaphore_state, Class::uninitialised_l1, Class::uninitialised_dram}) {
    config.set(c, Severity::off);
  }
  return config;
}

}  // namespace tilegrid::checks
