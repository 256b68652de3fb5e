// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tilegrid::planner {

/// Height and width in tiles.
struct TileRect {
  int h = 1;
  int w = 1;
  [[nodiscard]] int tiles() const { return h * w; }
  friend bool operator==(TileRect, TileRect) = default;
};

/// Lists of sub-blocks, each ordered by product (dst.md 5, attention.md 1.6).
enum class SubblockTable : std::uint8_t {
  matmul,          ///< tt-metal matmul; also the legacy order of the 2026 auto-tuner
  sdpa,            ///< 2x4 before 4x2, 1xN before Nx1
  autotuner_fast,  ///< every product up to the budget, 1xN and Nx1 first
};
/// First entry that divides rows and columns of the block and has at most `budget` tiles; none when the budget is below 1.
[[nodiscard]] std::optional<TileRect> table_subblock(SubblockTable table, TileRect block, int budget);

/// tt-lang: of all choices of a divisor in each dimension the largest product up to the budget; of equals the one with the
/// larger inner (last) dimension. A budget below 1 gives ones.
[[nodiscard]] std::vector<int> divisor_subblock(const std::vector<int>& block, int budget);

/// tt-lang: a dimension that no number from 2 to the budget divides is cut all the same, and what is left over is peeled.
struct Peel {
  TileRect main;
  TileRect remainder;
};
/// None when both dimensions have divisors, or the block fits whole.
[[nodiscard]] std::optional<Peel> peeled_subblock(TileRect block, int budget);

/// SrcA and SrcB tile unpacks of one k step of a block matmul: the shorter side stays in the two banks of a source
/// register, two tiles at a time, and the longer is streamed for each pair (dst.md 3.3).
[[nodiscard]] int unpack_tiles_per_k(TileRect subblock);

/// A scratch buffer in L1, in tiles (or bytes), alive from step `first` to step `last`, both included.
struct ScratchSlot {
  std::string name;
  int size = 0;
  int first = 0;
  int last = 0;
};
struct ScratchPacking {
  std::vector<int> offsets;  ///< in the order of the slots given
  int peak = 0;
};
/// tt-mlir: largest first, of equals in order of their names (numbers in them by value), each at the lowest offset where no
/// slot is that lives at the same time (dst.md 1.3).
[[nodiscard]] ScratchPacking pack_scratch(const std::vector<ScratchSlot>& slots);

}  // namespace tilegrid::planner
