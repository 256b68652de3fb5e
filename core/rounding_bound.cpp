// SPDX-License-Identifier: Apache-2.0
#include "core/rounding_bound.h"

#include <cmath>
#include <numbers>

namespace tilegrid {

RoundingBound rounding_bound(Fidelity fidelity, bool dst_fp32, std::uint32_t tiles) {
  constexpr double dst_unit = 0x1p-8;     // half of the last place of 8 bits, of a power of two
  constexpr double float_unit = 0x1p-24;  // the same of 24
  const int phases = to_underlying(fidelity);
  const int passes = fidelity == Fidelity::hifi3 ? 2 : 1;  // that fast numerics make of the phases
  RoundingBound bound{.tiles = tiles, .roundings = 2 * phases};
  const double additions = 32.0 * (phases + passes) * tiles;
  const double roundings = dst_fp32 ? 0 : (1.0 + bound.roundings) * tiles;
  bound.most = roundings * dst_unit + additions * float_unit;
  bound.typical = (std::sqrt(roundings) * dst_unit + std::sqrt(additions) * float_unit) * std::numbers::inv_sqrt3;
  return bound;
}

void add(NumericsUse& all, const NumericsUse& more) {
  if (more.too_seldom && (!all.too_seldom || all.too_seldom->most < more.too_seldom->most)) all.too_seldom = more.too_seldom;
  if (more.faults_struck) all.faults_struck = all.faults_struck.value_or(0) + *more.faults_struck;
  all.known_faults = all.known_faults || more.known_faults;
}

}  // namespace tilegrid
