// SPDX-License-Identifier: Apache-2.0
#include "../plain_attention.h"
#include "compute_kernel_api.h"

namespace {
constexpr uint32_t columns = get_compile_time_arg_val(4), q_chunk = get_compile_time_arg_val(5);
constexpr uint32_t k_chunk = get_compile_time_arg_val(7), k_chunks = get_compile_time_arg_val(8);
static_assert(get_compile_time_arg_val(21) > 0, "cores");

plain::State<q_chunk * 32, columns * 32> state;

plain::Matrix matrix(uint32_t address, uint32_t tiles) { return {reinterpret_cast<uint16_t*>(address), tiles}; }
}  // namespace

namespace NAMESPACE {
void MAIN {
  cb_wait_front(4, 1);
  const float scale = plain::value_of(*reinterpret_cast<uint16_t*>(get_read_ptr(4)));
  const uint32_t items =
      (get_arg_val<uint32_t>(2) - get_arg_val<uint32_t>(1)) * (get_arg_val<uint32_t>(4) - get_arg_val<uint32_t>(3));
  for (uint32_t item = 0; item < items; ++item) {
    state.clear();
    cb_wait_front(0, q_chunk * columns);
    for (uint32_t chunk = 0; chunk < k_chunks; ++chunk) {
      cb_wait_front(1, k_chunk * columns);
      cb_wait_front(2, k_chunk * columns);
      cb_wait_front(3, q_chunk * k_chunk);
      const plain::Matrix q = matrix(get_read_ptr(0), columns), k = matrix(get_read_ptr(1), columns);
      const plain::Matrix v = matrix(get_read_ptr(2), columns), mask = matrix(get_read_ptr(3), k_chunk);
      for (uint32_t row = 0; row < q_chunk * 32; ++row) {
        for (uint32_t key = 0; key < k_chunk * 32; ++key) {
          state.add(row, scale * plain::dot(q, row, k, key, columns * 32) + mask.get(row, key), v, key);
        }
      }
      cb_pop_front(1, k_chunk * columns);
      cb_pop_front(2, k_chunk * columns);
      cb_pop_front(3, q_chunk * k_chunk);
    }
    cb_pop_front(0, q_chunk * columns);
    cb_reserve_back(16, q_chunk * columns);
    state.store(matrix(get_write_ptr(16), columns));
    cb_push_back(16, q_chunk * columns);
  }
}
}  // namespace NAMESPACE
