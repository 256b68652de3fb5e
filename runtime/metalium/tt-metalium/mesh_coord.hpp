// SPDX-License-Identifier: Apache-2.0
// Places in a mesh of devices. The emulated mesh is one device.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace tt::tt_metal {

struct Shape2D : std::pair<std::size_t, std::size_t> {
  using std::pair<std::size_t, std::size_t>::pair;
  [[nodiscard]] std::size_t height() const { return first; }
  [[nodiscard]] std::size_t width() const { return second; }
};

namespace distributed {

/// Extents, rows first.
class MeshShape {
 public:
  MeshShape() = default;
  explicit MeshShape(std::uint32_t size) : extents_{1, size} {}
  MeshShape(std::uint32_t rows, std::uint32_t columns) : extents_{rows, columns} {}
  explicit MeshShape(std::vector<std::uint32_t> extents) : extents_(std::move(extents)) {}
  [[nodiscard]] std::size_t dims() const { return extents_.size(); }
  [[nodiscard]] std::size_t mesh_size() const {
    std::size_t size = 1;
    for (const std::uint32_t extent : extents_) size *= extent;
    return size;
  }
  std::uint32_t operator[](std::int32_t i) const {
    return extents_.at(i < 0 ? extents_.size() + static_cast<std::size_t>(i) : static_cast<std::size_t>(i));
  }
  friend bool operator==(const MeshShape&, const MeshShape&) = default;

 private:
  std::vector<std::uint32_t> extents_{1, 1};
};

class MeshCoordinate {
 public:
  explicit MeshCoordinate(std::uint32_t at) : at_{at} {}
  MeshCoordinate(std::uint32_t row, std::uint32_t column) : at_{row, column} {}
  explicit MeshCoordinate(std::vector<std::uint32_t> at) : at_(std::move(at)) {}
  [[nodiscard]] static MeshCoordinate zero_coordinate(std::size_t dims) {
    return MeshCoordinate(std::vector<std::uint32_t>(dims));
  }
  [[nodiscard]] std::size_t dims() const { return at_.size(); }
  std::uint32_t operator[](std::int32_t i) const {
    return at_.at(i < 0 ? at_.size() + static_cast<std::size_t>(i) : static_cast<std::size_t>(i));
  }
  [[nodiscard]] std::string str() const { return fmt::format("({})", fmt::join(at_, ", ")); }
  friend auto operator<=>(const MeshCoordinate&, const MeshCoordinate&) = default;

 private:
  std::vector<std::uint32_t> at_;
};

/// Both corners included.
class MeshCoordinateRange {
 public:
  explicit MeshCoordinateRange(const MeshShape& shape)
      : first_(MeshCoordinate::zero_coordinate(shape.dims())), last_(last_of(shape)) {}
  MeshCoordinateRange(const MeshCoordinate& first, const MeshCoordinate& last) : first_(first), last_(last) {}
  explicit MeshCoordinateRange(const MeshCoordinate& only) : first_(only), last_(only) {}
  [[nodiscard]] const MeshCoordinate& start_coord() const { return first_; }
  [[nodiscard]] const MeshCoordinate& end_coord() const { return last_; }
  [[nodiscard]] std::size_t dims() const { return first_.dims(); }
  [[nodiscard]] bool contains(const MeshCoordinate& at) const {
    for (std::size_t i = 0; i < dims(); ++i) {
      const auto axis = static_cast<std::int32_t>(i);
      if (at[axis] < first_[axis] || at[axis] > last_[axis]) return false;
    }
    return true;
  }
  /// The coordinates in it: of a mesh of one device, one.
  [[nodiscard]] const MeshCoordinate* begin() const { return &first_; }
  [[nodiscard]] const MeshCoordinate* end() const { return &first_ + 1; }
  friend bool operator==(const MeshCoordinateRange&, const MeshCoordinateRange&) = default;

 private:
  [[nodiscard]] static MeshCoordinate last_of(const MeshShape& shape) {
    std::vector<std::uint32_t> at;
    at.reserve(shape.dims());
    for (std::size_t i = 0; i < shape.dims(); ++i) at.push_back(shape[static_cast<std::int32_t>(i)] - 1);
    return MeshCoordinate(std::move(at));
  }
  MeshCoordinate first_;
  MeshCoordinate last_;
};

std::ostream& operator<<(std::ostream& stream, const MeshCoordinate& at);
std::ostream& operator<<(std::ostream& stream, const MeshShape& shape);

}  // namespace distributed
}  // namespace tt::tt_metal

template <>
struct std::hash<tt::tt_metal::distributed::MeshCoordinateRange> {
  std::size_t operator()(const tt::tt_metal::distributed::MeshCoordinateRange& range) const noexcept {
    std::size_t hash = 0;
    for (std::size_t i = 0; i < range.dims(); ++i) {
      hash = hash * 1000003 + range.start_coord()[static_cast<std::int32_t>(i)];
      hash = hash * 1000003 + range.end_coord()[static_cast<std::int32_t>(i)];
    }
    return hash;
  }
};
template <>
struct fmt::formatter<tt::tt_metal::distributed::MeshCoordinate> : fmt::formatter<std::string> {
  template <class Context>
  auto format(const tt::tt_metal::distributed::MeshCoordinate& value, Context& context) const {
    return fmt::formatter<std::string>::format(value.str(), context);
  }
};
