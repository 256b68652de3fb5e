// SPDX-License-Identifier: Apache-2.0
#include "compute_kernel_api/matmul.h"
#include "compute_kernel_api/tile_move_copy.h"

namespace NAMESPACE {
void MAIN {
  constexpr uint32_t inner = get_compile_time_arg_val(0);
  mm_init(tt::CB::c_in0, tt::CB::c_in1, tt::CB::c_out0);
  acquire_dst();
  for (uint32_t k = 0; k < inner; ++k) {
    cb_wait_front(tt::CB::c_in0, 1);
    cb_wait_front(tt::CB::c_in1, 1);
    matmul_tiles(tt::CB::c_in0, tt::CB::c_in1, 0, 0, 0, false);
    cb_pop_front(tt::CB::c_in0, 1);
    cb_pop_front(tt::CB::c_in1, 1);
  }
  cb_reserve_back(tt::CB::c_out0, 1);
  pack_tile(0, tt::CB::c_out0);
  cb_push_back(tt::CB::c_out0, 1);
  release_dst();
}
}  // namespace NAMESPACE
