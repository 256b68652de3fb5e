// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "core/error.h"
#include "kernels/attention/dealing.h"
#include "noc/address.h"

namespace tilegrid::attention {
namespace {

// Limits of ours, not of the hardware. They keep every count and byte size of a run well inside 64 bits, and flat counts of
// items inside 32. At the element limit Q and the output alone take more than the chip's 12 GiB of DRAM (tensix.md 4.3).
constexpr int max_sequence = 1 << 20;
constexpr int max_batch_or_heads = 1 << 16;
constexpr std::int64_t max_batch_heads = std::int64_t{1} << 20U;
constexpr std::int64_t max_elements = std::int64_t{1} << 32U;
constexpr int max_chunk = 16 * tile_side;

void check_range(const char* flag, int value, int limit) {
  if (value < 1 || value > limit) throw UsageError(fmt::format("{} {}: must be from 1 to {}", flag, value, limit));
}

void check_chunk(const char* flag, int value) {
  if (value < 0 || value > max_chunk || value % tile_side != 0) {
    throw UsageError(fmt::format("{} {}: chunks are multiples of 32 from 32 to {}, or 0 to choose", flag, value, max_chunk));
  }
}

void check_elements(const char* what, const Shape& shape, int heads, int sequence) {
  const int dim = std::max(shape.dim, shape.value_dim());
  const std::int64_t elements = std::int64_t{shape.batch} * heads * sequence * dim;  // < 2^20 * 2^20 * 2^8
  if (elements > max_elements) {
    throw UsageError(fmt::format("{} of {}x{}x{}x{}: {} elements, at most {} (2^32) are supported", what, shape.batch, heads,
                                 sequence, dim, elements, max_elements));
  }
}

void validate_shape(const Shape& shape) {
  check_range("`batch`", shape.batch, max_batch_or_heads);
  check_range("`heads`", shape.heads, max_batch_or_heads);
  check_range("`kv_heads`", shape.kv_heads, max_batch_or_heads);
  check_range("`seq_q`", shape.seq_q, max_sequence);
  check_range("`seq_kv`", shape.seq_kv, max_sequence);
  check_range("`dim`", shape.dim, max_dim);
  check_range("`v_dim`", shape.value_dim(), max_dim);
  // The kernels take the maximum of the scores before they scale, so the scale may not turn the order round.
  const auto scale = static_cast<float>(shape.score_scale());
  if (!std::isfinite(scale) || scale <= 0) {
    throw UsageError(fmt::format("`scale` {}: must be a positive number of fp32", shape.score_scale()));
  }
  if (shape.heads % shape.kv_heads != 0) {
    throw UsageError(fmt::format("`kv_heads` {}: must divide the number of heads ({})", shape.kv_heads, shape.heads));
  }
  if (std::int64_t{shape.batch} * shape.heads > max_batch_heads) {
    throw UsageError(
        fmt::format("`batch` {} `heads` {}: batch x heads is at most {}", shape.batch, shape.heads, max_batch_heads));
  }
  check_elements("Q", shape, shape.heads, shape.seq_q);
  check_elements("K", shape, shape.kv_heads, shape.seq_kv);
}

}  // namespace

double Shape::pairs() const {
  const double queries = seq_q - blind_rows();
  if (!causal || seq_q == seq_kv) return queries * seq_kv / (causal ? 2 : 1);
  return queries * keys_before() + queries * (queries + 1) / 2;
}

Shape packed_heads(Shape shape) {
  if (shape.seq_q != 1 || shape.heads == shape.kv_heads) return shape;
  shape.seq_q = shape.heads / shape.kv_heads;
  shape.heads = shape.kv_heads;
  shape.causal = false;  // the one query sees all keys
  return shape;
}

std::string dims_text(const Shape& shape) {
  std::string text = fmt::format("dim {}", shape.dim);
  if (shape.value_dim() != shape.dim) text += fmt::format(", v dim {}", shape.value_dim());
  if (shape.scale) text += fmt::format(", scale {}", *shape.scale);
  return text;
}

std::string shape_text(const Shape& shape) {
  return fmt::format("batch {}, heads {}, kv heads {}, seq {}, kv seq {}, {}", shape.batch, shape.heads, shape.kv_heads,
                     shape.seq_q, shape.seq_kv, dims_text(shape));
}

const char* name_of(Kernel kernel) {
  constexpr std::array<const char*, 4> names{"hand-written", "planned", "multipass", "unfused"};
  return names.at(to_underlying(kernel));
}

const char* name_of(KvDelivery delivery) {
  constexpr std::array<const char*, 5> names{"dram", "chain", "multicast-row", "multicast-grid", "auto"};
  return names.at(to_underlying(delivery));
}

const char* name_of(Balance balance) { return balance == Balance::zigzag ? "zigzag" : "contiguous"; }

const char* name_of(Partition partition) {
  constexpr std::array<const char*, 6> names{"flat", "contiguous", "heads-first", "rows", "columns", "split-k"};
  return names.at(to_underlying(partition));
}

std::string partition_text(const Config& config) {
  if (config.partition != Partition::split_k) return name_of(config.partition);
  return fmt::format("{} in {} part{}", name_of(config.partition), config.parts, config.parts == 1 ? "" : "s");
}

namespace {

void validate_partition(const Config& config) {
  const bool split = config.partition == Partition::split_k;
  if (config.k_parts != 0 && !split) {
    throw UsageError(fmt::format("`k_parts` {}: goes with `partition` split-k", config.k_parts));
  }
  const int most = std::min(config.grid.cores(), static_cast<int>(MergeTree::max_parts));
  if (config.k_parts < 0 || config.k_parts > most) {
    throw UsageError(
        fmt::format("`k_parts` {}: 1 to {} cores share the K chunks of a Q chunk on a {}x{} grid, or 0 to choose",
                    config.k_parts, most, config.grid.x, config.grid.y));
  }
  if (config.partition == Partition::flat) return;
  const auto refuse = [&](const std::string& why) {
    throw UsageError(fmt::format("`partition` {}: {}", name_of(config.partition), why));
  };
  if (config.kernel == Kernel::unfused)
    refuse("the unfused programs deal their blocks themselves; it goes with other kernels");
  if (split && config.kernel != Kernel::hand_written) {
    refuse(
        fmt::format("the {} kernel merges no partial results; it goes with the hand-written one", name_of(config.kernel)));
  }
  if (config.partition == Partition::contiguous || config.kv == KvDelivery::dram) return;
  const bool heads_first = config.partition == Partition::heads_first;
  if (heads_first && config.kv_cores != 0) {
    refuse(fmt::format("`kv_cores` {}: a team is the cores of a K/V head", config.kv_cores));
  }
  if (split || heads_first) return;
  const bool along_rows = config.partition == Partition::rows;
  const bool any = config.kv == KvDelivery::automatic || config.kv == KvDelivery::multicast_grid;
  if (!along_rows && !any) {
    refuse(fmt::format("`kv` {} goes along rows; along columns goes multicast-grid", name_of(config.kv)));
  }
  if (config.kv_cores != 0) {
    refuse(fmt::format("`kv_cores` {}: a team is a {}", config.kv_cores, along_rows ? "row" : "column"));
  }
}

void validate_lengths(const Config& config) {
  if (!config.kv_lengths) return;
  const std::vector<std::uint32_t>& lengths = *config.kv_lengths;
  const Shape& shape = config.shape;
  if (lengths.size() != static_cast<std::size_t>(shape.batch)) {
    throw UsageError(fmt::format("`kv_lengths`: {} length{} of {} batch{}: one for each is expected", lengths.size(),
                                 lengths.size() == 1 ? "" : "s", shape.batch, shape.batch == 1 ? "" : "es"));
  }
  for (const std::uint32_t keys : lengths) {
    if (keys == 0 || keys > static_cast<std::uint32_t>(shape.seq_kv)) {
      throw UsageError(fmt::format("`kv_lengths`: {} keys of a batch: there are 1 to {} (`seq_kv`)", keys, shape.seq_kv));
    }
  }
  if (shape.causal) {
    throw UsageError("`kv_lengths`: with `causal` they go with one query a head (`seq_q` 1), which sees all keys");
  }
  if (config.kernel != Kernel::hand_written) {
    throw UsageError(
        fmt::format("`kv_lengths`: the {} kernel takes all batches to be as long; they go with the hand-written one",
                    name_of(config.kernel)));
  }
}

}  // namespace

void validate(const Config& config) {
  validate_shape(config.shape);
  validate_lengths(config);
  if (config.grid.x < 1 || config.grid.y < 1 || config.grid.x > noc::max_grid_side || config.grid.y > noc::max_grid_side) {
    throw UsageError(fmt::format("`grid` {}x{}: grids are 1x1 to {}x{}", config.grid.x, config.grid.y, noc::max_grid_side,
                                 noc::max_grid_side));
  }
  check_chunk("`q_chunk`", config.q_chunk);
  check_chunk("`k_chunk`", config.k_chunk);
  if (config.read_batch < 0)
    throw UsageError(fmt::format("`read_batch` {}: tiles, or 0 for a whole chunk", config.read_batch));
  if (config.kv != KvDelivery::dram && config.kernel != Kernel::hand_written) {
    throw UsageError(
        fmt::format("`kv` {}: the {} kernel reads K and V from DRAM on every core; other deliveries go with the "
                    "hand-written one",
                    name_of(config.kv), name_of(config.kernel)));
  }
  config.chip.check_grid(config.grid, "`grid`");
  const GridSize die = config.chip.workers();
  if (config.kv != KvDelivery::dram && (config.grid.x > die.x || config.grid.y > die.y)) {
    throw UsageError(
        fmt::format("`kv` {}: on a {}x{} grid several cores share NoC coordinates; at most {}x{} cores can send to "
                    "each other",
                    name_of(config.kv), config.grid.x, config.grid.y, die.x, die.y));
  }
  validate_partition(config);
  if (config.kv_page < 0 || config.kv_page % tile_side != 0 || config.kv_page > max_sequence) {
    throw UsageError(fmt::format("`kv_page` {}: pages have a multiple of 32 rows, up to {}", config.kv_page, max_sequence));
  }
  if (config.kv_page != 0 && config.kernel == Kernel::unfused) {
    throw UsageError(fmt::format("`kv_page` {}: the unfused programs read K and V as they are", config.kv_page));
  }
  if (config.kv_cores != 0 && config.kv == KvDelivery::dram) {
    throw UsageError(fmt::format("`kv_cores` {}: goes with chain, multicast-row, multicast-grid or auto", config.kv_cores));
  }
  const Formats& formats = config.format;
  for (const DataFormat format : {formats.q, formats.k, formats.v, formats.out}) {
    if (is_integer(format)) throw UsageError(fmt::format("`format` {}: attention takes no integers", name_of(format)));
  }
  if (config.exp_unclamped && (config.kernel != Kernel::hand_written || config.compute.numerics != Numerics::exact)) {
    throw UsageError(
        "`exp` unclamped: goes with the hand-written kernel and exact numerics, which have what it makes of small scores");
  }
  const bool half = formats.q == DataFormat::fp16;
  if ((formats.k == DataFormat::fp16) != half || (formats.v == DataFormat::fp16) != half) {
    throw UsageError(fmt::format(
        "`format` q={},k={},v={}: the matrix unit takes fp16 with nothing but fp16, so q and kv are both of it or none",
        name_of(formats.q), name_of(formats.k), name_of(formats.v)));
  }
  if (half && (config.kernel == Kernel::planned || config.kernel == Kernel::unfused)) {
    throw UsageError(
        fmt::format("`format` fp16: the {} kernel keeps bf16 in L1, which goes with no fp16; the hand-written and "
                    "the multipass ones keep fp16",
                    name_of(config.kernel)));
  }
}

Subblock sdpa_subblock(int rows, int columns, int slots) {
  // In the order of attention.md 1.6.
  constexpr std::array<Subblock, 20> shapes{{{2, 4}, {4, 2}, {1, 8}, {8, 1}, {1, 7}, {7, 1}, {2, 3},
                                             {3, 2}, {1, 6}, {6, 1}, {1, 5}, {5, 1}, {2, 2}, {1, 4},
                                             {4, 1}, {1, 3}, {3, 1}, {1, 2}, {2, 1}, {1, 1}}};
  return first_subblock(shapes, rows, columns, slots);
}

bool needs_mask(const Config& config) {
  if (config.k_chunk <= 0) throw std::logic_error("attention: k_chunk is not chosen yet, call with_chunks first");
  const auto padded = [&](std::uint32_t keys) { return keys % config.k_chunk != 0; };
  if (config.kv_lengths) return std::any_of(config.kv_lengths->begin(), config.kv_lengths->end(), padded);
  return config.shape.causal || padded(config.shape.seq_kv);
}

int keys_of(const Config& config, int batch) {
  return config.kv_lengths ? static_cast<int>(config.kv_lengths->at(batch)) : config.shape.seq_kv;
}

double useful_flops(const Config& config) {
  if (!config.kv_lengths) return config.shape.useful_flops();
  Shape one = config.shape;
  one.batch = 1;
  double flops = 0;
  for (const std::uint32_t keys : *config.kv_lengths) {
    one.seq_kv = static_cast<int>(keys);
    flops += one.useful_flops();
  }
  return flops;
}

}  // namespace tilegrid::attention
