// SPDX-License-Identifier: Apache-2.0
// Sizes of tiles and faces, and rounding up to them.
#pragma once

#include <cstdint>

namespace tt::constants {

inline constexpr std::uint32_t TILE_HEIGHT = 32;
inline constexpr std::uint32_t TILE_WIDTH = 32;
inline constexpr std::uint32_t TILE_HW = TILE_WIDTH * TILE_HEIGHT;
inline constexpr std::uint32_t FACE_HEIGHT = 16;
inline constexpr std::uint32_t FACE_WIDTH = 16;
inline constexpr std::uint32_t FACE_HW = FACE_WIDTH * FACE_HEIGHT;
inline constexpr std::uint32_t MAX_NUM_FACES = 4;
inline constexpr std::uint32_t BFLOAT8_B_TILE_HW = TILE_HW + 64;
inline constexpr std::uint32_t BFLOAT4_B_TILE_HW = TILE_HW / 2 + 64;

}  // namespace tt::constants
