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
  std::string note;  ///< what was converted on the way ("float64, rounded to float32"); empty where nothing was
};

/// Reads a NumPy `.npy` file (format 1.0, 2.0 or 3.0) in C order of float16, float32, float64 (either byte order) or
/// bfloat16 (npy_types.h). Throws UsageError with one line that names the file and what is wrong: missing, not npy, another
/// type (with the call that makes it readable), Fortran order, shorter or longer than its shape says, too large, a float64
/// beyond float32.
[[nodiscard]] NpyArray load_npy(const std::string& path);

/// Writes float32, format 1.0, as write_file() does (core/atomic_file.h). Throws UsageError when the file can't be written.
void save_npy(const std::string& path, std::span<const std::int64_t> shape, std::span<const float> values);

}  // namespace tilegrid
