// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ctime>

namespace tilegrid {

/// CPU seconds of the process so far: on a host with more ranks than CPUs, time while others ran is not ours.
[[nodiscard]] inline double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace tilegrid
