// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/format.h"
#include "runtime/data/npy.h"
#include "runtime/device.h"

/// Tensors from files to DRAM.
namespace tilegrid {

/// Indices of element `at`, row-major.
[[nodiscard]] std::vector<std::int64_t> indices_of(std::int64_t at, const std::vector<std::int64_t>& shape);
/// "[1, 2, 3]"
[[nodiscard]] std::string shape_text(const std::vector<std::int64_t>& shape);

/// How many dimensions a file may have, and how to say so.
struct DimensionRule {
  std::size_t least = 1;
  std::size_t most = 1;
  std::string expected;
  bool masks = false;  ///< -inf is a value, too, as in masks that are added
};
/// Throws UsageError as load_npy does, for another number of dimensions, an extent of 0 or beyond 31 bits, and for values
/// that are NaN or infinite, but for -inf where the rule has masks.
[[nodiscard]] NpyArray load_input(const std::string& flag, const std::string& path, const DimensionRule& rule);
/// What a flag says must be what the file says; throws UsageError.
void check_flag(const char* flag, std::optional<int> given, const std::string& path, std::int64_t there);

/// Bytes of `count` matrices of rows x columns elements in tiles.
[[nodiscard]] std::size_t matrix_bytes(int count, int rows, int columns, DataFormat format);

/// Matrices of one size in DRAM, one behind the other, each cut into tiles row by row.
struct Matrices {
  int count = 0, rows = 0, columns = 0;  ///< of elements
  DataFormat format = DataFormat::bf16;
  Buffer buffer{};
  /// Makes the buffer.
  [[nodiscard]] static Matrices create(Device& device, int count, int rows, int columns, DataFormat format);
  [[nodiscard]] std::uint32_t address() const { return buffer.address; }
  [[nodiscard]] std::size_t elements() const { return std::size_t{1} * count * rows * columns; }
  /// As many values as there are elements.
  void upload(Device& device, std::span<const float> values) const;
  /// Asks for the values part by part: `values` gives elements [first, first + count), which it keeps until the next call.
  /// Less memory is touched so.
  void upload(Device& device,
              const std::function<std::span<const float>(std::size_t first, std::size_t count)>& values) const;
  [[nodiscard]] std::vector<float> download(Device& device) const;
};

}  // namespace tilegrid
