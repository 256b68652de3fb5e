// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <tt-metalium/chip_context.hpp>
#include <tt-metalium/circular_buffer_config.hpp>
#include <tt-metalium/magic_enum.hpp>

#include "core/l1.h"
#include "noc/address.h"
#include "runtime/metalium/board.h"

namespace tt {
namespace {

using tilegrid::metalium::Board;
using tilegrid::noc::Target;

Target target_at(const tt_cxy_pair& core) {
  const Board& board = Board::get();
  const int x = static_cast<int>(core.x);
  const int y = static_cast<int>(core.y);
  const tilegrid::LogicalCore worker{x - tilegrid::noc::virtual_base, y - tilegrid::noc::virtual_base};
  if (board.grid().contains(worker)) return {Target::Kind::core, board.grid().index(worker)};
  const int bank = board.chip().places().bank_at(x, y);
  if (bank >= 0) return {Target::Kind::dram, bank};
  throw std::runtime_error(fmt::format("NoC node (x={},y={}): it is neither a worker's nor a DRAM bank's", core.x, core.y));
}

void require_worker(tt_metal::HalProgrammableCoreType core) {
  if (core != tt_metal::HalProgrammableCoreType::TENSIX) throw std::runtime_error("Hal: only Tensix cores are emulated");
}

[[noreturn]] void refuse(const char* what, std::string_view place) {
  throw std::runtime_error(fmt::format("Hal: {} {} is the firmware's, which is not emulated", what, place));
}

}  // namespace

tt_metal::DeviceAddr tt_metal::Hal::get_dev_addr(HalProgrammableCoreType core, HalL1MemAddrType place) const {
  require_worker(core);
  if (place == HalL1MemAddrType::BASE) return 0;
  if (place == HalL1MemAddrType::DEFAULT_UNRESERVED || place == HalL1MemAddrType::UNRESERVED) return tilegrid::l1_user_base;
  refuse("L1", magic_enum::enum_name(place));
}

std::uint32_t tt_metal::Hal::get_dev_size(HalProgrammableCoreType core, HalL1MemAddrType place) const {
  return hal::get_l1_size() - static_cast<std::uint32_t>(get_dev_addr(core, place));
}

tt_metal::DeviceAddr tt_metal::Hal::get_dev_addr(HalDramMemAddrType place) const {
  if (place != HalDramMemAddrType::UNRESERVED) refuse("DRAM", magic_enum::enum_name(place));
  return Board::get().dram().first();
}

std::uint32_t tt_metal::Hal::get_dev_size(HalDramMemAddrType place) const {
  return static_cast<std::uint32_t>(Board::get().chip().memory().dram_bank_bytes - get_dev_addr(place));
}

std::uint32_t tt_metal::Hal::get_alignment(HalMemType memory) const {
  return memory == HalMemType::L1 ? hal::get_l1_alignment() : hal::get_dram_alignment();
}

std::uint32_t tt_metal::Hal::get_arch_num_circular_buffers() const { return hal::get_arch_num_circular_buffers(); }

Cluster& Cluster::instance() {
  static Cluster cluster;
  return cluster;
}

int Cluster::get_device_aiclk(int) const {
  constexpr double hertz = 1e6;
  return static_cast<int>(Board::get().chip()["clock_hz"] / hertz);
}

void Cluster::write_core(const void* data, std::uint32_t bytes, tt_cxy_pair core, std::uint64_t address) const {
  const Target target = target_at(core);
  tilegrid::Device& device = Board::get().device();
  device.start_write(target, address, std::span(static_cast<const std::byte*>(data), bytes));
  device.finish();
}

void Cluster::read_core(void* data, std::uint32_t bytes, tt_cxy_pair core, std::uint64_t address) const {
  const Target target = target_at(core);
  tilegrid::Device& device = Board::get().device();
  device.start_read(target, address, std::span(static_cast<std::byte*>(data), bytes));
  device.finish();
}

void Cluster::read_core(std::vector<std::uint32_t>& data, std::uint32_t bytes, tt_cxy_pair core,
                        std::uint64_t address) const {
  data = read_core<std::uint32_t>(static_cast<int>(core.chip), core, address, bytes);
}

std::string llrt::RunTimeOptions::get_root_dir() const {
  const char* home = std::getenv("TT_METAL_HOME");
  std::string root = home != nullptr ? home : std::filesystem::current_path().string();
  if (root.empty() || root.back() != '/') root += '/';
  return root;
}

void llrt::write_hex_vec_to_core(int chip, const tt_metal::CoreCoord& core, stl::Span<const std::uint32_t> data,
                                 std::uint64_t address) {
  Cluster::instance().write_core(data.data(), static_cast<std::uint32_t>(data.size_bytes()),
                                 tt_cxy_pair(static_cast<std::size_t>(chip), core), address);
}

std::vector<std::uint32_t> llrt::read_hex_vec_from_core(int chip, const tt_metal::CoreCoord& core, std::uint64_t address,
                                                        std::uint32_t bytes) {
  return Cluster::instance().read_core(chip, core, address, bytes);
}

tt_metal::MetalContext& tt_metal::MetalContext::instance() {
  static MetalContext context;
  return context;
}

}  // namespace tt
