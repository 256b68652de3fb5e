// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/ids.h"

namespace tilegrid {

/// How near the numbers of the matrix unit come to silicon's (tensix.md 2.1, 2.2).
enum class Numerics : std::uint8_t {
  exact,    ///< bit for bit: products of a few bits, aligned in groups of eight, and every rounding on the way to DST
  rounded,  ///< DST rounded where silicon rounds it, after 16 products and after a fidelity phase; in between float
  fast,     ///< DST rounded once a tile: sums in 16-bit DST keep growing where silicon's have stopped
};
template <>
inline constexpr int enum_size<Numerics> = count_to(Numerics::fast);

/// What everything computes with that is not told otherwise.
inline constexpr Numerics default_numerics = Numerics::rounded;

}  // namespace tilegrid
