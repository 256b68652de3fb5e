// SPDX-License-Identifier: Apache-2.0
#include "core/packer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

#include "core/error.h"
#include "core/simd/pack_kernels.h"
#include "core/types.h"

namespace tilegrid {
namespace {

/// L1 is bytes to the rest of the emulator; tiles lie at multiples of 16 bytes.
template <class T>
T* typed(std::byte* l1) {
  return reinterpret_cast<T*>(l1);  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
}

/// DST after ReLU: the source itself when there is nothing to do.
const float* after_relu(const float* source, const PackConfig& config, std::array<float, tile_elements>& buffer) {
  static constexpr std::array<float, tile_elements> cleared{};
  const float* values = source != nullptr ? source : cleared.data();
  if (config.relu == ReluMode::none) return values;
  simd::relu(config.relu, config.relu_threshold, values, tile_elements, buffer.data());
  return buffer.data();
}

void convert_bf16(const float* values, bool dst_fp32, std::uint16_t* out) {
  dst_fp32 ? simd::pack_bf16(values, tile_elements, out) : simd::pack_bf16_identity(values, tile_elements, out);
}

void accumulate(const float* values, bool dst_fp32, DataFormat format, std::byte* l1) {
  if (format == DataFormat::fp32) return simd::accumulate_fp32(values, tile_elements, typed<float>(l1));
  alignas(64) std::array<std::uint16_t, tile_elements> packed;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  convert_bf16(values, dst_fp32, packed.data());
  simd::accumulate_bf16(packed.data(), tile_elements, typed<std::uint16_t>(l1));
}

/// Integers in DST are 32-bit patterns. The shorter ones end at `least` and `most`, if there are any.
template <class T>
void narrow(const float* values, std::int32_t least, std::int32_t most, std::byte* l1) {
  for (int i = 0; i < tile_elements; ++i) {
    typed<T>(l1)[i] = static_cast<T>(std::clamp(std::bit_cast<std::int32_t>(values[i]), least, most));
  }
}

/// As the bits that they are; null is a cleared tile.
void store_integers(const float* source, DataFormat format, std::byte* l1) {
  static constexpr std::array<float, tile_elements> cleared{};
  const float* values = source != nullptr ? source : cleared.data();
  using Limits = std::numeric_limits<std::int32_t>;
  if (format == DataFormat::uint16) return narrow<std::uint16_t>(values, Limits::min(), Limits::max(), l1);
  if (format == DataFormat::uint8) return narrow<std::uint8_t>(values, 0, 255, l1);
  if (format == DataFormat::int8) return narrow<std::int8_t>(values, -127, 127, l1);
  std::memcpy(l1, values, tile_elements * sizeof(float));
}

void check(const PackConfig& config) {
  if (config.l1_accumulate && config.format != DataFormat::fp32 && config.format != DataFormat::bf16) {
    throw Fault("Packer L1 accumulation", std::string("pack_tile accumulates onto ") + name_of(config.format) + " in L1",
                "L1 accumulation adds in fp32 or bf16")
        .hint("accumulate in a buffer of format fp32 or bf16, or turn L1 accumulation off");
  }
}

}  // namespace

void pack_tile(const float* source, bool dst_fp32, const PackConfig& config, std::byte* l1) {
  check(config);
  alignas(64) std::array<float, tile_elements> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  if (is_integer(config.format)) return store_integers(source, config.format, l1);
  const float* values = after_relu(source, config, buffer);
  if (config.l1_accumulate) return accumulate(values, dst_fp32, config.format, l1);
  switch (config.format) {
    case DataFormat::bf16:
      return convert_bf16(values, dst_fp32, typed<std::uint16_t>(l1));
    case DataFormat::fp16:
      return simd::pack_fp16(values, tile_elements, typed<std::uint16_t>(l1));
    case DataFormat::tf32:
      return simd::pack_tf32(values, tile_elements, typed<std::uint32_t>(l1));
    case DataFormat::bfp8_b:
    case DataFormat::bfp4_b:
    case DataFormat::bfp2_b:
      return simd::pack_block_floats(
          values, config.format, config.precise_blocks ? scalar::BlockRounding::precise : scalar::BlockRounding::packer, l1);
    default:
      std::memcpy(l1, values, tile_elements * sizeof(float));
  }
}

}  // namespace tilegrid
