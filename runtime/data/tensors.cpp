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
  return static_cast<std::size_t>(count) * static_cast<std::size_t>(tiles_of(rows)) *
         static_cast<std::size_t>(tiles_of(columns)) * tile_bytes(format);
}

void upload_matrices(Device& device, const Buffer& buffer, std::span<const float> values, int count, int rows, int columns,
                     DataFormat format) {
  std::vector<std::byte> tiles(buffer.bytes());
  const std::size_t elements = static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  const std::size_t bytes = matrix_bytes(1, rows, columns, format);
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    tilize(values.subspan(i * elements, elements), rows, columns, format, std::span(tiles).subspan(i * bytes, bytes));
  }
  device.write(buffer, tiles);
}

std::vector<float> download_matrices(Device& device, const Buffer& buffer, int count, int rows, int columns,
                                     DataFormat format) {
  std::vector<std::byte> tiles(buffer.bytes());
  device.read(buffer, std::span(tiles));
  const std::size_t elements = static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  const std::size_t bytes = matrix_bytes(1, rows, columns, format);
  std::vector<float> values(static_cast<std::size_t>(count) * elements);
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    untilize(std::span(tiles).subspan(i * bytes, bytes), rows, columns, format,
             std::span(values).subspan(i * elements, elements));
  }
  return values;
}

}  // namespace tilegrid
