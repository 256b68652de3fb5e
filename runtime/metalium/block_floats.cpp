// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <tt-metalium/bfloat8.hpp>
#include <tt-metalium/tilize_utils.hpp>
#include <utility>

#include "core/format.h"

namespace {

constexpr std::size_t elements = 1024;
constexpr std::size_t row_bytes = 16;

void require_tiles(std::size_t size, std::size_t of, bool is_exp_a) {
  if (is_exp_a) throw std::runtime_error("block floats of 5 bits of exponent are not emulated");
  if (size % of != 0) throw std::runtime_error("block floats: what is there is no number of whole tiles");
}

/// Tiles between four faces, as the hardware has them, and rows of 32.
std::vector<float> reordered(std::vector<float> values, TensorLayoutType from, TensorLayoutType to) {
  return tilegrid::metalium::with_layout<float>(values, 32, values.size() / 32, from, to);
}

std::vector<float> unpacked(tt::stl::Span<const std::uint32_t> words, bool row_major, std::size_t tile_bytes,
                            const auto& value_of) {
  const std::size_t tiles = words.size() * sizeof(std::uint32_t) / tile_bytes;
  std::vector<float> values(tiles * elements);
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(words.data()) + tile * tile_bytes;
    for (std::size_t i = 0; i < elements; ++i) {
      values[tile * elements + i] =
          value_of(bytes[i / tilegrid::block_float_group], bytes + tilegrid::block_float_exponents, i);
    }
  }
  if (!row_major || values.empty()) return values;
  std::vector<float> result;
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    const auto first = values.begin() + tile * elements;
    const std::vector<float> one =
        reordered({first, first + elements}, TensorLayoutType::TILED_NFACES, TensorLayoutType::TILED_SWIZZLED);
    result.insert(result.end(), one.begin(), one.end());
  }
  return result;
}

}  // namespace

std::vector<std::uint32_t> pack_fp32_vec_as_bfp8_tiles(tt::stl::Span<const float> values, bool row_major_input,
                                                       bool is_exp_a) {
  require_tiles(values.size(), elements, is_exp_a);
  constexpr std::size_t tile_bytes = elements + tilegrid::block_float_exponents;
  std::vector<std::uint32_t> words(values.size() / elements * tile_bytes / sizeof(std::uint32_t));
  auto* bytes = reinterpret_cast<std::uint8_t*>(words.data());
  for (std::size_t tile = 0; tile < values.size() / elements; ++tile, bytes += tile_bytes) {
    const auto part = values.subspan(tile * elements, elements);
    std::vector<float> datums(part.begin(), part.end());
    if (row_major_input) {
      datums = reordered(std::move(datums), TensorLayoutType::TILED_SWIZZLED, TensorLayoutType::TILED_NFACES);
    }
    for (std::size_t row = 0; row < elements / row_bytes; ++row) {
      const tilegrid::scalar::Bfp8Row packed = tilegrid::scalar::pack_bfp8_b(
          std::span<const float, tilegrid::block_float_group>(datums.data() + row * row_bytes, row_bytes));
      bytes[row] = packed.exponent;
      std::memcpy(bytes + tilegrid::block_float_exponents + row * row_bytes, packed.datums.data(), row_bytes);
    }
  }
  return words;
}

std::vector<float> unpack_bfp8_tiles_into_float_vec(tt::stl::Span<const std::uint32_t> tiles, bool row_major_output,
                                                    bool is_exp_a) {
  constexpr std::size_t tile_bytes = elements + tilegrid::block_float_exponents;
  require_tiles(tiles.size() * sizeof(std::uint32_t), tile_bytes, is_exp_a);
  return unpacked(tiles, row_major_output, tile_bytes, [](std::uint8_t exponent, const std::uint8_t* datums, std::size_t i) {
    return tilegrid::scalar::unpack_bfp8_b(exponent, datums[i]);
  });
}

std::vector<float> unpack_bfp4_tiles_into_float_vec(tt::stl::Span<const std::uint32_t> tiles, bool row_major_output,
                                                    bool is_exp_a) {
  constexpr std::size_t tile_bytes = elements / 2 + tilegrid::block_float_exponents;
  require_tiles(tiles.size() * sizeof(std::uint32_t), tile_bytes, is_exp_a);
  return unpacked(tiles, row_major_output, tile_bytes, [](std::uint8_t exponent, const std::uint8_t* datums, std::size_t i) {
    // A sign and three bits of magnitude: the upper ones of what bfp8_b has.
    const unsigned datum = datums[i / 2] >> (i % 2 * 4) & 0xFU;
    return tilegrid::scalar::unpack_bfp8_b(exponent, static_cast<std::uint8_t>((datum & 8U) << 4U | (datum & 7U) << 4U));
  });
}
