// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

#include "core/events/event_log.h"
#include "core/types.h"
#include "kernels/common/struct_args.h"

/// What the host tells the kernels of the three programs, and the circular buffers that they use. Sizes with _t are in
/// tiles.
namespace tilegrid::unfused {

enum CbIndex : std::uint32_t {
  cb_q = 0,
  cb_k = 1,
  cb_scores_out = 2,
  cb_mask_in = 3,  ///< the causal mask's tiles of the scores in cb_scores_in
  cb_scores_in = 4,
  cb_work = 5,  ///< what becomes of the scores
  cb_edge = 6,  ///< a tile of -inf behind the last key, 0 before
  cb_scaler = 7,
  cb_scale = 8,
  cb_max = 9,
  cb_sum = 10,
  cb_softmax = 11,
  cb_p = 12,
  cb_v = 13,
  cb_partial = 14,  ///< sums over the blocks of K so far
  cb_out = 15,
};

/// out[m, n] = a[m, k] b[k, n] for every head, in blocks. Compile-time arguments.
struct MatmulArgs {
  std::uint32_t m_t = 0, n_t = 0, k_t = 0;  ///< tiles that exist
  std::uint32_t block_m = 0, block_n = 0, block_k = 0;
  std::uint32_t m_blocks = 0, n_blocks = 0, k_blocks = 0;
  std::uint32_t group = 1;       ///< heads of a that have one head of b
  std::uint32_t transposed = 0;  ///< b is stored as [n, k]
  std::uint32_t sub_h = 1, sub_w = 1;
  std::uint32_t read_batch = 0;  ///< tiles between two read barriers
  std::uint32_t cb_a = 0, cb_b = 0, cb_result = 0;
  std::uint32_t phase = 0;
  std::uint32_t blind_rows = 0;  ///< of the result: zeros whatever the product is
  std::uint32_t a_base = 0, b_base = 0, out_base = 0;

  /// A block of the result.
  struct Item {
    std::uint32_t head, m, n;
  };
  [[nodiscard]] Item item_at(std::uint32_t position) const {
    const std::uint32_t blocks = m_blocks * n_blocks;
    return {position / blocks, position % blocks / n_blocks, position % n_blocks};
  }
};

/// softmax over rows of `columns_t` tiles, in place. Compile-time arguments.
struct SoftmaxArgs {
  std::uint32_t rows_t = 0;  ///< of a head
  std::uint32_t columns_t = 0;
  std::uint32_t keys = 0;    ///< that exist, at most 32 * columns_t
  std::uint32_t part_t = 0;  ///< columns that are in L1 at once
  std::uint32_t parts = 1;
  std::uint32_t has_mask_in = 0;  ///< a mask in DRAM, one tile for each of a head's scores
  std::uint32_t slots = 0;
  std::uint32_t exp_accurate = 0;
  std::uint32_t scale_bits = 0;  ///< float
  std::uint32_t base = 0;
  std::uint32_t mask_base = 0;

  [[nodiscard]] float scale() const { return std::bit_cast<float>(scale_bits); }
  /// Columns of a part that exist.
  [[nodiscard]] std::uint32_t columns_of(std::uint32_t part) const {
    const std::uint32_t left = columns_t - part * part_t;
    return left < part_t ? left : part_t;
  }
  /// How often a row is read: a row that does not fit L1 comes again for the sum and for the result.
  [[nodiscard]] std::uint32_t passes() const { return parts == 1 ? 1 : 3; }
  /// Without a mask in DRAM the columns behind the last key are closed by a tile made on the device.
  [[nodiscard]] bool needs_edge() const { return has_mask_in == 0 && keys % tile_side != 0; }
};

/// Kernel entries; each has two runtime arguments, the first position of its items and their number. Items of the products
/// are blocks, those of softmax tile rows of all heads.
void matmul_reader();
void matmul_compute();
void matmul_writer();
void softmax_reader();
void softmax_compute();
void softmax_writer();

}  // namespace tilegrid::unfused
