// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <map>
#include <optional>
#include <stdexcept>
#include <tt-metalium/distributed.hpp>

#include "runtime/metalium/board.h"
#include "runtime/metalium/program_parts.h"

namespace tt::tt_metal::distributed {
namespace {

using Parts = std::shared_ptr<tilegrid::metalium::ProgramParts>;

/// What was enqueued between the begin and the end of a trace.
struct Traces {
  std::map<std::uint32_t, std::vector<Parts>> kept;
  std::optional<std::uint32_t> open;
  std::uint32_t next = 0;
};
Traces& traces() {
  static Traces all;
  return all;
}

}  // namespace

std::shared_ptr<MeshBuffer> MeshBuffer::create(const MeshBufferConfig& config, const DeviceLocalBufferConfig& local,
                                               MeshDevice* device, std::optional<DeviceAddr> address) {
  const auto* sharded = std::get_if<ShardedBufferConfig>(&config);
  const DeviceAddr size = sharded != nullptr ? sharded->global_size : std::get<ReplicatedBufferConfig>(config).size;
  auto buffer = Buffer::create(device, size, local.page_size, local.buffer_type, local.sharding_args, local.bottom_up,
                               local.sub_device_id, address);
  return std::make_shared<MeshBuffer>(config, local, device, std::move(buffer));
}

void MeshWorkload::add_program(const MeshCoordinateRange& range, Program&& program) {
  for (std::size_t i = 0; i < range.dims(); ++i) {
    const auto axis = static_cast<std::int32_t>(i);
    if (range.start_coord()[axis] == 0 && range.end_coord()[axis] == 0) continue;
    throw std::runtime_error(fmt::format("MeshWorkload: a program for devices {} to {}: one chip is emulated",
                                         range.start_coord(), range.end_coord()));
  }
  programs_.insert_or_assign(range, std::move(program));
}

void MeshCommandQueue::enqueue_mesh_workload(MeshWorkload& workload, bool) {
  for (auto& [range, program] : workload.get_programs()) {
    if (traces().open) {
      traces().kept[*traces().open].push_back(program.shared_parts());
    } else {
      tilegrid::metalium::Board::get().launch(program.parts());
    }
  }
}

void EnqueueMeshWorkload(MeshCommandQueue& queue, MeshWorkload& workload, bool blocking) {
  queue.enqueue_mesh_workload(workload, blocking);
}

void MeshCommandQueue::enqueue_write_mesh_buffer(const std::shared_ptr<MeshBuffer>& buffer, const void* data, bool) {
  write_bytes(*buffer->get_backing_buffer(), data, buffer->size());
}

void MeshCommandQueue::enqueue_read_mesh_buffer(void* data, const std::shared_ptr<MeshBuffer>& buffer, bool) {
  read_bytes(*buffer->get_backing_buffer(), data, buffer->size());
}

namespace {

std::size_t bytes_of(const MeshCommandQueue::ShardDataTransfer& transfer, const MeshBuffer& buffer) {
  if (!transfer.region) return buffer.size();
  if (transfer.region->offset != 0) throw std::runtime_error("a region of a shard that does not begin with it");
  return transfer.region->size;
}

}  // namespace

void MeshCommandQueue::enqueue_write_shards(const std::shared_ptr<MeshBuffer>& buffer,
                                            const std::vector<ShardDataTransfer>& transfers, bool) {
  for (const ShardDataTransfer& transfer : transfers) {
    write_bytes(*buffer->get_backing_buffer(), transfer.host_data, bytes_of(transfer, *buffer));
  }
}

void MeshCommandQueue::enqueue_read_shards(const std::vector<ShardDataTransfer>& transfers,
                                           const std::shared_ptr<MeshBuffer>& buffer, bool) {
  for (const ShardDataTransfer& transfer : transfers) {
    read_bytes(*buffer->get_backing_buffer(), transfer.host_data, bytes_of(transfer, *buffer));
  }
}

MeshTraceId MeshDevice::begin_mesh_trace(std::uint8_t) {
  if (traces().open) throw std::runtime_error("begin_mesh_trace: a trace is open");
  traces().open = traces().next++;
  traces().kept[*traces().open];
  return {*traces().open};
}

void MeshDevice::end_mesh_trace(std::uint8_t, const MeshTraceId& trace_id) {
  if (traces().open != trace_id.value) throw std::runtime_error("end_mesh_trace: that trace is not open");
  traces().open.reset();
}

void MeshDevice::replay_mesh_trace(std::uint8_t, const MeshTraceId& trace_id, bool) {
  const auto found = traces().kept.find(trace_id.value);
  if (found == traces().kept.end()) throw std::runtime_error("replay_mesh_trace: there is no such trace");
  for (const Parts& parts : found->second) tilegrid::metalium::Board::get().launch(*parts);
}

void MeshDevice::release_mesh_trace(const MeshTraceId& trace_id) { traces().kept.erase(trace_id.value); }

}  // namespace tt::tt_metal::distributed
