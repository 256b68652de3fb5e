// SPDX-License-Identifier: Apache-2.0
// Buffers in DRAM and L1, interleaved over banks or sharded over cores.
#pragma once

#include <tt-metalium/assert.hpp>
#include <tt-metalium/base_types.hpp>
#include <tt-metalium/bfloat16.hpp>
#include <tt-metalium/core_coord.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tt::tt_metal {

class IDevice;
class Buffer;
struct BufferMap;

struct SubDeviceId {
  std::uint8_t value = 0;
  std::uint8_t operator*() const { return value; }
};

struct ShardSpec {
  CoreRangeSet grid;
  std::array<std::uint32_t, 2> shape{};
  ShardOrientation orientation = ShardOrientation::ROW_MAJOR;
  bool halo = false;

  ShardSpec(const CoreRangeSet& cores, const std::array<std::uint32_t, 2>& shard_shape,
            ShardOrientation shard_orientation = ShardOrientation::ROW_MAJOR, bool with_halo = false)
      : grid(cores), shape(shard_shape), orientation(shard_orientation), halo(with_halo) {}
  [[nodiscard]] std::uint32_t num_cores() const { return grid.num_cores(); }
  [[nodiscard]] std::uint32_t numel() const { return shape[0] * shape[1]; }
  friend bool operator==(const ShardSpec&, const ShardSpec&) = default;
};

/// Shapes in elements, but for that of the tensor, which is in pages; height first.
struct ShardSpecBuffer {
  ShardSpec tensor_shard_spec;
  std::array<std::uint32_t, 2> page_shape{};
  std::array<std::uint32_t, 2> tensor2d_shape_in_pages{};

  ShardSpecBuffer(const CoreRangeSet& cores, const std::array<std::uint32_t, 2>& shard_shape, ShardOrientation orientation,
                  const std::array<std::uint32_t, 2>& page, const std::array<std::uint32_t, 2>& tensor_in_pages)
      : tensor_shard_spec(cores, shard_shape, orientation), page_shape(page), tensor2d_shape_in_pages(tensor_in_pages) {}
  ShardSpecBuffer(const CoreRangeSet& cores, const std::array<std::uint32_t, 2>& shard_shape, ShardOrientation orientation,
                  bool halo, const std::array<std::uint32_t, 2>& page, const std::array<std::uint32_t, 2>& tensor_in_pages)
      : tensor_shard_spec(cores, shard_shape, orientation, halo),
        page_shape(page),
        tensor2d_shape_in_pages(tensor_in_pages) {}
  ShardSpecBuffer(const ShardSpec& spec, const std::array<std::uint32_t, 2>& page,
                  const std::array<std::uint32_t, 2>& tensor_in_pages)
      : tensor_shard_spec(spec), page_shape(page), tensor2d_shape_in_pages(tensor_in_pages) {}

  [[nodiscard]] CoreRangeSet grid() const { return tensor_shard_spec.grid; }
  [[nodiscard]] std::array<std::uint32_t, 2> shape() const { return tensor_shard_spec.shape; }
  [[nodiscard]] ShardOrientation orientation() const { return tensor_shard_spec.orientation; }
  void set_shard_spec(const ShardSpec& spec) { tensor_shard_spec = spec; }
  /// Of a shard. Throws std::runtime_error when pages do not divide it.
  [[nodiscard]] std::array<std::uint32_t, 2> shape_in_pages() const;
  /// Of a shard.
  [[nodiscard]] DeviceAddr num_pages() const;
};

struct BufferConfig {
  IDevice* device = nullptr;
  DeviceAddr size = 0;       ///< bytes
  DeviceAddr page_size = 0;  ///< bytes of what goes to one bank
  BufferType buffer_type = BufferType::DRAM;
  TensorMemoryLayout buffer_layout = TensorMemoryLayout::INTERLEAVED;
};
using InterleavedBufferConfig = BufferConfig;

struct ShardedBufferConfig {
  IDevice* device = nullptr;
  DeviceAddr size = 0;
  DeviceAddr page_size = 0;
  BufferType buffer_type = BufferType::L1;
  TensorMemoryLayout buffer_layout = TensorMemoryLayout::HEIGHT_SHARDED;
  ShardSpecBuffer shard_parameters;
};

/// How a buffer is cut into shards; none: it is interleaved.
class BufferShardingArgs {
 public:
  BufferShardingArgs() = default;
  BufferShardingArgs(std::nullopt_t) {}
  BufferShardingArgs(std::optional<ShardSpecBuffer> spec, TensorMemoryLayout layout)
      : spec_(std::move(spec)), layout_(layout) {}
  [[nodiscard]] const std::optional<ShardSpecBuffer>& shard_spec() const { return spec_; }
  [[nodiscard]] TensorMemoryLayout buffer_layout() const { return layout_; }

 private:
  std::optional<ShardSpecBuffer> spec_;
  TensorMemoryLayout layout_ = TensorMemoryLayout::INTERLEAVED;
};

[[nodiscard]] inline bool is_sharded(TensorMemoryLayout layout) {
  return layout == TensorMemoryLayout::HEIGHT_SHARDED || layout == TensorMemoryLayout::WIDTH_SHARDED ||
         layout == TensorMemoryLayout::BLOCK_SHARDED;
}

struct BufferRegion {
  DeviceAddr offset = 0;
  DeviceAddr size = 0;
  BufferRegion(DeviceAddr first, DeviceAddr bytes) : offset(first), size(bytes) {}
};

/// Memory of the device. Its pages are dealt round robin to banks (DRAM banks, or the L1 of all cores), or lie in shards on
/// cores; in a bank they are as far apart as its alignment asks. It is freed with its last owner.
class Buffer final : public std::enable_shared_from_this<Buffer> {
 public:
  /// Throws std::runtime_error when it does not fit, or is of a kind that one chip without a host's memory does not have.
  static std::shared_ptr<Buffer> create(IDevice* device, DeviceAddr size, DeviceAddr page_size, BufferType type,
                                        const BufferShardingArgs& sharding = std::nullopt,
                                        std::optional<bool> bottom_up = std::nullopt,
                                        std::optional<SubDeviceId> sub_device = std::nullopt,
                                        std::optional<DeviceAddr> address = std::nullopt);
  static std::shared_ptr<Buffer> create(IDevice* device, DeviceAddr size, DeviceAddr page_size, BufferType type,
                                        TensorMemoryLayout layout) {
    return create(device, size, page_size, type, BufferShardingArgs(std::nullopt, layout));
  }
  /// The form of the years before, without an owner that is shared.
  Buffer(IDevice* device, DeviceAddr size, DeviceAddr page_size, BufferType type,
         TensorMemoryLayout layout = TensorMemoryLayout::INTERLEAVED);
  Buffer(IDevice* device, DeviceAddr size, DeviceAddr page_size, BufferType type, const BufferShardingArgs& sharding,
         std::optional<bool> bottom_up, std::optional<DeviceAddr> address);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  [[nodiscard]] IDevice* device() const { return device_; }
  [[nodiscard]] std::uint32_t address() const { return static_cast<std::uint32_t>(address_); }
  [[nodiscard]] DeviceAddr size() const { return size_; }
  [[nodiscard]] DeviceAddr page_size() const { return page_size_; }
  void set_page_size(DeviceAddr page_size);
  [[nodiscard]] std::uint32_t num_pages() const;
  [[nodiscard]] std::uint32_t num_dev_pages() const;
  [[nodiscard]] BufferType buffer_type() const { return type_; }
  [[nodiscard]] TensorMemoryLayout buffer_layout() const { return sharding_.buffer_layout(); }
  [[nodiscard]] bool is_l1() const { return type_ == BufferType::L1 || type_ == BufferType::L1_SMALL; }
  [[nodiscard]] bool is_dram() const { return type_ == BufferType::DRAM || type_ == BufferType::TRACE; }
  [[nodiscard]] bool is_allocated() const { return allocated_; }
  [[nodiscard]] bool bottom_up() const { return bottom_up_; }
  [[nodiscard]] CoreType core_type() const { return is_dram() ? CoreType::DRAM : CoreType::WORKER; }
  [[nodiscard]] std::uint32_t alignment() const;
  [[nodiscard]] DeviceAddr aligned_page_size() const;
  [[nodiscard]] DeviceAddr aligned_size() const { return aligned_page_size() * num_pages(); }
  [[nodiscard]] DeviceAddr aligned_size_per_bank() const;
  [[nodiscard]] DeviceAddr page_address(DeviceAddr bank_id, DeviceAddr page_index) const;
  [[nodiscard]] bool has_shard_spec() const { return sharding_.shard_spec().has_value(); }
  /// Throws std::runtime_error when there is none.
  [[nodiscard]] ShardSpecBuffer shard_spec() const;
  void set_shard_spec(const ShardSpecBuffer& spec);
  [[nodiscard]] std::optional<std::uint32_t> num_cores() const;
  /// NoC coordinates of a bank of DRAM: of the first one without a number.
  [[nodiscard]] CoreCoord noc_coordinates(std::uint32_t bank_id = 0) const;
  [[nodiscard]] CoreCoord logical_core_from_bank_id(std::uint32_t bank_id) const;
  void deallocate();

 private:
  friend struct BufferMap;
  void allocate(std::optional<DeviceAddr> address);

  IDevice* device_;
  DeviceAddr size_;
  DeviceAddr page_size_;
  BufferType type_;
  BufferShardingArgs sharding_;
  bool bottom_up_;
  bool allocated_ = false;
  bool owns_ = false;  ///< its memory is the allocator's
  DeviceAddr address_ = 0;
};

void DeallocateBuffer(Buffer& buffer);

using HostDataType = std::variant<std::shared_ptr<std::vector<std::uint8_t>>, std::shared_ptr<std::vector<std::uint16_t>>,
                                  std::shared_ptr<std::vector<std::int32_t>>, std::shared_ptr<std::vector<std::uint32_t>>,
                                  std::shared_ptr<std::vector<float>>, std::shared_ptr<std::vector<bfloat16>>, const void*>;

}  // namespace tt::tt_metal
