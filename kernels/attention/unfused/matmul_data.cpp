// SPDX-License-Identifier: Apache-2.0
// NCRISC and BRISC of a product: the blocks of both factors in, the blocks of the result out.
#include <algorithm>
#include <cstring>

#include "kernels/attention/phases.h"
#include "kernels/attention/unfused/arguments.h"
#include "kernels/attention/unfused/tile_reader.h"
#include "kernels/attention/zero_rows.h"

namespace tilegrid::unfused {
namespace {

using namespace tilegrid::api;
using attention::Phase;

/// Where the block begins in a matrix, and how far pages of neighbouring tiles are apart.
struct Block {
  std::uint32_t head_page;
  std::uint32_t first_row, rows, existing_rows, row_pages;
  std::uint32_t first_column, columns, existing_columns, column_pages;
};

/// Tiles beyond the matrix are zeros.
void read_block(TileReader& reader, const InterleavedAddrGen& tensor, std::uint32_t cb, const Block& block) {
  cb_reserve_back(cb, block.rows * block.columns);
  std::uint32_t address = get_write_ptr(cb);
  for (std::uint32_t r = block.first_row; r < block.first_row + block.rows; ++r) {
    for (std::uint32_t c = block.first_column; c < block.first_column + block.columns; ++c, address += tensor.page_size) {
      if (r < block.existing_rows && c < block.existing_columns) {
        reader.read(block.head_page + r * block.row_pages + c * block.column_pages, tensor, address);
      } else {
        if (!is_dry()) std::memset(l1_pointer(address), 0, tensor.page_size);
        note_generated(cb, tensor.page_size);
      }
    }
  }
  reader.barrier();
  cb_push_back(cb, block.rows * block.columns);
}

}  // namespace

void matmul_reader() {
  const auto args = args_of_this_kernel<MatmulArgs>();
  const auto first = get_arg_val<std::uint32_t>(0);
  const auto count = get_arg_val<std::uint32_t>(1);
  const InterleavedAddrGen a{args.a_base, get_tile_size(args.cb_a)};
  const InterleavedAddrGen b{args.b_base, get_tile_size(args.cb_b)};
  TileReader tiles(args.read_batch);
  zone(Phase::read);
  for (std::uint32_t position = first; position < first + count; ++position) {
    const MatmulArgs::Item item = args.item_at(position);
    const std::uint32_t a_page = item.head * args.m_t * args.k_t;
    const std::uint32_t b_page = item.head / args.group * args.k_t * args.n_t;
    for (std::uint32_t i = 0; i < args.k_blocks; ++i) {
      mark_loop();
      const std::uint32_t k = i * args.block_k;
      read_block(tiles, a, args.cb_a,
                 {a_page, item.m * args.block_m, args.block_m, args.m_t, args.k_t, k, args.block_k, args.k_t, 1});
      read_block(tiles, b, args.cb_b,
                 {b_page, k, args.block_k, args.k_t, args.transposed != 0 ? 1 : args.n_t, item.n * args.block_n,
                  args.block_n, args.n_t, args.transposed != 0 ? args.k_t : 1});
    }
  }
  mark_loop();
}

void matmul_writer() {
  const auto args = args_of_this_kernel<MatmulArgs>();
  const auto first = get_arg_val<std::uint32_t>(0);
  const auto count = get_arg_val<std::uint32_t>(1);
  const InterleavedAddrGen out{args.out_base, get_tile_size(args.cb_result)};
  zone(Phase::write);
  for (std::uint32_t position = first; position < first + count; ++position) {
    const MatmulArgs::Item item = args.item_at(position);
    const std::uint32_t head_page = item.head * args.m_t * args.n_t;
    // As the product pushes it: row of subblocks by row of subblocks.
    for (std::uint32_t row = 0; row < args.block_m; row += args.sub_h) {
      mark_loop();
      cb_wait_front(args.cb_result, args.sub_h * args.block_n);
      std::uint32_t address = get_read_ptr(args.cb_result);
      attention::zero_blind_rows(args.cb_result, address, (item.m * args.block_m + row) * tile_side, args.sub_h,
                                 args.block_n, args.blind_rows);
      for (std::uint32_t r = item.m * args.block_m + row; r < item.m * args.block_m + row + args.sub_h; ++r) {
        for (std::uint32_t c = item.n * args.block_n; c < (item.n + 1) * args.block_n; ++c, address += out.page_size) {
          if (r < args.m_t && c < args.n_t) noc_async_write_page(head_page + r * args.n_t + c, out, address);
        }
      }
      noc_async_write_barrier();
      cb_pop_front(args.cb_result, args.sub_h * args.block_n);
    }
  }
  mark_loop();
}

}  // namespace tilegrid::unfused
