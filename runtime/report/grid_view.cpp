// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/grid_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

namespace tilegrid::report {
namespace {

struct Factor {
  double value;
  const char* prefix;
};

/// The largest number gets up to four digits before the point; below one it is written in m or u.
Factor factor_for(double largest) {
  constexpr std::array<Factor, 6> factors{{{1e-6, "u"}, {1e-3, "m"}, {1, ""}, {1e3, "k"}, {1e6, "M"}, {1e9, "G"}}};
  if (largest <= 0) return {1, ""};
  const auto* fit = std::find_if(factors.begin(), factors.end(),
                                 [=](Factor f) { return largest < (f.value < 1 ? 999.95 : 9999.5) * f.value; });
  return fit == factors.end() ? factors.back() : *fit;
}

/// Digits behind the point: as many as fit four in all, none when all numbers are whole.
int decimals_for(std::span<const double> values, double factor, double largest) {
  const bool whole = factor == 1 && std::all_of(values.begin(), values.end(), [](double v) { return v == std::floor(v); });
  if (whole) return 0;
  const double scaled = largest / factor;
  return scaled < 9.9995 ? 3 : scaled < 99.995 ? 2 : scaled < 999.95 ? 1 : 0;
}

}  // namespace

std::string grid_view(GridSize grid, std::span<const double> values, const std::string& title, const std::string& unit) {
  if (values.empty() || count_of(values) != grid.cores()) {
    throw std::invalid_argument(fmt::format("{} values for a {}x{} grid", values.size(), grid.x, grid.y));
  }
  constexpr std::array<const char*, 5> shades{" ", "░", "▒", "▓", "█"};
  const auto [smallest, largest] = std::minmax_element(values.begin(), values.end());
  const double high = std::max(std::abs(*smallest), std::abs(*largest));
  const Factor factor = factor_for(high);
  const int decimals = decimals_for(values, factor.value, high);
  const std::string in_units = fmt::format("{}{}", factor.prefix, unit);
  std::string text = fmt::format("{}{}{}, {}x{} cores, x to the right, y downwards\n", title, in_units.empty() ? "" : " in ",
                                 in_units, grid.x, grid.y);
  for (int y = 0; y < grid.y; ++y) {
    text += fmt::format("{:>4} ", fmt::format("y{}", y));
    for (int x = 0; x < grid.x; ++x) {
      const double value = values[grid.index({x, y})];
      const double part = *largest > 0 ? std::clamp(value / *largest, 0.0, 1.0) : 0;
      // A zero stays blank, everything above it shows.
      const auto shade = static_cast<std::size_t>(std::ceil(part * static_cast<double>(shades.size() - 1)));
      text += fmt::format("{:>8.{}f} {}", value / factor.value, decimals, shades.at(shade));
    }
    // A blank shade at the end would be a trailing space.
    while (text.back() == ' ') text.pop_back();
    text += '\n';
  }
  return text;
}

}  // namespace tilegrid::report
