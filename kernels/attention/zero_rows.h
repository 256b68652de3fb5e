// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/tile.h"
#include "kernels/api/circular_buffer.h"
#include "kernels/api/dataflow.h"

/// Rows of an output that see no key, as the first ones of a causal attention with more queries than keys: they are zeros.
namespace tilegrid::attention {

/// Makes the first `rows` rows of a tile zeros, by stores of the RISC that calls it. Of block floats the exponents stay.
inline void zero_rows_of_tile(std::uint32_t address, DataFormat format, std::uint32_t rows) {
  const bool block = is_block_float(format);
  // A face's row has 16 datums that lie one behind the other; of block floats an exponent of its own, before all datums.
  constexpr std::size_t face_rows = tile_elements / face_side;
  const std::size_t begin = block ? face_rows : 0;
  const std::size_t row_bytes = (tile_bytes(format) - begin) / face_rows;
  for (int row = 0; row < static_cast<int>(rows) && row < tile_side; ++row) {
    for (const int column : {0, face_side}) {
      const std::size_t at = begin + static_cast<std::size_t>(tile_index(row, column)) / face_side * row_bytes;
      std::memset(l1_pointer(address) + at, 0, row_bytes);
    }
  }
}

/// The same of a window of rows x columns tiles of a circular buffer, whose first row is row `first_row` of a matrix with
/// `blind` such rows.
inline void zero_blind_rows(std::uint32_t cb, std::uint32_t address, std::uint32_t first_row, std::uint32_t rows,
                            std::uint32_t columns, std::uint32_t blind) {
  const std::uint32_t bytes = api::get_tile_size(cb);
  for (std::uint32_t r = 0; r < rows && first_row + r * tile_side < blind; ++r) {
    for (std::uint32_t c = 0; c < columns && !api::is_dry(); ++c) {
      zero_rows_of_tile(address + (r * columns + c) * bytes, api::get_dataformat(cb), blind - first_row - r * tile_side);
    }
    api::note_generated(cb, columns * bytes);
  }
}

}  // namespace tilegrid::attention
