// SPDX-License-Identifier: Apache-2.0
#include "noc/grid.h"
#include "noc/node.h"
#include "tests/support/wormhole_grid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>
#include <stdexcept>
#include <utility>

namespace tilegrid::noc {
namespace {

PhysicalCore end_of(Link link) {
  switch (link.direction) {
    case Direction::east:
      return {(link.from.x + 1) % 10, link.from.y};
    case Direction::south:
      return {link.from.x, (link.from.y + 1) % 12};
    case Direction::north:
      return {link.from.x, (link.from.y + 11) % 12};
    case Direction::west:
      return {(link.from.x + 9) % 10, link.from.y};
  }
  return {-1, -1};
}

TEST(Grid, CornersOfTheWorkerGrid) {
  EXPECT_EQ(physical_of({0, 0}), (PhysicalCore{1, 1}));
  EXPECT_EQ(physical_of({7, 9}), (PhysicalCore{9, 11}));
  EXPECT_EQ(physical_of({3, 4}), (PhysicalCore{4, 5}));
  EXPECT_EQ(physical_of({4, 5}), (PhysicalCore{6, 7}));
}

TEST(Grid, WorkersAndDramEndpointsAreDistinctNodes) {
  std::set<std::pair<int, int>> nodes;
  for (int index = 0; index < full_worker_grid.cores(); ++index) {
    const PhysicalCore node = physical_of(full_worker_grid.core(index));
    EXPECT_TRUE(node.x != 0 && node.x != 5 && node.x < 10) << node.x;
    EXPECT_TRUE(node.y != 0 && node.y != 6 && node.y < 12) << node.y;
    nodes.emplace(node.x, node.y);
  }
  EXPECT_EQ(nodes.size(), 80U);
  for (int bank = 0; bank < dram_banks; ++bank) {
    const PhysicalCore node = dram_endpoint(bank);
    EXPECT_TRUE(node.x == 0 || node.x == 5) << bank;
    nodes.emplace(node.x, node.y);
  }
  EXPECT_EQ(nodes.size(), 92U);
}

TEST(Grid, DramEndpointsInBankOrder) {
  EXPECT_EQ(dram_endpoint(0), (PhysicalCore{0, 11}));
  EXPECT_EQ(dram_endpoint(3), (PhysicalCore{0, 7}));
  EXPECT_EQ(dram_endpoint(8), (PhysicalCore{5, 8}));
  EXPECT_EQ(dram_endpoint(11), (PhysicalCore{5, 7}));
}

TEST(Grid, LargerGridsRepeatTheDie) {
  EXPECT_EQ(physical_of({8, 10}), physical_of({0, 0}));
  EXPECT_EQ(physical_of({21, 33}), physical_of({5, 3}));
}

TEST(Grid, WhatDoesNotExistIsRefused) {
  EXPECT_THROW(static_cast<void>(physical_of({-1, 0})), std::out_of_range);
  EXPECT_THROW(static_cast<void>(dram_endpoint(12)), std::out_of_range);
  EXPECT_THROW(static_cast<void>(dram_endpoint(-1)), std::out_of_range);
  EXPECT_THROW(static_cast<void>(hops(NocId::noc0, {10, 0}, {0, 0})), std::out_of_range);
  EXPECT_THROW(static_cast<void>(route(NocId::noc1, {0, 0}, {0, 12})), std::out_of_range);
}

TEST(Route, Noc0GoesEastThenSouth) {
  const auto links = route(NocId::noc0, {1, 1}, {3, 2});
  ASSERT_EQ(links.size(), 3U);
  EXPECT_EQ(links[0], (Link{{1, 1}, Direction::east}));
  EXPECT_EQ(links[1], (Link{{2, 1}, Direction::east}));
  EXPECT_EQ(links[2], (Link{{3, 1}, Direction::south}));
}

TEST(Route, Noc1GoesNorthThenWest) {
  const auto links = route(NocId::noc1, {3, 2}, {2, 0});
  ASSERT_EQ(links.size(), 3U);
  EXPECT_EQ(links[0], (Link{{3, 2}, Direction::north}));
  EXPECT_EQ(links[1], (Link{{3, 1}, Direction::north}));
  EXPECT_EQ(links[2], (Link{{3, 0}, Direction::west}));
}

TEST(Route, WrapsAroundTheTorus) {
  EXPECT_EQ(hops(NocId::noc0, {9, 11}, {0, 0}), 2);
  EXPECT_EQ(hops(NocId::noc0, {1, 1}, {0, 1}), 9);
  EXPECT_EQ(hops(NocId::noc1, {1, 1}, {0, 1}), 1);
  EXPECT_EQ(hops(NocId::noc1, {0, 0}, {0, 1}), 11);
  EXPECT_EQ(route(NocId::noc0, {9, 5}, {0, 5}).at(0), (Link{{9, 5}, Direction::east}));
}

TEST(Route, EveryPairIsConnectedAndRoundTripsGoAllTheWay) {
  for (const NocId noc : {NocId::noc0, NocId::noc1}) {
    for (int a = 0; a < noc_size.cores(); ++a) {
      for (int b = 0; b < noc_size.cores(); ++b) {
        const PhysicalCore from{a % 10, a / 10};
        const PhysicalCore to{b % 10, b / 10};
        const auto links = route(noc, from, to);
        ASSERT_EQ(static_cast<int>(links.size()), hops(noc, from, to));
        PhysicalCore at = from;
        for (const Link& link : links) {
          ASSERT_EQ(link.from, at);
          at = end_of(link);
        }
        ASSERT_EQ(at, to);
        // Answers go on in the direction of the request: a round trip closes the rings that it uses.
        const int rings = (from.x != to.x ? 10 : 0) + (from.y != to.y ? 12 : 0);
        ASSERT_EQ(hops(noc, from, to) + hops(noc, to, from), rings);
        ASSERT_EQ(hops(NocId::noc1, from, to), hops(NocId::noc0, to, from));
      }
    }
  }
}

TEST(Placement, EveryCoreHasItsPlaceOnOneRank) {
  constexpr GridSize grid{8, 10};
  for (const bool dealt : {false, true}) {
    for (const int ranks : {1, 2, 3, 7, 40, 79, 80}) {
      const Placement placement{grid, ranks, 1, 12, dealt};
      int next = 0, least = grid.cores(), most = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const int cores = placement.cores_of(rank);
        least = std::min(least, cores);
        most = std::max(most, cores);
        next += cores;
        for (int place = 0; place < cores; ++place) {
          const int core = placement.core_at(rank, place);
          ASSERT_TRUE(core >= 0 && core < grid.cores());
          EXPECT_EQ(placement.rank_of_core(core), rank);
          EXPECT_EQ(placement.place_of(core), place);
        }
      }
      EXPECT_EQ(next, grid.cores());
      EXPECT_LE(most - least, 1);
    }
  }
}

TEST(Placement, DealtCoresAreSharedOutEvenlyFromTheFirstOn) {
  const Placement placement{{8, 10}, 3, 1, 12, true};
  for (int cores = 1; cores <= 80; ++cores) {
    std::array<int, 3> of{};
    for (int core = 0; core < cores; ++core) ++of.at(static_cast<std::size_t>(placement.rank_of_core(core)));
    EXPECT_LE(*std::max_element(of.begin(), of.end()) - *std::min_element(of.begin(), of.end()), 1) << cores;
  }
}

}  // namespace
}  // namespace tilegrid::noc
