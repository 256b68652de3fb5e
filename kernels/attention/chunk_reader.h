// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/api/dataflow.h"
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

/// Fills the reserved window of a CB and waits until all is there; does not push. `transposed` puts tile (r, c) at
/// c * rows + r, so that the chunk reads as K^T; the unpacker transposes inside of the tiles.
void fill_window(TileReader& reader, const api::InterleavedAddrGen& tensor, std::uint32_t cb, const TensorRows& part,
                 bool transposed);

}  // namespace tilegrid::attention
