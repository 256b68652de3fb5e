// SPDX-License-Identifier: Apache-2.0
#include "dataflow_api.h"

void kernel_main() {
  const uint32_t out = get_arg_val<uint32_t>(0);
  const uint32_t tile = get_arg_val<uint32_t>(1);
  constexpr uint32_t cb = tt::CB::c_out0;
  const InterleavedAddrGenFast<true> tiles = {
      .bank_base_address = out, .page_size = get_tile_size(cb), .data_format = get_dataformat(cb)};
  cb_wait_front(cb, 1);
  noc_async_write_tile(tile, tiles, get_read_ptr(cb));
  noc_async_write_barrier();
  cb_pop_front(cb, 1);
}
