// SPDX-License-Identifier: Apache-2.0
#include "core/unpacker.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "core/simd/matrix_kernels.h"
#include "core/types.h"

namespace tilegrid {

namespace {

/// Integers of fewer than 32 bits as the words that DST holds.
template <class T>
void widen(const std::byte* l1, std::array<std::int32_t, tile_elements>& out) {
  std::array<T, tile_elements> values;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  std::memcpy(values.data(), l1, sizeof values);
  std::copy(values.begin(), values.end(), out.begin());
}

}  // namespace

void unpack_tile(const std::byte* l1, DataFormat format, RegisterFormat to, bool transpose, float* out) {
  simd::UnpackSpec spec{.format = format, .transpose = transpose};
  if (is_integer(format) && tile_bytes(format) != tile_elements * sizeof(std::int32_t)) {
    alignas(64) std::array<std::int32_t, tile_elements> words;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    if (format == DataFormat::uint16) widen<std::uint16_t>(l1, words);
    if (format == DataFormat::int8) widen<std::int8_t>(l1, words);
    if (format == DataFormat::uint8) widen<std::uint8_t>(l1, words);
    return simd::unpack(reinterpret_cast<const std::byte*>(words.data()), spec, out);
  }
  if (format == DataFormat::fp32 || format == DataFormat::tf32) {
    if (to == RegisterFormat::tf32) spec.keep = 0xFFFFE000U;
    if (to == RegisterFormat::bf16) {
      spec.keep = 0xFFFF0000U;
      spec.flush = true;
    }
  }
  simd::unpack(l1, spec, out);
}

}  // namespace tilegrid
