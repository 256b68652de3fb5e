// SPDX-License-Identifier: Apache-2.0
#include "core/simd/dispatch.h"

#include "core/simd/targets.h"
// targets.h first: it says which targets are compiled.
#include <hwy/highway.h>

namespace tilegrid {

const char* simd_target_name() {
  // Targets are bits, the best one the lowest.
  const auto enabled = hwy::SupportedTargets() & HWY_TARGETS;
  return hwy::TargetName(enabled & -enabled);
}

}  // namespace tilegrid
