// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <tt-metalium/profiler_common.h>
#include <stdexcept>
#include <tt-metalium/distributed.hpp>
#include <tt-metalium/hal.hpp>
#include <tt-metalium/host_api.hpp>
#include <tt-metalium/mesh_device.hpp>

#include "core/l1.h"
#include "noc/address.h"
#include "noc/grid.h"
#include "runtime/metalium/board.h"

namespace tt::tt_metal {
namespace {

using tilegrid::metalium::Board;

CoreCoord coord_of(tilegrid::GridSize grid) { return {static_cast<std::size_t>(grid.x), static_cast<std::size_t>(grid.y)}; }

}  // namespace

std::uint32_t Allocator::get_num_banks(BufferType type) const {
  const Board& board = Board::get();
  const bool dram = type == BufferType::DRAM || type == BufferType::TRACE;
  return static_cast<std::uint32_t>(dram ? board.chip().places().banks() : board.grid().cores());
}

std::uint32_t Allocator::get_alignment(BufferType type) const {
  constexpr std::uint32_t l1_alignment = 16;  // tensix.md 4.1
  const bool dram = type == BufferType::DRAM || type == BufferType::TRACE;
  return dram ? Board::get().chip().memory().dram_alignment : l1_alignment;
}

DeviceAddr Allocator::get_base_allocator_addr(HalMemType type) const {
  return type == HalMemType::DRAM ? Board::get().dram().first() : Board::get().l1().first();
}

DeviceAddr Allocator::get_bank_size(BufferType type) const {
  const tilegrid::ChipMemory& memory = Board::get().chip().memory();
  return type == BufferType::DRAM ? memory.dram_bank_bytes : memory.l1_bytes - tilegrid::l1_user_base;
}

CoreCoord Allocator::get_logical_core_from_bank_id(std::uint32_t bank_id) const {
  const tilegrid::GridSize grid = Board::get().grid();
  if (bank_id >= static_cast<std::uint32_t>(grid.cores())) {
    throw std::runtime_error(fmt::format("L1 bank {}: there are {}", bank_id, grid.cores()));
  }
  const tilegrid::LogicalCore core = grid.core(static_cast<int>(bank_id));
  return {static_cast<std::size_t>(core.x), static_cast<std::size_t>(core.y)};
}

std::vector<std::uint32_t> Allocator::get_bank_ids_from_logical_core(BufferType, const CoreCoord& core) const {
  const tilegrid::GridSize grid = Board::get().grid();
  const tilegrid::LogicalCore at{static_cast<int>(core.x), static_cast<int>(core.y)};
  if (!grid.contains(at))
    throw std::runtime_error(fmt::format("L1 bank of core {}: the grid is {}x{}", core.str(), grid.x, grid.y));
  return {static_cast<std::uint32_t>(grid.index(at))};
}

IDevice::IDevice(int id) : id_(id), allocator_(std::make_unique<Allocator>()), queue_(std::make_unique<CommandQueue>(this)) {
  Board::get();
}
IDevice::~IDevice() = default;

ARCH IDevice::arch() const { return Board::get().chip().name() == "blackhole" ? ARCH::BLACKHOLE : ARCH::WORMHOLE_B0; }
int IDevice::num_dram_channels() const { return Board::get().chip().places().banks(); }
std::uint32_t IDevice::l1_size_per_core() const { return Board::get().chip().memory().l1_bytes; }
DeviceAddr IDevice::dram_size_per_channel() const { return Board::get().chip().memory().dram_bank_bytes; }
CoreCoord IDevice::grid_size() const { return coord_of(Board::get().chip().places().die()); }
CoreCoord IDevice::logical_grid_size() const { return coord_of(Board::get().grid()); }
CoreCoord IDevice::dram_grid_size() const { return {static_cast<std::size_t>(num_dram_channels()), 1}; }
CoreCoord IDevice::compute_with_storage_grid_size() const { return logical_grid_size(); }

CoreCoord IDevice::worker_core_from_logical_core(const CoreCoord& core) const {
  const tilegrid::GridSize grid = Board::get().grid();
  if (!grid.contains({static_cast<int>(core.x), static_cast<int>(core.y)})) {
    throw std::runtime_error(
        fmt::format("worker_core_from_logical_core: core {} of a {}x{} grid (TILEGRID_GRID)", core, grid.x, grid.y));
  }
  return {core.x + tilegrid::noc::virtual_base, core.y + tilegrid::noc::virtual_base};
}

CoreCoord IDevice::virtual_core_from_logical_core(const CoreCoord& core, CoreType type) const {
  if (type == CoreType::DRAM) return dram_core_from_dram_channel(static_cast<std::uint32_t>(core.x));
  if (type == CoreType::ETH || type == CoreType::ACTIVE_ETH || type == CoreType::IDLE_ETH) {
    throw std::runtime_error("virtual_core_from_logical_core: the emulated chip has no Ethernet cores");
  }
  return worker_core_from_logical_core(core);
}

std::vector<CoreCoord> IDevice::worker_cores_from_logical_cores(const std::vector<CoreCoord>& cores) const {
  std::vector<CoreCoord> workers;
  workers.reserve(cores.size());
  for (const CoreCoord& core : cores) workers.push_back(worker_core_from_logical_core(core));
  return workers;
}

CoreCoord IDevice::logical_core_from_dram_channel(std::uint32_t channel) const { return {channel, 0}; }
std::uint32_t IDevice::dram_channel_from_logical_core(const CoreCoord& core) const {
  return static_cast<std::uint32_t>(core.x);
}

CoreCoord IDevice::dram_core_from_dram_channel(std::uint32_t channel) const {
  if (channel >= static_cast<std::uint32_t>(num_dram_channels())) {
    throw std::runtime_error(fmt::format("DRAM bank {}: there are {}", channel, num_dram_channels()));
  }
  const tilegrid::PhysicalCore node = Board::get().chip().places().dram_endpoint(static_cast<int>(channel));
  return {static_cast<std::size_t>(node.x), static_cast<std::size_t>(node.y)};
}

std::vector<CoreCoord> IDevice::dram_cores_from_logical_cores(const std::vector<CoreCoord>& cores) const {
  std::vector<CoreCoord> banks;
  banks.reserve(cores.size());
  for (const CoreCoord& core : cores) banks.push_back(dram_core_from_logical_core(core));
  return banks;
}

std::vector<CoreCoord> IDevice::get_optimal_dram_bank_to_logical_worker_assignment(NOC noc) const {
  const Board& board = Board::get();
  const tilegrid::Places& places = board.chip().places();
  const tilegrid::GridSize grid = board.grid();
  if (grid.cores() < places.banks()) {
    throw std::runtime_error(fmt::format("a core for each of {} DRAM banks: the grid has {}", places.banks(), grid.cores()));
  }
  const auto way = static_cast<tilegrid::NocId>(noc);
  std::vector<bool> taken(grid.cores());
  std::vector<CoreCoord> nearest;
  nearest.reserve(places.banks());
  for (int bank = 0; bank < places.banks(); ++bank) {
    int best = -1;
    int fewest = 0;
    for (int index = 0; index < grid.cores(); ++index) {
      if (taken[index]) continue;
      const int far = tilegrid::noc::hops(places, way, places.dram_endpoint(bank), places.physical_of(grid.core(index)));
      if (best >= 0 && far >= fewest) continue;
      best = index;
      fewest = far;
    }
    taken[best] = true;
    const tilegrid::LogicalCore core = grid.core(best);
    nearest.emplace_back(static_cast<std::size_t>(core.x), static_cast<std::size_t>(core.y));
  }
  return nearest;
}

CoreCoord IDevice::logical_core_from_bank_id(std::uint32_t bank_id) const {
  return allocator_->get_logical_core_from_bank_id(bank_id);
}

std::uint32_t IDevice::get_noc_unicast_encoding(std::uint8_t, const CoreCoord& core) const {
  return static_cast<std::uint32_t>(core.x | core.y << tilegrid::noc::coordinate_bits);
}

std::uint32_t IDevice::get_noc_multicast_encoding(std::uint8_t noc_index, const CoreRange& cores) const {
  const bool forward = noc_index == 0;
  const CoreCoord& first = forward ? cores.start_coord : cores.end_coord;
  const CoreCoord& last = forward ? cores.end_coord : cores.start_coord;
  constexpr unsigned bits = tilegrid::noc::coordinate_bits;
  return static_cast<std::uint32_t>(last.x | last.y << bits | first.x << (2 * bits) | first.y << (3 * bits));
}

CoreRangeSet IDevice::worker_cores(HalProgrammableCoreType type, SubDeviceId) const {
  if (type != HalProgrammableCoreType::TENSIX) return {};
  const CoreCoord grid = logical_grid_size();
  return CoreRange({0, 0}, {grid.x - 1, grid.y - 1});
}

CommandQueue& IDevice::command_queue(std::optional<std::uint8_t> cq_id) {
  if (cq_id.value_or(0) != 0)
    Board::get().say_once("there is one command queue: what goes to others runs in the same order");
  return *queue_;
}

bool IDevice::close() {
  const bool was_open = open_;
  open_ = false;
  return was_open;
}

}  // namespace tt::tt_metal

namespace tt::tt_metal::distributed {

MeshDevice::MeshDevice(int id) : IDevice(id), mesh_queue_(std::make_unique<MeshCommandQueue>(this, 0)) {}
MeshDevice::~MeshDevice() = default;

std::shared_ptr<MeshDevice> MeshDevice::create(const MeshDeviceConfig& config, std::size_t, std::size_t, std::size_t,
                                               const DispatchCoreConfig&, stl::Span<const std::uint32_t>, std::size_t) {
  if (config.mesh_shape() && config.mesh_shape()->mesh_size() != 1) {
    const MeshShape& shape = *config.mesh_shape();
    std::vector<std::uint32_t> extents;
    for (std::size_t i = 0; i < shape.dims(); ++i) extents.push_back(shape[static_cast<std::int32_t>(i)]);
    throw std::runtime_error(
        fmt::format("a mesh of {} devices: one chip is emulated, a mesh is 1x1", fmt::join(extents, "x")));
  }
  return std::make_shared<MeshDevice>(0);
}

std::shared_ptr<MeshDevice> MeshDevice::create_unit_mesh(int device_id, std::size_t, std::size_t, std::size_t,
                                                         const DispatchCoreConfig&, stl::Span<const std::uint32_t>,
                                                         std::size_t) {
  return std::make_shared<MeshDevice>(device_id);
}

std::map<int, std::shared_ptr<MeshDevice>> MeshDevice::create_unit_meshes(const std::vector<int>& device_ids, std::size_t,
                                                                          std::size_t, std::size_t,
                                                                          const DispatchCoreConfig&) {
  if (device_ids.size() > 1) throw std::runtime_error("create_unit_meshes: one chip is emulated");
  std::map<int, std::shared_ptr<MeshDevice>> meshes;
  for (const int id : device_ids) meshes[id] = std::make_shared<MeshDevice>(id);
  return meshes;
}

std::string MeshDevice::to_string() const { return fmt::format("MeshDevice({}, 1x1)", id()); }

MeshCommandQueue& MeshDevice::mesh_command_queue(std::optional<std::uint8_t> cq_id) const {
  if (cq_id.value_or(0) != 0)
    Board::get().say_once("there is one command queue: what goes to others runs in the same order");
  return *mesh_queue_;
}

SystemMesh& SystemMesh::instance() {
  static SystemMesh mesh;
  return mesh;
}

std::ostream& operator<<(std::ostream& stream, const MeshCoordinate& at) { return stream << at.str(); }
std::ostream& operator<<(std::ostream& stream, const MeshShape& shape) {
  for (std::size_t i = 0; i < shape.dims(); ++i) stream << (i > 0 ? "x" : "") << shape[static_cast<std::int32_t>(i)];
  return stream;
}

}  // namespace tt::tt_metal::distributed

namespace tt::tt_metal::hal {

namespace {
const tilegrid::ChipMemory& memory() { return tilegrid::metalium::Board::get().chip().memory(); }
}  // namespace

ARCH get_arch() {
  return tilegrid::metalium::Board::get().chip().name() == "blackhole" ? ARCH::BLACKHOLE : ARCH::WORMHOLE_B0;
}
std::string get_arch_name() { return arch_to_str(get_arch()); }
std::uint32_t get_l1_size() { return memory().l1_bytes; }
std::uint32_t get_l1_alignment() { return Allocator().get_alignment(BufferType::L1); }
std::uint32_t get_dram_alignment() { return memory().dram_alignment; }
std::uint32_t get_arch_num_circular_buffers() { return NUM_CIRCULAR_BUFFERS; }
static_assert(L1_UNRESERVED_BASE == tilegrid::l1_user_base);
std::uint32_t get_max_worker_l1_unreserved_size() { return memory().l1_bytes - tilegrid::l1_user_base; }

}  // namespace tt::tt_metal::hal
