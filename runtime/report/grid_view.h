// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "core/types.h"

namespace tilegrid::report {

/// One number for each core as a picture of the grid: a header line, then grid.y lines of grid.x cells, each a number with
/// up to four significant digits and a character whose darkness grows with the number (blank: zero). All numbers share one
/// factor (k, M, G, or m, u for small ones), which the header names together with `title` and `unit`. 85 columns for 8x10.
/// `values` by core index; throws std::invalid_argument when there are not grid.x * grid.y of them.
[[nodiscard]] std::string grid_view(GridSize grid, std::span<const double> values, const std::string& title,
                                    const std::string& unit);

}  // namespace tilegrid::report
