// SPDX-License-Identifier: Apache-2.0
#include "dataflow_api.h"

void kernel_main() {
  constexpr uint32_t heads = get_compile_time_arg_val(0), k_rows = get_compile_time_arg_val(3);
  constexpr uint32_t columns = get_compile_time_arg_val(4), q_chunk = get_compile_time_arg_val(5);
  constexpr uint32_t k_chunk = get_compile_time_arg_val(7), k_chunks = get_compile_time_arg_val(8);
  static_assert(get_compile_time_arg_val(9) > 0, "cores");
  const auto tensor = [](uint32_t argument, uint32_t cb) {
    return InterleavedAddrGenFast<true>{get_arg_val<uint32_t>(argument), get_tile_size(cb), get_dataformat(cb)};
  };
  const auto k = tensor(1, 1), v = tensor(2, 2), mask = tensor(3, 3);
  for (uint32_t batch = get_arg_val<uint32_t>(5); batch < get_arg_val<uint32_t>(6); ++batch) {
    for (uint32_t head = get_arg_val<uint32_t>(7); head < get_arg_val<uint32_t>(8); ++head) {
      cb_reserve_back(0, q_chunk * columns);  // Q is there from the beginning
      cb_push_back(0, q_chunk * columns);
      for (uint32_t chunk = 0; chunk < k_chunks; ++chunk) {
        for (uint32_t cb = 1; cb <= 2; ++cb) {
          cb_reserve_back(cb, k_chunk * columns);
          for (uint32_t i = 0; i < k_chunk * columns; ++i) {
            const uint32_t tile = ((batch * heads + head) * k_rows + chunk * k_chunk) * columns + i;
            noc_async_read_tile(tile, cb == 1 ? k : v, get_write_ptr(cb) + i * get_tile_size(cb));
          }
          noc_async_read_barrier();
          cb_push_back(cb, k_chunk * columns);
        }
        cb_reserve_back(3, q_chunk * k_chunk);
        for (uint32_t i = 0; i < q_chunk * k_chunk; ++i) {
          const uint32_t row = (batch * heads + head) * q_chunk + i / k_chunk;
          noc_async_read_tile(row * k_rows + chunk * k_chunk + i % k_chunk, mask, get_write_ptr(3) + i * get_tile_size(3));
        }
        noc_async_read_barrier();
        cb_push_back(3, q_chunk * k_chunk);
      }
    }
  }
}
