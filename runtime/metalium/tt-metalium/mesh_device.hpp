// SPDX-License-Identifier: Apache-2.0
// Meshes of one device.
#pragma once

#include <tt-metalium/device.hpp>
#include <tt-metalium/mesh_coord.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tt::tt_metal {

/// Cores that run programs of their own: kept, and all of them are one emulated device.
class SubDevice {
 public:
  explicit SubDevice(std::vector<CoreRangeSet> cores) : cores_(std::move(cores)) {}
  template <std::size_t count>
  explicit SubDevice(const std::array<CoreRangeSet, count>& cores) : cores_(cores.begin(), cores.end()) {}
  [[nodiscard]] const CoreRangeSet& cores(HalProgrammableCoreType type) const {
    return cores_.at(static_cast<std::size_t>(type));
  }

 private:
  std::vector<CoreRangeSet> cores_;
};

}  // namespace tt::tt_metal

namespace tt::tt_metal::distributed {

class MeshCommandQueue;

class MeshDeviceConfig {
 public:
  explicit MeshDeviceConfig(const MeshShape& shape, std::optional<MeshCoordinate> offset = std::nullopt)
      : mesh_shape_(shape), offset_(std::move(offset)) {}
  MeshDeviceConfig(const MeshShape& shape, std::optional<MeshCoordinate> offset, const std::vector<int>& ids)
      : mesh_shape_(shape), offset_(std::move(offset)), physical_device_ids_(ids) {}
  [[nodiscard]] const std::optional<MeshShape>& mesh_shape() const { return mesh_shape_; }
  [[nodiscard]] const std::optional<MeshCoordinate>& offset() const { return offset_; }
  [[nodiscard]] const std::vector<int>& physical_device_ids() const { return physical_device_ids_; }

 private:
  std::optional<MeshShape> mesh_shape_;
  std::optional<MeshCoordinate> offset_;
  std::vector<int> physical_device_ids_;
};

/// The numbers that traces of a mesh would have.
struct MeshTraceId {
  std::uint32_t value = 0;
  std::uint32_t operator*() const { return value; }
};
using SubDeviceManagerId = std::uint32_t;

class MeshDevice : public IDevice, public std::enable_shared_from_this<MeshDevice> {
 public:
  explicit MeshDevice(int id);
  ~MeshDevice() override;

  /// Throws std::runtime_error for a mesh of more than one device, as the emulator has one chip.
  static std::shared_ptr<MeshDevice> create(const MeshDeviceConfig& config,
                                            std::size_t l1_small_size = DEFAULT_L1_SMALL_SIZE,
                                            std::size_t trace_region_size = DEFAULT_TRACE_REGION_SIZE,
                                            std::size_t num_command_queues = 1,
                                            const DispatchCoreConfig& dispatch = DispatchCoreConfig{},
                                            stl::Span<const std::uint32_t> l1_bank_remap = {},
                                            std::size_t worker_l1_size = DEFAULT_WORKER_L1_SIZE);
  static std::shared_ptr<MeshDevice> create_unit_mesh(int device_id, std::size_t l1_small_size = DEFAULT_L1_SMALL_SIZE,
                                                      std::size_t trace_region_size = DEFAULT_TRACE_REGION_SIZE,
                                                      std::size_t num_command_queues = 1,
                                                      const DispatchCoreConfig& dispatch = DispatchCoreConfig{},
                                                      stl::Span<const std::uint32_t> l1_bank_remap = {},
                                                      std::size_t worker_l1_size = DEFAULT_WORKER_L1_SIZE);
  static std::map<int, std::shared_ptr<MeshDevice>> create_unit_meshes(
      const std::vector<int>& device_ids, std::size_t l1_small_size = DEFAULT_L1_SMALL_SIZE,
      std::size_t trace_region_size = DEFAULT_TRACE_REGION_SIZE, std::size_t num_command_queues = 1,
      const DispatchCoreConfig& dispatch = DispatchCoreConfig{});

  [[nodiscard]] const MeshShape& shape() const { return shape_; }
  [[nodiscard]] std::size_t num_rows() const { return 1; }
  [[nodiscard]] std::size_t num_cols() const { return 1; }
  [[nodiscard]] std::size_t num_devices() const { return 1; }
  [[nodiscard]] std::vector<IDevice*> get_devices() { return {this}; }
  [[nodiscard]] IDevice* get_device(int) { return this; }
  [[nodiscard]] IDevice* get_device(const MeshCoordinate&) { return this; }
  [[nodiscard]] IDevice* get_device(std::size_t, std::size_t) { return this; }
  [[nodiscard]] std::vector<int> get_device_ids() const { return {id()}; }
  [[nodiscard]] bool is_local(const MeshCoordinate&) const { return true; }
  [[nodiscard]] std::string to_string() const;
  /// There is one queue, whatever its number.
  [[nodiscard]] MeshCommandQueue& mesh_command_queue(std::optional<std::uint8_t> cq_id = std::nullopt) const;

  /// Sub-devices: the cores stay one device.
  SubDeviceManagerId create_sub_device_manager(const std::vector<SubDevice>&, DeviceAddr) { return 0; }
  void load_sub_device_manager(SubDeviceManagerId) {}
  void clear_loaded_sub_device_manager() {}
  void remove_sub_device_manager(SubDeviceManagerId) {}
  void set_sub_device_stall_group(stl::Span<const SubDeviceId>) {}
  void reset_sub_device_stall_group() {}
  [[nodiscard]] std::vector<SubDeviceId> get_sub_device_ids() const { return {{}}; }

  /// What is enqueued between begin and end is kept, and runs at each replay.
  [[nodiscard]] MeshTraceId begin_mesh_trace(std::uint8_t cq_id);
  void end_mesh_trace(std::uint8_t cq_id, const MeshTraceId& trace_id);
  void replay_mesh_trace(std::uint8_t cq_id, const MeshTraceId& trace_id, bool blocking);
  void release_mesh_trace(const MeshTraceId& trace_id);

 private:
  MeshShape shape_{1, 1};
  std::unique_ptr<MeshCommandQueue> mesh_queue_;
};

/// The mesh that is there.
class SystemMesh {
 public:
  static SystemMesh& instance();
  [[nodiscard]] const MeshShape& shape() const { return shape_; }
  [[nodiscard]] const MeshShape& get_shape() const { return shape_; }
  [[nodiscard]] const MeshShape& local_shape() const { return shape_; }

 private:
  MeshShape shape_{1, 1};
};

}  // namespace tt::tt_metal::distributed
