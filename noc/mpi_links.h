// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace tilegrid::noc {

/// What a message between two ranks costs, over whatever MPI takes between them.
struct LinkCost {
  double tile_seconds = 0;       ///< a bf16 tile, 2,048 bytes, one way: half the median round trip
  double bytes_per_second = 0;   ///< in messages of 1 MiB, one way; the median
  double clock_seconds = 0;      ///< the other's clock minus this one's, by the shortest round trip
  double clock_uncertainty = 0;  ///< half of that round trip
};

/// Measures the link to `peer`, which calls answer_link() with this rank meanwhile. Both block; for MPI's ranks only.
[[nodiscard]] LinkCost measure_link(int peer);
void answer_link(int peer);

/// Links are measured one after the other: whose turn it is.
void pass_turn(int rank);
void await_turn(int rank);

/// The same two figures of a copy within this process, which is what its cores do.
[[nodiscard]] LinkCost measure_copy();

}  // namespace tilegrid::noc
