// SPDX-License-Identifier: Apache-2.0
#include "core/tile.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>

#include "core/simd/pack_kernels.h"

namespace tilegrid {
namespace {

using TileFloats = std::array<float, tile_elements>;

void expect_size(const char* what, std::size_t given, std::size_t needed, int rows, int columns) {
  if (given == needed) return;
  throw std::invalid_argument(std::string(what) + " of " + std::to_string(rows) + " x " + std::to_string(columns) + " has " +
                              std::to_string(given) + ", needs " + std::to_string(needed));
}

void expect_sizes(std::size_t floats, std::size_t bytes, int rows, int columns, DataFormat format) {
  if (rows < 0 || columns < 0) {
    throw std::invalid_argument("matrix of " + std::to_string(rows) + " x " + std::to_string(columns) + " elements");
  }
  expect_size("matrix: number of floats", floats, std::int64_t{rows} * columns, rows, columns);
  const std::size_t tiles = std::int64_t{tiles_of(rows)} * tiles_of(columns);
  expect_size("tiles: number of bytes", bytes, tiles * tile_bytes(format), rows, columns);
}

/// Calls move(matrix offset, tile offset, count) for each run of up to 16 elements that a tile shares with the matrix.
template <class Move>
void for_each_face_row(int rows, int columns, int tile_row, int tile_column, const Move& move) {
  const int row_end = std::min(tile_side, rows - tile_row * tile_side);
  const int column_end = std::min(tile_side, columns - tile_column * tile_side);
  for (int row = 0; row < row_end; ++row) {
    const std::size_t start = std::int64_t{tile_row * tile_side + row} * columns + tile_column * tile_side;
    for (int column = 0; column < column_end; column += face_side) {
      const int count = std::min(face_side, column_end - column);
      move(start + column, tile_index(row, column), count);
    }
  }
}

// The byte buffers come from the caller and need not be aligned; a copy of a tile costs little next to the conversion.
void encode(const TileFloats& values, DataFormat format, std::byte* out) {
  alignas(64) std::array<std::uint16_t, tile_elements> halves;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  alignas(64) std::array<std::uint32_t, tile_elements> words;   // NOLINT(cppcoreguidelines-pro-type-member-init)
  switch (format) {
    case DataFormat::bf16:
      simd::pack_bf16(values.data(), tile_elements, halves.data());
      break;
    case DataFormat::fp16:
      simd::pack_fp16(values.data(), tile_elements, halves.data());
      break;
    case DataFormat::tf32:
      simd::pack_tf32(values.data(), tile_elements, words.data());
      std::memcpy(out, words.data(), sizeof words);
      return;
    case DataFormat::bfp8_b:
    case DataFormat::bfp4_b:
    case DataFormat::bfp2_b:
      return simd::pack_block_floats(values.data(), format, scalar::BlockRounding::nearest, out);
    default:
      std::memcpy(out, values.data(), sizeof values);
      return;
  }
  std::memcpy(out, halves.data(), sizeof halves);
}

/// 64 shared exponents, then the datums, one, two or four to a byte with the lower ones first. A datum is a sign and `bits`
/// bits of magnitude without a hidden one.
void decode_block_float(const std::byte* tile, int bits, TileFloats& values) {
  const std::size_t in_byte = 8 / (static_cast<std::size_t>(bits) + 1);
  for (std::size_t i = 0; i < tile_elements; ++i) {
    const int exponent = std::to_integer<int>(tile[i / block_float_group]);
    const int byte = std::to_integer<int>(tile[block_float_exponents + i / in_byte]);
    const int datum = byte >> (static_cast<int>(i % in_byte) * (bits + 1));
    const int magnitude = datum & ((1 << bits) - 1);
    const bool negative = (datum & 1 << bits) != 0;
    const float value = negative && magnitude == 0 ? std::numeric_limits<float>::infinity()
                                                   : std::ldexp(static_cast<float>(magnitude), exponent - 127 - (bits - 1));
    values[i] = negative ? -value : value;
  }
}

void decode(const std::byte* tile, DataFormat format, TileFloats& values) {
  alignas(64) std::array<std::uint16_t, tile_elements> halves;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  switch (format) {
    case DataFormat::bf16:
      std::memcpy(halves.data(), tile, sizeof halves);
      return simd::unpack_bf16(halves.data(), tile_elements, values.data());
    case DataFormat::fp16:
      std::memcpy(halves.data(), tile, sizeof halves);
      return simd::unpack_fp16(halves.data(), tile_elements, values.data());
    case DataFormat::bfp8_b:
    case DataFormat::bfp4_b:
    case DataFormat::bfp2_b:
      return decode_block_float(tile, magnitude_bits(format), values);
    default:
      std::memcpy(values.data(), tile, sizeof values);
  }
}

}  // namespace

void tilize(std::span<const float> matrix, int rows, int columns, DataFormat format, std::span<std::byte> out) {
  expect_sizes(matrix.size(), out.size(), rows, columns, format);
  alignas(64) TileFloats values{};
  std::byte* tile = out.data();
  for (int tile_row = 0; tile_row < tiles_of(rows); ++tile_row) {
    for (int tile_column = 0; tile_column < tiles_of(columns); ++tile_column) {
      const bool whole = (tile_row + 1) * tile_side <= rows && (tile_column + 1) * tile_side <= columns;
      if (!whole) values.fill(0.0F);
      for_each_face_row(rows, columns, tile_row, tile_column, [&](std::size_t from, std::size_t to, std::size_t count) {
        std::copy_n(matrix.data() + from, count, values.data() + to);
      });
      encode(values, format, tile);
      tile += tile_bytes(format);
    }
  }
}

void untilize(std::span<const std::byte> tiles, int rows, int columns, DataFormat format, std::span<float> out) {
  expect_sizes(out.size(), tiles.size(), rows, columns, format);
  alignas(64) TileFloats values{};
  const std::byte* tile = tiles.data();
  for (int tile_row = 0; tile_row < tiles_of(rows); ++tile_row) {
    for (int tile_column = 0; tile_column < tiles_of(columns); ++tile_column) {
      decode(tile, format, values);
      for_each_face_row(rows, columns, tile_row, tile_column, [&](std::size_t to, std::size_t from, std::size_t count) {
        std::copy_n(values.data() + from, count, out.data() + to);
      });
      tile += tile_bytes(format);
    }
  }
}

}  // namespace tilegrid
