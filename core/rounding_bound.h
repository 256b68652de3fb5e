// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "core/matrix_unit.h"

namespace tilegrid {

/// How far a sum of fast numerics may be from that of rounded ones, as DST is rounded once a tile of products instead of
/// after every 16 of them and every phase. Relative to the largest partial sum of either on the way.
///
/// Both add the same products, so that each is off the exact sum by what its roundings took: of 16-bit DST at most 2^-8 of
/// the partial sum each time, of the additions in float 2^-24 each. `most` is the sum of all these. `typical` takes the
/// roundings of DST for independent of each other, each even over its unit: a random walk, whose root mean square this is.
struct RoundingBound {
  std::uint32_t tiles = 0;  ///< of products that the sum had
  int roundings = 0;        ///< a tile, of silicon; here one
  double most = 0;
  double typical = 0;
};
[[nodiscard]] RoundingBound rounding_bound(Fidelity fidelity, bool dst_fp32, std::uint32_t tiles);

/// What the numerics of launches left out, or struck.
struct NumericsUse {
  std::optional<RoundingBound> too_seldom = {};     ///< of fast numerics, the sum that may be furthest off
  std::optional<std::uint64_t> faults_struck = {};  ///< of exact numerics: sums that the chip's known fault strikes
  bool known_faults = false;                        ///< it did; else it would have
};
void add(NumericsUse& all, const NumericsUse& more);

}  // namespace tilegrid
