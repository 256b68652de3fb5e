// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "kernels/planner/run/plan_args.h"

namespace tilegrid::planner {

/// The blocks of a tensor that pass through one CB.
struct Route {
  int cb = 0;
  std::uint32_t address = 0;
  int rows = 1;  ///< tiles of a block
  int cols = 1;
  int pitch = 1;                     ///< tiles in a row of the tensor
  std::array<int, 2> row_step{};     ///< tile rows from one block row (block column) to the next
  std::array<int, 2> col_step{};     ///< tile columns, likewise
  bool transposed = false;           ///< tile (r, c) is at c * rows + r
  int k_dim = -1;                    ///< dimension of K of a streamed operand: 0 rows, 1 columns; -1: not streamed
  std::array<bool, 2> first_only{};  ///< outputs: blocks beyond the first in a block row (column) are not written
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cb, address, rows, cols, pitch, row_step, col_step, transposed, k_dim, first_only);
  }

  [[nodiscard]] std::uint32_t page(int block_row, int block_col, int r, int c) const {
    const int row = block_row * row_step[0] + block_col * row_step[1] + r;
    const int col = block_row * col_step[0] + block_col * col_step[1] + c;
    return row * pitch + col;
  }
};

/// Routes that take turns: once, or K block by K block, all of K `sweeps` times.
struct RouteGroup {
  std::vector<Route> routes;
  int k_block = 0;
  int k_blocks = 1;
  int sweeps = 1;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(routes, k_block, k_blocks, sweeps);
  }
};

/// What the reader or the writer does for each block.
struct TransferPlan {
  int block_cols = 1;
  int scaler_cb = -1;  ///< to be filled once by the reader; -1: none
  std::vector<RouteGroup> groups;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(block_cols, scaler_cb, groups);
  }
};

/// The kernels' entries. Runtime arguments: the first block and the number of blocks.
void fused_reader();
void fused_compute();
void fused_writer();

}  // namespace tilegrid::planner
