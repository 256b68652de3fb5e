// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/api/dataflow.h"
#include "kernels/attention/kernel_args.h"
#include "kernels/attention/unfused/tile_reader.h"

/// What the readers of attention share: chunks of tensors from DRAM to L1.
namespace tilegrid::attention {

using unfused::TileReader;

/// Which page of the table K and V of a batch are in. Keeps a row of the table, as batches come one after the other.
class PageTable {
 public:
  explicit PageTable(const KernelArgs& args) : args_(args) {}
  /// Gets the row of a K/V head's batch, when it is not there yet; heads are counted over all batches. Nothing without
  /// pages.
  void turn_to(std::uint32_t kv_head);
  /// Where a tile row of that head begins, in rows of the tensor.
  [[nodiscard]] std::uint32_t row(std::uint32_t row) const;

 private:
  const KernelArgs& args_;
  std::uint32_t batch_ = ~0U;
  std::uint32_t head_ = 0;
};

/// A stretch of rows of a head's tensor.
struct TensorRows {
  std::uint32_t head_page = 0;  ///< page of the head's first tile; of paged tensors only a name for it
  std::uint32_t first = 0;      ///< tile rows
  std::uint32_t rows = 0;
  std::uint32_t columns = 0;
  std::uint32_t existing = 0;        ///< tile rows that the head has; those beyond are zeros
  const PageTable* table = nullptr;  ///< of paged tensors
  /// DRAM page of the first tile of row first + r.
  [[nodiscard]] std::uint32_t page_of(std::uint32_t r) const {
    return table != nullptr ? table->row(first + r) * columns : head_page + (first + r) * columns;
  }
};

/// Of a chunk of K or V of a turn, `columns` tiles wide.
[[nodiscard]] inline TensorRows kv_rows(const KernelArgs& args, const PageTable& table, const Turn& turn,
                                        std::uint32_t chunk, std::uint32_t columns) {
  const std::uint32_t existing = (turn.keys + tile_side - 1) / tile_side;
  return {turn.kv_head * args.seq_kv_t * columns, chunk * args.k_chunk_t, args.k_chunk_t, columns, existing,
          args.page_t > 0 ? &table : nullptr};
}

/// Fills the reserved window of a CB and waits until all is there; does not push. `transposed` puts tile (r, c) at
/// c * rows + r, so that the chunk reads as K^T; the unpacker transposes inside of the tiles.
void fill_window(TileReader& reader, const api::InterleavedAddrGen& tensor, std::uint32_t cb, const TensorRows& part,
                 bool transposed);

}  // namespace tilegrid::attention
