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
                 reader.read(first_page + r * part.columns + c, tensor, address);
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
  const std::uint32_t part = args.parts > 1 ? get_arg_val<std::uint32_t>(arg_part) : 0;
  TileReader tiles(args.read_batch);

  zone(Phase::read);
  for (std::uint32_t position = first; position < first + count; ++position) {
    mark_loop();
    const WorkItem item = args.item_at(position);
    const std::uint32_t batch = item.batch;
    const std::uint32_t head = item.head;
    const std::uint32_t chunk = item.chunk;
    const KParts::Range range = args.k_range(chunk, part);
    if (range.count() == 0) continue;
    const std::uint32_t kv_head = batch * args.kv_heads + head / (args.heads / args.kv_heads);
    const std::uint32_t q_page = (batch * args.heads + head) * args.seq_q_t * args.dim_t;

    read_chunk(tiles, q, cb_q, {q_page, chunk * args.q_chunk_t, args.q_chunk_t, args.dim_t, args.seq_q_t}, false);
    for (std::uint32_t j = range.begin; j < range.end; ++j) {
      mark_loop();
      read_chunk(tiles, k, cb_k, kv_rows(args, kv_head, j, args.dim_t), true);
      read_chunk(tiles, v, cb_v, kv_rows(args, kv_head, j, args.v_dim_t), false);
    }
  }
}

}  // namespace tilegrid::attention
