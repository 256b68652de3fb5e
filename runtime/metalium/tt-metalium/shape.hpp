// SPDX-License-Identifier: Apache-2.0
// The extents of a tensor, outermost first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

namespace tt::tt_metal {

/// Negative places count from the innermost extent, which is -1. Places that are not there throw std::out_of_range.
class Shape {
 public:
  using value_type = std::uint32_t;
  Shape() = default;
  Shape(std::initializer_list<std::uint32_t> extents) : extents_(extents) {}
  explicit Shape(std::span<const std::uint32_t> extents) : extents_(extents.begin(), extents.end()) {}
  explicit Shape(const std::vector<std::uint32_t>& extents) : extents_(extents) {}

  [[nodiscard]] std::size_t rank() const { return extents_.size(); }
  [[nodiscard]] std::size_t size() const { return extents_.size(); }
  [[nodiscard]] bool empty() const { return extents_.empty(); }
  [[nodiscard]] std::uint64_t volume() const {
    std::uint64_t product = 1;
    for (const std::uint32_t extent : extents_) product *= extent;
    return product;
  }
  [[nodiscard]] std::uint32_t operator[](std::int32_t place) const { return extents_.at(index(place)); }
  [[nodiscard]] std::uint32_t& operator[](std::int32_t place) { return extents_.at(index(place)); }
  [[nodiscard]] auto begin() const { return extents_.cbegin(); }
  [[nodiscard]] auto end() const { return extents_.cend(); }
  [[nodiscard]] std::span<const std::uint32_t> view() const { return extents_; }
  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  [[nodiscard]] std::size_t index(std::int32_t place) const {
    return place < 0 ? extents_.size() + static_cast<std::size_t>(place) : static_cast<std::size_t>(place);
  }
  std::vector<std::uint32_t> extents_;
};

}  // namespace tt::tt_metal
