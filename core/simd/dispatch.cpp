// SPDX-License-Identifier: Apache-2.0
#include "core/simd/dispatch.h"

#include <cstdint>

#include "core/simd/targets.h"
// targets.h first: it says which targets are compiled.
#include <hwy/highway.h>
#include <hwy/nanobenchmark.h>

// Highway's shared library measures the resolution of its timer when it is loaded, for a benchmark that nothing here uses:
// four milliseconds of every process. The function is looked up in the program first, so this one is found.
std::uint64_t hwy::platform::TimerResolution() { return 1; }

namespace tilegrid {

const char* simd_target_name() {
  // Targets are bits, the best one the lowest.
  const auto enabled = hwy::SupportedTargets() & HWY_TARGETS;
  return hwy::TargetName(enabled & -enabled);
}

}  // namespace tilegrid
