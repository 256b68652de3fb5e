// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/slot_cases/subblock_tables.h"

#include <algorithm>
#include <array>
#include <utility>

#include "kernels/common/divisor.h"

namespace tilegrid::planner {
namespace {

constexpr std::array<TileRect, 20> matmul_table{{{4, 2}, {2, 4}, {8, 1}, {1, 8}, {7, 1}, {1, 7}, {3, 2},
                                                 {2, 3}, {6, 1}, {1, 6}, {5, 1}, {1, 5}, {2, 2}, {4, 1},
                                                 {1, 4}, {3, 1}, {1, 3}, {2, 1}, {1, 2}, {1, 1}}};
constexpr std::array<TileRect, 20> sdpa_table{{{2, 4}, {4, 2}, {1, 8}, {8, 1}, {1, 7}, {7, 1}, {2, 3},
                                               {3, 2}, {1, 6}, {6, 1}, {1, 5}, {5, 1}, {2, 2}, {1, 4},
                                               {4, 1}, {1, 3}, {3, 1}, {1, 2}, {2, 1}, {1, 1}}};

bool divides(TileRect part, TileRect block) { return block.h % part.h == 0 && block.w % part.w == 0; }

std::optional<TileRect> first_of(const std::array<TileRect, 20>& table, TileRect block, int budget) {
  for (const TileRect entry : table) {
    if (entry.tiles() <= budget && divides(entry, block)) return entry;
  }
  return std::nullopt;
}

std::optional<TileRect> fastest_to_pack(TileRect block, int budget) {
  for (int tiles = std::min(budget, block.tiles()); tiles >= 1; --tiles) {
    if (tiles <= block.w && divides({1, tiles}, block)) return TileRect{1, tiles};
    if (tiles <= block.h && divides({tiles, 1}, block)) return TileRect{tiles, 1};
    for (int h = 2; h < tiles; ++h) {
      if (tiles % h == 0 && divides({h, tiles / h}, block)) return TileRect{h, tiles / h};
    }
  }
  return std::nullopt;
}

void try_divisors(const std::vector<int>& block, int budget, std::vector<int>& chosen,
                  std::pair<int, std::vector<int>>& best) {
  const std::size_t done = chosen.size();
  int product = 1;
  for (const int part : chosen) product *= part;
  if (done == block.size()) {
    // Of equal products the larger last dimension wins, then the one before it.
    const std::vector<int> key(chosen.rbegin(), chosen.rend());
    best = std::max(best, std::pair(product, key));
    return;
  }
  for (int part = 1; part <= std::min(block[done], budget / product); ++part) {
    if (block[done] % part != 0) continue;
    chosen.push_back(part);
    try_divisors(block, budget, chosen, best);
    chosen.pop_back();
  }
}

}  // namespace

std::optional<TileRect> table_subblock(SubblockTable table, TileRect block, int budget) {
  switch (table) {
    case SubblockTable::matmul:
      return first_of(matmul_table, block, budget);
    case SubblockTable::sdpa:
      return first_of(sdpa_table, block, budget);
    case SubblockTable::autotuner_fast:
      return fastest_to_pack(block, budget);
  }
  return std::nullopt;
}

std::vector<int> divisor_subblock(const std::vector<int>& block, int budget) {
  std::pair<int, std::vector<int>> best;
  std::vector<int> chosen;
  try_divisors(block, std::max(budget, 1), chosen, best);
  return {best.second.rbegin(), best.second.rend()};
}

std::optional<Peel> peeled_subblock(TileRect block, int budget) {
  const auto stuck = [&](int extent) { return extent > budget && largest_divisor(extent, budget) == 1; };
  if (budget < 2 || !(stuck(block.h) || stuck(block.w))) return std::nullopt;
  // The inner dimension is cut first, as for divisors; what it leaves of the budget goes to the outer one.
  Peel peel{.main = {1, 1}, .remainder = block};
  const auto cut = [&](int extent, int limit) {
    return stuck(extent) ? std::min(extent, limit) : largest_divisor(extent, limit);
  };
  peel.main.w = cut(block.w, budget);
  peel.main.h = cut(block.h, budget / peel.main.w);
  peel.remainder = peel.main;
  if (block.w % peel.main.w != 0) peel.remainder.w = block.w % peel.main.w;
  if (block.h % peel.main.h != 0) peel.remainder.h = block.h % peel.main.h;
  if (peel.remainder == peel.main) return std::nullopt;
  return peel;
}

int unpack_tiles_per_k(TileRect subblock) {
  const auto [shorter, longer] = std::minmax({subblock.h, subblock.w});
  return shorter + longer * ((shorter + 1) / 2);
}

}  // namespace tilegrid::planner
