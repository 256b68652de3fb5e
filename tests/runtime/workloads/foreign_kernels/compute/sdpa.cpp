// SPDX-License-Identifier: Apache-2.0
#include "../plain_attention.h"
#include "compute_kernel_api.h"

namespace {
constexpr uint32_t k_rows = get_compile_time_arg_val(3), columns = get_compile_time_arg_val(4);
constexpr uint32_t q_chunk = get_compile_time_arg_val(6), q_chunks = get_compile_time_arg_val(7);
constexpr uint32_t k_chunk = get_compile_time_arg_val(8), k_chunks = get_compile_time_arg_val(9);
static_assert(get_compile_time_arg_val(11) * get_compile_time_arg_val(14) == k_chunk, "blocks of Q K^T in a row");
static_assert(get_compile_time_arg_val(18) * get_compile_time_arg_val(19) == q_chunk, "blocks of P V in a column");
constexpr bool causal = get_compile_time_arg_val(23) == 1;
static_assert(get_compile_time_arg_val(29) == 0, "no sink");
static_assert(k_chunks * k_chunk == k_rows && STATS_GRANULARITY == 1 << LOG2_STATS_GRANULARITY &&
              q_chunk % STATS_GRANULARITY == 0 && k_chunk % SUB_EXP_GRANULARITY == 0);

plain::State<q_chunk * 32, columns * 32> state;

plain::Matrix matrix(uint32_t address) { return {reinterpret_cast<uint16_t*>(address), columns}; }
}  // namespace

namespace NAMESPACE {
void MAIN {
  const float scale = plain::scale_of(get_compile_time_arg_val(27));
  const uint32_t first = get_arg_val<uint32_t>(5), count = get_arg_val<uint32_t>(6) - first;
  const uint32_t heads =
      (get_arg_val<uint32_t>(2) - get_arg_val<uint32_t>(1)) * (get_arg_val<uint32_t>(4) - get_arg_val<uint32_t>(3));
  for (uint32_t item = 0; item < heads * count; ++item) {
    const uint32_t chunk = plain::chunk_of(item % count, first, count, q_chunks);
    state.clear();
    cb_wait_front(tt::CBIndex::c_0, q_chunk * columns);
    const uint32_t end = causal ? (chunk + 1) * q_chunk : k_rows;
    for (uint32_t tile_row = 0; tile_row < end; tile_row += k_chunk) {
      cb_wait_front(tt::CBIndex::c_1, k_chunk * columns);
      cb_wait_front(tt::CBIndex::c_2, k_chunk * columns);
      const plain::Matrix q = matrix(get_read_ptr(0)), k = matrix(get_read_ptr(1)), v = matrix(get_read_ptr(2));
      for (uint32_t row = 0; row < q_chunk * 32; ++row) {
        for (uint32_t key = 0; key < k_chunk * 32; ++key) {
          if (causal && tile_row * 32 + key > chunk * q_chunk * 32 + row) break;
          state.add(row, scale * plain::dot(q, row, k, key, columns * 32), v, key);
        }
      }
      cb_pop_front(tt::CBIndex::c_1, k_chunk * columns);
      cb_pop_front(tt::CBIndex::c_2, k_chunk * columns);
    }
    cb_pop_front(tt::CBIndex::c_0, q_chunk * columns);
    cb_reserve_back(tt::CBIndex::c_16, q_chunk * columns);
    state.store(matrix(get_write_ptr(tt::CBIndex::c_16)));
    cb_push_back(tt::CBIndex::c_16, q_chunk * columns);
  }
}
}  // namespace NAMESPACE
