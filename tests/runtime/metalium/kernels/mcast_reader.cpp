// SPDX-License-Identifier: Apache-2.0
// Rows of A: the left core of a row of the grid reads a tile and multicasts it to the others. Columns of B are read by each.
#include <cstdint>

#include "dataflow_api.h"

void kernel_main() {
  const uint32_t a = get_arg_val<uint32_t>(0);
  const uint32_t b = get_arg_val<uint32_t>(1);
  const uint32_t row = get_arg_val<uint32_t>(2);
  const uint32_t column = get_arg_val<uint32_t>(3);
  const bool sender = get_arg_val<uint32_t>(4) != 0;
  const uint32_t left_x = get_arg_val<uint32_t>(5);
  const uint32_t last_x = get_arg_val<uint32_t>(6);
  const uint32_t y = get_arg_val<uint32_t>(7);
  constexpr uint32_t inner = get_compile_time_arg_val(0);
  constexpr uint32_t columns = get_compile_time_arg_val(1);
  const uint32_t ready = get_semaphore(get_compile_time_arg_val(2));
  const uint32_t sent = get_semaphore(get_compile_time_arg_val(3));
  constexpr uint32_t cb_a = 0;
  constexpr uint32_t cb_b = 1;
  const uint32_t bytes = get_tile_size(cb_a);
  const InterleavedAddrGenFast<true> a_tiles = {
      .bank_base_address = a, .page_size = bytes, .data_format = get_dataformat(cb_a)};
  const InterleavedAddrGenFast<true> b_tiles = {
      .bank_base_address = b, .page_size = bytes, .data_format = get_dataformat(cb_b)};
  volatile tt_l1_ptr uint32_t* ready_here = reinterpret_cast<volatile tt_l1_ptr uint32_t*>(ready);
  volatile tt_l1_ptr uint32_t* sent_here = reinterpret_cast<volatile tt_l1_ptr uint32_t*>(sent);
  constexpr uint32_t receivers = columns - 1;
  for (uint32_t k = 0; k < inner; ++k) {
    cb_reserve_back(cb_a, 1);
    const uint32_t to = get_write_ptr(cb_a);
    if (sender) {
      noc_async_read_tile(row * inner + k, a_tiles, to);
      noc_async_read_barrier();
      if (receivers > 0) {
        noc_semaphore_wait(ready_here, receivers);
        noc_semaphore_set(ready_here, 0);
        noc_async_write_multicast(to, get_noc_multicast_addr(left_x + 1, y, last_x, y, to), bytes, receivers);
        *sent_here = VALID;
        noc_semaphore_set_multicast(sent, get_noc_multicast_addr(left_x + 1, y, last_x, y, sent), receivers);
        noc_async_write_barrier();
      }
    } else {
      noc_semaphore_set(sent_here, INVALID);
      noc_semaphore_inc(get_noc_addr(left_x, y, ready), 1);
      noc_semaphore_wait(sent_here, VALID);
    }
    cb_push_back(cb_a, 1);
    cb_reserve_back(cb_b, 1);
    noc_async_read_tile(k * columns + column, b_tiles, get_write_ptr(cb_b));
    noc_async_read_barrier();
    cb_push_back(cb_b, 1);
  }
  noc_async_atomic_barrier();
}
