// SPDX-License-Identifier: Apache-2.0
#include "runtime/data/tensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "core/error.h"
#include "core/tile.h"

namespace tilegrid {
std::vector<std::int64_t> indices_of(std::int64_t at, const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> index(shape.size());
  for (std::size_t i = index.size(); i-- > 0;) {
    index[i] = at % shape[i];
    at /= shape[i];
  }
  return index;
}

std::string shape_text(const std::vector<std::int64_t>& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

NpyArray load_input(const std::string& flag, const std::string& path, const DimensionRule& rule) {
  // "--in x=" is followed by the path at once.
  const std::string said = flag.ends_with('=') ? flag : flag + " ";
  NpyArray array = [&] {
    try {
      return load_npy(path);
    } catch (const UsageError& error) {
      throw UsageError(said + error.message());
    }
  }();
  if (array.shape.size() < rule.least || array.shape.size() > rule.most) {
    throw UsageError(fmt::format("{}{}: shape {}, {}", said, path, shape_text(array.shape), rule.expected));
  }
  for (const std::int64_t extent : array.shape) {
    if (extent < 1 || extent > std::numeric_limits<int>::max()) {
      throw UsageError(fmt::format("{}{}: shape {}, no extent may be {}", said, path, shape_text(array.shape), extent));
    }
  }
  const auto bad = [&](float value) { return !std::isfinite(value) && !(rule.masks && std::isinf(value) && value < 0); };
  const auto first = std::find_if(array.values.begin(), array.values.end(), bad);
  if (first != array.values.end()) {
    throw UsageError(fmt::format("{}{}: {} values are NaN or infinite, the first at {}", said, path,
                                 std::count_if(first, array.values.end(), bad),
                                 shape_text(indices_of(first - array.values.begin(), array.shape))));
  }
  return array;
}

void check_flag(const char* flag, std::optional<int> given, const std::string& path, std::int64_t there) {
  if (given && *given != there) throw UsageError(fmt::format("{} {}: {} has {}", flag, *given, path, there));
}

std::size_t matrix_bytes(int count, int rows, int columns, DataFormat format) {
  return std::size_t{1} * count * tiles_of(rows) * tiles_of(columns) * tile_bytes(format);
}

Matrices Matrices::create(Device& device, int count, int rows, int columns, DataFormat format) {
  const Buffer buffer = device.create_buffer(matrix_bytes(count, rows, columns, format), tile_bytes(format));
  return {count, rows, columns, format, buffer};
}

void Matrices::upload(Device& device, std::span<const float> values) const {
  if (values.size() != elements()) throw std::logic_error("a tensor of another size than its matrices");
  upload(device, [&](std::size_t first, std::size_t count) { return values.subspan(first, count); });
}

void Matrices::upload(Device& device,
                      const std::function<std::span<const float>(std::size_t first, std::size_t count)>& values) const {
  // So many rows of tiles at a time that they stay in the caches, and that the allocator does not give them back each time.
  constexpr std::size_t part_bytes = std::size_t{128} << 10U;
  const std::size_t of_row = sizeof(float) * columns;
  const int most_rows = std::max(1, static_cast<int>(part_bytes / (of_row * tile_side))) * tile_side;
  std::vector<std::byte> tiles;
  std::size_t first = 0;
  std::uint64_t page = 0;
  for (int matrix = 0; matrix < count; ++matrix) {
    for (int row = 0; row < rows; row += most_rows) {
      const int part_rows = std::min(most_rows, rows - row);
      const std::size_t part = std::size_t{1} * part_rows * columns;
      tiles.resize(matrix_bytes(1, part_rows, columns, format));
      tilize(values(first, part), part_rows, columns, format, tiles);
      device.write_pages(buffer, page, tiles);
      first += part;
      page += tiles.size() / buffer.page_bytes;
    }
  }
}

std::vector<float> Matrices::download(Device& device) const {
  std::vector<std::byte> tiles(buffer.bytes());
  device.read(buffer, std::span(tiles));
  std::vector<float> values(elements());
  const std::size_t own = elements() / count, bytes = matrix_bytes(1, rows, columns, format);
  for (int i = 0; i < count; ++i) {
    untilize(std::span(tiles).subspan(i * bytes, bytes), rows, columns, format, std::span(values).subspan(i * own, own));
  }
  return values;
}

}  // namespace tilegrid
