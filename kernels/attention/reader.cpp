// SPDX-License-Identifier: Apache-2.0
// NCRISC: fetches Q once an item, then K and V chunk by chunk.
#include <algorithm>
#include <cstring>

#include "kernels/api/dataflow.h"
#include "kernels/attention/chunk_reader.h"
#include "kernels/attention/kernel_args.h"
#include "kernels/attention/phases.h"

namespace tilegrid::attention {
namespace {

using namespace tilegrid::api;

void read_chunk(TileReader& reader, const InterleavedAddrGen& tensor, std::uint32_t cb, const TensorRows& part,
                bool transposed) {
  cb_reserve_back(cb, part.rows * part.columns);
  fill_window(reader, tensor, cb, part, transposed);
  cb_push_back(cb, part.rows * part.columns);
}

}  // namespace

void PageTable::turn_to(std::uint32_t kv_head) {
  if (args_.page_t == 0) return;
  head_ = kv_head % args_.kv_heads;
  if (kv_head / args_.kv_heads == batch_) return;
  batch_ = kv_head / args_.kv_heads;
  cb_reserve_back(cb_page_table, 1);
  noc_async_read_page(batch_, {args_.table_base, get_tile_size(cb_page_table)}, get_write_ptr(cb_page_table));
  noc_async_read_barrier();
}

std::uint32_t PageTable::row(std::uint32_t row) const {
  const std::uint32_t entry = row / args_.page_t;
  std::uint32_t page = 0;
  if (is_dry()) {
    page = kernel_compile_time_args[args_.argument_count() + batch_ * args_.pages + entry];
  } else {
    std::memcpy(&page, l1_pointer(get_write_ptr(cb_page_table)) + entry * sizeof page, sizeof page);
  }
  return (page * args_.kv_heads + head_) * args_.page_t + row % args_.page_t;
}

void fill_window(TileReader& reader, const InterleavedAddrGen& tensor, std::uint32_t cb, const TensorRows& part,
                 bool transposed) {
  const std::uint32_t base = get_write_ptr(cb);
  const std::uint32_t tile = get_tile_size(cb);
  const std::uint32_t first_page = part.head_page + part.first * part.columns;
  const std::uint32_t existing = part.existing - std::min(part.existing, part.first);
  repeat({cb, tensor.bank_base_address, first_page, part.rows, part.columns, std::min(existing, part.rows), transposed},
         [&] {
           for (std::uint32_t r = 0; r < part.rows; ++r) {
             for (std::uint32_t c = 0; c < part.columns; ++c) {
               const std::uint32_t address = base + (transposed ? c * part.rows + r : r * part.columns + c) * tile;
               if (r < existing) {
                 reader.read(part.page_of(r) + c, tensor, address);
               } else {
                 if (!is_dry()) std::memset(l1_pointer(address), 0, tile);
                 note_generated(cb, tile);
               }
             }
           }
           reader.barrier();
         });
}

void reader() {
  const KernelArgs args = KernelArgs::of_this_kernel();
  const auto first = get_arg_val<std::uint32_t>(arg_first);
  const auto count = get_arg_val<std::uint32_t>(arg_count);
  const InterleavedAddrGen q{args.q_base, get_tile_size(cb_q)};
  const InterleavedAddrGen k{args.k_base, get_tile_size(cb_k)};
  const InterleavedAddrGen v{args.v_base, get_tile_size(cb_v)};
  const Seat seat = args.parts > 1 ? args.seat_of(get_arg_val<std::uint32_t>(arg_seat)) : Seat{};
  TileReader tiles(args.read_batch);
  PageTable table(args);

  zone(Phase::read);
  for (std::uint32_t position = first; position < first + count; ++position) {
    mark_loop();
    const Turn turn = args.turn_at(position, seat);
    const std::uint32_t batch = turn.item.batch;
    const std::uint32_t head = turn.item.head;
    const std::uint32_t chunk = turn.item.chunk;
    if (turn.visits == 0) continue;
    const std::uint32_t q_page = (batch * args.heads + head) * args.seq_q_t * args.dim_t;

    read_chunk(tiles, q, cb_q, {q_page, chunk * args.q_chunk_t, args.q_chunk_t, args.dim_t, args.seq_q_t}, false);
    table.turn_to(turn.kv_head);
    for (std::uint32_t j = turn.range().begin; j < turn.range().end; ++j) {
      mark_loop();
      read_chunk(tiles, k, cb_k, kv_rows(args, table, turn, j, args.dim_t), true);
      read_chunk(tiles, v, cb_v, kv_rows(args, table, turn, j, args.v_dim_t), false);
    }
  }
}

}  // namespace tilegrid::attention
