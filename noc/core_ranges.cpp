// SPDX-License-Identifier: Apache-2.0
#include "noc/core_ranges.h"

#include <fmt/format.h>

#include <set>

namespace tilegrid {

std::string describe_cores(const std::vector<int>& cores, GridSize grid) {
  if (count_of(cores) == grid.cores() && cores.size() > 1) return "all cores";
  std::set<int> left(cores.begin(), cores.end());
  std::string text;
  while (!left.empty()) {
    // Greedy: the widest run in the first row, then as many rows as hold the same run.
    const LogicalCore first = grid.core(*left.begin());
    LogicalCore last = first;
    while (last.x + 1 < grid.x && left.contains(grid.index({last.x + 1, first.y}))) ++last.x;
    const auto row_full = [&](int y) {
      for (int x = first.x; x <= last.x; ++x) {
        if (!left.contains(grid.index({x, y}))) return false;
      }
      return true;
    };
    while (last.y + 1 < grid.y && row_full(last.y + 1)) ++last.y;
    for (int y = first.y; y <= last.y; ++y) {
      for (int x = first.x; x <= last.x; ++x) left.erase(grid.index({x, y}));
    }
    if (!text.empty()) text += ", ";
    text += first == last ? fmt::format("({},{})", first.x, first.y)
                          : fmt::format("({},{})-({},{})", first.x, first.y, last.x, last.y);
  }
  return text;
}

}  // namespace tilegrid
