// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/numerics_report.h"

#include <fmt/format.h>

namespace tilegrid::report {

Value numerics_of(const NumericsUse& use) {
  Value too_seldom;
  if (const auto& bound = use.too_seldom) {
    too_seldom = {{"roundings_per_tile", 1},
                  {"roundings_per_tile_on_silicon", bound->roundings},
                  {"longest_sum_tiles", bound->tiles},
                  {"most_of_largest_partial_sum", bound->most},
                  {"typical_of_largest_partial_sum", bound->typical}};
  }
  Value faults;
  if (use.faults_struck) faults = {{"sums", *use.faults_struck}, {"struck", use.known_faults}};
  return {{"rounded_too_seldom", std::move(too_seldom)}, {"known_fault", std::move(faults)}};
}

std::vector<std::string> numerics_lines(const NumericsUse& use) {
  std::vector<std::string> lines;
  if (const auto& bound = use.too_seldom) {
    lines.push_back(
        fmt::format("fast numerics round sums too seldom: once a tile of K, silicon {} times; of sums of {} tile{}",
                    bound->roundings, bound->tiles, bound->tiles == 1 ? "" : "s"));
    lines.push_back(fmt::format("in DST by at most {:.2g}, typically {:.2g} of the largest partial sum (--numerics rounded)",
                                bound->most, bound->typical));
  }
  if (use.faults_struck) {
    lines.push_back(fmt::format("fault #38306 {} {} sum{} (--known-faults {})",
                                use.known_faults ? "struck" : "would have struck", *use.faults_struck,
                                *use.faults_struck == 1 ? "" : "s", use.known_faults ? "on" : "off"));
  }
  return lines;
}

}  // namespace tilegrid::report
