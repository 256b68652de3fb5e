// SPDX-License-Identifier: Apache-2.0
// Buffers, programs and queues of a mesh, which is one device.
#pragma once

#include <tt-metalium/host_api.hpp>
#include <tt-metalium/mesh_coord.hpp>
#include <tt-metalium/mesh_device.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace tt::tt_metal::distributed {

struct DeviceLocalBufferConfig {
  DeviceAddr page_size = 0;
  BufferType buffer_type = BufferType::DRAM;
  BufferShardingArgs sharding_args;
  std::optional<bool> bottom_up;
  std::optional<SubDeviceId> sub_device_id = std::nullopt;
};
struct ReplicatedBufferConfig {
  DeviceAddr size = 0;
};
/// Over the devices of a mesh.
struct ShardedBufferConfig {
  DeviceAddr global_size = 0;
  Shape2D global_buffer_shape{0, 0};
  Shape2D shard_shape{0, 0};
  ShardOrientation shard_orientation = ShardOrientation::ROW_MAJOR;
};
enum class MeshBufferLayout : std::uint8_t { REPLICATED, SHARDED };
using MeshBufferConfig = std::variant<ReplicatedBufferConfig, ShardedBufferConfig>;

class MeshBuffer {
 public:
  static std::shared_ptr<MeshBuffer> create(const MeshBufferConfig& config, const DeviceLocalBufferConfig& local,
                                            MeshDevice* device, std::optional<DeviceAddr> address = std::nullopt);
  MeshBuffer(MeshBufferConfig config, DeviceLocalBufferConfig local, MeshDevice* device, std::shared_ptr<Buffer> buffer)
      : config_(config), local_(std::move(local)), device_(device), buffer_(std::move(buffer)) {}

  [[nodiscard]] bool is_allocated() const { return buffer_->is_allocated(); }
  void deallocate() { buffer_->deallocate(); }
  [[nodiscard]] MeshDevice* device() const { return device_; }
  [[nodiscard]] DeviceAddr size() const { return buffer_->size(); }
  [[nodiscard]] DeviceAddr device_local_size() const { return buffer_->size(); }
  [[nodiscard]] DeviceAddr address() const { return buffer_->address(); }
  [[nodiscard]] std::uint32_t page_size() const { return static_cast<std::uint32_t>(buffer_->page_size()); }
  [[nodiscard]] std::uint32_t num_pages() const { return buffer_->num_pages(); }
  [[nodiscard]] MeshBufferLayout global_layout() const {
    return std::holds_alternative<ShardedBufferConfig>(config_) ? MeshBufferLayout::SHARDED : MeshBufferLayout::REPLICATED;
  }
  [[nodiscard]] const MeshBufferConfig& global_config() const { return config_; }
  [[nodiscard]] const ShardedBufferConfig& global_shard_spec() const { return std::get<ShardedBufferConfig>(config_); }
  [[nodiscard]] const DeviceLocalBufferConfig& device_local_config() const { return local_; }
  [[nodiscard]] Buffer* get_device_buffer(const MeshCoordinate&) const { return buffer_.get(); }
  [[nodiscard]] Buffer* get_reference_buffer() const { return buffer_.get(); }
  [[nodiscard]] Buffer* get_backing_buffer() const { return buffer_.get(); }

 private:
  MeshBufferConfig config_;
  DeviceLocalBufferConfig local_;
  MeshDevice* device_;
  std::shared_ptr<Buffer> buffer_;
};

/// Programs for the devices of a mesh.
class MeshWorkload {
 public:
  /// Throws std::runtime_error for a range that is not the one device.
  void add_program(const MeshCoordinateRange& range, Program&& program);
  [[nodiscard]] std::unordered_map<MeshCoordinateRange, Program>& get_programs() { return programs_; }
  [[nodiscard]] const std::unordered_map<MeshCoordinateRange, Program>& get_programs() const { return programs_; }

 private:
  std::unordered_map<MeshCoordinateRange, Program> programs_;
};
[[nodiscard]] inline MeshWorkload CreateMeshWorkload() { return {}; }
inline void AddProgramToMeshWorkload(MeshWorkload& workload, Program&& program, const MeshCoordinateRange& range) {
  workload.add_program(range, std::move(program));
}

struct MeshEvent {
  std::uint32_t id = 0;
};

class MeshCommandQueue {
 public:
  struct ShardDataTransfer {
    MeshCoordinate shard_coord;
    void* host_data = nullptr;
    std::optional<BufferRegion> region;
  };

  MeshCommandQueue(MeshDevice* device, std::uint32_t id) : device_(device), id_(id) {}
  [[nodiscard]] MeshDevice* device() const { return device_; }
  [[nodiscard]] std::uint32_t id() const { return id_; }

  void enqueue_mesh_workload(MeshWorkload& workload, bool blocking);
  void enqueue_write_mesh_buffer(const std::shared_ptr<MeshBuffer>& buffer, const void* data, bool blocking);
  void enqueue_read_mesh_buffer(void* data, const std::shared_ptr<MeshBuffer>& buffer, bool blocking);
  void enqueue_write_shards(const std::shared_ptr<MeshBuffer>& buffer, const std::vector<ShardDataTransfer>& transfers,
                            bool blocking);
  void enqueue_read_shards(const std::vector<ShardDataTransfer>& transfers, const std::shared_ptr<MeshBuffer>& buffer,
                           bool blocking);
  /// Nothing is under way when a call has returned.
  MeshEvent enqueue_record_event(stl::Span<const SubDeviceId> = {}, const std::optional<MeshCoordinateRange>& = {}) {
    return {};
  }
  MeshEvent enqueue_record_event_to_host(stl::Span<const SubDeviceId> = {}, const std::optional<MeshCoordinateRange>& = {}) {
    return {};
  }
  void enqueue_wait_for_event(const MeshEvent&) {}
  void finish(stl::Span<const SubDeviceId> = {}) {}

 private:
  MeshDevice* device_;
  std::uint32_t id_;
};

void EnqueueMeshWorkload(MeshCommandQueue& queue, MeshWorkload& workload, bool blocking);

template <class T>
void EnqueueWriteMeshBuffer(MeshCommandQueue&, const std::shared_ptr<MeshBuffer>& buffer, const std::vector<T>& data,
                            bool = false) {
  write_bytes(*buffer->get_backing_buffer(), data.data(), data.size() * sizeof(T));
}
template <class T>
void EnqueueReadMeshBuffer(MeshCommandQueue&, std::vector<T>& data, const std::shared_ptr<MeshBuffer>& buffer, bool = true) {
  data.resize(buffer->size() / sizeof(T));
  read_bytes(*buffer->get_backing_buffer(), data.data(), data.size() * sizeof(T));
}
template <class T>
void WriteShard(MeshCommandQueue& queue, const std::shared_ptr<MeshBuffer>& buffer, const std::vector<T>& data,
                const MeshCoordinate&, bool blocking = false) {
  EnqueueWriteMeshBuffer(queue, buffer, data, blocking);
}
template <class T>
void ReadShard(MeshCommandQueue& queue, std::vector<T>& data, const std::shared_ptr<MeshBuffer>& buffer,
               const MeshCoordinate&, bool blocking = true) {
  EnqueueReadMeshBuffer(queue, data, buffer, blocking);
}
inline void Finish(MeshCommandQueue&, stl::Span<const SubDeviceId> = {}) {}
inline void Synchronize(MeshDevice*, std::optional<std::uint8_t> = std::nullopt, stl::Span<const SubDeviceId> = {}) {}
inline void EventSynchronize(const MeshEvent&) {}
inline bool EventQuery(const MeshEvent&) { return true; }
inline bool UsingDistributedEnvironment() { return false; }
[[nodiscard]] inline MeshTraceId BeginTraceCapture(MeshDevice* device, std::uint8_t cq_id) {
  return device->begin_mesh_trace(cq_id);
}
inline void EndTraceCapture(MeshDevice* device, std::uint8_t cq_id, const MeshTraceId& id) {
  device->end_mesh_trace(cq_id, id);
}
inline void ReplayTrace(MeshDevice* device, std::uint8_t cq_id, const MeshTraceId& id, bool blocking) {
  device->replay_mesh_trace(cq_id, id, blocking);
}
inline void ReleaseTrace(MeshDevice* device, const MeshTraceId& id) { device->release_mesh_trace(id); }

}  // namespace tt::tt_metal::distributed

namespace tt::tt_metal {

/// Device time is in tilegrid's own report.
template <class... Args>
void ReadMeshDeviceProfilerResults(distributed::MeshDevice&, const Args&...) {}

}  // namespace tt::tt_metal
