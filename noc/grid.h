// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <vector>

#include "core/chip/geometry.h"
#include "core/types.h"

namespace tilegrid::noc {

/// One directed link: leaves `from` towards +x (NoC 0 east), +y (NoC 0 south), -y (NoC 1 north) or -x (NoC 1 west).
enum class Direction : std::uint8_t { east, south, north, west };
struct Link {
  PhysicalCore from;
  Direction direction = Direction::east;
  friend constexpr bool operator==(Link, Link) = default;
};

/// Links that a packet crosses from one node to another: NoC 0 goes +x then +y, NoC 1 -y then -x, both with wrap.
/// Coordinates are NoC 0's for both. Empty when from == to. Throws std::out_of_range for nodes that the torus does not have.
[[nodiscard]] std::vector<Link> route(const Places& places, NocId noc, PhysicalCore from, PhysicalCore to);
/// Length of route(), without building it.
[[nodiscard]] int hops(const Places& places, NocId noc, PhysicalCore from, PhysicalCore to);

}  // namespace tilegrid::noc
