// SPDX-License-Identifier: Apache-2.0
// Checks, and the choice of block sizes.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>

#include "core/error.h"
#include "core/l1.h"
#include "core/tile.h"
#include "kernels/attention/dealing.h"
#include "kernels/attention/subblock.h"
#include "kernels/matmul/arguments.h"
#include "kernels/matmul/matmul.h"
#include "noc/address.h"

namespace tilegrid::matmul {
namespace {

using attention::ceil_div;
using attention::Subblock;

// Limits of ours: they keep flat counts of tiles inside 32 bits.
constexpr int max_side = 1 << 20;
constexpr int max_batch = 1 << 16;
constexpr std::int64_t max_tiles = std::int64_t{1} << 31U;

// What the choice of blocks is made by when the first choice does not fit. It must rank blocks, not predict times.
constexpr double dram_bytes_per_cycle = 200;     // NoC 0 reads of all cores, random placement (tensix.md 4.3)
constexpr double pack_sum_tile_cycles = 68;      // 2048 bytes at 2 cycles for 16 bytes on 4 ports, and 4 (tensix.md 3.1)
constexpr double matmul_tile_phase_cycles = 17;  // 16 x 1.02, and 2.8 a tile (tensix.md 3.2), rounded

int tiles_of(int elements) { return ceil_div(elements, tile_side); }

void check_range(const char* flag, int value, int limit) {
  if (value < 1 || value > limit) throw UsageError(fmt::format("{} {}: must be from 1 to {}", flag, value, limit));
}

void check_tiles(const char* what, int batch, int rows, int columns) {
  const std::int64_t tiles = std::int64_t{batch} * tiles_of(rows) * tiles_of(columns);
  if (tiles >= max_tiles) {
    throw UsageError(
        fmt::format("{} of {}x{}x{} has {} tiles, less than 2^31 are supported", what, batch, rows, columns, tiles));
  }
}

void check_extent(const char* flag, Extent extent) {
  if (extent == Extent{}) return;
  if (extent.rows < 1 || extent.columns < 1 || extent.rows > max_side || extent.columns > max_side) {
    throw UsageError(
        fmt::format("{} {}x{}: rows and columns in tiles are expected, from 1 on", flag, extent.rows, extent.columns));
  }
}

/// Tiles of a, b and the output.
struct Sizes {
  int m, k, n;
};
Sizes sizes_of(const Config& config) {
  return {tiles_of(config.shape.m), tiles_of(config.shape.k), tiles_of(config.shape.n)};
}

DataFormat partial_format(const Config& config) { return config.compute.dst_fp32 ? DataFormat::fp32 : DataFormat::bf16; }

void require_blocks(const Config& config) {
  if (config.k_block <= 0 || config.out_block.tiles() <= 0 || config.sub.h <= 0) {
    throw std::logic_error("matmul: blocks are not chosen yet, call with_blocks first");
  }
}

/// dst.md 5, in its order.
Subblock shipped_subblock(const Config& config) {
  constexpr std::array<Subblock, 20> shapes{{{4, 2}, {2, 4}, {8, 1}, {1, 8}, {7, 1}, {1, 7}, {3, 2},
                                             {2, 3}, {6, 1}, {1, 6}, {5, 1}, {1, 5}, {2, 2}, {4, 1},
                                             {1, 4}, {3, 1}, {1, 3}, {2, 1}, {1, 2}, {1, 1}}};
  return attention::first_subblock(shapes, config.out_block.rows, config.out_block.columns,
                                   attention::dst_slots(config.compute));
}

void check_subblock(const Config& config) {
  const Subblock sub = config.sub;
  const int slots = attention::dst_slots(config.compute);
  if (sub.h * sub.w > slots) {
    throw UsageError(fmt::format("--subblock {}x{}: asked {} DST slots, available {}", sub.h, sub.w, sub.h * sub.w, slots));
  }
  if (config.out_block.rows % sub.h != 0 || config.out_block.columns % sub.w != 0) {
    throw UsageError(fmt::format("--subblock {}x{}: must divide the output block of {}x{} tiles", sub.h, sub.w,
                                 config.out_block.rows, config.out_block.columns));
  }
}

/// Buffers with an output buffer of all or of two subblocks.
std::vector<CircularBufferConfig> buffers(const Config& config, bool whole_output) {
  std::vector<CircularBufferConfig> list;
  const auto add = [&](CbIndex id, int pages, DataFormat format, const char* role) {
    list.push_back({static_cast<int>(id), static_cast<std::uint32_t>(pages), tile_bytes(format), format, role});
  };
  const Extent out = config.out_block;
  const Sizes size = sizes_of(config);
  add(cb_a, out.rows * config.k_block * 2, config.format, "a");
  add(cb_b, config.k_block * out.columns * 2, config.format, "b");
  const auto edges = [&](int tiles, int share, int block) { return tiles % share != 0 || share % block != 0; };
  const bool edges_k = size.k % config.k_block != 0;
  if (edges_k || edges(size.m, config.per_core.rows, out.rows)) add(cb_zeros_a, 1, config.format, "zeros for a");
  if (edges_k || edges(size.n, config.per_core.columns, out.columns)) add(cb_zeros_b, 1, config.format, "zeros for b");
  // The shipped kernel lays output and partial sums over each other; here the output has what is left, if that is little.
  const int sub_tiles = config.sub.h * config.sub.w;
  add(cb_out, whole_output ? out.tiles() : std::min(2 * sub_tiles, out.tiles()), config.format, "output");
  if (k_blocks(config) > 1) add(cb_partial, out.tiles(), partial_format(config), "partial sums");
  return list;
}

std::uint64_t l1_bytes_of(const Config& config, bool whole_output = false) {
  Program program;
  program.circular_buffers = buffers(config, whole_output);
  return l1_bytes_needed(program);
}

bool fits(const Config& config) { return l1_bytes_of(config) <= l1_bytes; }

/// Sub and, where they are open, the rest as it would be with this block and K.
Config with(Config config, Extent out_block, int k_block) {
  config.out_block = out_block;
  config.k_block = k_block;
  if (config.sub.h == 0) config.sub = shipped_subblock(config);
  return config;
}

/// Cycles that the slower of DRAM and a core's compute lanes needs, roughly.
double estimate(const Config& config) {
  const Sizes size = sizes_of(config);
  const Extent blocks = blocks_of_core(config);
  const double k_tiles = static_cast<double>(k_blocks(config)) * config.k_block;
  const double out_tiles = static_cast<double>(blocks.tiles()) * config.out_block.tiles();
  const GridSize used = cores_used(config);
  // a comes once for each column of blocks of a core, b once for each row; without multicast to every core.
  const bool shared = config.delivery == Delivery::multicast;
  const double a = static_cast<double>(size.m) * size.k * blocks.columns * (shared ? 1 : used.x);
  const double b = static_cast<double>(size.k) * size.n * blocks.rows * (shared ? 1 : used.y);
  const double dram = (a + b) * tile_bytes(config.format) / dram_bytes_per_cycle;
  const double phases = static_cast<double>(config.compute.fidelity);
  const double math = out_tiles * k_tiles * matmul_tile_phase_cycles * phases;
  const double pack = out_tiles * k_blocks(config) * pack_sum_tile_cycles;
  // A block's first transfer and its last pack have nothing beside them.
  const double fill = (a + b) / std::max(1.0, static_cast<double>(blocks.tiles()) * k_blocks(config)) *
                      tile_bytes(config.format) / dram_bytes_per_cycle * blocks.tiles();
  return std::max({dram, math, pack}) + fill;
}

/// Values to try for blocks of K, the largest first.
std::vector<int> k_candidates(const Config& config, int most) {
  if (config.k_block > 0) return {config.k_block};
  std::vector<int> divisors;
  const int k = sizes_of(config).k;
  for (int i = most; i > 0; --i) {
    if (k % i == 0) divisors.push_back(i);
  }
  return divisors;
}

/// Where the shares' own sizes do not fit: the least estimate of all that fit; ties: larger blocks.
std::optional<Config> smaller_blocks(const Config& config, const Config& wanted) {
  std::optional<Config> best;
  double least = std::numeric_limits<double>::infinity();
  // An output block has as many pages; the rest is the buffers of a and b.
  const int most_pages = static_cast<int>(l1_bytes / tile_bytes(config.format));
  const std::vector<int> ks = k_candidates(config, std::min(wanted.k_block, most_pages));
  const bool fixed_out = config.out_block.tiles() > 0;
  const auto may = [&](int value, int fixed, int sub) {
    return (!fixed_out || value == fixed) && (sub == 0 || value % sub == 0);
  };
  for (int rows = std::min(wanted.out_block.rows, most_pages); rows > 0; --rows) {
    if (!may(rows, config.out_block.rows, config.sub.h)) continue;
    for (int columns = std::min(wanted.out_block.columns, most_pages / rows); columns > 0; --columns) {
      if (!may(columns, config.out_block.columns, config.sub.w)) continue;
      for (const int k : ks) {
        if (2 * k * (rows + columns) > most_pages) continue;
        const Config tried = with(config, {rows, columns}, k);
        if (!fits(tried)) continue;
        const double cycles = estimate(tried);
        if (cycles >= least) continue;
        least = cycles;
        best = tried;
      }
    }
  }
  return best;
}

[[noreturn]] void throw_does_not_fit(const Config& config, const Config& wanted) {
  Config open = config;
  open.out_block = {};
  open.k_block = 0;
  open.sub = {0, 0};
  const std::optional<Config> would = smaller_blocks(open, with(open, wanted.per_core, wanted.k_block));
  const std::string advice = would ? fmt::format("--out-block {}x{} --block {} would fit", would->out_block.rows,
                                                 would->out_block.columns, would->k_block)
                                   : "nothing would fit";
  throw UsageError(fmt::format("--out-block {}x{} --block {}: asked {} bytes of L1, available {}; {}", wanted.out_block.rows,
                               wanted.out_block.columns, wanted.k_block, l1_bytes_of(wanted), l1_bytes, advice));
}

void check_share(const Config& config) {
  const Sizes size = sizes_of(config);
  const GridSize used = cores_used(config);
  if (used.x <= config.grid.x && used.y <= config.grid.y) return;
  throw UsageError(
      fmt::format("--per-core {}x{}: the output has {}x{} tiles, which makes {} rows and {} columns of cores; "
                  "the grid has {} and {}: at least {}x{}",
                  config.per_core.rows, config.per_core.columns, size.m, size.n, used.y, used.x, config.grid.y,
                  config.grid.x, ceil_div(size.m, config.grid.y), ceil_div(size.n, config.grid.x)));
}

}  // namespace

void validate(const Config& config) {
  const Shape& shape = config.shape;
  check_range("--batch", shape.batch, max_batch);
  check_range("--m", shape.m, max_side);
  check_range("--k", shape.k, max_side);
  check_range("--n", shape.n, max_side);
  check_tiles("A", shape.batch, shape.m, shape.k);
  check_tiles("B", shape.shared_b ? 1 : shape.batch, shape.k, shape.n);
  check_tiles("the output", shape.batch, shape.m, shape.n);
  if (config.grid.x < 1 || config.grid.y < 1 || config.grid.x > noc::max_grid_side || config.grid.y > noc::max_grid_side) {
    throw UsageError(fmt::format("--grid {}x{}: grids are 1x1 to {}x{}", config.grid.x, config.grid.y, noc::max_grid_side,
                                 noc::max_grid_side));
  }
  check_extent("--per-core", config.per_core);
  check_extent("--out-block", config.out_block);
  check_extent("--subblock", {config.sub.h, config.sub.w});
  if (config.k_block < 0 || config.k_block > max_side) {
    throw UsageError(fmt::format("--block {}: tiles of K from 1 on, or 0 to choose", config.k_block));
  }
}

Config with_blocks(Config config) {
  validate(config);
  const Sizes size = sizes_of(config);
  if (config.per_core == Extent{}) {
    config.per_core = {ceil_div(size.m, config.grid.y), ceil_div(size.n, config.grid.x)};
  }
  check_share(config);
  if (config.out_block.rows > config.per_core.rows || config.out_block.columns > config.per_core.columns) {
    throw UsageError(fmt::format("--out-block {}x{}: a core computes {}x{} tiles", config.out_block.rows,
                                 config.out_block.columns, config.per_core.rows, config.per_core.columns));
  }
  if (config.k_block > size.k) throw UsageError(fmt::format("--block {}: K has {} tiles", config.k_block, size.k));
  const Extent out = config.out_block == Extent{} ? config.per_core : config.out_block;
  const int k =
      config.k_block > 0 ? config.k_block : attention::largest_divisor(size.k, std::max(1, size.k / config.grid.x));
  const bool open = config.out_block == Extent{} && config.sub.h > 0;
  const bool divides = !open || (out.rows % config.sub.h == 0 && out.columns % config.sub.w == 0);
  const Config wanted = with(config, out, k);
  if (divides) check_subblock(wanted);
  if (divides && fits(wanted)) return wanted;
  if (!divides && config.sub.h * config.sub.w > attention::dst_slots(config.compute)) check_subblock(wanted);
  if (const std::optional<Config> smaller = smaller_blocks(config, wanted)) return *smaller;
  if (!divides) check_subblock(wanted);
  throw_does_not_fit(config, wanted);
}

GridSize cores_used(const Config& config) {
  const Sizes size = sizes_of(config);
  return {ceil_div(size.n, config.per_core.columns), ceil_div(size.m, config.per_core.rows)};
}

Extent blocks_of_core(const Config& config) {
  return {ceil_div(config.per_core.rows, config.out_block.rows),
          ceil_div(config.per_core.columns, config.out_block.columns)};
}

int k_blocks(const Config& config) { return ceil_div(sizes_of(config).k, config.k_block); }

std::uint64_t matmul_tiles(const Config& config) {
  require_blocks(config);
  const Extent blocks = blocks_of_core(config);
  std::uint64_t tiles = static_cast<std::uint64_t>(config.shape.batch);
  for (const int factor :
       {cores_used(config).cores(), blocks.tiles(), config.out_block.tiles(), k_blocks(config), config.k_block}) {
    tiles *= static_cast<std::uint64_t>(factor);
  }
  return tiles;
}

std::vector<CircularBufferConfig> circular_buffers(const Config& config) {
  require_blocks(config);
  return buffers(config, l1_bytes_of(config, true) <= l1_bytes);
}

}  // namespace tilegrid::matmul
