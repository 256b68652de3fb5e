// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "core/format.h"
#include "core/matrix_unit.h"
#include "core/simd/targets.h"
#include "core/tile.h"
#include "hwy/highway.h"
#include "hwy/targets.h"

namespace tilegrid::test {

/// Runs `body` once on each instruction set that is compiled in and that this machine has; then restores the choice.
template <class Body>
void on_each_target(const Body& body) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    body(std::string(hwy::TargetName(target)));
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

/// `count` tiles of 1024 floats in face order, aligned as DST is.
class DstTiles {
 public:
  explicit DstTiles(std::size_t count) : tiles_(count) {}
  [[nodiscard]] float* data() { return tiles_[0].values; }
  [[nodiscard]] std::size_t size() const { return tiles_.size() * tile_elements; }
  /// Element (row, column) of tile `index`.
  float& at(std::size_t index, std::size_t row, std::size_t column) {
    return tiles_[index].values[tile_index(static_cast<int>(row), static_cast<int>(column))];
  }

 private:
  struct alignas(64) Tile {
    float values[tile_elements];
  };
  std::vector<Tile> tiles_;
};

inline constexpr Fidelity fidelities[] = {Fidelity::lofi, Fidelity::hifi2, Fidelity::hifi3, Fidelity::hifi4};
/// Those that the matrix unit takes.
inline constexpr DataFormat matrix_formats[] = {DataFormat::bf16,   DataFormat::fp16,   DataFormat::fp32,  DataFormat::tf32,
                                                DataFormat::bfp8_b, DataFormat::bfp4_b, DataFormat::bfp2_b};

/// Row-major bf16 patterns to face order.
inline std::vector<std::uint16_t> to_faces(const std::uint16_t* tile) {
  std::vector<std::uint16_t> out(tile_elements);
  for (int r = 0; r < 32; ++r) {
    for (int c = 0; c < 32; ++c) out[static_cast<std::size_t>(tile_index(r, c))] = tile[r * 32 + c];
  }
  return out;
}

enum class Values { ordinary, special };

/// Random numbers of normal distribution. `special`: also zeros, denormals, the largest and smallest numbers, inf and NaN.
class RandomTiles {
 public:
  explicit RandomTiles(unsigned seed) : engine_(seed) {}

  float value(Values kind) {
    if (kind == Values::special && engine_() % 4 == 0) {
      constexpr std::uint32_t patterns[] = {0x00000000, 0x80000000, 0x00410000, 0x80012345, 0x007FFFFF, 0x00800000,
                                            0x7F7FFFFF, 0xFF7F0000, 0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC10000,
                                            0x7F800001, 0x3F7FFFFF, 0x3F808000, 0x0D000000, 0x8D010000, 0x5F000000};
      return std::bit_cast<float>(patterns[engine_() % std::size(patterns)]);
    }
    return normal_(engine_);
  }

  std::vector<std::byte> tiles(DataFormat format, int count, Values kind) {
    std::vector<std::byte> out(tile_bytes(format) * static_cast<std::size_t>(count));
    if (is_block_float(format)) {
      fill_block_floats(out, format, kind);
      return out;
    }
    const std::size_t width = format == DataFormat::fp32 || format == DataFormat::tf32 ? 4 : 2;
    for (std::size_t i = 0; i < out.size(); i += width) {
      const auto bits = std::bit_cast<std::uint32_t>(value(kind));
      const std::uint16_t half =
          format == DataFormat::fp16 ? scalar::pack_fp16(value(kind)) : static_cast<std::uint16_t>(bits >> 16U);
      std::memcpy(&out[i], width == 4 ? static_cast<const void*>(&bits) : &half, width);
    }
    return out;
  }

  void fill(DstTiles& tiles, Values kind, bool dst_fp32) {
    for (std::size_t i = 0; i < tiles.size(); ++i) {
      const float v = value(kind);
      tiles.data()[i] = dst_fp32 ? v : scalar::round_dst16(v);
    }
  }

 private:
  void fill_block_floats(std::vector<std::byte>& out, DataFormat format, Values kind) {
    const std::size_t tile = tile_bytes(format);
    const std::uint32_t ones = format == DataFormat::bfp8_b ? 0x01 : format == DataFormat::bfp4_b ? 0x11 : 0x55;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const bool exponent = i % tile < 64;
      const auto near_one = 120 + engine_() % 12;
      auto byte = exponent && kind == Values::ordinary ? near_one : engine_() % 256;
      if (!exponent && kind == Values::ordinary) byte |= ones;  // a magnitude of 0 would be -inf with the sign
      out[i] = static_cast<std::byte>(byte);
    }
  }

  std::mt19937 engine_;
  std::normal_distribution<float> normal_;
};

}  // namespace tilegrid::test
