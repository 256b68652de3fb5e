// SPDX-License-Identifier: Apache-2.0
// The device as a host program sees it. All devices of a process are one emulated chip.
#pragma once

#include <tt-metalium/base_types.hpp>
#include <tt-metalium/buffer.hpp>
#include <tt-metalium/core_coord.hpp>
#include <tt-metalium/span.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

inline constexpr std::size_t DEFAULT_L1_SMALL_SIZE = 0;
inline constexpr std::size_t DEFAULT_TRACE_REGION_SIZE = 0;
inline constexpr std::size_t DEFAULT_WORKER_L1_SIZE = 0;

namespace tt::tt_metal {

enum class DispatchCoreType : std::uint8_t { WORKER, ETH, COUNT };
enum class DispatchCoreAxis : std::uint8_t { ROW, COL, COUNT };
/// Kept and not used: nothing of the grid is taken for dispatch.
class DispatchCoreConfig {
 public:
  DispatchCoreConfig() = default;
  DispatchCoreConfig(DispatchCoreType type) : type_(type) {}
  DispatchCoreConfig(DispatchCoreType type, DispatchCoreAxis axis) : type_(type), axis_(axis) {}
  [[nodiscard]] DispatchCoreType get_dispatch_core_type() const { return type_; }
  [[nodiscard]] DispatchCoreAxis get_dispatch_core_axis() const { return axis_; }

 private:
  DispatchCoreType type_ = DispatchCoreType::WORKER;
  DispatchCoreAxis axis_ = DispatchCoreAxis::ROW;
};

class CommandQueue;

/// Where buffers may lie.
class Allocator {
 public:
  [[nodiscard]] std::uint32_t get_num_banks(BufferType type) const;
  [[nodiscard]] std::uint32_t get_alignment(BufferType type) const;
  [[nodiscard]] DeviceAddr get_base_allocator_addr(HalMemType type) const;
  [[nodiscard]] DeviceAddr get_bank_size(BufferType type) const;
  [[nodiscard]] CoreCoord get_logical_core_from_bank_id(std::uint32_t bank_id) const;
  /// A core has one bank of L1.
  [[nodiscard]] std::vector<std::uint32_t> get_bank_ids_from_logical_core(BufferType type, const CoreCoord& core) const;
  /// Banks begin at their address 0.
  [[nodiscard]] std::int32_t get_bank_offset(BufferType, std::uint32_t) const { return 0; }
};

class IDevice {
 public:
  explicit IDevice(int id);
  virtual ~IDevice();
  IDevice(const IDevice&) = delete;
  IDevice& operator=(const IDevice&) = delete;

  [[nodiscard]] int id() const { return id_; }
  [[nodiscard]] int build_id() const { return 0; }
  [[nodiscard]] ARCH arch() const;
  [[nodiscard]] std::uint8_t num_hw_cqs() const { return 1; }
  [[nodiscard]] bool is_initialized() const { return open_; }
  [[nodiscard]] bool is_mmio_capable() const { return true; }
  [[nodiscard]] int num_dram_channels() const;
  [[nodiscard]] std::uint32_t num_banks(BufferType type) const { return allocator()->get_num_banks(type); }
  [[nodiscard]] DeviceAddr bank_size(BufferType type) const { return allocator()->get_bank_size(type); }
  [[nodiscard]] DeviceAddr get_base_allocator_addr(HalMemType type) const {
    return allocator()->get_base_allocator_addr(type);
  }
  /// What pages are as far apart as in any memory.
  [[nodiscard]] std::uint32_t get_allocator_alignment() const { return allocator()->get_alignment(BufferType::DRAM); }
  [[nodiscard]] std::uint32_t l1_size_per_core() const;
  [[nodiscard]] DeviceAddr dram_size_per_channel() const;
  [[nodiscard]] CoreCoord grid_size() const;
  [[nodiscard]] CoreCoord logical_grid_size() const;
  [[nodiscard]] CoreCoord dram_grid_size() const;
  [[nodiscard]] CoreCoord compute_with_storage_grid_size() const;
  /// Coordinates that kernels use in NoC addresses. Throw std::runtime_error for a core beyond the grid.
  [[nodiscard]] CoreCoord worker_core_from_logical_core(const CoreCoord& core) const;
  [[nodiscard]] CoreCoord virtual_core_from_logical_core(const CoreCoord& core, CoreType type) const;
  [[nodiscard]] CoreCoord physical_core_from_logical_core(const CoreCoord& core, CoreType type) const {
    return virtual_core_from_logical_core(core, type);
  }
  [[nodiscard]] std::vector<CoreCoord> worker_cores_from_logical_cores(const std::vector<CoreCoord>& cores) const;
  [[nodiscard]] CoreCoord logical_core_from_dram_channel(std::uint32_t channel) const;
  [[nodiscard]] CoreCoord dram_core_from_dram_channel(std::uint32_t channel) const;
  [[nodiscard]] CoreCoord dram_core_from_logical_core(const CoreCoord& core) const {
    return dram_core_from_dram_channel(dram_channel_from_logical_core(core));
  }
  [[nodiscard]] std::vector<CoreCoord> dram_cores_from_logical_cores(const std::vector<CoreCoord>& cores) const;
  [[nodiscard]] CoreCoord logical_core_from_bank_id(std::uint32_t bank_id) const;
  /// A core for each bank of DRAM, in the order of the banks and each core once: the one that is fewest hops away of those
  /// that are left.
  [[nodiscard]] std::vector<CoreCoord> get_optimal_dram_bank_to_logical_worker_assignment(NOC noc) const;
  /// A channel of DRAM is one bank.
  [[nodiscard]] std::vector<std::uint32_t> bank_ids_from_dram_channel(std::uint32_t channel) const { return {channel}; }
  [[nodiscard]] std::vector<std::uint32_t> bank_ids_from_logical_core(BufferType type, const CoreCoord& core) const {
    return allocator()->get_bank_ids_from_logical_core(type, core);
  }
  [[nodiscard]] std::uint32_t dram_channel_from_logical_core(const CoreCoord& core) const;
  [[nodiscard]] std::uint32_t dram_channel_from_bank_id(std::uint32_t bank_id) const { return bank_id; }
  [[nodiscard]] std::uint32_t bank_offset(BufferType, std::uint32_t) const { return 0; }
  [[nodiscard]] std::uint32_t get_noc_unicast_encoding(std::uint8_t noc_index, const CoreCoord& core) const;
  [[nodiscard]] std::uint32_t get_noc_multicast_encoding(std::uint8_t noc_index, const CoreRange& cores) const;
  [[nodiscard]] CoreRangeSet worker_cores(HalProgrammableCoreType type, SubDeviceId sub_device) const;
  [[nodiscard]] std::uint32_t num_worker_cores(HalProgrammableCoreType type, SubDeviceId sub_device) const {
    return static_cast<std::uint32_t>(worker_cores(type, sub_device).num_cores());
  }
  [[nodiscard]] std::uint32_t num_sub_devices() const { return 1; }
  /// None.
  [[nodiscard]] std::unordered_set<CoreCoord> get_active_ethernet_cores(bool = false) const { return {}; }
  [[nodiscard]] std::unordered_set<CoreCoord> get_inactive_ethernet_cores() const { return {}; }
  [[nodiscard]] std::unordered_set<CoreCoord> ethernet_cores() const { return {}; }
  [[nodiscard]] std::unordered_set<int> get_ethernet_connected_device_ids() const { return {}; }
  [[nodiscard]] bool is_active_ethernet_core(const CoreCoord&, bool = false) const { return false; }
  [[nodiscard]] bool is_inactive_ethernet_core(const CoreCoord&) const { return false; }
  /// Of the vector unit.
  [[nodiscard]] float sfpu_eps() const { return std::numeric_limits<float>::epsilon(); }
  [[nodiscard]] float sfpu_nan() const { return std::numeric_limits<float>::quiet_NaN(); }
  [[nodiscard]] float sfpu_inf() const { return std::numeric_limits<float>::infinity(); }
  [[nodiscard]] bool using_slow_dispatch() const { return false; }
  [[nodiscard]] bool using_fast_dispatch() const { return true; }

  /// There is one queue, whatever its number.
  CommandQueue& command_queue(std::optional<std::uint8_t> cq_id = std::nullopt);
  [[nodiscard]] const std::unique_ptr<Allocator>& allocator() const { return allocator_; }
  void enable_program_cache() {}
  void disable_and_clear_program_cache() {}
  void clear_program_cache() {}
  [[nodiscard]] std::size_t num_program_cache_entries() const { return 0; }
  void enable_async(bool) {}
  void synchronize() {}
  virtual bool close();

 private:
  int id_;
  bool open_ = true;
  std::unique_ptr<Allocator> allocator_;
  std::unique_ptr<CommandQueue> queue_;
};
using Device = IDevice;

/// Runs what it is given at once.
class CommandQueue {
 public:
  explicit CommandQueue(IDevice* device, std::uint32_t id = 0) : device_(device), id_(id) {}
  [[nodiscard]] IDevice* device() const { return device_; }
  [[nodiscard]] std::uint32_t id() const { return id_; }

 private:
  IDevice* device_;
  std::uint32_t id_;
};

}  // namespace tt::tt_metal
