// SPDX-License-Identifier: Apache-2.0
#include "../plain_attention.h"
#include "dataflow_api.h"

namespace {
constexpr uint32_t heads = get_compile_time_arg_val(1), kv_heads = get_compile_time_arg_val(2);
constexpr uint32_t k_rows = get_compile_time_arg_val(4);
constexpr uint32_t valid_q = get_compile_time_arg_val(5), valid_k = get_compile_time_arg_val(6);
constexpr uint32_t columns = get_compile_time_arg_val(7);
constexpr uint32_t q_chunk = get_compile_time_arg_val(9), q_chunks = get_compile_time_arg_val(10);
constexpr uint32_t k_chunk = get_compile_time_arg_val(11);
constexpr bool causal = get_compile_time_arg_val(14) == 1;
static_assert(get_compile_time_arg_val(20) == 0, "no sink");

template <class Tensor>
void read(uint32_t cb, const Tensor& tensor, uint32_t head, uint32_t rows, uint32_t first, uint32_t count) {
  cb_reserve_back(cb, count * columns);
  uint32_t l1 = get_write_ptr(cb);
  for (uint32_t row = first; row < first + count && row < rows; ++row) {
    for (uint32_t column = 0; column < columns; ++column, l1 += get_tile_size(cb)) {
      noc_async_read_tile((head * rows + row) * columns + column, tensor, l1);
    }
  }
  noc_async_read_barrier();
  cb_push_back(cb, count * columns);
}
}  // namespace

void kernel_main() {
  constexpr auto q_args = TensorAccessorArgs<21>();
  constexpr auto k_args = TensorAccessorArgs<q_args.next_compile_time_args_offset()>();
  constexpr auto v_args = TensorAccessorArgs<k_args.next_compile_time_args_offset()>();
  const auto q = TensorAccessor(q_args, get_arg_val<uint32_t>(0), get_tile_size(0));
  const auto k = TensorAccessor(k_args, get_arg_val<uint32_t>(1), get_tile_size(1));
  const auto v = TensorAccessor(v_args, get_arg_val<uint32_t>(2), get_tile_size(2));
  const uint32_t first = get_arg_val<uint32_t>(11), count = get_arg_val<uint32_t>(12) - first;
  for (uint32_t batch = get_arg_val<uint32_t>(7); batch < get_arg_val<uint32_t>(8); ++batch) {
    for (uint32_t head = get_arg_val<uint32_t>(9); head < get_arg_val<uint32_t>(10); ++head) {
      const uint32_t kv_head = batch * kv_heads + head / (heads / kv_heads);
      for (uint32_t i = 0; i < count; ++i) {
        const uint32_t chunk = plain::chunk_of(i, first, count, q_chunks);
        read(tt::CBIndex::c_0, q, batch * heads + head, valid_q, chunk * q_chunk, q_chunk);
        const uint32_t end = causal ? (chunk + 1) * q_chunk : k_rows;
        for (uint32_t row = 0; row < end; row += k_chunk) {
          read(tt::CBIndex::c_1, k, kv_head, valid_k, row, k_chunk);
          read(tt::CBIndex::c_2, v, kv_head, valid_k, row, k_chunk);
        }
      }
    }
  }
}
