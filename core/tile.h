// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "core/format.h"
#include "core/types.h"

namespace tilegrid {

/// Index of element (row, column) of a 32x32 tile in face order: faces F0 (rows 0-15, columns 0-15), F1 (0-15, 16-31),
/// F2 (16-31, 0-15), F3, each row-major. Source: tensix.md 1.4.
[[nodiscard]] constexpr int tile_index(int row, int column) {
  const int face = (row / face_side) * 2 + column / face_side;
  return face * face_side * face_side + (row % face_side) * face_side + column % face_side;
}

/// Cuts a row-major matrix of `rows` x `columns` floats into tiles in row-major tile order and converts them to `format`
/// by the packer's rounding, to block floats to nearest, as hosts do. Rows and columns are padded with zeros to multiples of
/// 32.
/// `out` holds tiles_of(rows) * tiles_of(columns) * tile_bytes(format) bytes.
void tilize(std::span<const float> matrix, int rows, int columns, DataFormat format, std::span<std::byte> out);

/// The reverse of tilize; drops the padding. Exact, also where the unpacker's exponents of block floats wrap.
void untilize(std::span<const std::byte> tiles, int rows, int columns, DataFormat format, std::span<float> out);

[[nodiscard]] constexpr int tiles_of(int elements) { return (elements + tile_side - 1) / tile_side; }

}  // namespace tilegrid
