// SPDX-License-Identifier: Apache-2.0
// Checks, and the choice of block sizes.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <vector>

#include "core/error.h"
#include "core/l1.h"
#include "core/tile.h"
#include "kernels/common/divisor.h"
#include "kernels/common/subblock.h"
#include "kernels/matmul/arguments.h"
#include "kernels/matmul/matmul.h"
#include "noc/address.h"

namespace tilegrid::matmul {
namespace {

// Limits of ours: they keep flat counts of tiles inside 32 bits.
constexpr int max_side = 1 << 20;
constexpr int max_batch = 1 << 16;
constexpr std::int64_t max_tiles = std::int64_t{1} << 31U;

// The shipped heuristic: blocks of M x N tiles, K of k at a time: 2 k M + 2 k N + M N is at most that (dst.md 5).
constexpr int most_block_tiles = 400;
// Sums over K go through the packer once a block of K, which takes as long as two products at HiFi2 (tensix.md 3.1, 3.2).
constexpr int least_k_block = 2;

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

DataFormat partial_format(const Config& config) {
  if (config.compute.dst_fp32) return DataFormat::fp32;
  return config.format.a == DataFormat::fp16 ? DataFormat::fp16 : DataFormat::bf16;
}

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
  return first_subblock(shapes, config.out_block.rows, config.out_block.columns, dst_slots(config.chip, config.compute));
}

/// Of a subblock that was given.
void check_subblock(const Config& config) {
  const Subblock sub = config.sub;
  if (sub.h == 0) return;
  const int slots = dst_slots(config.chip, config.compute);
  if (std::int64_t{sub.h} * sub.w > slots) {
    throw UsageError(
        fmt::format("`sub` {}x{}: asked {} DST slots, available {}", sub.h, sub.w, std::int64_t{sub.h} * sub.w, slots));
  }
  const Extent out = config.out_block;
  const Extent limit = out.tiles() > 0 ? out : config.per_core;
  const bool divides = out.tiles() == 0 || (out.rows % sub.h == 0 && out.columns % sub.w == 0);
  if (divides && sub.h <= limit.rows && sub.w <= limit.columns) return;
  throw UsageError(
      fmt::format("`sub` {}x{}: must divide the output block of {}x{} tiles", sub.h, sub.w, limit.rows, limit.columns));
}

/// Buffers with an output buffer of all or of two subblocks.
std::vector<CircularBufferConfig> buffers(const Config& config, bool whole_output) {
  std::vector<CircularBufferConfig> list;
  const auto add = [&](CbIndex id, int pages, DataFormat format, const char* role) {
    list.push_back({static_cast<int>(id), static_cast<std::uint32_t>(pages), tile_bytes(format), format, role});
  };
  const Extent out = config.out_block;
  const Sizes size = sizes_of(config);
  add(cb_a, out.rows * config.k_block * 2, config.format.a, "a");
  add(cb_b, config.k_block * out.columns * 2, config.format.b, "b");
  const auto edges = [&](int tiles, int share, int block) { return tiles % share != 0 || share % block != 0; };
  const bool edges_k = size.k % config.k_block != 0;
  if (edges_k || edges(size.m, config.per_core.rows, out.rows)) add(cb_zeros_a, 1, config.format.a, "zeros for a");
  if (edges_k || edges(size.n, config.per_core.columns, out.columns)) add(cb_zeros_b, 1, config.format.b, "zeros for b");
  // The shipped kernel lays output and partial sums over each other; here the output has what is left, if that is little.
  const int sub_tiles = config.sub.h * config.sub.w;
  add(cb_out, whole_output ? out.tiles() : std::min(2 * sub_tiles, out.tiles()), config.format.out, "output");
  if (k_blocks(config) > 1) add(cb_partial, out.tiles(), partial_format(config), "partial sums");
  return list;
}

std::uint64_t l1_bytes_of(const Config& config, bool whole_output = false) {
  Program program;
  program.chip = config.chip;
  program.circular_buffers = buffers(config, whole_output);
  return l1_bytes_needed(program);
}

std::uint32_t l1_of(const Config& config) { return config.chip.memory().l1_bytes; }

bool fits(const Config& config) { return l1_bytes_of(config) <= l1_of(config); }

/// Sub and, where they are open, the rest as it would be with this block and K.
Config with(Config config, Extent out_block, int k_block) {
  config.out_block = out_block;
  config.k_block = k_block;
  if (config.sub.h == 0) config.sub = shipped_subblock(config);
  return config;
}

/// Values to try for blocks of K, the largest first.
std::vector<int> k_candidates(const Config& config, int most) {
  if (config.k_block > 0) return {config.k_block};
  std::vector<int> divisors;
  const int k = sizes_of(config).k;
  for (int i = std::min(k, most); i > 0; --i) {
    if (k % i == 0) divisors.push_back(i);
  }
  return divisors;
}

/// What blocks are ranked by: whether K is too short, tiles of a and b that a core is brought for a step of K, and K.
using Rank = std::tuple<bool, std::int64_t, int>;
Rank rank_of(const Config& config) {
  const std::int64_t brought =
      std::int64_t{blocks_of_core(config).tiles()} * (config.out_block.rows + config.out_block.columns);
  return {config.k_block < least_k_block, brought, -config.k_block};
}

/// The best blocks that fit; none when nothing does.
std::optional<Config> best_blocks(const Config& config) {
  std::optional<Config> best;
  const bool fixed_out = config.out_block.tiles() > 0;
  // What the user gave is limited by L1 alone.
  const std::uint32_t least_tile =
      std::min({tile_bytes(config.format.a), tile_bytes(config.format.b), tile_bytes(config.format.out)});
  const int pages = l1_of(config) / least_tile;
  const int most = fixed_out || config.k_block > 0 ? pages : std::min(pages, most_block_tiles);
  const std::vector<int> ks = k_candidates(config, most);
  const auto try_extent = [&](Extent out) {
    for (const int k : ks) {
      if (2 * std::int64_t{k} * (out.rows + out.columns) + out.tiles() > most) continue;
      const Config tried = with(config, out, k);
      if (best && rank_of(*best) <= rank_of(tried)) continue;
      if (fits(tried)) best = tried;
    }
  };
  if (fixed_out) {
    if (config.out_block.rows <= most && config.out_block.columns <= most) try_extent(config.out_block);
    return best;
  }
  const auto divides = [](int value, int sub) { return sub == 0 || value % sub == 0; };
  for (int rows = std::min(config.per_core.rows, most); rows > 0; --rows) {
    if (!divides(rows, config.sub.h)) continue;
    for (int columns = std::min(config.per_core.columns, most / rows); columns > 0; --columns) {
      if (divides(columns, config.sub.w)) try_extent({rows, columns});
    }
  }
  return best;
}

[[noreturn]] void throw_does_not_fit(const Config& config) {
  const Extent out =
      config.out_block.tiles() > 0 ? config.out_block : Extent{std::max(config.sub.h, 1), std::max(config.sub.w, 1)};
  const Config asked = with(config, out, std::max(config.k_block, 1));
  Config open = config;
  open.out_block = {};
  open.k_block = 0;
  open.sub = {0, 0};
  const std::optional<Config> would = best_blocks(open);
  const std::string advice = would ? fmt::format("`out_block` {}x{} `k_block` {} would fit", would->out_block.rows,
                                                 would->out_block.columns, would->k_block)
                                   : "nothing would fit";
  throw UsageError(fmt::format("`out_block` {}x{} `k_block` {}: asked {} bytes of L1, available {}; {}", out.rows,
                               out.columns, asked.k_block, l1_bytes_of(asked), l1_of(config), advice));
}

void check_share(const Config& config) {
  const Sizes size = sizes_of(config);
  const GridSize used = cores_used(config);
  if (used.x <= config.grid.x && used.y <= config.grid.y) return;
  throw UsageError(
      fmt::format("`per_core` {}x{}: the output has {}x{} tiles, which makes {} rows and {} columns of cores; "
                  "the grid has {} and {}: at least {}x{}",
                  config.per_core.rows, config.per_core.columns, size.m, size.n, used.y, used.x, config.grid.y,
                  config.grid.x, ceil_div(size.m, config.grid.y), ceil_div(size.n, config.grid.x)));
}

}  // namespace

void validate(const Config& config) {
  const Shape& shape = config.shape;
  check_range("`batch`", shape.batch, max_batch);
  check_range("`m`", shape.m, max_side);
  check_range("`k`", shape.k, max_side);
  check_range("`n`", shape.n, max_side);
  check_tiles("A", shape.batch, shape.m, shape.k);
  check_tiles("B", shape.shared_b ? 1 : shape.batch, shape.k, shape.n);
  check_tiles("the output", shape.batch, shape.m, shape.n);
  if (config.grid.x < 1 || config.grid.y < 1 || config.grid.x > noc::max_grid_side || config.grid.y > noc::max_grid_side) {
    throw UsageError(fmt::format("`grid` {}x{}: grids are 1x1 to {}x{}", config.grid.x, config.grid.y, noc::max_grid_side,
                                 noc::max_grid_side));
  }
  config.chip.check_grid(config.grid, "`grid`");
  check_extent("`per_core`", config.per_core);
  check_extent("`out_block`", config.out_block);
  check_extent("`sub`", {config.sub.h, config.sub.w});
  if (config.k_block < 0 || config.k_block > max_side) {
    throw UsageError(fmt::format("`k_block` {}: tiles of K from 1 on, or 0 to choose", config.k_block));
  }
  if ((config.format.a == DataFormat::fp16) != (config.format.b == DataFormat::fp16)) {
    throw UsageError(fmt::format("`format` a={},b={}: the matrix unit takes fp16 with nothing but fp16",
                                 name_of(config.format.a), name_of(config.format.b)));
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
    throw UsageError(fmt::format("`out_block` {}x{}: a core computes {}x{} tiles", config.out_block.rows,
                                 config.out_block.columns, config.per_core.rows, config.per_core.columns));
  }
  if (config.k_block > size.k) throw UsageError(fmt::format("`k_block` {}: K has {} tiles", config.k_block, size.k));
  check_subblock(config);
  const std::optional<Config> best = best_blocks(config);
  if (!best) throw_does_not_fit(config);
  return *best;
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
  std::uint64_t tiles = config.shape.batch;
  for (const int factor :
       {cores_used(config).cores(), blocks.tiles(), config.out_block.tiles(), k_blocks(config), config.k_block}) {
    tiles *= factor;
  }
  return tiles;
}

std::vector<CircularBufferConfig> circular_buffers(const Config& config) {
  require_blocks(config);
  return buffers(config, l1_bytes_of(config, true) <= l1_of(config));
}

}  // namespace tilegrid::matmul
