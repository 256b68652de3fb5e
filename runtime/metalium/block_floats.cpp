// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <tt-metalium/bfloat8.hpp>
#include <tt-metalium/tilize_utils.hpp>
#include <utility>
#include <vector>

#include "core/format.h"

namespace {

constexpr std::size_t elements = 1024;
constexpr std::size_t exponents = tilegrid::block_float_exponents;
constexpr std::size_t group = tilegrid::block_float_group;

void require_tiles(std::size_t size, std::size_t of, bool is_exp_a) {
  if (is_exp_a) throw std::runtime_error("block floats of 5 bits of exponent are not emulated");
  if (size % of != 0) throw std::runtime_error("block floats: what is there is no number of whole tiles");
}

/// Tiles between four faces, as the hardware has them, and rows of 32.
std::vector<float> reordered(std::vector<float> values, TensorLayoutType from, TensorLayoutType to) {
  return tilegrid::metalium::with_layout<float>(values, 32, values.size() / 32, from, to);
}

std::vector<float> unpacked(tilegrid::DataFormat format, tt::stl::Span<const std::uint32_t> words, bool row_major,
                            bool is_exp_a) {
  const std::size_t tile_bytes = tilegrid::tile_bytes(format);
  require_tiles(words.size() * sizeof(std::uint32_t), tile_bytes, is_exp_a);
  const auto width = static_cast<std::size_t>(tilegrid::magnitude_bits(format)) + 1;  // bits of a datum
  const std::size_t tiles = words.size() * sizeof(std::uint32_t) / tile_bytes;
  std::vector<float> values(tiles * elements);
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(words.data()) + tile * tile_bytes;
    for (std::size_t i = 0; i < elements; ++i) {
      const unsigned datum = bytes[exponents + i * width / 8] >> (i * width % 8) & ((1U << width) - 1U);
      values[tile * elements + i] =
          tilegrid::scalar::unpack_block_float(format, bytes[i / group], static_cast<std::uint8_t>(datum));
    }
  }
  if (!row_major || values.empty()) return values;
  std::vector<float> result;
  result.reserve(values.size());
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    const auto first = values.begin() + static_cast<std::ptrdiff_t>(tile * elements);
    const std::vector<float> one =
        reordered({first, first + elements}, TensorLayoutType::TILED_NFACES, TensorLayoutType::TILED_SWIZZLED);
    result.insert(result.end(), one.begin(), one.end());
  }
  return result;
}

std::vector<std::uint32_t> packed(tilegrid::DataFormat format, tt::stl::Span<const float> values, bool row_major,
                                  bool is_exp_a) {
  require_tiles(values.size(), elements, is_exp_a);
  const std::size_t tile_bytes = tilegrid::tile_bytes(format);
  const auto width = static_cast<std::size_t>(tilegrid::magnitude_bits(format)) + 1;
  std::vector<std::uint32_t> words(values.size() / elements * tile_bytes / sizeof(std::uint32_t));
  auto* bytes = reinterpret_cast<std::uint8_t*>(words.data());
  for (std::size_t tile = 0; tile < values.size() / elements; ++tile, bytes += tile_bytes) {
    const auto part = values.subspan(tile * elements, elements);
    std::vector<float> datums(part.begin(), part.end());
    if (row_major) {
      datums = reordered(std::move(datums), TensorLayoutType::TILED_SWIZZLED, TensorLayoutType::TILED_NFACES);
    }
    for (std::size_t row = 0; row < elements / group; ++row) {
      const std::span<const float, group> of_row(datums.data() + row * group, group);
      const auto done = tilegrid::scalar::pack_block_row(of_row, format, tilegrid::scalar::BlockRounding::nearest);
      bytes[row] = done.exponent;
      for (std::size_t i = 0; i < group; ++i) {
        const std::size_t bit = (row * group + i) * width;
        bytes[exponents + bit / 8] = static_cast<std::uint8_t>(bytes[exponents + bit / 8] | done.datums[i] << (bit % 8));
      }
    }
  }
  return words;
}

}  // namespace

std::vector<std::uint32_t> pack_fp32_vec_as_bfp8_tiles(tt::stl::Span<const float> values, bool row_major_input,
                                                       bool is_exp_a) {
  return packed(tilegrid::DataFormat::bfp8_b, values, row_major_input, is_exp_a);
}

std::vector<std::uint32_t> pack_fp32_vec_as_bfp4_tiles(tt::stl::Span<const float> values, bool row_major_input,
                                                       bool is_exp_a) {
  return packed(tilegrid::DataFormat::bfp4_b, values, row_major_input, is_exp_a);
}

std::vector<float> unpack_bfp8_tiles_into_float_vec(tt::stl::Span<const std::uint32_t> tiles, bool row_major_output,
                                                    bool is_exp_a) {
  return unpacked(tilegrid::DataFormat::bfp8_b, tiles, row_major_output, is_exp_a);
}

std::vector<float> unpack_bfp4_tiles_into_float_vec(tt::stl::Span<const std::uint32_t> tiles, bool row_major_output,
                                                    bool is_exp_a) {
  return unpacked(tilegrid::DataFormat::bfp4_b, tiles, row_major_output, is_exp_a);
}
