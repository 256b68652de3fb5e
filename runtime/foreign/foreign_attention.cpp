// SPDX-License-Identifier: Apache-2.0
#include "runtime/foreign/foreign_attention.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/error.h"
#include "core/tile.h"
#include "kernels/common/divisor.h"
#include "runtime/flags/command_line.h"

namespace tilegrid::foreign {
namespace {

constexpr int max_chunk = 512;  // rows, as attention::validate() allows

}  // namespace

using workloads::Attention;

ForeignAttention::ForeignAttention(SdpaFiles files, const Attention& asked, Device& device) : files_(std::move(files)) {
  ask_as(flags(), asked.flags());
  config.kernel = attention::Kernel::hand_written;
  config.kv = attention::KvDelivery::dram;
  config.kv_cores = 0;
  settle();
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
  config = dealt_out(config);
  split = attention::split_work(config);
  if (files_.kind != Sdpa::noncausal) return;
  const std::uint32_t page = tile_bytes(DataFormat::bf16);
  const attention::Shape& shape = config.shape;
  const std::uint64_t rows = std::uint64_t{1} * shape.batch * shape.heads * ceil_div(shape.seq_q, config.q_chunk);
  const std::uint64_t keys = ceil_div(shape.seq_kv, config.k_chunk);
  mask_ = device.create_buffer(rows * (config.q_chunk / tile_side) * keys * (config.k_chunk / tile_side) * page, page);
}

std::vector<Program> ForeignAttention::programs(Device& /*device*/) {
  prepared_ = program_of(files_, config, addresses(), mask_.address, objects_);
  return {prepared_};
}

std::uint32_t ForeignAttention::offset_of(attention::CbIndex id) const {
  const auto& buffers = prepared_.circular_buffers;
  const auto found =
      std::find_if(buffers.begin(), buffers.end(), [&](const auto& buffer) { return buffer.id == static_cast<int>(id); });
  return l1_offsets_of(prepared_).at(found - buffers.begin());
}

void ForeignAttention::for_each_head(std::span<std::byte> tiles,
                                     const std::function<void(LogicalCore, std::span<std::byte>)>& visit) const {
  const std::size_t bytes = tiles.size() / (config.shape.batch * config.shape.heads);
  for (int core = 0; core < config.grid.cores(); ++core) {
    for (const attention::WorkItem& item : split[core]) {
      visit(config.grid.core(core), tiles.subspan((item.batch * config.shape.heads + item.head) * bytes, bytes));
    }
  }
}

/// The kernel for decoding has Q in L1 and nothing to mask.
void ForeignAttention::upload(Device& device) {
  Attention::upload(device);
  if (files_.kind != Sdpa::noncausal) return;
  device.write(mask_, std::vector<std::byte>(mask_.bytes()));
  std::vector<std::byte> tiles(q_buffer().bytes());
  device.read(q_buffer(), tiles);
  const std::uint32_t chunk_tiles = config.q_chunk / tile_side * config.shape.dim_t();
  for_each_head(tiles, [&](LogicalCore core, std::span<std::byte> head) {
    std::vector<std::byte> chunk(chunk_tiles * tile_bytes(config.format.q));  // rows that do not exist are zeros
    std::copy(head.begin(), head.end(), chunk.begin());
    device.write_l1(core, offset_of(attention::cb_q), chunk);
  });
}

void ForeignAttention::finish(Device& device, report::RunOutcome& outcome) {
  if (files_.kind == Sdpa::noncausal) {
    std::vector<std::byte> tiles(out_buffer().bytes());
    for_each_head(tiles, [&](LogicalCore core, std::span<std::byte> head) {
      device.read_l1(core, offset_of(attention::cb_out), head);
    });
    device.write(out_buffer(), tiles);
  }
  Attention::finish(device, outcome);
}

std::vector<std::unique_ptr<ForeignAttention>> find_foreign(const std::string& folder, const Attention& asked,
                                                            Device& device) {
  std::vector<std::unique_ptr<ForeignAttention>> runs;
  if (folder.empty()) return runs;
  std::vector<std::string> refusals;
  for (SdpaFiles& files : find_sdpa(folder)) {
    ForeignAttention& run = *runs.emplace_back(std::make_unique<ForeignAttention>(std::move(files), asked, device));
    if (run.refusal().empty()) {
      run.compile();
    } else {
      refusals.push_back(fmt::format("{}: {}", run.files().compute.string(), run.refusal()));
    }
  }
  if (refusals.size() < runs.size()) return runs;
  throw UsageError(fmt::format("--foreign {}: {}", folder, fmt::join(refusals, "; ")));
}

}  // namespace tilegrid::foreign
