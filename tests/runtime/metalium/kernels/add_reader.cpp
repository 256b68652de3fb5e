// SPDX-License-Identifier: Apache-2.0
// Tiles of two tensors, one of each at a time.
#include <cstdint>

#include "dataflow_api.h"

void kernel_main() {
  const uint32_t a = get_arg_val<uint32_t>(0);
  const uint32_t b = get_arg_val<uint32_t>(1);
  const uint32_t first = get_arg_val<uint32_t>(2);
  const uint32_t count = get_arg_val<uint32_t>(3);
  constexpr auto a_args = TensorAccessorArgs<0>();
  constexpr auto b_args = TensorAccessorArgs<a_args.next_compile_time_args_offset()>();
  const auto a_tensor = TensorAccessor(a_args, a, get_tile_size(tt::CBIndex::c_0));
  const auto b_tensor = TensorAccessor(b_args, b, get_tile_size(tt::CBIndex::c_1));
  for (uint32_t tile = first; tile < first + count; ++tile) {
    cb_reserve_back(tt::CBIndex::c_0, 1);
    cb_reserve_back(tt::CBIndex::c_1, 1);
    noc_async_read_tile(tile, a_tensor, get_write_ptr(tt::CBIndex::c_0));
    noc_async_read_tile(tile, b_tensor, get_write_ptr(tt::CBIndex::c_1));
    noc_async_read_barrier();
    cb_push_back(tt::CBIndex::c_0, 1);
    cb_push_back(tt::CBIndex::c_1, 1);
  }
}
