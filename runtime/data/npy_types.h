// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tilegrid {

/// The element type of a .npy file, as far as it can be read: float16, float32, float64 of either byte order, and bfloat16.
/// NumPy has no bfloat16 of its own: arrays of ml_dtypes (JAX, PyTorch by way of it) are saved as two raw bytes, '<V2' or
/// '|V2'; elements of two raw bytes are therefore taken for bfloat16.
class NpyType {
 public:
  /// From a header's `descr`. Throws std::runtime_error that names the type and the call that makes the file readable.
  [[nodiscard]] static NpyType parse(std::string_view descr);

  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// What was converted on the way to float, such as "float64, rounded to float32"; empty where nothing was.
  [[nodiscard]] std::string note() const;
  /// Elements as they lie in the file, as floats: as many as `values` has. Returns the first that is finite and beyond
  /// float32, or values.size() where there is none.
  [[nodiscard]] std::size_t decode(std::span<const std::byte> data, std::span<float> values) const;

 private:
  enum class Kind : std::uint8_t { float16, float32, float64, bfloat16 };
  NpyType(Kind kind, std::size_t bytes, bool swapped) : kind_(kind), bytes_(bytes), swapped_(swapped) {}

  Kind kind_;
  std::size_t bytes_;
  bool swapped_;  ///< big-endian
};

/// Text of a file within a message: no control characters, not endless.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace tilegrid
