// SPDX-License-Identifier: Apache-2.0
// NCRISC: fetches the inputs of each block in the order in which the stages want them; makes the scaler of reductions.
#include "kernels/common/pages.h"
#include "kernels/planner/run/fused_kernels.h"

namespace tilegrid::planner {
namespace {

using namespace tilegrid::api;

/// Tiles [k_first, k_first + k_count) of the dimension of K, or all tiles of a route without one.
void read_block(const Route& route, int block_row, int block_col, int k_first, int k_count) {
  const int first_row = route.k_dim == 0 ? k_first : 0;
  const int first_col = route.k_dim == 1 ? k_first : 0;
  const int rows = route.k_dim == 0 ? k_count : route.rows;
  const int cols = route.k_dim == 1 ? k_count : route.cols;
  const std::uint32_t cb = route.cb;
  const InterleavedAddrGen tensor{route.address, get_tile_size(cb)};
  cb_reserve_back(cb, rows * cols);
  const std::uint32_t base = get_write_ptr(cb);
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < cols; ++c) {
      const std::uint32_t index = route.transposed ? c * rows + r : r * cols + c;
      noc_async_read_page(route.page(block_row, block_col, first_row + r, first_col + c), tensor,
                          base + index * tensor.page_size);
    }
  }
  noc_async_read_barrier();
  cb_push_back(cb, rows * cols);
}

}  // namespace

void fused_reader() {
  TransferPlan plan;
  get_arguments(plan);
  const auto first = get_arg_val<int>(0);
  const auto count = get_arg_val<int>(1);
  if (plan.scaler_cb >= 0 && count > 0) make_scaler(plan.scaler_cb);
  for (int block = first; block < first + count; ++block) {
    for (const RouteGroup& group : plan.groups) {
      for (int turn = 0; turn < group.sweeps * group.k_blocks; ++turn) {
        const int k_first = turn % group.k_blocks * group.k_block;
        for (const Route& route : group.routes) {
          read_block(route, block / plan.block_cols, block % plan.block_cols, k_first, group.k_block);
        }
      }
    }
  }
}

}  // namespace tilegrid::planner
