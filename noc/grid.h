// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <vector>

#include "core/types.h"

namespace tilegrid::noc {

/// Wormhole B0: a 10 x 12 torus of nodes holds 8 x 10 workers, 12 DRAM endpoints in use, Ethernet, PCIe and ARC.
/// Source: soc_descriptor wormhole_b0_80_arch (tensix.md 4.1, 4.2).
inline constexpr GridSize noc_size{10, 12};
inline constexpr GridSize full_worker_grid{8, 10};
inline constexpr int dram_banks = 12;

/// NoC 0 coordinates of a worker: x of {1-4, 6-9}, y of {1-5, 7-11}. Grids wider or taller than the die continue the
/// pattern modulo the die, so that larger study grids still have routes.
[[nodiscard]] PhysicalCore physical_of(LogicalCore core);

/// NoC 0 coordinates of the endpoint that workers use for a DRAM bank, 0 <= bank < 12.
[[nodiscard]] PhysicalCore dram_endpoint(int bank);

/// One directed link: leaves `from` towards +x (NoC 0 east), +y (NoC 0 south), -y (NoC 1 north) or -x (NoC 1 west).
enum class Direction : std::uint8_t { east, south, north, west };
struct Link {
  PhysicalCore from;
  Direction direction = Direction::east;
  friend constexpr bool operator==(Link, Link) = default;
};

/// Links that a packet crosses from one node to another: NoC 0 goes +x then +y, NoC 1 -y then -x, both with wrap.
/// Coordinates are NoC 0's for both. Empty when from == to.
[[nodiscard]] std::vector<Link> route(NocId noc, PhysicalCore from, PhysicalCore to);
/// Length of route(), without building it.
[[nodiscard]] int hops(NocId noc, PhysicalCore from, PhysicalCore to);

}  // namespace tilegrid::noc
