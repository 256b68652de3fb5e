// SPDX-License-Identifier: Apache-2.0
// What the tests of the vector unit feed it.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/tile.h"
#include "core/types.h"
#include "core/vector_unit.h"

namespace tilegrid::testing {

inline constexpr std::size_t elements = tile_elements;
struct alignas(64) Tile : std::array<float, elements> {};
inline constexpr float infinity = std::numeric_limits<float>::infinity();
inline constexpr float smallest_normal = std::numeric_limits<float>::min();

inline std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }
inline float float_of(std::uint32_t bits) { return std::bit_cast<float>(bits); }
inline float bf16(std::uint32_t pattern) { return float_of(pattern << 16); }

/// All bf16 patterns in 64 tiles: what 16-bit DST can hold.
inline const std::vector<Tile>& all_bf16() {
  static const std::vector<Tile> tiles = [] {
    std::vector<Tile> made(64);
    for (std::uint32_t i = 0; i < 0x10000U; ++i) made[i / elements][i % elements] = bf16(i);
    return made;
  }();
  return tiles;
}

/// Floats over the whole range, a prime number of patterns apart, then dense ones of moderate size, then special values.
inline const std::vector<Tile>& many_fp32() {
  static const std::vector<Tile> tiles = [] {
    std::vector<float> values = {0.0F,
                                 -0.0F,
                                 infinity,
                                 -infinity,
                                 std::numeric_limits<float>::quiet_NaN(),
                                 smallest_normal,
                                 smallest_normal / 2,
                                 -smallest_normal / 2,
                                 std::numeric_limits<float>::max(),
                                 1.0F,
                                 -1.0F,
                                 float_of(0x7F800001U),
                                 float_of(0xFFFFFFFFU),
                                 88.72283F,
                                 88.72284F,
                                 -87.33654F,
                                 -87.33655F,
                                 float_of(0x3F7FFFFFU),
                                 float_of(0x3F800001U)};
    for (std::uint64_t pattern = 1; pattern < 0x100000000U; pattern += 40009U) {
      values.push_back(float_of(static_cast<std::uint32_t>(pattern)));
    }
    for (int i = -60000; i < 60000; ++i) values.push_back(static_cast<float>(i) * 0.0017123F);
    for (int i = -20000; i < 20000; ++i) values.push_back(static_cast<float>(i) * 0.0000713F + 1.0F);
    values.resize((values.size() + elements - 1) / elements * elements, 0.5F);
    std::vector<Tile> made(values.size() / elements);
    for (std::size_t i = 0; i < values.size(); ++i) made[i / elements][i % elements] = values[i];
    return made;
  }();
  return tiles;
}
inline std::vector<VectorOp> operations_if(bool (*test)(VectorOp op)) {
  std::vector<VectorOp> found;
  for (int op = 0; op < vector_op_count; ++op) {
    if (test(static_cast<VectorOp>(op))) found.push_back(static_cast<VectorOp>(op));
  }
  return found;
}
inline std::vector<VectorOp> in_place_operations() {
  return operations_if([](VectorOp op) { return operands_of(op) <= 1 && op != VectorOp::copy_dst; });
}
inline std::vector<VectorOp> pair_operations() {
  return operations_if([](VectorOp op) { return operands_of(op) == 2; });
}
/// Whether a mode covers an element.
inline bool selected(VectorMode mode, int row, int column) {
  switch (mode) {
    case VectorMode::c:
      return column < face_side;
    case VectorMode::r:
      return row < face_side;
    case VectorMode::first_column:
      return column < 8;
    case VectorMode::rc:
      break;
  }
  return true;
}

}  // namespace tilegrid::testing
