// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/types.h"

namespace tilegrid {

/// Cores of a grid, by index, as few rectangles: "(0,0)-(7,1), (3,2)", or "all cores".
[[nodiscard]] std::string describe_cores(const std::vector<int>& cores, GridSize grid);

}  // namespace tilegrid
