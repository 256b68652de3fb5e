// SPDX-License-Identifier: Apache-2.0
#include "runtime/foreign/foreign_attention.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/error.h"
#include "core/tile.h"
#include "kernels/common/divisor.h"

namespace tilegrid::workloads {
namespace {

constexpr int max_chunk = 512;  // rows, as attention::validate() allows

}  // namespace

using attention::KvDelivery;

ForeignAttention::ForeignAttention(SdpaFiles files, const Attention& asked, Device& device) : files_(std::move(files)) {
  ask_as(asked);
  config.kernel = attention::Kernel::hand_written;
  config.kv = KvDelivery::dram;
  config.kv_cores = 0;
  try {
    ForeignAttention::prepare(device);
    if (files_.kind == Sdpa::noncausal) choose_one_chunk(asked, device);
    refusal_ = refusal_of(files_, config);
  } catch (const UsageError& error) {
    refusal_ = flags().with_flags(error.message());
  }
  device.free_buffers();
}

/// All of Q in one chunk, and K in whole chunks, as far as nothing else is asked for.
void ForeignAttention::choose_one_chunk(const Attention& asked, Device& device) {
  const attention::Shape& shape = config.shape;
  const int rows = tiles_of(shape.seq_q) * tile_side;
  if (asked.config.q_chunk == 0 && rows <= max_chunk && rows != config.q_chunk) {
    config.q_chunk = rows;
    config.k_chunk = asked.config.k_chunk;
    device.free_buffers();
    ForeignAttention::prepare(device);
  }
  if (asked.config.k_chunk == 0 && shape.seq_kv % tile_side == 0) {
    config.k_chunk = largest_divisor(shape.seq_kv / tile_side, config.k_chunk / tile_side) * tile_side;
  }
}

void ForeignAttention::compile() { objects_ = jit::compile_all(sources_of(files_, config)); }

double ForeignAttention::compile_seconds() const {
  return std::accumulate(objects_.begin(), objects_.end(), 0.0,
                         [](double sum, const jit::Object& object) { return sum + object.seconds; });
}

void ForeignAttention::prepare(Device& device) {
  Attention::prepare(device);
  split = split_of(files_.kind, config);
  if (files_.kind != Sdpa::noncausal) return;
  const auto side = [](int rows, int chunk) {
    return static_cast<std::uint64_t>(ceil_div(rows, chunk)) * static_cast<std::uint64_t>(chunk / tile_side);
  };
  const std::uint64_t tiles = side(config.shape.seq_q, config.q_chunk) * side(config.shape.seq_kv, config.k_chunk);
  const auto heads = static_cast<std::uint64_t>(config.shape.batch) * static_cast<std::uint64_t>(config.shape.heads);
  const std::uint32_t page = tile_bytes(DataFormat::bf16);
  mask_ = device.create_buffer(heads * tiles * page, page);
}

std::vector<Program> ForeignAttention::programs(Device& /*device*/) {
  prepared_ = program_of(files_, config, addresses(), mask_.address, objects_);
  return {prepared_};
}

std::uint32_t ForeignAttention::offset_of(attention::CbIndex id) const {
  const std::vector<std::uint32_t> offsets = l1_offsets_of(prepared_);
  const auto& buffers = prepared_.circular_buffers;
  const auto found = std::find_if(buffers.begin(), buffers.end(),
                                  [&](const CircularBufferConfig& buffer) { return buffer.id == static_cast<int>(id); });
  return offsets.at(static_cast<std::size_t>(found - buffers.begin()));
}

void ForeignAttention::for_each_head(const std::function<void(LogicalCore, std::size_t)>& visit) const {
  for (std::size_t core = 0; core < split.size(); ++core) {
    for (const attention::WorkItem& item : split[core]) {
      visit(config.grid.core(static_cast<int>(core)),
            static_cast<std::size_t>(item.batch) * static_cast<std::size_t>(config.shape.heads) +
                static_cast<std::size_t>(item.head));
    }
  }
}

/// The kernel for decoding has Q in L1 and nothing to mask.
void ForeignAttention::upload(Device& device) {
  Attention::upload(device);
  if (files_.kind != Sdpa::noncausal) return;
  device.write(mask_, std::vector<std::byte>(mask_.bytes()));
  const Buffer& q = q_buffer();
  std::vector<std::byte> tiles(q.bytes());
  device.read(q, tiles);
  const std::size_t head_bytes =
      tiles.size() / (static_cast<std::size_t>(config.shape.batch) * static_cast<std::size_t>(config.shape.heads));
  const std::size_t chunk_bytes = static_cast<std::size_t>(config.q_chunk / tile_side) *
                                  static_cast<std::size_t>(config.shape.dim_t()) * tile_bytes(config.format);
  for_each_head([&](LogicalCore core, std::size_t head) {
    std::vector<std::byte> chunk(chunk_bytes);  // rows that do not exist are zeros
    std::copy_n(tiles.begin() + static_cast<std::ptrdiff_t>(head * head_bytes), head_bytes, chunk.begin());
    device.write_l1(core, offset_of(attention::cb_q), chunk);
  });
}

void ForeignAttention::finish(Device& device, report::RunOutcome& outcome) {
  if (files_.kind == Sdpa::noncausal) {
    const Buffer& out = out_buffer();
    std::vector<std::byte> tiles(out.bytes());
    const std::size_t head_bytes =
        tiles.size() / (static_cast<std::size_t>(config.shape.batch) * static_cast<std::size_t>(config.shape.heads));
    for_each_head([&](LogicalCore core, std::size_t head) {
      device.read_l1(core, offset_of(attention::cb_out), std::span(tiles).subspan(head * head_bytes, head_bytes));
    });
    device.write(out, tiles);
  }
  Attention::finish(device, outcome);
}

}  // namespace tilegrid::workloads
