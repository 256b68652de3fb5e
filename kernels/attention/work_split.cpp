// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <stdexcept>

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
  slices.chunks = ceil_div(shape.seq_q, config.q_chunk) - static_cast<int>(slices.first);
  slices.lanes = config.team.cores();
  slices.zigzag = shape.causal && config.balance == Balance::zigzag;
  return slices;
}

int blind_chunks_of(const Config& config) {
  if (config.kernel == Kernel::unfused) return 0;  // it leaves nothing out
  return config.shape.blind_rows() / config.q_chunk;
}

Dealing::Dealing(const Config& config) : cores_(config.grid.cores()) {
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
    cores_ = team_count(config);
  }
  items_per_unit_ = zigzag_ && chunks_ % 2 == 0 ? 2 : 1;
  units_ /= items_per_unit_;
}

namespace {

/// Items of a core of a team.
std::vector<WorkItem> items_of(const Config& config, const Dealing& dealing, int team, int lane) {
  const Slices slices = slices_of(config);
  const Shape& shape = config.shape;
  std::vector<WorkItem> items;
  for (std::int64_t i = dealing.first_item(team); i < dealing.first_item(team + 1); ++i) {
    const Slices::Item item = slices.item_at(static_cast<std::uint32_t>(i % slices.count()), lane);
    if (!item.exists) continue;
    const auto kv = static_cast<int>(i / slices.count());
    items.push_back({kv / shape.kv_heads, kv % shape.kv_heads * static_cast<int>(slices.heads) + static_cast<int>(item.head),
                     static_cast<int>(item.chunk)});
  }
  return items;
}

}  // namespace

std::vector<std::vector<WorkItem>> split_work(const Config& config) {
  const Dealing dealing(config);
  const int heads = config.shape.heads;
  const int chunks = dealing.chunks_per_head();
  std::vector<std::vector<WorkItem>> split(config.grid.cores());
  if (config.team.cores() > 1) {
    for (const Place& place : places(config)) {
      split[place.core] = items_of(config, dealing, place.team, place.lane);
    }
    return split;
  }
  for (int core = 0; core < config.grid.cores(); ++core) {
    std::vector<WorkItem>& items = split[core];
    const std::int64_t last = dealing.first_item(core + 1);
    items.reserve(last - dealing.first_item(core));
    for (std::int64_t i = dealing.first_item(core); i < last; ++i) {
      const std::int64_t flat_head = i / chunks;
      items.push_back({static_cast<int>(flat_head / heads), static_cast<int>(flat_head % heads),
                       dealing.chunk_at(static_cast<int>(i % chunks))});
    }
  }
  return split;
}

int k_chunks_of(const Config& config, int q_chunk_index) {
  if (config.q_chunk <= 0 || config.k_chunk <= 0) {
    throw std::logic_error("attention: chunks are not chosen yet, call with_chunks first");
  }
  const Shape& shape = config.shape;
  if (!shape.causal || config.kernel == Kernel::unfused) return ceil_div(shape.seq_kv, config.k_chunk);
  const std::int64_t end_row = (std::int64_t{q_chunk_index} + 1) * config.q_chunk;  // of the padded chunk
  const auto end = static_cast<int>(std::min<std::int64_t>(end_row, shape.seq_q));
  return ceil_div(shape.keys_seen(end - 1), config.k_chunk);
}

}  // namespace tilegrid::attention
