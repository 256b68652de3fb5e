// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/api/dataflow.h"
#include "kernels/matmul/arguments.h"

namespace tilegrid::matmul {

/// A matrix in DRAM, page by page, and the block of it that a CB holds.
struct Source {
  api::InterleavedAddrGen tensor;
  std::uint32_t row_pages = 0;          ///< pages from a tile to the one below
  std::uint32_t rows = 0, columns = 0;  ///< of a block, in tiles
  std::uint32_t cb = 0;
  std::uint32_t cb_zeros = 0;
  bool has_edges = false;  ///< some blocks have tiles beyond the edge
};

/// Where a block begins in the matrix, and where its tiles end to be real: those from there on are zeros.
struct Place {
  std::uint32_t first_page = 0;  ///< of the matrix's tile (0,0)
  std::uint32_t row = 0, end_row = 0;
  std::uint32_t column = 0, end_column = 0;
};

/// Blocks of one matrix, one after the other, into a CB: read from DRAM and passed on to the receivers of a line of cores,
/// or received. Who receives frees a slot, then says so; who sends waits for all, then multicasts the block and behind it,
/// on the same path, the flag. Slots are in step on all cores of the line, so the sender's address is everyone's.
class BlockStream {
 public:
  BlockStream(const Source& source, const CoreArgs& core, bool sends, std::uint32_t ready, std::uint32_t sent);

  /// Brings the next block.
  void next(const Place& place);
  /// After the last one: waits for what is under way, and leaves the semaphores as they were.
  void finish();

 private:
  void read(const Place& place);
  void send();
  void receive();

  Source source_;
  CoreArgs core_;
  bool sends_;
  std::uint32_t ready_, sent_;  ///< L1 addresses of the semaphores: counts receivers; flags the block
  std::uint32_t zeros_ = 0;     ///< L1 address of the tile of zeros
};

}  // namespace tilegrid::matmul
