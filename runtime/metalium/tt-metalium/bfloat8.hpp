// SPDX-License-Identifier: Apache-2.0
// Tiles of block floats: sixteen exponents a face in front of the datums, one to sixteen datums of a row.
#pragma once

#include <tt-metalium/span.hpp>

#include <cstdint>
#include <vector>

/// fp32 as tiles of bfp8_b or bfp4_b, rounded to nearest. `row_major_input`: the values of a tile are 32 rows of 32, else
/// four faces. Throws std::runtime_error for what is no whole tile, and for `is_exp_a` (5 bits of exponent).
[[nodiscard]] std::vector<std::uint32_t> pack_fp32_vec_as_bfp8_tiles(tt::stl::Span<const float> values, bool row_major_input,
                                                                     bool is_exp_a);
[[nodiscard]] std::vector<std::uint32_t> pack_fp32_vec_as_bfp4_tiles(tt::stl::Span<const float> values, bool row_major_input,
                                                                     bool is_exp_a);
/// The reverse; `row_major_output` as above.
[[nodiscard]] std::vector<float> unpack_bfp8_tiles_into_float_vec(tt::stl::Span<const std::uint32_t> tiles,
                                                                  bool row_major_output, bool is_exp_a);
[[nodiscard]] std::vector<float> unpack_bfp4_tiles_into_float_vec(tt::stl::Span<const std::uint32_t> tiles,
                                                                  bool row_major_output, bool is_exp_a);
template <class T>
std::vector<std::uint32_t> pack_as_bfp8_tiles(tt::stl::Span<const T> values, bool row_major_input, bool is_exp_a) {
  const std::vector<float> floats(values.begin(), values.end());
  return pack_fp32_vec_as_bfp8_tiles(floats, row_major_input, is_exp_a);
}
template <class T>
std::vector<std::uint32_t> pack_as_bfp4_tiles(tt::stl::Span<const T> values, bool row_major_input, bool is_exp_a) {
  const std::vector<float> floats(values.begin(), values.end());
  return pack_fp32_vec_as_bfp4_tiles(floats, row_major_input, is_exp_a);
}
