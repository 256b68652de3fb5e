// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "kernels/attention/config.h"
#include "kernels/attention/dealing.h"
#include "kernels/attention/delivery.h"

namespace tilegrid::attention {

Slices slices_of(const Config& config) {
  if (config.q_chunk <= 0) throw std::logic_error("attention: q_chunk is not chosen yet, call with_chunks first");
  const Shape& shape = config.shape;
  Slices slices;
  slices.heads = shape.heads / shape.kv_heads;
  slices.first = blind_chunks_of(config);
  slices.chunks = ceil_div(shape.seq_q, config.q_chunk) - slices.first;
  slices.lanes = config.team.cores();
  slices.zigzag = shape.causal && config.balance == Balance::zigzag;
  return slices;
}

int blind_chunks_of(const Config& config) {
  if (config.kernel == Kernel::unfused) return 0;  // it leaves nothing out
  return config.shape.blind_rows() / config.q_chunk;
}

int group_count(const Config& config) {
  return (config.team.cores() > 1 ? team_count(config) : config.grid.cores()) / config.parts;
}

Dealing::Dealing(const Config& config) : cores_(group_count(config)) {
  const Slices slices = slices_of(config);
  const Shape& shape = config.shape;
  zigzag_ = slices.zigzag;
  if (config.team.cores() == 1) {
    chunks_ = slices.chunks;
    first_ = slices.first;
    units_ = std::int64_t{shape.batch} * shape.heads * chunks_;
  } else {
    chunks_ = slices.count();
    units_ = std::int64_t{shape.batch} * shape.kv_heads * chunks_;
    const bool bound = config.partition == Partition::rows || config.partition == Partition::columns;
    if (bound) bound_heads_ = std::int64_t{shape.batch} * shape.kv_heads;
  }
  items_per_unit_ = zigzag_ && chunks_ % 2 == 0 ? 2 : 1;
  units_ /= items_per_unit_;
}

namespace {

/// Heads in ranges over lines of the grid, of `length` cores each; a head that has several lines has whole ones.
void divide_lines(Division& division, std::uint32_t lines, std::uint32_t length) {
  division.inner *= division.outer;
  division.outer = division.over_outer = 1;
  division.over_inner = std::min(lines, division.inner);
  division.over_chunks = std::min(lines / division.over_inner * length, division.chunks);
}

}  // namespace

Division division_of(const Config& config) {
  Division division;
  const Partition partition = config.partition;
  if (partition == Partition::flat || partition == Partition::contiguous || partition == Partition::split_k) return division;
  if (config.team.cores() > 1 && partition != Partition::heads_first) return division;  // dealt to teams (Dealing)
  const Slices slices = slices_of(config);
  const std::uint32_t width = config.grid.x;
  const std::uint32_t height = config.grid.y;
  division.outer = config.shape.batch;
  division.inner = config.shape.heads;
  division.chunks = slices.chunks;
  division.first = slices.first;
  if (config.partition == Partition::rows) {
    divide_lines(division, height, width);
  } else if (config.partition == Partition::columns) {
    divide_lines(division, width, height);
  } else {
    const std::uint32_t cores = width * height;
    division.over_outer = std::min(division.outer, cores);
    division.over_inner = std::min(cores / division.over_outer, division.inner);
    division.over_chunks = std::min(cores / (division.over_outer * division.over_inner), division.chunks);
  }
  // attention.md 1.3: balanced only where every core has the same, even number.
  const bool even = division.chunks % (2 * division.over_chunks) == 0;
  division.paired = slices.zigzag && even ? 1 : 0;
  return division;
}

std::optional<std::uint32_t> slot_of(const Config& config, const Division& division, int core) {
  const auto [x, y] = config.grid.core(core);
  std::uint32_t index = core;
  std::uint32_t lines = 0;
  if (config.partition == Partition::rows) lines = config.grid.y;
  if (config.partition == Partition::columns) {
    lines = config.grid.x;
    index = x * config.grid.y + y;
  }
  if (lines == 0) return index < division.slots() ? std::optional(index) : std::nullopt;
  const std::uint32_t length = config.grid.cores() / lines;
  const std::uint32_t of_a_head = lines / division.over_inner * length;
  const std::uint32_t group = index / of_a_head;
  const std::uint32_t place = index % of_a_head;
  if (group >= division.over_inner || place >= division.over_chunks) return std::nullopt;
  return group * division.over_chunks + place;
}

std::int64_t most_items(const Config& config) {
  const Division division = division_of(config);
  return division.is_there() ? division.most() : Dealing(config).first_item(1);
}

namespace {

/// Items of a core of a team, or of its part of them.
std::vector<WorkItem> items_of(const Config& config, const Dealing& dealing, const Place& place) {
  const Slices slices = slices_of(config);
  const Shape& shape = config.shape;
  std::vector<WorkItem> items;
  const int group = place.team / config.parts;
  if (group >= dealing.takers()) return items;
  for (std::int64_t i = dealing.first_item(group); i < dealing.first_item(group + 1); ++i) {
    const Slices::Item item = slices.item_at(static_cast<std::uint32_t>(i % slices.count()), place.lane);
    if (!item.exists) continue;
    const auto kv = static_cast<int>(i / slices.count());
    const WorkItem one = WorkItem::of(kv * slices.heads + item.head, shape.heads, item.chunk, place.team % config.parts);
    if (k_steps_of(config, one) > 0) items.push_back(one);
  }
  return items;
}

/// Of a core of a team that a division has made.
std::vector<WorkItem> items_of(const Config& config, const Division& division, const Place& place) {
  const std::uint32_t lanes = config.team.cores();
  std::vector<WorkItem> items;
  if (std::cmp_greater_equal(place.team, division.teams(lanes))) return items;
  for (std::uint32_t i = 0; i < division.turns(lanes, place.team); ++i) {
    const Division::Turn turn = division.turn_at(lanes, place.team, i, place.lane);
    if (turn.exists) items.push_back(WorkItem::of(turn.item.head, config.shape.heads, turn.item.chunk));
  }
  return items;
}

}  // namespace

std::vector<std::vector<WorkItem>> split_work(const Config& config) {
  const Dealing dealing(config);
  const int heads = config.shape.heads;
  const int chunks = dealing.chunks_per_head();
  std::vector<std::vector<WorkItem>> split(config.grid.cores());
  const Division division = division_of(config);
  if (config.team.cores() > 1) {
    for (const Place& place : places(config)) {
      split[place.core] = division.is_there() ? items_of(config, division, place) : items_of(config, dealing, place);
    }
    return split;
  }
  if (division.is_there()) {
    for (int core = 0; core < config.grid.cores(); ++core) {
      const auto slot = slot_of(config, division, core);
      for (std::uint32_t i = 0; slot && i < division.count(*slot); ++i) {
        const Division::Item item = division.item_at(*slot, i);
        split[core].push_back(WorkItem::of(item.head, heads, item.chunk));
      }
    }
    return split;
  }
  for (int core = 0; core < dealing.takers() * config.parts; ++core) {
    std::vector<WorkItem>& items = split[core];
    const int taker = core / config.parts;
    const std::int64_t last = dealing.first_item(taker + 1);
    items.reserve(last - dealing.first_item(taker));
    for (std::int64_t i = dealing.first_item(taker); i < last; ++i) {
      const auto flat_head = static_cast<int>(i / chunks);
      const WorkItem item =
          WorkItem::of(flat_head, heads, dealing.chunk_at(static_cast<int>(i % chunks)), core % config.parts);
      if (k_steps_of(config, item) > 0) items.push_back(item);
    }
  }
  return split;
}

int k_chunks_of(const Config& config, int q_chunk_index, int batch) {
  if (config.q_chunk <= 0 || config.k_chunk <= 0) {
    throw std::logic_error("attention: chunks are not chosen yet, call with_chunks first");
  }
  const Shape& shape = config.shape;
  if (!shape.causal || config.kernel == Kernel::unfused) return ceil_div(keys_of(config, batch), config.k_chunk);
  const std::int64_t end_row = (std::int64_t{q_chunk_index} + 1) * config.q_chunk;  // of the padded chunk
  const auto end = static_cast<int>(std::min<std::int64_t>(end_row, shape.seq_q));
  return ceil_div(shape.keys_seen(end - 1), config.k_chunk);
}

KParts k_parts_of(const Config& config, Slices::Extent chunks, int batch) {
  const Shape& shape = config.shape;
  KParts parts;
  parts.visits = k_chunks_of(config, static_cast<int>(chunks.heavy), batch);
  parts.parts = config.parts;
  if (!shape.causal) return parts;
  const int first = std::max(static_cast<int>(chunks.light) * config.q_chunk, shape.blind_rows());  // row that sees a key
  parts.together = parts.visits - (shape.keys_seen(first) - 1) / config.k_chunk;
  return parts;
}

KParts k_parts_of(const Config& config, int q_chunk_index, int batch) {
  const auto chunk = static_cast<std::uint32_t>(q_chunk_index);
  return k_parts_of(config, {chunk, chunk}, batch);
}

int k_steps_of(const Config& config, const WorkItem& item) {
  const int visits = k_chunks_of(config, item.chunk, item.batch);
  if (config.parts == 1) return visits;
  const Slices slices = slices_of(config);
  const Slices::Extent chunks = slices.extent_of(item.head % slices.heads, item.chunk);
  const KParts::Range range = k_parts_of(config, chunks, item.batch).of(item.part);
  return std::max(std::min(static_cast<int>(range.end), visits) - static_cast<int>(range.begin), 0);
}

namespace {

/// Products with a column of ones for a Q chunk: one at its end, or one in every K step. The planned and the unfused kernel
/// have none.
std::uint64_t sum_tiles_of(const Config& config, int k_steps) {
  const std::uint64_t sq = config.q_chunk / tile_side, sk = config.k_chunk / tile_side;
  const bool multipass = config.kernel == Kernel::multipass;
  if (config.kernel == Kernel::hand_written || (multipass && config.steps.has(Step::packer_sum))) return sq;
  return multipass && config.steps.has(Step::matmul_sum) ? k_steps * sq * sk : 0;
}

}  // namespace

std::uint64_t matmul_tile_count(const Config& config, const std::vector<std::vector<WorkItem>>& split) {
  const std::uint64_t step = std::uint64_t{1} * (config.q_chunk / tile_side) * (config.k_chunk / tile_side) *
                             (config.shape.dim_t() + config.shape.v_dim_t());
  std::uint64_t tiles = 0;
  for (const auto& items : split) {
    for (const WorkItem& item : items) {
      const int k_steps = k_steps_of(config, item);
      tiles += k_steps * step + (item.part == 0 ? sum_tiles_of(config, k_steps) : 0);
    }
  }
  return tiles;
}

}  // namespace tilegrid::attention
