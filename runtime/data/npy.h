// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tilegrid {

/// A dense array in C order.
struct NpyArray {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// Reads a NumPy `.npy` file (format 1.0, 2.0 or 3.0) of little-endian float32 or float16 in C order. Throws UsageError with
/// one line that names the file and what is wrong: missing, not npy, another type, Fortran order, shorter or longer than its
/// shape says, too large.
[[nodiscard]] NpyArray load_npy(const std::string& path);

/// Writes float32, format 1.0. Writes to a temporary file beside it and renames, so that a failure leaves no half file.
/// Throws UsageError when the file can't be written.
void save_npy(const std::string& path, std::span<const std::int64_t> shape, std::span<const float> values);

}  // namespace tilegrid
