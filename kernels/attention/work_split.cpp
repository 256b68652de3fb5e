// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <stdexcept>

#include "kernels/attention/config.h"
#include "kernels/attention/dealing.h"

namespace tilegrid::attention {

Dealing::Dealing(const Config& config) : cores_(config.grid.cores()) {
  if (config.q_chunk <= 0) throw std::logic_error("attention: q_chunk is not chosen yet, call with_chunks first");
  const Shape& shape = config.shape;
  chunks_ = ceil_div(shape.seq_q, config.q_chunk);
  zigzag_ = shape.causal && config.balance == Balance::zigzag;
  items_per_unit_ = zigzag_ && chunks_ % 2 == 0 ? 2 : 1;
  units_ = std::int64_t{shape.batch} * shape.heads * chunks_ / items_per_unit_;
}

std::vector<std::vector<WorkItem>> split_work(const Config& config) {
  const Dealing dealing(config);
  const int heads = config.shape.heads;
  const int chunks = dealing.chunks_per_head();
  std::vector<std::vector<WorkItem>> split(static_cast<std::size_t>(config.grid.cores()));
  for (int core = 0; core < config.grid.cores(); ++core) {
    std::vector<WorkItem>& items = split[static_cast<std::size_t>(core)];
    const std::int64_t last = dealing.first_item(core + 1);
    items.reserve(static_cast<std::size_t>(last - dealing.first_item(core)));
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
  return ceil_div(static_cast<int>(std::min<std::int64_t>(end_row, shape.seq_q)), config.k_chunk);
}

}  // namespace tilegrid::attention
