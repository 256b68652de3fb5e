// SPDX-License-Identifier: Apache-2.0
// What programs reach for behind the vendor's public API: addresses and sizes of memory (Hal), memory by NoC coordinates
// (Cluster), options of the runtime. All devices are the emulated chip, and its number is 0.
#pragma once

#include <tt-metalium/core_coord.hpp>
#include <tt-metalium/device.hpp>
#include <tt-metalium/hal.hpp>
#include <tt-metalium/span.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <vector>

/// A core of a chip, by its NoC coordinates.
struct tt_cxy_pair : tt_xy_pair {
  std::size_t chip = 0;
  constexpr tt_cxy_pair() = default;
  constexpr tt_cxy_pair(std::size_t chip_id, tt_xy_pair core) : tt_xy_pair(core), chip(chip_id) {}
  constexpr tt_cxy_pair(std::size_t chip_id, std::size_t at_x, std::size_t at_y) : tt_xy_pair(at_x, at_y), chip(chip_id) {}
};

namespace tt::tt_metal {

/// Places in L1. Only BASE (its first byte) and what programs may use (DEFAULT_UNRESERVED, UNRESERVED) are emulated: the
/// firmware's own places throw std::runtime_error.
enum class HalL1MemAddrType : std::uint8_t {
  BASE,
  BARRIER,
  MAILBOX,
  LAUNCH,
  WATCHER,
  DPRINT,
  DPRINT_BUFFERS,
  PROFILER,
  KERNEL_CONFIG,
  UNRESERVED,
  DEFAULT_UNRESERVED,
  CORE_INFO,
  GO_MSG,
  LOCAL,
  APP_SYNC_INFO,
  APP_ROUTING_INFO,
  COUNT
};
enum class HalDramMemAddrType : std::uint8_t { BARRIER, DRAM_BARRIER, PROFILER, UNRESERVED, COUNT };

class Hal {
 public:
  [[nodiscard]] ARCH get_arch() const { return hal::get_arch(); }
  /// Throw std::runtime_error for a core that is no Tensix core, and for what is the firmware's.
  [[nodiscard]] DeviceAddr get_dev_addr(HalProgrammableCoreType core, HalL1MemAddrType place) const;
  [[nodiscard]] std::uint32_t get_dev_size(HalProgrammableCoreType core, HalL1MemAddrType place) const;
  [[nodiscard]] DeviceAddr get_dev_addr(HalDramMemAddrType place) const;
  [[nodiscard]] std::uint32_t get_dev_size(HalDramMemAddrType place) const;
  [[nodiscard]] std::uint32_t get_alignment(HalMemType memory) const;
  [[nodiscard]] std::uint32_t get_common_alignment_with_pcie(HalMemType memory) const { return get_alignment(memory); }
  [[nodiscard]] std::uint32_t get_programmable_core_type_count() const { return 1; }
  [[nodiscard]] std::uint32_t get_programmable_core_type_index(HalProgrammableCoreType core) const {
    return static_cast<std::uint32_t>(core);
  }
  /// Two that move data and three that compute.
  [[nodiscard]] std::uint32_t get_num_risc_processors(HalProgrammableCoreType core) const {
    return core == HalProgrammableCoreType::TENSIX ? 5 : 0;
  }
  [[nodiscard]] std::uint32_t get_arch_num_circular_buffers() const;
  [[nodiscard]] std::uint32_t noc_xy_encoding(std::uint32_t x, std::uint32_t y) const { return x | y << 6U; }
  [[nodiscard]] std::uint32_t noc_multicast_encoding(std::uint32_t x_start, std::uint32_t y_start, std::uint32_t x_end,
                                                     std::uint32_t y_end) const {
    return noc_xy_encoding(x_end, y_end) | noc_xy_encoding(x_start, y_start) << 12U;
  }
  [[nodiscard]] float get_eps() const { return std::numeric_limits<float>::epsilon(); }
  [[nodiscard]] float get_nan() const { return std::numeric_limits<float>::quiet_NaN(); }
  [[nodiscard]] float get_inf() const { return std::numeric_limits<float>::infinity(); }
};

}  // namespace tt::tt_metal

namespace tt {

class Cluster {
 public:
  static Cluster& instance();

  [[nodiscard]] ARCH arch() const { return tt_metal::hal::get_arch(); }
  [[nodiscard]] std::size_t number_of_devices() const { return 1; }
  [[nodiscard]] std::size_t number_of_user_devices() const { return 1; }
  [[nodiscard]] std::size_t number_of_pci_devices() const { return 1; }
  [[nodiscard]] std::set<int> all_chip_ids() const { return {0}; }
  [[nodiscard]] std::set<int> mmio_chip_ids() const { return {0}; }
  [[nodiscard]] std::set<int> user_exposed_chip_ids() const { return {0}; }
  [[nodiscard]] int get_associated_mmio_device(int) const { return 0; }
  [[nodiscard]] bool is_galaxy_cluster() const { return false; }
  [[nodiscard]] bool is_ubb_galaxy() const { return false; }
  /// MHz.
  [[nodiscard]] int get_device_aiclk(int chip) const;
  /// Bytes in L1 or DRAM, by NoC coordinates as kernels and Device give them. Throw std::runtime_error for a node that is
  /// neither a worker nor a bank's.
  void write_core(const void* data, std::uint32_t bytes, tt_cxy_pair core, std::uint64_t address) const;
  void read_core(void* data, std::uint32_t bytes, tt_cxy_pair core, std::uint64_t address) const;
  void read_core(std::vector<std::uint32_t>& data, std::uint32_t bytes, tt_cxy_pair core, std::uint64_t address) const;
  template <class T = std::uint32_t>
  [[nodiscard]] std::vector<T> read_core(int chip, const tt_metal::CoreCoord& core, std::uint64_t address,
                                         std::uint32_t bytes) const {
    std::vector<T> data((bytes + sizeof(T) - 1) / sizeof(T));
    read_core(data.data(), bytes, tt_cxy_pair(static_cast<std::size_t>(chip), core), address);
    return data;
  }
  template <class T>
  void write_core(int chip, const tt_metal::CoreCoord& core, const std::vector<T>& data, std::uint64_t address) const {
    write_core(data.data(), static_cast<std::uint32_t>(data.size() * sizeof(T)),
               tt_cxy_pair(static_cast<std::size_t>(chip), core), address);
  }
  template <class T>
  void write_core_immediate(int chip, const tt_metal::CoreCoord& core, const std::vector<T>& data,
                            std::uint64_t address) const {
    write_core(chip, core, data, address);
  }
  /// What was written is there.
  void l1_barrier(int) const {}
  void dram_barrier(int) const {}
};

namespace llrt {

class RunTimeOptions {
 public:
  /// TT_METAL_HOME, else the working directory; with a slash at its end.
  [[nodiscard]] std::string get_root_dir() const;
  [[nodiscard]] tt_metal::DispatchCoreConfig get_dispatch_core_config() const { return {}; }
  [[nodiscard]] bool get_simulator_enabled() const { return false; }
  [[nodiscard]] bool get_watcher_enabled() const { return false; }
  [[nodiscard]] bool get_fast_dispatch() const { return true; }
};

void write_hex_vec_to_core(int chip, const tt_metal::CoreCoord& core, stl::Span<const std::uint32_t> data,
                           std::uint64_t address);
[[nodiscard]] std::vector<std::uint32_t> read_hex_vec_from_core(int chip, const tt_metal::CoreCoord& core,
                                                                std::uint64_t address, std::uint32_t bytes);

}  // namespace llrt

}  // namespace tt

namespace tt::tt_metal {

/// What the runtime has of the one chip.
class MetalContext {
 public:
  static MetalContext& instance();
  [[nodiscard]] const Hal& hal() const { return hal_; }
  [[nodiscard]] Cluster& get_cluster() { return Cluster::instance(); }
  [[nodiscard]] llrt::RunTimeOptions& rtoptions() { return options_; }

 private:
  Hal hal_;
  llrt::RunTimeOptions options_;
};

}  // namespace tt::tt_metal
