// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/format.h"
#include "kernels/common/subblock.h"
#include "kernels/program.h"

/// out = a b on the grid, as the shipped 2-D multicast matmul does it (tensix.md 7, dst.md 5): rows of tiles over the rows
/// of the grid, columns over its columns; the first core of a row reads its blocks of a and multicasts them along the row,
/// the first of a column those of b down the column.
namespace tilegrid::matmul {

/// a [batch, m, k], b [batch, k, n], or [k, n] for all batches when it is shared; in elements.
struct Shape {
  int batch = 1;
  int m = 0;
  int k = 0;
  int n = 0;
  bool shared_b = false;
  friend bool operator==(const Shape&, const Shape&) = default;
  /// Operations that the result takes: a multiplication and an addition each.
  [[nodiscard]] double useful_flops() const { return 2.0 * batch * m * k * n; }
};

/// How blocks reach the cores.
enum class Delivery : std::uint8_t {
  multicast,  ///< one core of a row (column) reads, the others are sent it
  dram,       ///< every core reads its own
};

/// How sums over blocks of K are carried on.
enum class Carrier : std::uint8_t {
  packer,  ///< the packer adds to them in L1; the last block reloads them
  reload,  ///< every block reloads them into DST
};

/// Rows and columns in tiles.
struct Extent {
  int rows = 0;
  int columns = 0;
  [[nodiscard]] int tiles() const { return rows * columns; }
  friend bool operator==(const Extent&, const Extent&) = default;
};

/// Of tensors in DRAM: bf16, fp32 or block floats. One format is of all of them.
struct Formats {
  Formats(DataFormat all = DataFormat::bf16)  // NOLINT(google-explicit-constructor): one format is a list, too
      : a(all), b(all), out(all) {}
  DataFormat a, b, out;
  friend bool operator==(const Formats&, const Formats&) = default;
};

struct Config {
  Shape shape;
  GridSize grid{8, 10};
  Formats format;
  ComputeConfig compute;
  Delivery delivery = Delivery::multicast;
  Carrier carrier = Carrier::packer;
  Extent per_core;     ///< tiles of the output that a core computes; 0: choose
  Extent out_block;    ///< of them, those that it computes at a time; 0: choose
  int k_block = 0;     ///< tiles of K at a time (in0_block_w); 0: choose
  Subblock sub{0, 0};  ///< tiles of a DST section; 0: choose
  Chip chip{};         ///< that it runs on
};

/// Throws UsageError, one line that names flag, value and rule: sizes, tiles beyond 32 bits, formats, grid.
void validate(const Config& config);

/// Fills what is 0.
/// - per_core: an equal share, ceil(rows of tiles / rows of the grid) by ceil(columns / columns of the grid);
/// - out_block and k_block: all of that and as much of K as the shipped heuristic allows, 2 k M + 2 k N + M N <= 400 tiles
///   (dst.md 5), within L1; k divides K. When not even 2 of K are left for a whole share, the block that brings the fewest
///   tiles of a and b to a core. When one of them was given, L1 alone limits the other;
/// - sub: the first of the shipped list that divides out_block and fits DST (dst.md 5).
/// Throws UsageError when what was given does not fit: shares that leave a part of the output out, subblocks, L1 (asked,
/// available, what would fit).
[[nodiscard]] Config with_blocks(Config config);

/// Cores that have a share: a rectangle from (0,0) on. Blocks are set, as for all that follows.
[[nodiscard]] GridSize cores_used(const Config& config);
/// What a core goes through: blocks of its share, rows by columns, and blocks of K.
[[nodiscard]] Extent blocks_of_core(const Config& config);
[[nodiscard]] int k_blocks(const Config& config);
/// Products of two tiles, padding included, of all cores.
[[nodiscard]] std::uint64_t matmul_tiles(const Config& config);
[[nodiscard]] std::vector<CircularBufferConfig> circular_buffers(const Config& config);

/// DRAM base addresses, the same in every bank; one page is one tile, in [batch, row, column] order.
struct Addresses {
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  std::uint32_t out = 0;
};
/// Throws UsageError when it does not fit.
[[nodiscard]] Program make_program(const Config& config, const Addresses& addresses);

/// Makes the kernels known; every rank calls it before its session begins.
void register_kernels();

}  // namespace tilegrid::matmul
