// SPDX-License-Identifier: Apache-2.0
// NCRISC: fetches Q once an item, then K and V chunk by chunk.
#include <cstring>

#include "kernels/api/dataflow.h"
#include "kernels/attention/kernel_args.h"

namespace tilegrid::attention {
namespace {

using namespace tilegrid::api;

/// Reads tiles with a barrier every `batch` of them, which limits what is in flight (attention.md 1.1).
class TileReader {
 public:
  explicit TileReader(std::uint32_t batch) : batch_(batch) {}
  ~TileReader() = default;
  TileReader(const TileReader&) = delete;
  TileReader& operator=(const TileReader&) = delete;

  void read(std::uint32_t page, const InterleavedAddrGen& tensor, std::uint32_t l1_address) {
    noc_async_read_page(page, tensor, l1_address);
    if (++in_flight_ == batch_) barrier();
  }
  void barrier() {
    if (in_flight_ == 0) return;
    noc_async_read_barrier();
    in_flight_ = 0;
  }

 private:
  std::uint32_t batch_;
  std::uint32_t in_flight_ = 0;
};

/// Rows [first, first + rows) of a head, `columns` tiles wide, into a CB. Rows beyond `existing` are zeros. `transposed`
/// puts tile (r, c) at c * rows + r, so that the chunk reads as K^T; the unpacker transposes inside of the tiles.
void read_chunk(TileReader& reader, const InterleavedAddrGen& tensor, std::uint32_t cb, std::uint32_t head_page,
                std::uint32_t first, std::uint32_t rows, std::uint32_t columns, std::uint32_t existing, bool transposed) {
  cb_reserve_back(cb, rows * columns);
  const std::uint32_t base = get_write_ptr(cb);
  const std::uint32_t tile = get_tile_size(cb);
  for (std::uint32_t r = 0; r < rows; ++r) {
    for (std::uint32_t c = 0; c < columns; ++c) {
      const std::uint32_t address = base + (transposed ? c * rows + r : r * columns + c) * tile;
      if (first + r < existing) {
        reader.read(head_page + (first + r) * columns + c, tensor, address);
      } else {
        if (!is_dry()) std::memset(l1_pointer(address), 0, tile);
        note_generated(cb, tile);
      }
    }
  }
  reader.barrier();
  cb_push_back(cb, rows * columns);
}

}  // namespace

void reader() {
  const KernelArgs args = KernelArgs::of_this_kernel();
  const auto first = get_arg_val<std::uint32_t>(0);
  const auto count = get_arg_val<std::uint32_t>(1);
  const InterleavedAddrGen q{args.q_base, get_tile_size(cb_q)};
  const InterleavedAddrGen k{args.k_base, get_tile_size(cb_k)};
  const InterleavedAddrGen v{args.v_base, get_tile_size(cb_v)};
  TileReader tiles(args.read_batch);

  zone(Zone::read);
  for (std::uint32_t position = first; position < first + count; ++position) {
    mark_loop();
    const WorkItem item = args.item_at(position);
    const auto batch = static_cast<std::uint32_t>(item.batch);
    const auto head = static_cast<std::uint32_t>(item.head);
    const auto chunk = static_cast<std::uint32_t>(item.chunk);
    const std::uint32_t kv_head = head / (args.heads / args.kv_heads);
    const std::uint32_t q_page = (batch * args.heads + head) * args.seq_q_t * args.dim_t;
    const std::uint32_t kv_page = (batch * args.kv_heads + kv_head) * args.seq_kv_t * args.dim_t;

    read_chunk(tiles, q, cb_q, q_page, chunk * args.q_chunk_t, args.q_chunk_t, args.dim_t, args.seq_q_t, false);
    for (std::uint32_t j = 0; j < args.visited_chunks(chunk); ++j) {
      mark_loop();
      const std::uint32_t row = j * args.k_chunk_t;
      read_chunk(tiles, k, cb_k, kv_page, row, args.k_chunk_t, args.dim_t, args.seq_kv_t, true);
      read_chunk(tiles, v, cb_v, kv_page, row, args.k_chunk_t, args.dim_t, args.seq_kv_t, false);
    }
  }
}

}  // namespace tilegrid::attention
