// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/attention/config.h"

namespace tilegrid::attention {

/// Circular buffers of the kernel, with the ids of the shipped one (attention.md 1.5).
enum CbIndex : std::uint32_t {
  cb_q = 0,
  cb_k = 1,
  cb_v = 2,
  cb_mask = 3,
  cb_scale = 4,  ///< only of the multi-pass kernel
  cb_scaler = 5,
  cb_ones_column = 7,
  cb_out = 16,
  cb_scores = 24,
  cb_accumulator_a = 25,
  cb_accumulator_b = 26,
  cb_max_a = 27,
  cb_max_b = 28,
  cb_sum_a = 29,
  cb_sum_b = 30,
  cb_alpha = 31,
};

/// DRAM base address, the same in every bank, of each tensor; one page is one tile, in [batch, head, row, column] order.
struct TensorAddresses {
  std::uint32_t q = 0;
  std::uint32_t k = 0;
  std::uint32_t v = 0;
  std::uint32_t out = 0;
};

/// Compile-time arguments, the same for reader, compute and writer. All sizes with _t are in tiles.
struct KernelArgs {
  std::uint32_t q_chunk_t = 0;
  std::uint32_t k_chunk_t = 0;
  std::uint32_t dim_t = 0;
  std::uint32_t heads = 0;
  std::uint32_t kv_heads = 0;
  std::uint32_t seq_q_t = 0;  ///< tile rows that exist
  std::uint32_t seq_kv_t = 0;
  std::uint32_t seq_kv = 0;  ///< keys that exist
  std::uint32_t q_chunks = 0;
  std::uint32_t k_chunks = 0;
  std::uint32_t causal = 0;
  std::uint32_t zigzag = 0;
  std::uint32_t qk_h = 1, qk_w = 1;  ///< subblocks
  std::uint32_t pv_h = 1, pv_w = 1;
  std::uint32_t slots = 0;  ///< DST slots of a section
  std::uint32_t exp_accurate = 0;
  std::uint32_t scale_bits = 0;             ///< float
  std::uint32_t read_batch = 1;             ///< tiles between two read barriers
  std::uint32_t steps = 0;                  ///< of the multi-pass kernel: Steps::bits()
  std::uint32_t alpha_correction_bits = 0;  ///< float: 1 over the fast exponential of 0
  std::uint32_t q_base = 0, k_base = 0, v_base = 0, out_base = 0;

  [[nodiscard]] static KernelArgs from(const Config& config, const TensorAddresses& addresses);
  [[nodiscard]] std::vector<std::uint32_t> words() const;
  /// The reverse; words() gives as many.
  [[nodiscard]] static KernelArgs from_words(std::span<const std::uint32_t> words);
  /// Reads the arguments of the running kernel.
  [[nodiscard]] static KernelArgs of_this_kernel();

  [[nodiscard]] float scale() const { return std::bit_cast<float>(scale_bits); }
  [[nodiscard]] float alpha_correction() const { return std::bit_cast<float>(alpha_correction_bits); }
  /// K chunks that a Q chunk visits: with causal those that begin at or before its last row (attention.md 1.3).
  [[nodiscard]] std::uint32_t visited_chunks(std::uint32_t q_chunk) const {
    if (causal == 0) return k_chunks;
    const std::uint32_t needed = ((q_chunk + 1) * q_chunk_t + k_chunk_t - 1) / k_chunk_t;
    return needed < k_chunks ? needed : k_chunks;
  }
  /// Whether the chunk touches the diagonal or the padding behind the last key.
  [[nodiscard]] bool masked(std::uint32_t q_chunk, std::uint32_t k_chunk) const {
    if (causal != 0) return (k_chunk + 1) * k_chunk_t > q_chunk * q_chunk_t;
    return (k_chunk + 1) * k_chunk_t * tile_side > seq_kv;
  }
  /// Item at a position of the flat distribution (attention.md 1.2): contiguous heads, and inside of a head the chunks in
  /// order, or 0, n-1, 1, n-2, ... with zigzag.
  [[nodiscard]] WorkItem item_at(std::uint32_t position) const {
    const std::uint32_t head_index = position / q_chunks;
    const std::uint32_t place = position % q_chunks;
    const std::uint32_t mirrored = place % 2 == 0 ? place / 2 : q_chunks - 1 - place / 2;
    return {static_cast<int>(head_index / heads), static_cast<int>(head_index % heads),
            static_cast<int>(zigzag != 0 ? mirrored : place)};
  }
};

/// The kernels' entries; those of the planned and the multi-pass compute kernel are in planned.h and multipass.h.
void reader();
void compute();
void writer();

/// Makes the kernels known; every rank calls it before its session begins.
void register_kernels();

/// The program for chunks that are set, with the compute kernel that the config names; not for the unfused one, which is
/// several programs (kernels/unfused/unfused.h). Throws UsageError when it does not fit.
[[nodiscard]] Program make_program(const Config& config, const TensorAddresses& addresses);

}  // namespace tilegrid::attention
