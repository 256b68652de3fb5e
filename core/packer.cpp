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

using TileFloats = std::array<float, tile_elements>;

/// Whether ReLU sees values as fp32, which are converted behind it.
bool relu_is_wide(bool dst_fp32, const PackConfig& config) {
  if (!dst_fp32) return false;
  return is_block_float(config.format) ? config.precise_blocks : config.format != DataFormat::bf16;
}

/// The conversion in front of ReLU: to 8 places for bf16, to 7 (e8m6) for block floats; 16-bit DST has these places.
float convert_early(float value, bool dst_fp32, const PackConfig& config) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  std::uint32_t magnitude = std::min(bits & 0x7FFFFFFFU, 0x7F800000U);
  const bool blocks = is_block_float(config.format) && !config.precise_blocks;
  if (blocks) magnitude = (magnitude + 0x10000U) & 0xFFFE0000U;
  if (!blocks && dst_fp32) magnitude = (magnitude + 0x8000U) & 0xFFFF0000U;
  return magnitude < 0x00800000U ? 0.0F : std::bit_cast<float>(magnitude | (bits & 0x80000000U));
}

/// ReLU with a threshold on fp32. The threshold has 16 bits, and a maximum looks at 19 bits of a value.
float wide_relu(ReluMode mode, float threshold, float value) {
  const std::uint32_t limit = std::bit_cast<std::uint32_t>(threshold) & 0xFFFF0000U;
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x80000000U) != 0) return 0.0F;
  if (mode == ReluMode::min_threshold) return bits <= limit ? 0.0F : value;
  return bits >> 13 > limit >> 13 ? std::bit_cast<float>(limit) : value;
}

/// DST after ReLU: the source itself when there is nothing to do.
const float* after_relu(const float* source, bool dst_fp32, const PackConfig& config, TileFloats& buffer) {
  static constexpr TileFloats cleared{};
  const float* values = source != nullptr ? source : cleared.data();
  if (config.relu == ReluMode::none) return values;
  const bool wide = relu_is_wide(dst_fp32, config);
  if (wide && config.relu != ReluMode::zero) {
    std::transform(values, values + tile_elements, buffer.begin(),
                   [&](float value) { return wide_relu(config.relu, config.relu_threshold, value); });
    return buffer.data();
  }
  if (!wide) {
    std::transform(values, values + tile_elements, buffer.begin(),
                   [&](float value) { return convert_early(value, dst_fp32, config); });
    values = buffer.data();
  }
  simd::relu(config.relu, config.relu_threshold, values, tile_elements, buffer.data());
  return buffer.data();
}

void convert_bf16(const float* values, bool dst_fp32, std::uint16_t* out) {
  dst_fp32 ? simd::pack_bf16(values, tile_elements, out) : simd::pack_bf16_identity(values, tile_elements, out);
}

void convert_fp16(const float* values, bool dst_fp32, std::uint16_t* out) {
  if (!dst_fp32) return simd::pack_fp16(values, tile_elements, out);
  std::transform(values, values + tile_elements, out, scalar::cut_fp16);
}

void accumulate(const float* values, bool dst_fp32, DataFormat format, std::byte* l1) {
  if (format == DataFormat::fp16) {
    std::array<std::uint16_t, tile_elements> packed;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    convert_fp16(values, dst_fp32, packed.data());
    auto* old = typed<std::uint16_t>(l1);
    std::transform(old, old + tile_elements, packed.begin(), old, scalar::accumulate_fp16);
    return;
  }
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
void store_integers(const float* source, DataFormat format, ReluMode relu, std::byte* l1) {
  static constexpr std::array<float, tile_elements> cleared{};
  const float* values = source != nullptr ? source : cleared.data();
  using Limits = std::numeric_limits<std::int32_t>;
  if (format == DataFormat::uint16) return narrow<std::uint16_t>(values, Limits::min(), Limits::max(), l1);
  if (format == DataFormat::uint8) return narrow<std::uint8_t>(values, 0, 255, l1);
  if (format == DataFormat::int8) return narrow<std::int8_t>(values, -127, 127, l1);
  std::memcpy(l1, values, tile_elements * sizeof(float));
  if (format != DataFormat::int32 || relu != ReluMode::zero) return;
  auto* words = typed<std::int32_t>(l1);
  std::transform(words, words + tile_elements, words, [](std::int32_t word) { return std::max(word, 0); });
}

void check(const PackConfig& config) {
  const bool adds =
      config.format == DataFormat::fp32 || config.format == DataFormat::bf16 || config.format == DataFormat::fp16;
  if (config.l1_accumulate && !adds) {
    throw Fault("Packer L1 accumulation", std::string("pack_tile accumulates onto ") + name_of(config.format) + " in L1",
                "L1 accumulation adds in fp32, bf16 or fp16")
        .hint("accumulate in a buffer of format fp32, bf16 or fp16, or turn L1 accumulation off");
  }
}

}  // namespace

void pack_tile(const float* source, bool dst_fp32, const PackConfig& config, std::byte* l1) {
  check(config);
  alignas(64) TileFloats buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  if (is_integer(config.format)) return store_integers(source, config.format, config.relu, l1);
  const float* values = after_relu(source, dst_fp32, config, buffer);
  if (config.l1_accumulate) return accumulate(values, dst_fp32, config.format, l1);
  switch (config.format) {
    case DataFormat::bf16:
      return convert_bf16(values, dst_fp32, typed<std::uint16_t>(l1));
    case DataFormat::fp16:
      return convert_fp16(values, dst_fp32, typed<std::uint16_t>(l1));
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
