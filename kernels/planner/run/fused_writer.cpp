// SPDX-License-Identifier: Apache-2.0
// BRISC: stores the outputs of each block.
#include "kernels/api/dataflow.h"
#include "kernels/planner/run/fused_kernels.h"

namespace tilegrid::planner {
namespace {

using namespace tilegrid::api;

/// All tiles of a route, or k_count from k_first on of the dimension that comes in segments.
void write_block(const Route& route, int block_row, int block_col, int k_first, int k_count) {
  const std::uint32_t cb = route.cb;
  const int first_row = route.k_dim == 0 ? k_first : 0;
  const int first_col = route.k_dim == 1 ? k_first : 0;
  const int rows = route.k_dim == 0 ? k_count : route.rows;
  const int cols = route.k_dim == 1 ? k_count : route.cols;
  const std::uint32_t tiles = rows * cols;
  const InterleavedAddrGen tensor{route.address, get_tile_size(cb)};
  cb_wait_front(cb, tiles);
  const bool wanted = (!route.first_only[0] || block_row == 0) && (!route.first_only[1] || block_col == 0);
  if (wanted) {
    const std::uint32_t base = get_read_ptr(cb);
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < cols; ++c) {
        const std::uint32_t index = route.transposed ? c * rows + r : r * cols + c;
        noc_async_write_page(route.page(block_row, block_col, first_row + r, first_col + c), tensor,
                             base + index * tensor.page_size);
      }
    }
    noc_async_write_barrier();
  }
  cb_pop_front(cb, tiles);
}

}  // namespace

void fused_writer() {
  TransferPlan plan;
  get_arguments(plan);
  const auto first = get_arg_val<int>(0);
  const auto count = get_arg_val<int>(1);
  for (int block = first; block < first + count; ++block) {
    for (const RouteGroup& group : plan.groups) {
      for (int turn = 0; turn < group.k_blocks; ++turn) {
        for (const Route& route : group.routes) {
          write_block(route, block / plan.block_cols, block % plan.block_cols, turn * group.k_block, group.k_block);
        }
      }
    }
  }
}

}  // namespace tilegrid::planner
