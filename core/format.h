// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tilegrid {

/// Data formats with the hardware's codes. Source: ISA documentation and ttsim (tensix.md 1.6).
enum class DataFormat : std::uint8_t {
  fp32 = 0,    ///< e8m23
  fp16 = 1,    ///< e5m10, no inf or NaN: 0x7FFF is the largest magnitude
  tf32 = 4,    ///< e8m10, in L1 as 32 bits with the low 13 zero
  bf16 = 5,    ///< e8m7
  bfp4_b = 7,  ///< sign and 3-bit magnitude, one 8-bit exponent to 16 datums; readable only (masks)
};

/// Bytes of a 32x32 tile in L1 and DRAM: 4096, 2048 or (bfp4_b) 576.
[[nodiscard]] std::uint32_t tile_bytes(DataFormat format);
[[nodiscard]] const char* name_of(DataFormat format);
/// "fp32", "tf32", "bf16", "fp16"; nothing for another text.
[[nodiscard]] std::optional<DataFormat> parse_format(std::string_view text);

/// Plain reference conversions of one value: what the packer does on the way from DST to L1 (tensix.md 1.6), and back.
/// The SIMD paths are tested against these over all 16-bit patterns and over fp32 samples.
namespace scalar {

/// fp32 to BF16 bits: half away from zero on the magnitude; NaN becomes inf; denormals and -0 become +0.
[[nodiscard]] std::uint16_t pack_bf16(float value);
/// fp32 to FP16 bits: half away from zero; beyond the range, inf and NaN become 0x7FFF with the sign; denormals become +0.
[[nodiscard]] std::uint16_t pack_fp16(float value);
/// fp32 to TF32 in a 32-bit word: half away from zero on the magnitude, low 13 bits zero; denormals and -0 become +0.
[[nodiscard]] std::uint32_t pack_tf32(float value);
[[nodiscard]] float unpack_bf16(std::uint16_t bits);
/// Exact; 0x7C00 and above are ordinary numbers with exponent 31 - 15, as the hardware has no inf or NaN here.
[[nodiscard]] float unpack_fp16(std::uint16_t bits);
/// fp32 as the unpacker hands it to a source register: cut to TF32 (13 bits dropped) or BF16 (16 bits; denormals to 0).
[[nodiscard]] float truncate_tf32(float value);
[[nodiscard]] float truncate_bf16(float value);
/// Rounding of a DST write in 16-bit mode: magnitude half up to 8 significand bits; denormals to +0 (tensix.md 2.1 step 4).
[[nodiscard]] float round_dst16(float value);

}  // namespace scalar
}  // namespace tilegrid
