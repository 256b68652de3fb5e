// SPDX-License-Identifier: Apache-2.0
#include "runtime/host_memory.h"

#include <sys/resource.h>

namespace tilegrid {

std::uint64_t resident_high_water() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace tilegrid
