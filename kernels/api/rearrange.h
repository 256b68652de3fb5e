// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/api/context.h"

/// Row-major data in circular buffers to tiles in DST, and back: what tilize and untilize are made of (tensix.md 1.4). A
/// block is 32 rows of `row_tiles` tiles' width; formats that share exponents have no rows (fault "row-major format").
namespace tilegrid::api {

/// DST[dst] = tile `tile` of the block of rows that begins at page `page` from the front of the buffer.
void tilize_tile(std::uint32_t cb, std::uint32_t page, std::uint32_t row_tiles, std::uint32_t tile, std::uint32_t dst,
                 Here at = Here::current());
/// Packs DST[dst] as tile `tile` of block `block` at the write pointer of the buffer: its rows go where they belong.
void pack_rows(std::uint32_t dst, std::uint32_t cb, std::uint32_t row_tiles, std::uint32_t tile, std::uint32_t block,
               Here at = Here::current());

}  // namespace tilegrid::api
