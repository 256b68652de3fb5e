// SPDX-License-Identifier: Apache-2.0
// Enumerations that programs for TT-Metalium use, with the vendor's names and values.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <ostream>
#include <stdexcept>
#include <string>

namespace tt {

/// Those of the first years have names only.
enum class ARCH : std::uint8_t {
  Invalid = 0,
  GRAYSKULL = 1,
  WORMHOLE_B0 = 2,
  BLACKHOLE = 3,
  QUASAR = 4,
  WORMHOLE = 5,
  JAWBRIDGE = 6
};

/// Codes of the hardware (tensix.md 1.6).
enum class DataFormat : std::uint8_t {
  Float32 = 0,
  Float16 = 1,
  Bfp8 = 2,
  Bfp4 = 3,
  Bfp2 = 11,
  Float16_b = 5,
  Bfp8_b = 6,
  Bfp4_b = 7,
  Bfp2_b = 15,
  Lf8 = 10,
  Fp8_e4m3 = 0x1A,
  Int8 = 14,
  Tf32 = 4,
  UInt8 = 30,
  UInt16 = 9,
  Int32 = 8,
  UInt32 = 24,
  RawUInt8 = 0xf0,
  RawUInt16 = 0xf1,
  RawUInt32 = 0xf2,
  Invalid = 0xff,
};

/// Bytes of a datum of a format that has whole ones; throws std::runtime_error for others.
[[nodiscard]] constexpr std::uint32_t datum_size(DataFormat format) {
  switch (format) {
    case DataFormat::Float32:
    case DataFormat::Tf32:
    case DataFormat::Int32:
    case DataFormat::UInt32:
    case DataFormat::RawUInt32:
      return 4;
    case DataFormat::Float16:
    case DataFormat::Float16_b:
    case DataFormat::UInt16:
    case DataFormat::RawUInt16:
      return 2;
    case DataFormat::Int8:
    case DataFormat::UInt8:
    case DataFormat::RawUInt8:
    case DataFormat::Lf8:
    case DataFormat::Fp8_e4m3:
      return 1;
    default:
      throw std::runtime_error("datum_size: the format has no whole bytes to a datum");
  }
}
/// Bytes of a 32x32 tile: block floats have a byte of exponent to 16 datums.
[[nodiscard]] constexpr std::uint32_t tile_size(DataFormat format) {
  switch (format) {
    case DataFormat::Bfp2:
    case DataFormat::Bfp2_b:
      return 256 + 64;
    case DataFormat::Bfp4:
    case DataFormat::Bfp4_b:
      return 512 + 64;
    case DataFormat::Bfp8:
    case DataFormat::Bfp8_b:
      return 1024 + 64;
    default:
      return 1024 * datum_size(format);
  }
}
[[nodiscard]] constexpr bool is_integer_format(DataFormat format) {
  return format == DataFormat::UInt32 || format == DataFormat::Int32 || format == DataFormat::UInt16 ||
         format == DataFormat::UInt8 || format == DataFormat::Int8;
}
[[nodiscard]] std::string to_string(DataFormat format);
std::ostream& operator<<(std::ostream& stream, DataFormat format);

[[nodiscard]] std::string get_string(ARCH arch);
[[nodiscard]] std::string arch_to_str(ARCH arch);
/// Of "wormhole_b0" and the like; Invalid for another name.
[[nodiscard]] ARCH get_arch_from_string(const std::string& name);

}  // namespace tt

enum class MathFidelity : std::uint8_t { LoFi = 0, HiFi2 = 2, HiFi3 = 3, HiFi4 = 4, Invalid = 0xff };
enum class UnpackToDestMode : std::uint8_t { UnpackToDestFp32, Default };
enum class CoreType : std::uint8_t {
  ARC,
  DRAM,
  ACTIVE_ETH,
  IDLE_ETH,
  PCIE,
  TENSIX,
  ROUTER_ONLY,
  SECURITY,
  L2CPU,
  WORKER,
  ETH,
  COUNT
};

namespace tt {
using ::CoreType;
using ::MathFidelity;
using ::UnpackToDestMode;
}  // namespace tt

namespace tt::tt_metal {

using ::CoreType;
using ::MathFidelity;
using ::UnpackToDestMode;

enum class DataMovementProcessor : std::uint8_t { RISCV_0 = 0, RISCV_1 = 1 };
enum NOC : std::uint8_t { RISCV_0_default = 0, RISCV_1_default = 1, NOC_0 = 0, NOC_1 = 1 };
enum NOC_MODE : std::uint8_t { DM_DEDICATED_NOC = 0, DM_DYNAMIC_NOC = 1, DM_INVALID_NOC = 2 };
enum Eth : std::uint8_t { SENDER = 0, RECEIVER = 1, IDLE = 2 };
enum class KernelBuildOptLevel : std::uint8_t { O1, O2, O3, O0, Os, Ofast, Oz };
enum class HalProgrammableCoreType : std::uint8_t { TENSIX, ACTIVE_ETH, IDLE_ETH, COUNT };
enum class HalMemType : std::uint8_t { L1, DRAM, HOST, COUNT };

using DeviceAddr = std::uint64_t;
using KernelHandle = std::uint32_t;
using CBHandle = std::uintptr_t;
using ChipId = int;

inline constexpr std::uint32_t max_runtime_args = 341;

enum class TensorMemoryLayout : std::uint8_t {
  INTERLEAVED = 0,
  SINGLE_BANK = 1,
  HEIGHT_SHARDED = 2,
  WIDTH_SHARDED = 3,
  BLOCK_SHARDED = 4
};
enum class ShardOrientation : std::uint8_t { ROW_MAJOR = 0, COL_MAJOR };
enum class ShardMode : std::uint8_t { PHYSICAL, LOGICAL };
enum class BufferType : std::uint8_t { DRAM, L1, SYSTEM_MEMORY, L1_SMALL, TRACE };
enum class Layout : std::uint8_t { ROW_MAJOR = 0, TILE = 1, INVALID };

[[nodiscard]] std::string to_string(BufferType type);
[[nodiscard]] std::string to_string(TensorMemoryLayout layout);
std::ostream& operator<<(std::ostream& stream, BufferType type);
std::ostream& operator<<(std::ostream& stream, TensorMemoryLayout layout);

}  // namespace tt::tt_metal

using tt::tt_metal::ChipId;
using chip_id_t = int;

template <>
struct fmt::formatter<tt::DataFormat> : fmt::formatter<std::string> {
  template <class Context>
  auto format(tt::DataFormat value, Context& context) const {
    return fmt::formatter<std::string>::format(tt::to_string(value), context);
  }
};
template <>
struct fmt::formatter<tt::ARCH> : fmt::formatter<std::string> {
  template <class Context>
  auto format(tt::ARCH value, Context& context) const {
    return fmt::formatter<std::string>::format(tt::get_string(value), context);
  }
};
template <>
struct fmt::formatter<tt::tt_metal::BufferType> : fmt::formatter<std::string> {
  template <class Context>
  auto format(tt::tt_metal::BufferType value, Context& context) const {
    return fmt::formatter<std::string>::format(tt::tt_metal::to_string(value), context);
  }
};
template <>
struct fmt::formatter<tt::tt_metal::TensorMemoryLayout> : fmt::formatter<std::string> {
  template <class Context>
  auto format(tt::tt_metal::TensorMemoryLayout value, Context& context) const {
    return fmt::formatter<std::string>::format(tt::tt_metal::to_string(value), context);
  }
};
