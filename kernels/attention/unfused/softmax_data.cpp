// SPDX-License-Identifier: Apache-2.0
// NCRISC and BRISC of softmax: tile rows in, once or three times; constant tiles; results out, to where they came from.
#include <cstring>

#include "core/tile.h"
#include "kernels/attention/phases.h"
#include "kernels/attention/unfused/arguments.h"
#include "kernels/attention/unfused/tile_reader.h"
#include "kernels/common/pages.h"

namespace tilegrid::unfused {
namespace {

using namespace tilegrid::api;
using attention::Phase;

// A bfp4_b tile is 64 shared exponents and then 4-bit datums, the even one in the low nibble; sign 1 with magnitude 0 is
// -inf, all zeros is +0 (tensix.md 1.6).
constexpr std::uint32_t exponent_bytes = 64;
constexpr std::uint8_t minus_infinity = 0x8;

void fill_edge(const SoftmaxArgs& args) {
  const int keys_in_last = args.keys - (args.columns_t - 1) * tile_side;
  std::byte* tile = l1_pointer(get_write_ptr(cb_edge));
  std::memset(tile, 0, get_tile_size(cb_edge));
  for (int row = 0; row < tile_side; ++row) {
    for (int column = keys_in_last; column < tile_side; ++column) {
      const int index = tile_index(row, column);
      tile[exponent_bytes + static_cast<std::uint32_t>(index) / 2] |=
          static_cast<std::byte>(minus_infinity << (index % 2 * 4));
    }
  }
}

void make_edge(const SoftmaxArgs& args) {
  cb_reserve_back(cb_edge, 1);
  if (!is_dry()) fill_edge(args);
  note_generated(cb_edge, get_tile_size(cb_edge));
  cb_push_back(cb_edge, 1);
}

/// Reads a part of a tile row, `batch` tiles between two barriers.
void read_part(const InterleavedAddrGen& tensor, std::uint32_t cb, std::uint32_t page, std::uint32_t count,
               std::uint32_t pages, std::uint32_t batch) {
  TileReader tiles(batch);
  cb_reserve_back(cb, pages);
  const std::uint32_t address = get_write_ptr(cb);
  for (std::uint32_t c = 0; c < count; ++c) tiles.read(page + c, tensor, address + c * tensor.page_size);
  tiles.barrier();
  cb_push_back(cb, pages);
}

}  // namespace

void softmax_reader() {
  const auto args = args_of_this_kernel<SoftmaxArgs>();
  const auto first = get_arg_val<std::uint32_t>(0);
  const auto count = get_arg_val<std::uint32_t>(1);
  const InterleavedAddrGen scores{args.base, get_tile_size(cb_scores_in)};
  // A mask has the tiles of one head, in the format of the scores.
  const InterleavedAddrGen mask{args.mask_base, scores.page_size};
  zone(Phase::read);
  for (std::uint32_t row = first; row < first + count; ++row) {
    for (std::uint32_t i = 0; i < args.passes() * args.parts; ++i) {
      mark_loop();
      const std::uint32_t part = i % args.parts;
      const std::uint32_t column = part * args.part_t;
      const std::uint32_t count = args.columns_of(part);
      read_part(scores, cb_scores_in, row * args.columns_t + column, count, args.part_t, args.slots);
      if (args.has_mask_in != 0) {
        const std::uint32_t page = row % args.rows_t * args.columns_t + column;
        read_part(mask, cb_mask_in, page, count, args.part_t, args.slots);
      }
    }
  }
  mark_loop();
}

void softmax_writer() {
  const auto args = args_of_this_kernel<SoftmaxArgs>();
  const auto first = get_arg_val<std::uint32_t>(0);
  const auto count = get_arg_val<std::uint32_t>(1);
  const InterleavedAddrGen scores{args.base, get_tile_size(cb_softmax)};
  zone(Phase::mask);
  make_scaler(cb_scaler);
  if (args.needs_edge()) make_edge(args);
  zone(Phase::write);
  for (std::uint32_t row = first; row < first + count; ++row) {
    for (std::uint32_t part = 0; part < args.parts; ++part) {
      mark_loop();
      const std::uint32_t page = row * args.columns_t + part * args.part_t;
      cb_wait_front(cb_softmax, args.part_t);
      const std::uint32_t address = get_read_ptr(cb_softmax);
      for (std::uint32_t c = 0; c < args.columns_of(part); ++c) {
        noc_async_write_page(page + c, scores, address + c * scores.page_size);
      }
      noc_async_write_barrier();
      cb_pop_front(cb_softmax, args.part_t);
    }
  }
  mark_loop();
}

}  // namespace tilegrid::unfused
