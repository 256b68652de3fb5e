// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/simd/targets.h"
#include "gtest/gtest.h"
#include "hwy/targets.h"

namespace tilegrid::testing {

/// Calls run() once for each instruction set that is compiled in and that this processor has; best first. Returns how many.
template <class Run>
int for_each_simd_target(const Run& run) {
  int count = 0;
  const std::int64_t compiled = HWY_TARGETS & (hwy::SupportedTargets() | HWY_SCALAR | HWY_EMU128);
  for (std::int64_t rest = compiled; rest != 0; rest &= rest - 1) {
    const std::int64_t target = rest & -rest;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    const ::testing::ScopedTrace trace(__FILE__, __LINE__, hwy::TargetName(target));
    run();
    ++count;
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  return count;
}

}  // namespace tilegrid::testing
