// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace tilegrid::timing {

/// The nearest multiple of 2^-20 cycles (a femtosecond at 1 GHz). All cycles that a replay adds to the clocks of cores are
/// such multiples, so their sums are exact up to `exact_until`, and do not depend on the order of the additions: what many
/// events take together can be added at once. Rounds by the last bit of numbers between 2^32 and 2^33; cycles from 2^31 on
/// become multiples of more. The network keeps its own times as they come: packets that would meet at nearly the same time
/// must not all meet at the same, where the number of a core decides.
[[nodiscard]] inline double exact(double cycles) {
  constexpr double rounder = 0x1.8p32;
  const double shifted = cycles + rounder;
  return shifted - rounder;
}

/// The first such multiple from a time of the network on: when a core sees what happened then.
[[nodiscard]] inline double exact_from(double time) {
  const double near = exact(time);
  return near < time ? near + 0x1p-20 : near;
}

/// Who begins an addition below this, some four seconds of a launch, ends it where a double still has all multiples: below
/// 2^33.
inline constexpr double exact_until = 0x1p32;

}  // namespace tilegrid::timing
