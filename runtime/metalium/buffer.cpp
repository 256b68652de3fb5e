// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>
#include <stdexcept>
#include <tt-metalium/host_api.hpp>

#include "noc/address.h"
#include "runtime/metalium/board.h"
#include "runtime/metalium/buffer_map.h"

namespace tt::tt_metal {
namespace {

using tilegrid::metalium::Board;

std::uint64_t up(std::uint64_t bytes, std::uint64_t alignment) { return (bytes + alignment - 1) / alignment * alignment; }

}  // namespace

std::array<std::uint32_t, 2> ShardSpecBuffer::shape_in_pages() const {
  const std::array<std::uint32_t, 2> shard = shape();
  if (page_shape[0] == 0 || page_shape[1] == 0 || shard[0] % page_shape[0] != 0 || shard[1] % page_shape[1] != 0) {
    throw std::runtime_error(
        fmt::format("a shard of {}x{} is not made of pages of {}x{}", shard[0], shard[1], page_shape[0], page_shape[1]));
  }
  return {shard[0] / page_shape[0], shard[1] / page_shape[1]};
}

DeviceAddr ShardSpecBuffer::num_pages() const {
  const std::array<std::uint32_t, 2> pages = shape_in_pages();
  return DeviceAddr{pages[0]} * pages[1];
}

std::shared_ptr<Buffer> Buffer::create(IDevice* device, DeviceAddr size, DeviceAddr page_size, BufferType type,
                                       const BufferShardingArgs& sharding, std::optional<bool> bottom_up,
                                       std::optional<SubDeviceId>, std::optional<DeviceAddr> address) {
  return std::make_shared<Buffer>(device, size, page_size, type, sharding, bottom_up, address);
}

Buffer::Buffer(IDevice* device, DeviceAddr size, DeviceAddr page_size, BufferType type, TensorMemoryLayout layout)
    : Buffer(device, size, page_size, type, BufferShardingArgs(std::nullopt, layout), std::nullopt, std::nullopt) {}

Buffer::Buffer(IDevice* device, DeviceAddr size, DeviceAddr page_size, BufferType type, const BufferShardingArgs& sharding,
               std::optional<bool> bottom_up, std::optional<DeviceAddr> address)
    : device_(device),
      size_(size),
      page_size_(page_size),
      type_(type),
      sharding_(sharding),
      bottom_up_(bottom_up.value_or(type == BufferType::DRAM || type == BufferType::TRACE)) {
  if (type == BufferType::SYSTEM_MEMORY) throw std::runtime_error("a buffer in SYSTEM_MEMORY: it is not emulated");
  if (size == 0 || page_size == 0 || size % page_size != 0) {
    throw std::runtime_error(
        fmt::format("a buffer of {} bytes in pages of {}: both are above 0, and pages divide the buffer", size, page_size));
  }
  if (is_sharded(sharding.buffer_layout()) && !sharding.shard_spec()) {
    throw std::runtime_error(fmt::format("a buffer of layout {} without a shard spec", sharding.buffer_layout()));
  }
  allocate(address);
}

Buffer::~Buffer() { deallocate(); }

void Buffer::allocate(std::optional<DeviceAddr> address) {
  Board& board = Board::get();
  allocated_ = true;
  if (address) {
    address_ = *address;
    return;
  }
  tilegrid::metalium::Heap& heap = is_dram() ? board.dram() : board.l1();
  const std::uint64_t bytes = aligned_size_per_bank();
  const std::optional<std::uint64_t> place = heap.take(bytes, bottom_up_);
  if (!place) {
    allocated_ = false;
    throw std::runtime_error(
        fmt::format("out of memory: a {} buffer of {} bytes needs {} in each bank; the largest gap there has {}",
                    to_string(type_), size_, bytes, heap.largest_gap()));
  }
  address_ = *place;
  owns_ = true;
  board.heaps_changed();
}

void Buffer::deallocate() {
  if (owns_) (is_dram() ? Board::get().dram() : Board::get().l1()).give_back(address_);
  owns_ = false;
  allocated_ = false;
}

void DeallocateBuffer(Buffer& buffer) { buffer.deallocate(); }

void Buffer::set_page_size(DeviceAddr page_size) {
  if (page_size == 0 || size_ % page_size != 0) {
    throw std::runtime_error(fmt::format("a buffer of {} bytes in pages of {}", size_, page_size));
  }
  page_size_ = page_size;
}

std::uint32_t Buffer::num_pages() const { return static_cast<std::uint32_t>(size_ / page_size_); }

std::uint32_t Buffer::num_dev_pages() const {
  if (!has_shard_spec()) return num_pages();
  return static_cast<std::uint32_t>(shard_spec().num_pages()) * *num_cores();
}

std::uint32_t Buffer::alignment() const { return device_->allocator()->get_alignment(type_); }

DeviceAddr Buffer::aligned_page_size() const { return up(page_size_, alignment()); }

DeviceAddr Buffer::aligned_size_per_bank() const {
  if (has_shard_spec()) return shard_spec().num_pages() * aligned_page_size();
  const std::uint64_t banks = device_->allocator()->get_num_banks(type_);
  return (num_pages() + banks - 1) / banks * aligned_page_size();
}

DeviceAddr Buffer::page_address(DeviceAddr bank_id, DeviceAddr page_index) const {
  if (has_shard_spec()) return address_ + page_index % shard_spec().num_pages() * aligned_page_size();
  static_cast<void>(bank_id);
  return address_ + page_index / device_->allocator()->get_num_banks(type_) * aligned_page_size();
}

ShardSpecBuffer Buffer::shard_spec() const {
  if (!sharding_.shard_spec()) throw std::runtime_error("Buffer::shard_spec: the buffer is not sharded");
  return *sharding_.shard_spec();
}

void Buffer::set_shard_spec(const ShardSpecBuffer& spec) { sharding_ = {spec, sharding_.buffer_layout()}; }

std::optional<std::uint32_t> Buffer::num_cores() const {
  if (!has_shard_spec()) return std::nullopt;
  return shard_spec().tensor_shard_spec.num_cores();
}

CoreCoord Buffer::noc_coordinates(std::uint32_t bank_id) const {
  if (is_dram()) return device_->dram_core_from_dram_channel(bank_id);
  return device_->worker_core_from_logical_core(device_->logical_core_from_bank_id(bank_id));
}

CoreCoord Buffer::logical_core_from_bank_id(std::uint32_t bank_id) const {
  return device_->logical_core_from_bank_id(bank_id);
}

// ---- Where pages lie

BufferMap::BufferMap(const Buffer& buffer) : buffer_(buffer), page_(buffer.aligned_page_size()) {
  if (!buffer.has_shard_spec()) {
    banks_ = buffer.device()->allocator()->get_num_banks(buffer.buffer_type());
    return;
  }
  const ShardSpecBuffer spec = buffer.shard_spec();
  shard_ = spec.shape_in_pages();
  tensor_ = spec.tensor2d_shape_in_pages;
  if (tensor_[0] * std::size_t{tensor_[1]} != buffer.num_pages()) {
    throw std::runtime_error(
        fmt::format("a sharded buffer of {} pages for a tensor of {}x{} pages", buffer.num_pages(), tensor_[0], tensor_[1]));
  }
  shards_across_ = (tensor_[1] + shard_[1] - 1) / shard_[1];
  cores_ = corerange_to_cores(spec.grid(), std::nullopt, spec.orientation() == ShardOrientation::ROW_MAJOR);
  const std::size_t shards = std::size_t{shards_across_} * ((tensor_[0] + shard_[0] - 1) / shard_[0]);
  if (shards > cores_.size()) {
    throw std::runtime_error(fmt::format("a buffer of {} shards on {} cores", shards, cores_.size()));
  }
}

BufferMap::Place BufferMap::operator()(std::uint64_t page) const {
  using Target = tilegrid::noc::Target;
  const std::uint64_t address = buffer_.address();
  if (cores_.empty()) {
    const auto kind = buffer_.is_dram() ? Target::Kind::dram : Target::Kind::core;
    return {{kind, static_cast<std::int32_t>(page % banks_)}, address + page / banks_ * page_};
  }
  const std::uint64_t row = page / tensor_[1];
  const std::uint64_t column = page % tensor_[1];
  const CoreCoord& core = cores_[row / shard_[0] * shards_across_ + column / shard_[1]];
  const std::uint64_t in_shard = row % shard_[0] * shard_[1] + column % shard_[1];
  if (buffer_.is_dram()) {
    // Cores of a DRAM shard's grid are banks, in one row.
    const auto banks = buffer_.device()->dram_grid_size().x;
    if (core.x >= banks || core.y != 0) {
      throw std::runtime_error(fmt::format("a shard on DRAM core {}: banks are (0,0) to ({},0)", core, banks - 1));
    }
    return {{Target::Kind::dram, static_cast<std::int32_t>(core.x)}, address + in_shard * page_};
  }
  const tilegrid::GridSize grid = Board::get().grid();
  const tilegrid::LogicalCore at{static_cast<int>(core.x), static_cast<int>(core.y)};
  if (!grid.contains(at)) throw std::runtime_error(fmt::format("a shard on core {} of a {}x{} grid", core, grid.x, grid.y));
  return {{Target::Kind::core, grid.index(at)}, address + in_shard * page_};
}

namespace {

/// Hands all pages that the bytes cover to `transfer`, and waits for what it starts.
template <class Transfer>
void by_page(const Buffer& buffer, std::size_t bytes, const Transfer& transfer) {
  if (bytes > buffer.size()) {
    Board::get().say_once(fmt::format("{} bytes for a buffer of {}: the rest is left out", bytes, buffer.size()));
    bytes = buffer.size();
  }
  const BufferMap place_of(buffer);
  const std::size_t page_size = buffer.page_size();
  for (std::size_t page = 0; page * page_size < bytes; ++page) {
    const BufferMap::Place place = place_of(page);
    transfer(place, page * page_size, std::min(page_size, bytes - page * page_size));
  }
  Board::get().device().finish();
}

}  // namespace

void write_bytes(Buffer& buffer, const void* data, std::size_t bytes) {
  const std::span<const std::byte> from(static_cast<const std::byte*>(data), bytes);
  by_page(buffer, bytes, [&](const BufferMap::Place& place, std::size_t first, std::size_t count) {
    Board::get().device().start_write(place.target, place.offset, from.subspan(first, count));
  });
}

void read_bytes(Buffer& buffer, void* data, std::size_t bytes) {
  const std::span<std::byte> to(static_cast<std::byte*>(data), bytes);
  by_page(buffer, bytes, [&](const BufferMap::Place& place, std::size_t first, std::size_t count) {
    Board::get().device().start_read(place.target, place.offset, to.subspan(first, count));
  });
}

}  // namespace tt::tt_metal
