// SPDX-License-Identifier: Apache-2.0
#include "runtime/data/tensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

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
  std::vector<std::byte> tiles(buffer.bytes());
  const std::size_t own = elements() / count, bytes = matrix_bytes(1, rows, columns, format);
  for (int i = 0; i < count; ++i) {
    tilize(values.subspan(i * own, own), rows, columns, format, std::span(tiles).subspan(i * bytes, bytes));
  }
  device.write(buffer, tiles);
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
