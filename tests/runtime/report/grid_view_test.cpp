// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/grid_view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace tilegrid::report {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// Characters on the screen: bytes that do not continue a UTF-8 sequence.
std::size_t columns_of(const std::string& line) {
  return static_cast<std::size_t>(
      std::count_if(line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

TEST(GridView, ShowsEveryCoreAtItsPlace) {
  const std::vector<double> values{1, 2, 3, 4, 5, 6};
  const auto lines = lines_of(grid_view({3, 2}, values, "Device counts: things", ""));
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0], "Device counts: things, 3x2 cores, x to the right, y downwards");
  EXPECT_EQ(lines[1], "  y0        1 ░       2 ▒       3 ▒");
  EXPECT_EQ(lines[2], "  y1        4 ▓       5 █       6 █");
}

TEST(GridView, OneFactorForAllCellsKeepsFourDigits) {
  const auto lines = lines_of(grid_view({2, 1}, std::vector<double>{1'234'567, 250'000}, "bytes", "B"));
  EXPECT_EQ(lines[0], "bytes in kB, 2x1 cores, x to the right, y downwards");
  EXPECT_EQ(lines[1], "  y0     1235 █     250 ░");
  EXPECT_EQ(lines_of(grid_view({1, 1}, std::vector<double>{9999}, "n", ""))[1], "  y0     9999 █");
  EXPECT_EQ(lines_of(grid_view({1, 1}, std::vector<double>{10'000}, "n", ""))[1], "  y0    10.00 █");
  EXPECT_EQ(lines_of(grid_view({1, 1}, std::vector<double>{0.0123}, "t", "s"))[1], "  y0    12.30 █");
  EXPECT_EQ(lines_of(grid_view({1, 1}, std::vector<double>{0.0123}, "t", "s"))[0],
            "t in ms, 1x1 cores, x to the right, y downwards");
}

TEST(GridView, ZeroIsBlankAndTheSmallestShareShows) {
  const auto lines = lines_of(grid_view({3, 1}, std::vector<double>{0, 1, 1000}, "n", ""));
  EXPECT_EQ(lines[1], "  y0        0         1 ░    1000 █");
  EXPECT_EQ(lines_of(grid_view({2, 1}, std::vector<double>{0, 0}, "n", ""))[1], "  y0        0         0");
}

TEST(GridView, TheFullGridFitsHundredColumns) {
  std::vector<double> values(80);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 1e9 * static_cast<double>(i + 1);
  const auto lines = lines_of(grid_view({8, 10}, values, "bytes", "B"));
  ASSERT_EQ(lines.size(), 11U);
  for (std::size_t y = 1; y < lines.size(); ++y) {
    EXPECT_LE(columns_of(lines[y]), 100U);
    EXPECT_EQ(columns_of(lines[y]), columns_of(lines[1]));  // aligned
  }
}

TEST(GridView, RefusesAnotherNumberOfValues) {
  EXPECT_THROW(static_cast<void>(grid_view({2, 2}, std::vector<double>(3), "n", "")), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(grid_view({0, 0}, std::vector<double>{}, "n", "")), std::invalid_argument);
}

}  // namespace
}  // namespace tilegrid::report
