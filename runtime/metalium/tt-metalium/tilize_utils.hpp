// SPDX-License-Identifier: Apache-2.0
// Matrices in row-major order as tiles and back. A tile is four faces of 16x16, or 32 rows of 32 ("swizzled").
#pragma once

#include <tt-metalium/span.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

enum class TensorLayoutType : std::uint8_t { LIN_ROW_MAJOR = 0, TILED_SWIZZLED = 1, TILED_NFACES = 2 };
enum TensorLayout : std::uint8_t {
  LIN_ROW_MAJOR = 0,
  TILED32_SWIZZLED = 1,
  TILED32_4FACES = 2,
  TILED_SWIZZLED = 1,
  TILED_NFACES = 2
};
/// The first one's name of the years before.
namespace tests::utils {
using ::TensorLayoutType;
}
using PhysicalSize = std::array<std::uint32_t, 2>;

namespace tilegrid::metalium {

inline constexpr std::size_t side = 32;
inline constexpr std::size_t face = 16;

/// Where element (row, column) of a matrix with that many columns lies in a layout.
[[nodiscard]] inline std::size_t place_in(TensorLayoutType layout, std::size_t row, std::size_t column,
                                          std::size_t columns) {
  if (layout == TensorLayoutType::LIN_ROW_MAJOR) return row * columns + column;
  const std::size_t tile = row / side * (columns / side) + column / side;
  row %= side;
  column %= side;
  std::size_t in_tile = row * side + column;
  if (layout == TensorLayoutType::TILED_NFACES) {
    in_tile = (row / face * 2 + column / face) * face * face + row % face * face + column % face;
  }
  return tile * side * side + in_tile;
}

/// Matrices one behind the other. Throws std::runtime_error for sizes that are no multiples of the tile's, or another count.
template <class T>
std::vector<T> with_layout(std::span<const T> data, std::size_t rows, std::size_t columns, TensorLayoutType from,
                           TensorLayoutType to) {
  if (rows % side != 0 || columns % side != 0 || rows * columns == 0 || data.size() % (rows * columns) != 0) {
    throw std::runtime_error("layout of tiles: rows and columns are multiples of 32, and the data whole matrices");
  }
  std::vector<T> result(data.size());
  for (std::size_t first = 0; first < data.size(); first += rows * columns) {
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t column = 0; column < columns; ++column) {
        result[first + place_in(to, row, column, columns)] = data[first + place_in(from, row, column, columns)];
      }
    }
  }
  return result;
}

}  // namespace tilegrid::metalium

template <class T>
std::vector<T> tilize_nfaces(const std::vector<T>& input, std::uint32_t rows, std::uint32_t columns) {
  return tilegrid::metalium::with_layout<T>(input, rows, columns, TensorLayoutType::LIN_ROW_MAJOR,
                                            TensorLayoutType::TILED_NFACES);
}
template <class T>
std::vector<T> untilize_nfaces(const std::vector<T>& input, std::uint32_t rows, std::uint32_t columns) {
  return tilegrid::metalium::with_layout<T>(input, rows, columns, TensorLayoutType::TILED_NFACES,
                                            TensorLayoutType::LIN_ROW_MAJOR);
}
template <class T>
std::vector<T> tilize_swizzled(const std::vector<T>& input, std::uint32_t rows, std::uint32_t columns) {
  return tilegrid::metalium::with_layout<T>(input, rows, columns, TensorLayoutType::LIN_ROW_MAJOR,
                                            TensorLayoutType::TILED_SWIZZLED);
}
template <class T>
std::vector<T> untilize_swizzled(const std::vector<T>& input, std::uint32_t rows, std::uint32_t columns) {
  return tilegrid::metalium::with_layout<T>(input, rows, columns, TensorLayoutType::TILED_SWIZZLED,
                                            TensorLayoutType::LIN_ROW_MAJOR);
}
/// In place, as the years before did.
template <class T>
void tilize(std::vector<T>& data, std::uint32_t rows, std::uint32_t columns) {
  data = tilize_nfaces(data, rows, columns);
}
template <class T>
void untilize(std::vector<T>& data, std::uint32_t rows, std::uint32_t columns) {
  data = untilize_nfaces(data, rows, columns);
}

/// The last two of `shape` are rows and columns.
template <class T>
std::vector<T> convert_layout(tt::stl::Span<const T> data, const PhysicalSize& shape, TensorLayoutType from,
                              TensorLayoutType to) {
  return tilegrid::metalium::with_layout<T>(data, shape[0], shape[1], from, to);
}
template <class T, std::convertible_to<tt::stl::Span<const std::uint32_t>> Shape>
std::vector<T> convert_layout(tt::stl::Span<const T> data, const Shape& shape, TensorLayoutType from, TensorLayoutType to) {
  const tt::stl::Span<const std::uint32_t> sizes = shape;
  return tilegrid::metalium::with_layout<T>(data, *std::prev(sizes.end(), 2), *std::prev(sizes.end()), from, to);
}
/// A shape in braces, which could as well be a PhysicalSize.
template <class T>
std::vector<T> convert_layout(tt::stl::Span<const T> data, std::initializer_list<std::uint32_t> shape, TensorLayoutType from,
                              TensorLayoutType to) {
  return tilegrid::metalium::with_layout<T>(data, *std::prev(shape.end(), 2), *std::prev(shape.end()), from, to);
}
template <class T, class Shape>
std::vector<T> convert_layout(const std::vector<T>& data, const Shape& shape, TensorLayout from, TensorLayout to) {
  const auto columns = *std::prev(std::end(shape));
  const auto rows = *std::prev(std::end(shape), 2);
  return tilegrid::metalium::with_layout<T>(data, rows, columns, static_cast<TensorLayoutType>(from),
                                            static_cast<TensorLayoutType>(to));
}
/// One tile.
template <class T>
std::vector<T> convert_to_tile_layout(const std::vector<T>& data) {
  return tilegrid::metalium::with_layout<T>(data, 32, 32, TensorLayoutType::TILED_SWIZZLED, TensorLayoutType::TILED_NFACES);
}
template <class T>
std::vector<T> convert_to_tile_layout(tt::stl::Span<const T> data) {
  return tilegrid::metalium::with_layout<T>(data, 32, 32, TensorLayoutType::TILED_SWIZZLED, TensorLayoutType::TILED_NFACES);
}
template <class T>
std::vector<T> convert_to_flat_layout(tt::stl::Span<const T> data) {
  return tilegrid::metalium::with_layout<T>(data, 32, 32, TensorLayoutType::TILED_NFACES, TensorLayoutType::TILED_SWIZZLED);
}
template <class T>
std::vector<T> convert_to_flat_layout(const std::vector<T>& data) {
  return tilegrid::metalium::with_layout<T>(data, 32, 32, TensorLayoutType::TILED_NFACES, TensorLayoutType::TILED_SWIZZLED);
}
template <class T>
std::vector<T> convert_layout_tile_swizzled_to_tile_nfaces(tt::stl::Span<const T> data) {
  return tilegrid::metalium::with_layout<T>(data, 32, 32, TensorLayoutType::TILED_SWIZZLED, TensorLayoutType::TILED_NFACES);
}
template <class T>
std::vector<T> convert_layout_tile_nfaces_to_tile_swizzled(tt::stl::Span<const T> data) {
  return tilegrid::metalium::with_layout<T>(data, 32, 32, TensorLayoutType::TILED_NFACES, TensorLayoutType::TILED_SWIZZLED);
}

template <class T>
std::vector<T> tilize_nchw(const std::vector<T>& data, const std::vector<std::uint32_t>& shape) {
  return convert_layout(data, shape, TensorLayout::LIN_ROW_MAJOR, TensorLayout::TILED32_SWIZZLED);
}
template <class T>
std::vector<T> untilize_nchw(const std::vector<T>& data, const std::vector<std::uint32_t>& shape) {
  return convert_layout(data, shape, TensorLayout::TILED32_SWIZZLED, TensorLayout::LIN_ROW_MAJOR);
}
[[nodiscard]] constexpr std::uint32_t round_up_to_mul16(std::uint32_t value) { return (value + 15U) / 16U * 16U; }
[[nodiscard]] constexpr std::uint32_t round_up_to_mul32(std::uint32_t value) { return (value + 31U) / 32U * 32U; }

/// Where elements of a row-major tensor of four dimensions lie.
struct TensAddr {
  std::vector<std::uint32_t> sh;
  explicit TensAddr(std::vector<std::uint32_t> shape) : sh(std::move(shape)) {
    if (sh.size() != 4) throw std::runtime_error("TensAddr: a shape has four sizes");
  }
  [[nodiscard]] std::uint32_t numel() const { return sh[0] * sh[1] * sh[2] * sh[3]; }
  /// Throws std::out_of_range for an index beyond its size.
  [[nodiscard]] std::uint32_t offs(std::uint32_t n, std::uint32_t c, std::uint32_t h, std::uint32_t w) const {
    if (n >= sh[0] || c >= sh[1] || h >= sh[2] || w >= sh[3]) throw std::out_of_range("TensAddr: beyond the tensor");
    return ((n * sh[1] + c) * sh[2] + h) * sh[3] + w;
  }
};
