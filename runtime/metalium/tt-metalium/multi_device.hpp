// SPDX-License-Identifier: Apache-2.0
// What programs for several chips name: sockets, fabric, circular buffers of several cores. A program builds with them and
// is told by name, when it asks for one, that one chip is emulated.
#pragma once

#include <tt-metalium/circular_buffer_config.hpp>
#include <tt-metalium/distributed.hpp>
#include <tt-metalium/host_api.hpp>
#include <tt-metalium/mesh_coord.hpp>
#include <tt-metalium/mesh_device.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace tilegrid::metalium {

[[noreturn]] inline void not_on_one_chip(const std::string& what) {
  throw std::runtime_error(what + ": one chip is emulated, without Ethernet");
}
[[noreturn]] inline void no_remote_buffers(const std::string& what) {
  throw std::runtime_error(what + ": there are no circular buffers of several cores; kernels move pages by noc_async_write");
}

}  // namespace tilegrid::metalium

namespace tt::tt_metal::experimental {

class GlobalCircularBuffer {
 public:
  using Mapping = std::vector<std::pair<CoreCoord, CoreRangeSet>>;

  /// Throws std::runtime_error.
  GlobalCircularBuffer(IDevice*, const Mapping&, std::uint32_t, BufferType = BufferType::L1) {
    tilegrid::metalium::no_remote_buffers("GlobalCircularBuffer");
  }
  [[nodiscard]] const CoreRangeSet& sender_cores() const { return cores_; }
  [[nodiscard]] const CoreRangeSet& receiver_cores() const { return cores_; }
  [[nodiscard]] const CoreRangeSet& all_cores() const { return cores_; }
  [[nodiscard]] DeviceAddr buffer_address() const { return 0; }
  [[nodiscard]] DeviceAddr config_address() const { return 0; }
  [[nodiscard]] std::uint32_t size() const { return 0; }
  [[nodiscard]] const Mapping& sender_receiver_core_mapping() const { return mapping_; }

 private:
  CoreRangeSet cores_;
  Mapping mapping_;
};
inline GlobalCircularBuffer CreateGlobalCircularBuffer(IDevice* device, const GlobalCircularBuffer::Mapping& mapping,
                                                       std::uint32_t size, BufferType type = BufferType::L1) {
  return {device, mapping, size, type};
}
inline CBHandle CreateCircularBuffer(Program&, const std::variant<CoreCoord, CoreRange, CoreRangeSet>&,
                                     const CircularBufferConfig&, const GlobalCircularBuffer&) {
  tilegrid::metalium::no_remote_buffers("CreateCircularBuffer on a GlobalCircularBuffer");
}
inline void UpdateDynamicCircularBufferAddress(Program&, CBHandle, const GlobalCircularBuffer&) {
  tilegrid::metalium::no_remote_buffers("UpdateDynamicCircularBufferAddress of a GlobalCircularBuffer");
}

}  // namespace tt::tt_metal::experimental

namespace tt::tt_metal::distributed {

struct MeshCoreCoord {
  MeshCoordinate device_coord{0, 0};
  CoreCoord core_coord;
  MeshCoreCoord() = default;
  MeshCoreCoord(const MeshCoordinate& device, const CoreCoord& core) : device_coord(device), core_coord(core) {}
};
struct SocketConnection {
  MeshCoreCoord sender_core, receiver_core;
  SocketConnection() = default;
  SocketConnection(const MeshCoreCoord& sender, const MeshCoreCoord& receiver)
      : sender_core(sender), receiver_core(receiver) {}
};
struct SocketMemoryConfig {
  BufferType socket_storage_type = BufferType::L1;
  std::uint32_t fifo_size = 0;
  SocketMemoryConfig() = default;
  SocketMemoryConfig(BufferType type, std::uint32_t size, std::optional<SubDeviceId> = std::nullopt,
                     std::optional<SubDeviceId> = std::nullopt)
      : socket_storage_type(type), fifo_size(size) {}
};
struct SocketConfig {
  std::vector<SocketConnection> socket_connection_config;
  SocketMemoryConfig socket_mem_config;
  SocketConfig() = default;
  SocketConfig(std::vector<SocketConnection> connections, const SocketMemoryConfig& memory)
      : socket_connection_config(std::move(connections)), socket_mem_config(memory) {}
};
enum class SocketEndpoint : std::uint8_t { SENDER, RECEIVER };
class MeshSocket {
 public:
  /// Throw std::runtime_error.
  MeshSocket(const std::shared_ptr<MeshDevice>&, const SocketConfig&) { tilegrid::metalium::not_on_one_chip("MeshSocket"); }
  [[nodiscard]] static std::pair<MeshSocket, MeshSocket> create_socket_pair(const std::shared_ptr<MeshDevice>&,
                                                                            const std::shared_ptr<MeshDevice>&,
                                                                            const SocketConfig&) {
    tilegrid::metalium::not_on_one_chip("MeshSocket::create_socket_pair");
  }
  [[nodiscard]] std::shared_ptr<MeshBuffer> get_data_buffer() const { return nullptr; }
  [[nodiscard]] std::shared_ptr<MeshBuffer> get_config_buffer() const { return nullptr; }
  [[nodiscard]] const SocketConfig& get_config() const { return config_; }
  [[nodiscard]] SocketEndpoint get_socket_endpoint_type() const { return SocketEndpoint::SENDER; }

 private:
  SocketConfig config_;
};

}  // namespace tt::tt_metal::distributed

namespace tt::tt_fabric {

enum class FabricConfig : std::uint32_t {
  DISABLED = 0,
  FABRIC_1D_NEIGHBOR_EXCHANGE = 1,
  FABRIC_1D = 2,
  FABRIC_1D_RING = 3,
  FABRIC_2D = 4,
  FABRIC_2D_TORUS_X = 5,
  FABRIC_2D_TORUS_Y = 6,
  FABRIC_2D_TORUS_XY = 7,
  FABRIC_2D_DYNAMIC = 8,
  CUSTOM = 10
};
enum class FabricReliabilityMode : std::uint32_t {
  STRICT_SYSTEM_HEALTH_SETUP_MODE = 0,
  RELAXED_SYSTEM_HEALTH_SETUP_MODE = 1
};
/// Throws std::runtime_error for all but DISABLED.
template <class... More>
void SetFabricConfig(FabricConfig config, More&&...) {
  if (config != FabricConfig::DISABLED) tilegrid::metalium::not_on_one_chip("SetFabricConfig");
}
template <class... Arguments>
void append_fabric_connection_rt_args(Arguments&&...) {
  tilegrid::metalium::not_on_one_chip("append_fabric_connection_rt_args");
}

}  // namespace tt::tt_fabric

namespace tt::tt_metal::detail {
using tt_fabric::FabricConfig;
using tt_fabric::SetFabricConfig;
}  // namespace tt::tt_metal::detail
