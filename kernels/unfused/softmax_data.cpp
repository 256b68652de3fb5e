// SPDX-License-Identifier: Apache-2.0
// NCRISC and BRISC of softmax: tile rows in, once or three times; constant tiles; results out, to where they came from.
#include <cstring>

#include "core/tile.h"
#include "kernels/unfused/arguments.h"
#include "kernels/unfused/tile_reader.h"

namespace tilegrid::unfused {
namespace {

using namespace tilegrid::api;

constexpr std::uint16_t bf16_one = 0x3F80;

/// Identity scaler of reduce: ones in the first row of each face (tensix.md 2.2).
void fill_scaler() {
  std::byte* tile = l1_pointer(get_write_ptr(cb_scaler));
  std::memset(tile, 0, get_tile_size(cb_scaler));
  for (int column = 0; column < tile_side; ++column) {
    for (const int row : {0, face_side}) std::memcpy(tile + tile_index(row, column) * 2, &bf16_one, sizeof bf16_one);
  }
}

void make_scaler() {
  cb_reserve_back(cb_scaler, 1);
  if (!is_dry()) fill_scaler();
  note_generated(cb_scaler, get_tile_size(cb_scaler));
  cb_push_back(cb_scaler, 1);
}

// A bfp4_b tile is 64 shared exponents and then 4-bit datums, the even one in the low nibble; sign 1 with magnitude 0 is
// -inf, all zeros is +0 (tensix.md 1.6).
constexpr std::uint32_t exponent_bytes = 64;
constexpr std::uint8_t minus_infinity = 0x8;

void fill_masks(const SoftmaxArgs& args) {
  const int keys_in_last = static_cast<int>(args.keys - (args.columns_t - 1) * tile_side);
  const std::uint32_t bytes = get_tile_size(cb_masks);
  std::byte* tiles = l1_pointer(get_write_ptr(cb_masks));
  std::memset(tiles, 0, mask_count * bytes);
  const auto close = [&](Mask mask, int row, int column) {
    std::byte* datums = tiles + static_cast<std::uint32_t>(mask) * bytes + exponent_bytes;
    const int index = tile_index(row, column);
    datums[index / 2] |= static_cast<std::byte>(minus_infinity << (index % 2 * 4));
  };
  for (int row = 0; row < tile_side; ++row) {
    for (int column = 0; column < tile_side; ++column) {
      close(Mask::closed, row, column);
      if (column > row) close(Mask::diagonal, row, column);
      if (column >= keys_in_last) close(Mask::edge, row, column);
    }
  }
}

void make_masks(const SoftmaxArgs& args) {
  cb_reserve_back(cb_masks, mask_count);
  if (!is_dry()) fill_masks(args);
  note_generated(cb_masks, mask_count * get_tile_size(cb_masks));
  cb_push_back(cb_masks, mask_count);
}

}  // namespace

void softmax_reader() {
  const auto args = args_of_this_kernel<SoftmaxArgs>();
  const auto first = get_arg_val<std::uint32_t>(0);
  const auto count = get_arg_val<std::uint32_t>(1);
  const InterleavedAddrGen scores{args.base, get_tile_size(cb_scores_in)};
  TileReader tiles(args.read_batch);
  zone(Zone::read);
  for (std::uint32_t row = first; row < first + count; ++row) {
    for (std::uint32_t i = 0; i < args.passes() * args.parts; ++i) {
      mark_loop();
      const std::uint32_t part = i % args.parts;
      const std::uint32_t page = row * args.columns_t + part * args.part_t;
      cb_reserve_back(cb_scores_in, args.part_t);
      const std::uint32_t address = get_write_ptr(cb_scores_in);
      for (std::uint32_t c = 0; c < args.columns_of(part); ++c) tiles.read(page + c, scores, address + c * scores.page_size);
      tiles.barrier();
      cb_push_back(cb_scores_in, args.part_t);
    }
  }
  mark_loop();
}

void softmax_writer() {
  const auto args = args_of_this_kernel<SoftmaxArgs>();
  const auto first = get_arg_val<std::uint32_t>(0);
  const auto count = get_arg_val<std::uint32_t>(1);
  const InterleavedAddrGen scores{args.base, get_tile_size(cb_softmax)};
  zone(Zone::mask);
  make_scaler();
  if (args.needs_masks()) make_masks(args);
  zone(Zone::write);
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
