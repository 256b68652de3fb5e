// SPDX-License-Identifier: Apache-2.0
// Pages of a tensor in DRAM, sharded by columns, one after the other to another buffer: found by their number; again by
// their bank and place there; then as a range of the tensor's pages, and as ranges of each shard's.
#include "api/dataflow/dataflow_api.h"

void kernel_main() {
  constexpr uint32_t page = get_compile_time_arg_val(0), down = get_compile_time_arg_val(1);
  constexpr uint32_t across = get_compile_time_arg_val(2), first_bank = get_compile_time_arg_val(3);
  constexpr auto shard_args = TensorAccessorArgs<4>();
  constexpr auto copy_args = TensorAccessorArgs<shard_args.next_compile_time_args_offset()>();
  const uint32_t address = get_arg_val<uint32_t>(0);
  const auto shards = TensorAccessor(shard_args, address, page);
  const auto copies = TensorAccessor(copy_args, get_arg_val<uint32_t>(1), page);
  const uint32_t l1 = get_write_ptr(0);
  for (uint32_t i = 0; i < 2 * down * across; ++i) {
    const uint32_t row = i / across % down, column = i % across;
    const bool by_number = i < down * across;
    noc_async_read(
        by_number ? shards.get_noc_addr(i) : get_noc_addr_from_bank_id<true>(first_bank + column, address + row * page), l1,
        page);
    noc_async_read_barrier();
    noc_async_write_page(i, copies, l1);
    noc_async_write_barrier();
  }
  const auto copy = [&](const auto& pages, uint32_t first) {
    for (const auto& from : pages) {
      noc_async_read(from.noc_addr(), l1, page);
      noc_async_read_barrier();
      noc_async_write_page(first + from.page_id(), copies, l1);
      noc_async_write_barrier();
    }
  };
  copy(shards.pages(), 2 * down * across);
  for (uint32_t shard = 0; shard < across; ++shard) copy(shards.shard_pages(shard), 3 * down * across);
}
