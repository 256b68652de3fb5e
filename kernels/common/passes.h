// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/api/compute.h"
#include "kernels/common/divisor.h"
#include "kernels/common/dst_section.h"

/// Parts of compute kernels that several kernels share: passes over circular buffers, one DST section after the other.
namespace tilegrid::passes {

using api::section;

[[nodiscard]] inline std::uint32_t divisor(std::uint32_t count, std::uint32_t limit) {
  return largest_divisor(count, limit);
}

/// Runs `math` as one DST section and packs slot i to tile first + i of `out`.
template <class Math>
void section_to(std::uint32_t out, std::uint32_t first, std::uint32_t slots, Math math) {
  section(math, [&] {
    for (std::uint32_t i = 0; i < slots; ++i) api::pack_tile_at(i, out, first + i);
  });
}

/// Tiles [0, tiles) of `out`, at most `slots` in a section: `math(tile, slot)` computes one.
template <class Math>
void for_each_tile(std::uint32_t out, std::uint32_t tiles, std::uint32_t slots, Math math) {
  for (std::uint32_t first = 0; first < tiles; first += slots) {
    const std::uint32_t count = tiles - first < slots ? tiles - first : slots;
    section_to(out, first, count, [&] {
      for (std::uint32_t i = 0; i < count; ++i) math(first + i, i);
    });
  }
}

/// The legal in-place update of a full buffer: pop, reserve again, read by index, pack to the same index, push.
template <class Body>
void in_place(std::uint32_t cb, std::uint32_t tiles, Body body) {
  api::cb_wait_front(cb, tiles);
  api::cb_pop_front(cb, tiles);
  api::cb_reserve_back(cb, tiles);
  body();
  api::cb_push_back(cb, tiles);
}

/// What a block product multiplies: out[m, n] = in0[m, k] in1[k, n], in subblocks of h x w tiles.
struct Product {
  std::uint32_t in0, in1;
  std::uint32_t m, n, k;
  std::uint32_t h, w;
  bool transpose;  ///< the unpacker transposes the tiles of in1

  /// Formats and unpacker for it.
  void configure() const {
    api::reconfig_data_format(in1, in0);
    api::mm_block_init_short(in0, in1, transpose, w, h, k);
  }
  /// The subblock at (row, column), added to DST.
  void multiply(std::uint32_t row, std::uint32_t column) const {
    for (std::uint32_t i = 0; i < k; ++i) {
      api::matmul_block(in0, in1, row * k + i, i * n + column, 0, transpose, w, h, k);
    }
  }
  /// Packs the subblock to `out`, whose window begins with tile row `first_row`.
  void pack(std::uint32_t out, std::uint32_t first_row, std::uint32_t row, std::uint32_t column) const {
    for (std::uint32_t r = 0; r < h; ++r) {
      for (std::uint32_t c = 0; c < w; ++c) api::pack_tile_at(r * w + c, out, (row - first_row + r) * n + column + c);
    }
  }
  /// The whole of it: pushed row of subblocks by row of subblocks. in0 is there already; pops in1, leaves in0.
  void run(std::uint32_t out) const {
    api::reconfig_data_format(in1, in0);
    api::pack_reconfig_data_format(out);
    api::mm_block_init_short(in0, in1, transpose, w, h, k);
    api::cb_wait_front(in1, k * n);
    for (std::uint32_t row = 0; row < m; row += h) {
      api::cb_reserve_back(out, h * n);
      for (std::uint32_t column = 0; column < n; column += w) {
        section([&] { multiply(row, column); }, [&] { pack(out, row, row, column); });
      }
      api::cb_push_back(out, h * n);
    }
    api::cb_pop_front(in1, k * n);
  }
};

}  // namespace tilegrid::passes
