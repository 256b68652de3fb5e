// SPDX-License-Identifier: Apache-2.0
// Where things lie on the built-in Wormhole, under short names.
#pragma once

#include <vector>

#include "noc/grid.h"
#include "tests/support/wormhole.h"

namespace tilegrid {

namespace noc {

inline const GridSize noc_size = wormhole().places().die();
inline const GridSize full_worker_grid = wormhole().workers();
inline const int dram_banks = wormhole().places().banks();
inline PhysicalCore physical_of(LogicalCore core) { return wormhole().places().physical_of(core); }
inline PhysicalCore dram_endpoint(int bank) { return wormhole().places().dram_endpoint(bank); }
inline int hops(NocId noc, PhysicalCore from, PhysicalCore to) { return hops(wormhole().places(), noc, from, to); }
inline std::vector<Link> route(NocId noc, PhysicalCore from, PhysicalCore to) {
  return route(wormhole().places(), noc, from, to);
}

}  // namespace noc

}  // namespace tilegrid
