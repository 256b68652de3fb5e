// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ctime>

namespace tilegrid {

/// CPU seconds so far: on a host with more ranks than CPUs, time while others ran is not ours.
/// `clock` is CLOCK_PROCESS_CPUTIME_ID, or CLOCK_THREAD_CPUTIME_ID where one thread does all the work: it is quicker.
[[nodiscard]] inline double cpu_seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace tilegrid
