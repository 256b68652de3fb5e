// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/common/struct_args.h"

/// What the host tells the kernels. Sizes with _t are in tiles.
namespace tilegrid::matmul {

/// With the ids of the shipped kernel where it has them.
enum CbIndex : std::uint32_t {
  cb_a = 0,
  cb_b = 1,
  cb_zeros_a = 2,  ///< a tile of zeros that stands in for those beyond the edge
  cb_zeros_b = 3,
  cb_out = 16,
  cb_partial = 24,  ///< sums over the blocks of K so far
};

/// Of the data-movement kernels; the program names them.
enum class Phase : std::uint8_t { none, read, write };

enum SemaphoreId : std::uint32_t { a_ready, a_sent, b_ready, b_sent, semaphore_count };

/// Compile-time arguments of all three kernels.
struct Args {
  std::uint32_t m_t = 0, k_t = 0, n_t = 0;  ///< tiles that exist
  std::uint32_t batches = 1;
  std::uint32_t shared_b = 0;
  std::uint32_t core_m = 0, core_n = 0;  ///< share of a core
  std::uint32_t block_m = 0, block_n = 0, block_k = 0;
  std::uint32_t m_blocks = 0, n_blocks = 0, k_blocks = 0;  ///< of a core's share
  std::uint32_t sub_h = 1, sub_w = 1;
  std::uint32_t packer_sums = 0;   ///< the packer adds up partial sums
  std::uint32_t wide_partial = 0;  ///< they are fp32
  std::uint32_t multicast = 0;
  std::uint32_t zeros_a = 0, zeros_b = 0;  ///< some blocks have tiles beyond the edge
  std::uint32_t a_base = 0, b_base = 0, out_base = 0;
};

/// Runtime arguments of a data-movement kernel: its place, and who gets what it reads or sends it what it needs.
/// Coordinates are virtual.
struct CoreArgs {
  std::uint32_t column = 0, row = 0;
  std::uint32_t sender_x = 0, sender_y = 0;
  std::uint32_t start_x = 0, start_y = 0, end_x = 0, end_y = 0;  ///< the receivers' rectangle, as the NoC wants it
  std::uint32_t receivers = 0;                                   ///< 0: nobody is sent anything
};

/// Kernel entries. The reader brings blocks of a (and of b, when every core reads its own), the writer those of b; then it
/// writes the output.
void reader();
void compute();
void writer();

}  // namespace tilegrid::matmul
