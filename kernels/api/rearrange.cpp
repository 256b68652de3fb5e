// SPDX-License-Identifier: Apache-2.0
#include "kernels/api/rearrange.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstring>

#include "core/error.h"
#include "core/packer.h"
#include "core/tile.h"

namespace tilegrid::api {
namespace {

constexpr std::size_t most_tile_bytes = 4096;

/// Where the rows of a tile lie in row-major data, in bytes.
struct Rows {
  std::uint32_t element = 0;  ///< bytes
  std::uint32_t row = 0;      ///< bytes from one row to the next
  std::uint64_t first = 0;    ///< of the tile's first element
  [[nodiscard]] std::uint64_t end() const { return first + std::uint64_t{row} * (tile_side - 1) + element * tile_side; }
};

Rows rows_of(DataFormat format, std::uint32_t row_tiles, std::uint32_t tile, std::uint32_t block, const char* who) {
  if (is_block_float(format)) {
    throw Fault("row-major format", fmt::format("{} of {}", who, name_of(format)),
                "datums that share exponents have no rows");
  }
  Rows rows;
  rows.element = tile_bytes(format) / tile_elements;
  rows.row = row_tiles * tile_side * rows.element;
  rows.first = std::uint64_t{block} * tile_side * rows.row + std::uint64_t{tile} * tile_side * rows.element;
  return rows;
}

void check_end(const Core& core, std::uint32_t address, const Rows& rows, const char* who) {
  core.check_l1(address, rows.end(), who);
}

/// Calls `move(in rows, in the tile, bytes)` for each run of elements that is contiguous in both.
template <class Move>
void each_run(const Rows& rows, const Move& move) {
  for (int row = 0; row < tile_side; ++row) {
    for (int column = 0; column < tile_side; column += face_side) {
      move(rows.first + row * rows.row + column * rows.element, tile_index(row, column) * rows.element,
           std::size_t{face_side} * rows.element);
    }
  }
}

}  // namespace

void tilize_tile(std::uint32_t cb, std::uint32_t page, std::uint32_t row_tiles, std::uint32_t tile, std::uint32_t dst,
                 Here at) {
  KernelContext& kernel = context(at);
  Core& core = *kernel.core;
  const CircularBuffer& buffer = core.cb(cb);
  float* values = core.dst.math_slots(dst, 1, "tilize");
  const Rows rows = rows_of(buffer.format(), row_tiles, tile, 0, "tilize");
  const std::uint32_t address = buffer.tile_for_read(page, "tilize");
  check_end(core, address, rows, "tilize");
  if (!core.dry) {
    alignas(64) std::array<std::byte, most_tile_bytes> in_faces;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    const std::byte* from = l1_pointer(address);
    each_run(rows, [&](std::uint64_t in_rows, std::size_t in_tile, std::size_t bytes) {
      std::memcpy(in_faces.data() + in_tile, from + in_rows, bytes);
    });
    core.matrix.copy({in_faces.data(), buffer.format()}, values, core.unpack_to_dst);
  }
  core.dst.mark_written(dst, 1, true);
  core.count(TileOp::copy);
  core.count(TileOp::unpack);
  core.log.append(kernel.risc, events::Copy{.cb = cb, .tiles = 1, .dst = dst});
}

void pack_rows(std::uint32_t dst, std::uint32_t cb, std::uint32_t row_tiles, std::uint32_t tile, std::uint32_t block,
               Here at) {
  KernelContext& kernel = context(at);
  Core& core = *kernel.core;
  const CircularBuffer& buffer = core.cb(cb);
  const float* values = core.dst.pack_slot(dst, "pack_untilize");
  const Rows rows = rows_of(buffer.format(), row_tiles, tile, block, "pack_untilize");
  check_end(core, buffer.write_pointer(), rows, "pack_untilize");
  if (!core.dry) {
    alignas(64) std::array<std::byte, most_tile_bytes> in_faces{};
    PackConfig config = core.pack;
    config.format = buffer.format();
    config.l1_accumulate = false;
    tilegrid::pack_tile(values, core.dst.fp32(), config, in_faces.data());
    std::byte* to = l1_pointer(buffer.write_pointer());
    each_run(rows, [&](std::uint64_t in_rows, std::size_t in_tile, std::size_t bytes) {
      std::memcpy(to + in_rows, in_faces.data() + in_tile, bytes);
    });
  }
  core.count(TileOp::pack);
  core.log.append(kernel.risc, events::Pack{.cb = cb, .relu = core.pack.relu, .tiles = 1, .dst = dst});
}

}  // namespace tilegrid::api
