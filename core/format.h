// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tilegrid {

/// Data formats with the hardware's codes. Source: ISA documentation and ttsim (tensix.md 1.6).
enum class DataFormat : std::uint8_t {
  fp32 = 0,    ///< e8m23
  fp16 = 1,    ///< e5m10, no inf or NaN: 0x7FFF is the largest magnitude
  tf32 = 4,    ///< e8m10, in L1 as 32 bits with the low 13 zero
  bf16 = 5,    ///< e8m7
  bfp8_b = 6,  ///< sign and 7-bit magnitude without a hidden bit, one 8-bit exponent to 16 datums, a row of a face
  bfp4_b = 7,  ///< the same with a 3-bit magnitude
  int32 = 8,   ///< integers are moved, and held in 32-bit DST, as the bits that they are
  uint16 = 9,
  int8 = 14,
  bfp2_b = 15,  ///< the same with a 1-bit magnitude
  uint32 = 24,
  uint8 = 30,
};

/// Of a tile in a block-float format: datums that share an exponent, and bytes of exponents in front of the datums
/// (tensix.md 1.6).
inline constexpr std::size_t block_float_group = 16;
inline constexpr std::size_t block_float_exponents = 64;

/// Throws std::invalid_argument.
[[noreturn]] void unknown_format(DataFormat format);
/// Bytes of a 32x32 tile in L1 and DRAM: 4096, 2048, 1088 (bfp8_b), 576 (bfp4_b), 320 (bfp2_b) or 1024.
[[nodiscard]] constexpr std::uint32_t tile_bytes(DataFormat format) {
  switch (format) {
    case DataFormat::fp32:
    case DataFormat::tf32:
    case DataFormat::int32:
    case DataFormat::uint32:
      return 4096;
    case DataFormat::fp16:
    case DataFormat::bf16:
    case DataFormat::uint16:
      return 2048;
    case DataFormat::int8:
    case DataFormat::uint8:
      return 1024;
    case DataFormat::bfp8_b:
      return 1088;
    case DataFormat::bfp4_b:
      return 576;
    case DataFormat::bfp2_b:
      return 320;
  }
  unknown_format(format);
}
[[nodiscard]] const char* name_of(DataFormat format);
[[nodiscard]] constexpr bool is_block_float(DataFormat format) {
  return format == DataFormat::bfp8_b || format == DataFormat::bfp4_b || format == DataFormat::bfp2_b;
}
/// Bits of the magnitude of a block-float datum: 7, 3 or 1. With the sign it has 8, 4 or 2 bits.
[[nodiscard]] constexpr int magnitude_bits(DataFormat format) {
  return format == DataFormat::bfp8_b ? 7 : format == DataFormat::bfp4_b ? 3 : 1;
}
[[nodiscard]] constexpr bool is_integer(DataFormat format) {
  return format == DataFormat::int32 || format == DataFormat::uint32 || format == DataFormat::uint16 ||
         format == DataFormat::int8 || format == DataFormat::uint8;
}
/// "fp32", "tf32", "bf16", "fp16", "bfp8_b", "bfp4_b", "bfp2_b"; nothing for another text.
[[nodiscard]] std::optional<DataFormat> parse_format(std::string_view text);

/// Plain reference conversions of one value: what the packer does on the way from DST to L1 (tensix.md 1.6), and back.
/// The SIMD paths are tested against these over all 16-bit patterns and over fp32 samples.
namespace scalar {

/// fp32 to BF16 bits: half away from zero on the magnitude; NaN becomes inf; what has exponent 0 then becomes +0, -0 too.
[[nodiscard]] std::uint16_t pack_bf16(float value);
/// fp32 to FP16 bits: half away from zero; beyond the range, inf and NaN become 0x7FFF with the sign; denormals become +0.
[[nodiscard]] std::uint16_t pack_fp16(float value);
/// fp32 to FP16 bits as the packer does it from 32-bit DST: cut; inf, NaN and what is beyond the range become 0x7FFF with
/// the sign, what is below 2^-15 0 with the sign; between 2^-15 and 2^-14 the exponent is 0, and the fraction stays.
[[nodiscard]] std::uint16_t cut_fp16(float value);
/// L1 accumulation of FP16 bits, `old` in L1: to nearest even, at most 0x7FFF; denormals count as 0. Sums that leave the
/// range below, and some that cancel, come out as 0x7FFF, as the vendor's simulator has it.
[[nodiscard]] std::uint16_t accumulate_fp16(std::uint16_t old, std::uint16_t value);
/// fp32 to TF32 in a 32-bit word: half away from zero on the magnitude, low 13 bits zero; denormals and -0 become +0.
[[nodiscard]] std::uint32_t pack_tf32(float value);
[[nodiscard]] float unpack_bf16(std::uint16_t bits);
/// Exact; 0x7C00 and above are ordinary numbers with exponent 31 - 15, as the hardware has no inf or NaN here.
[[nodiscard]] float unpack_fp16(std::uint16_t bits);

/// How values become block floats.
enum class BlockRounding : std::uint8_t {
  packer,   ///< first half away from zero to 7 places (e8m6), then to the shared exponent: the packer as kernels set it up
  precise,  ///< from BF16, to which an fp32 is cut, to the shared exponent at once: bfp8_pack_precise
  nearest,  ///< once, to the nearest of the format itself: what hosts do before they upload
};

/// A row of a face in a block-float format. A datum is a sign and below it a magnitude of b = magnitude_bits(format) bits,
/// worth m * 2^(exponent - 127 - (b - 1)); it is in the low bits of its byte.
struct BlockRow {
  std::uint8_t exponent = 0;
  std::array<std::uint8_t, block_float_group> datums{};
};
/// The exponent is that of the largest value. To bfp8_b magnitudes are rounded to nearest, half up, and end at 127. The
/// packer makes bfp4_b and bfp2_b of that by cutting 4 or 6 bits, so that they are biased towards zero. A magnitude of 0 has
/// no sign. NaN counts as inf, inf as 2^128, denormals as 0.
[[nodiscard]] BlockRow pack_block_row(std::span<const float, block_float_group> values, DataFormat format,
                                      BlockRounding rounding = BlockRounding::packer);
/// A datum as the unpacker makes BF16 of it: exact and normalised, but an exponent below the smallest wraps to a large one,
/// as on hardware. A sign without magnitude is -inf.
[[nodiscard]] float unpack_bfp8_b(std::uint8_t exponent, std::uint8_t datum);
[[nodiscard]] float unpack_block_float(DataFormat format, std::uint8_t exponent, std::uint8_t datum);

/// fp32 as the unpacker hands it to a source register: cut to TF32 (13 bits dropped) or BF16 (16 bits; denormals to 0).
[[nodiscard]] float truncate_tf32(float value);
[[nodiscard]] float truncate_bf16(float value);
/// Rounding of a DST write in 16-bit mode: magnitude half up to 8 significand bits; denormals to +0 (tensix.md 2.1 step 4).
[[nodiscard]] float round_dst16(float value);

}  // namespace scalar
}  // namespace tilegrid
