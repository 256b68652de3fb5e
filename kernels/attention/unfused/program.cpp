// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "core/error.h"
#include "core/l1.h"
#include "core/tile.h"
#include "kernels/attention/dealing.h"
#include "kernels/attention/phases.h"
#include "kernels/attention/unfused/arguments.h"
#include "kernels/attention/unfused/unfused.h"
#include "kernels/registry.h"
#include "noc/grid.h"
#include "noc/memory.h"

namespace tilegrid::unfused {
namespace {

using attention::Config;
using attention::Phase;
using attention::Shape;
using attention::TensorAddresses;
using Buffers = std::vector<CircularBufferConfig>;

constexpr std::array<const char*, 3> matmul_names{"unfused/matmul_reader", "unfused/matmul_compute",
                                                  "unfused/matmul_writer"};
constexpr std::array<const char*, 3> softmax_names{"unfused/softmax_reader", "unfused/softmax_compute",
                                                   "unfused/softmax_writer"};

std::uint32_t word(int value) { return value; }

struct Sizes {
  std::uint32_t q_t, k_t, dim_t, v_dim_t;  ///< of the tensors
  std::uint32_t q_block, k_block;          ///< of the blocks
  std::uint32_t q_blocks, k_blocks;
  std::uint32_t heads;  ///< of all batches
};
Sizes sizes_of(const Config& config) {
  if (config.q_chunk <= 0 || config.k_chunk <= 0) {
    throw std::logic_error("unfused: chunks are not chosen yet, call with_chunks first");
  }
  const Shape& shape = config.shape;
  return {word(tiles_of(shape.seq_q)),
          word(tiles_of(shape.seq_kv)),
          word(shape.dim_t()),
          word(shape.v_dim_t()),
          word(config.q_chunk / tile_side),
          word(config.k_chunk / tile_side),
          word(ceil_div(shape.seq_q, config.q_chunk)),
          word(ceil_div(shape.seq_kv, config.k_chunk)),
          word(shape.batch * shape.heads)};
}

DataFormat inner_format(const Config& config) {
  return config.format.out == DataFormat::fp32 && config.compute.dst_fp32 ? DataFormat::fp32 : DataFormat::bf16;
}

CircularBufferConfig buffer(CbIndex id, std::uint32_t pages, DataFormat format, const char* role) {
  return {static_cast<int>(id), pages, tile_bytes(format), format, role};
}

Buffers qk_buffers(const Config& config) {
  const Sizes size = sizes_of(config);
  return {buffer(cb_q, size.q_block * size.dim_t * 2, config.format.q, "QK: Q"),
          buffer(cb_k, size.k_block * size.dim_t * 2, config.format.k, "QK: K"),
          buffer(cb_scores_out, size.q_block * size.k_block, config.format.out, "QK: scores")};
}

/// The row of tiles is cut into as few equal parts as fit.
struct Parts {
  std::uint32_t tiles, count;
};
Parts softmax_parts(const Config& config) {
  const std::uint64_t page = tile_bytes(config.format.out);
  const std::uint64_t inner = tile_bytes(inner_format(config));
  // Constants, statistics and rounding to where DRAM reads may land.
  constexpr std::uint64_t others = std::uint64_t{16} * 4096;
  const std::uint64_t mask = config.shape.causal ? page : 0;
  const std::uint64_t most = (config.chip.memory().l1_bytes - l1_user_base - others) / (3 * page + mask + inner);
  const std::uint32_t columns = sizes_of(config).k_t;
  const auto count = static_cast<std::uint32_t>((columns + most - 1) / most);
  return {(columns + count - 1) / count, count};
}

Buffers softmax_buffers(const Config& config) {
  const std::uint32_t part = softmax_parts(config).tiles;
  const DataFormat inner = inner_format(config);
  Buffers buffers{buffer(cb_scores_in, part * 2, config.format.out, "softmax: scores"),
                  buffer(cb_work, part, inner, "softmax: work"),
                  buffer(cb_scaler, 1, DataFormat::bf16, "softmax: scaler"),
                  buffer(cb_scale, 1, inner, "softmax: scale"),
                  buffer(cb_max, 1, inner, "softmax: max"),
                  buffer(cb_sum, 1, inner, "softmax: sum"),
                  buffer(cb_softmax, part, config.format.out, "softmax: result")};
  if (config.shape.causal) {
    buffers.push_back(buffer(cb_mask_in, part, config.format.out, "softmax: mask"));
  } else if (config.shape.seq_kv % tile_side != 0) {
    buffers.push_back(buffer(cb_edge, 1, DataFormat::bfp4_b, "softmax: edge"));
  }
  return buffers;
}

Buffers pv_buffers(const Config& config) {
  const Sizes size = sizes_of(config);
  Buffers buffers{buffer(cb_p, size.q_block * size.k_block * 2, config.format.out, "PV: P"),
                  buffer(cb_v, size.k_block * size.v_dim_t * 2, config.format.v, "PV: V")};
  if (size.k_blocks > 1) {
    buffers.push_back(buffer(cb_partial, size.q_block * size.v_dim_t, inner_format(config), "PV: partial sums"));
  }
  buffers.push_back(buffer(cb_out, size.q_block * size.v_dim_t, config.format.out, "PV: output"));
  return buffers;
}

std::uint32_t read_batch_of(const Config& config) { return config.read_batch > 0 ? word(config.read_batch) : ~0U; }

MatmulArgs qk_args(const Config& config, const TensorAddresses& addresses, std::uint32_t scores) {
  const Sizes size = sizes_of(config);
  const Subblock sub = attention::sdpa_subblock(config.q_chunk / tile_side, config.k_chunk / tile_side,
                                                dst_slots(config.chip, config.compute));
  MatmulArgs args;
  args.m_t = size.q_t;
  args.n_t = size.k_t;
  args.k_t = args.block_k = size.dim_t;
  args.block_m = size.q_block;
  args.block_n = size.k_block;
  args.m_blocks = size.q_blocks;
  args.n_blocks = size.k_blocks;
  args.k_blocks = 1;
  args.group = word(config.shape.heads / config.shape.kv_heads);
  args.transposed = 1;
  args.sub_h = word(sub.h);
  args.sub_w = word(sub.w);
  args.read_batch = read_batch_of(config);
  args.cb_a = cb_q;
  args.cb_b = cb_k;
  args.cb_result = cb_scores_out;
  args.phase = to_underlying(Phase::qk);
  args.a_base = addresses.q;
  args.b_base = addresses.k;
  args.out_base = scores;
  return args;
}

MatmulArgs pv_args(const Config& config, const TensorAddresses& addresses, std::uint32_t scores) {
  const Sizes size = sizes_of(config);
  const Subblock sub =
      attention::sdpa_subblock(config.q_chunk / tile_side, config.shape.v_dim_t(), dst_slots(config.chip, config.compute));
  MatmulArgs args = qk_args(config, addresses, scores);
  args.n_t = args.block_n = size.v_dim_t;
  args.k_t = size.k_t;
  args.block_k = size.k_block;
  args.n_blocks = 1;
  args.k_blocks = size.k_blocks;
  args.transposed = 0;
  args.blind_rows = word(config.shape.blind_rows());
  args.sub_h = word(sub.h);
  args.sub_w = word(sub.w);
  args.cb_a = cb_p;
  args.cb_b = cb_v;
  args.cb_result = cb_out;
  args.phase = to_underlying(Phase::pv);
  args.a_base = scores;
  args.b_base = addresses.v;
  args.out_base = addresses.out;
  return args;
}

SoftmaxArgs softmax_args(const Config& config, const Intermediates& dram) {
  const Shape& shape = config.shape;
  const Parts parts = softmax_parts(config);
  SoftmaxArgs args;
  args.rows_t = sizes_of(config).q_t;
  args.columns_t = sizes_of(config).k_t;
  args.keys = word(shape.seq_kv);
  args.part_t = parts.tiles;
  args.parts = parts.count;
  args.has_mask_in = shape.causal ? 1 : 0;
  args.slots = word(dst_slots(config.chip, config.compute));
  args.exp_accurate = config.exp_accurate ? 1 : 0;
  args.scale_bits = std::bit_cast<std::uint32_t>(static_cast<float>(shape.score_scale()));
  args.base = dram.scores;
  args.mask_base = dram.mask;
  return args;
}

/// Reader, compute and writer on all cores, with `items` dealt to them in runs, the first ones getting the remainder.
Program program_of(const Config& config, const char* name, const std::array<const char*, 3>& kernels,
                   const std::vector<std::uint32_t>& args, Buffers buffers, std::uint32_t items) {
  Program program;
  program.name = name;
  program.grid = config.grid;
  program.compute = config.compute;
  program.chip = config.chip;
  program.circular_buffers = std::move(buffers);
  program.phases = attention::phase_names();
  const CoreRange cores = CoreRange::all(config.grid);
  // As on the device: NCRISC reads on NoC 0, BRISC writes on NoC 1 (tensix.md 4.3: each NoC is fast in that direction).
  program.kernels = {{kernels[0], Risc::ncrisc, NocId::noc0, cores, args, {}, {}},
                     {kernels[1], Risc::trisc, NocId::noc0, cores, args, {}, {}},
                     {kernels[2], Risc::brisc, NocId::noc1, cores, args, {}, {}}};
  const std::uint32_t count = word(config.grid.cores());
  std::uint32_t first = 0;
  for (std::uint32_t core = 0; core < count; ++core) {
    const std::uint32_t own = items / count + (core < items % count ? 1 : 0);
    for (KernelConfig& kernel : program.kernels) kernel.runtime_args.push_back({static_cast<int>(core), {first, own}});
    first += own;
  }
  validate(program);
  return program;
}

std::uint64_t bytes_of_tensor(const Config& config, DataFormat format, int heads, int rows, int columns) {
  return std::uint64_t{1} * config.shape.batch * heads * tiles_of(rows) * tiles_of(columns) * tile_bytes(format);
}

}  // namespace

std::uint64_t score_bytes(const Config& config) {
  return bytes_of_tensor(config, config.format.out, config.shape.heads, config.shape.seq_q, config.shape.seq_kv);
}

std::uint64_t mask_bytes(const Config& config) {
  if (!config.shape.causal) return 0;
  return std::uint64_t{1} * tiles_of(config.shape.seq_q) * tiles_of(config.shape.seq_kv) * tile_bytes(config.format.out);
}

std::vector<std::byte> causal_mask(const Config& config) {
  // Finite, so that formats without an infinity have it.
  constexpr float closed = -3e38F;
  const int rows_t = tiles_of(config.shape.seq_q);
  const int columns = tiles_of(config.shape.seq_kv) * tile_side;
  std::vector<std::byte> tiles(mask_bytes(config));
  const std::size_t stripe_bytes = tiles.size() / static_cast<std::size_t>(rows_t);
  std::vector<float> stripe(std::size_t{1} * tile_side * columns, 0.0F);
  for (int row = 0; row < rows_t * tile_side; ++row) {
    const auto begin = stripe.begin() + static_cast<std::ptrdiff_t>(row % tile_side) * columns;
    std::fill(begin, begin + columns, closed);
    std::fill(begin, begin + std::clamp(row + 1 + config.shape.keys_before() - config.shape.blind_rows(), 0, columns), 0.0F);
    if (row % tile_side != tile_side - 1) continue;
    tilize(stripe, tile_side, columns, config.format.out,
           std::span(tiles).subspan(static_cast<std::size_t>(row / tile_side) * stripe_bytes, stripe_bytes));
  }
  return tiles;
}

void check_dram(const Config& config) {
  const Shape& shape = config.shape;
  const attention::Formats& formats = config.format;
  const std::uint64_t q = bytes_of_tensor(config, formats.q, shape.heads, shape.seq_q, shape.dim);
  const std::uint64_t out = bytes_of_tensor(config, formats.out, shape.heads, shape.seq_q, shape.value_dim());
  const std::uint64_t k = bytes_of_tensor(config, formats.k, shape.kv_heads, shape.seq_kv, shape.dim);
  const std::uint64_t v = bytes_of_tensor(config, formats.v, shape.kv_heads, shape.seq_kv, shape.value_dim());
  const std::uint64_t banks = config.chip.places().banks();
  const std::uint64_t bank_bytes = config.chip.memory().dram_bank_bytes;
  std::uint64_t in_bank = 0;
  const auto add = [&](std::uint64_t bytes, DataFormat format) {
    const std::uint64_t page = tile_bytes(format);
    in_bank += (bytes / page + banks - 1) / banks * page;
  };
  add(q, formats.q);
  add(k, formats.k);
  add(v, formats.v);
  add(out, formats.out);
  add(score_bytes(config), formats.out);
  add(mask_bytes(config), formats.out);
  if (in_bank <= bank_bytes) return;
  throw UsageError(
      fmt::format("`kernel` unfused: the score matrix of {}x{}x{}x{} takes {} bytes of DRAM, Q, K, V, output "
                  "and mask {} more; {} banks have {}",
                  shape.batch, shape.heads, shape.seq_q, shape.seq_kv, score_bytes(config),
                  q + k + v + out + mask_bytes(config), banks, banks * bank_bytes));
}

Buffers circular_buffers(const Config& config) {
  Buffers all;
  for (const Buffers& buffers : {qk_buffers(config), softmax_buffers(config), pv_buffers(config)}) {
    all.insert(all.end(), buffers.begin(), buffers.end());
  }
  return all;
}

std::uint64_t l1_bytes_needed(const Config& config) {
  std::uint64_t most = 0;
  for (Buffers buffers : {qk_buffers(config), softmax_buffers(config), pv_buffers(config)}) {
    Program program;
    program.chip = config.chip;
    program.circular_buffers = std::move(buffers);
    most = std::max(most, tilegrid::l1_bytes_needed(program));
  }
  return most;
}

std::vector<Program> make_programs(const Config& config, const TensorAddresses& addresses, const Intermediates& dram) {
  const Sizes size = sizes_of(config);
  const std::uint64_t most_items = std::uint64_t{size.heads} * std::max(size.q_blocks * size.k_blocks, size.q_t);
  if (most_items > ~0U) throw UsageError(fmt::format("`kernel` unfused: {} blocks are more than fit 32 bits", most_items));
  return {program_of(config, "scores", matmul_names, to_words(qk_args(config, addresses, dram.scores)), qk_buffers(config),
                     size.heads * size.q_blocks * size.k_blocks),
          program_of(config, "softmax", softmax_names, to_words(softmax_args(config, dram)), softmax_buffers(config),
                     size.heads * size.q_t),
          program_of(config, "output", matmul_names, to_words(pv_args(config, addresses, dram.scores)), pv_buffers(config),
                     size.heads * size.q_blocks)};
}

void register_kernels() {
  register_kernel(matmul_names[0], &matmul_reader);
  register_kernel(matmul_names[1], &matmul_compute);
  register_kernel(matmul_names[2], &matmul_writer);
  register_kernel(softmax_names[0], &softmax_reader);
  register_kernel(softmax_names[1], &softmax_compute);
  register_kernel(softmax_names[2], &softmax_writer);
}

}  // namespace tilegrid::unfused
