// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/api/dataflow.h"
#include "kernels/attention/kernel_args.h"
#include "kernels/attention/unfused/tile_reader.h"

/// What the readers of attention share: chunks of tensors from DRAM to L1.
namespace tilegrid::attention {

using unfused::TileReader;

/// A stretch of rows of a head's tensor.
struct TensorRows {
  std::uint32_t head_page = 0;  ///< page of the head's first tile
  std::uint32_t first = 0;      ///< tile rows
  std::uint32_t rows = 0;
  std::uint32_t columns = 0;
  std::uint32_t existing = 0;  ///< tile rows that the head has; those beyond are zeros
};

/// Of a chunk of K or V, `columns` tiles wide; `kv_head` counts over all batches.
[[nodiscard]] inline TensorRows kv_rows(const KernelArgs& args, std::uint32_t kv_head, std::uint32_t chunk,
                                        std::uint32_t columns) {
  return {kv_head * args.seq_kv_t * columns, chunk * args.k_chunk_t, args.k_chunk_t, columns, args.seq_kv_t};
}

/// Fills the reserved window of a CB and waits until all is there; does not push. `transposed` puts tile (r, c) at
/// c * rows + r, so that the chunk reads as K^T; the unpacker transposes inside of the tiles.
void fill_window(TileReader& reader, const api::InterleavedAddrGen& tensor, std::uint32_t cb, const TensorRows& part,
                 bool transposed);

}  // namespace tilegrid::attention
