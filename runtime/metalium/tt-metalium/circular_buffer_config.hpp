// SPDX-License-Identifier: Apache-2.0
// Circular buffers as a host declares them: one allocation, which several ids may share.
#pragma once

#include <tt-metalium/circular_buffer_constants.h>
#include <tt-metalium/base_types.hpp>
#include <tt-metalium/buffer.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_set>

namespace tt::tt_metal {

/// A tile that is not 32x32. Only its name is known: a circular buffer with one is refused.
class Tile {
 public:
  Tile() = default;
  explicit Tile(const std::array<std::uint32_t, 2>& shape, bool = false) : shape_(shape) {}
  [[nodiscard]] std::uint32_t get_height() const { return shape_[0]; }
  [[nodiscard]] std::uint32_t get_width() const { return shape_[1]; }
  [[nodiscard]] std::uint32_t get_tile_hw() const { return shape_[0] * shape_[1]; }
  [[nodiscard]] std::uint32_t get_tile_size(DataFormat format) const { return tile_size(format) * get_tile_hw() / 1024; }

 private:
  std::array<std::uint32_t, 2> shape_{32, 32};
};

class CircularBufferConfig {
 public:
  struct Index {
    DataFormat format = DataFormat::Invalid;
    std::uint32_t page_size = 0;
  };

  explicit CircularBufferConfig(std::uint32_t total_size) : total_size_(total_size) {}
  CircularBufferConfig(std::uint32_t total_size, const std::map<std::uint8_t, DataFormat>& formats);
  CircularBufferConfig(std::uint32_t total_size, const std::map<std::uint8_t, DataFormat>& formats, const Buffer& buffer);

  /// All throw std::runtime_error for an id beyond the last, or a page that does not divide the total size.
  CircularBufferConfig& set_page_size(std::uint8_t index, std::uint32_t page_size);
  CircularBufferConfig& set_total_size(std::uint32_t total_size);
  CircularBufferConfig& set_globally_allocated_address(const Buffer& buffer);
  CircularBufferConfig& set_globally_allocated_address_and_total_size(const Buffer& buffer, std::uint32_t total_size);
  CircularBufferConfig& set_tile_dims(std::uint8_t index, const Tile& tile);

  [[nodiscard]] std::uint32_t total_size() const { return total_size_; }
  [[nodiscard]] std::optional<std::uint32_t> globally_allocated_address() const { return address_; }
  [[nodiscard]] std::unordered_set<std::uint8_t> buffer_indices() const;
  [[nodiscard]] const std::map<std::uint8_t, Index>& indices() const { return indices_; }

  /// The same by way of one index.
  class Builder {
   public:
    Builder(CircularBufferConfig& parent, std::uint8_t index) : parent_(&parent), index_(index) {}
    const Builder& set_data_format(DataFormat format) const {
      parent_->at(index_).format = format;
      return *this;
    }
    const Builder& set_total_size(std::uint32_t total_size) const {
      parent_->set_total_size(total_size);
      return *this;
    }
    const Builder& set_page_size(std::uint32_t page_size) const {
      parent_->set_page_size(index_, page_size);
      return *this;
    }

   private:
    CircularBufferConfig* parent_;
    std::uint8_t index_;
  };
  Builder index(std::uint8_t buffer_index) { return {*this, buffer_index}; }

 private:
  Index& at(std::uint8_t index);

  std::uint32_t total_size_;
  std::map<std::uint8_t, Index> indices_;
  std::optional<std::uint32_t> address_;
};

}  // namespace tt::tt_metal
