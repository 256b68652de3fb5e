// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

#include "tilegrid/buffer_names.h"

// Formats, buffers and modes by the vendor's names and numbers.

enum class DataFormat : uint8_t {
  Float32 = 0,
  Float16 = 1,
  Bfp8 = 2,
  Bfp4 = 3,
  Tf32 = 4,
  Float16_b = 5,
  Bfp8_b = 6,
  Bfp4_b = 7,
  Int32 = 8,
  UInt16 = 9,
  Lf8 = 10,
  Bfp2 = 11,
  Int8 = 14,
  Bfp2_b = 15,
  UInt32 = 24,
  UInt8 = 30,
  RawUInt8 = 0xf0,
  RawUInt16 = 0xf1,
  RawUInt32 = 0xf2,
  Invalid = 0xff,
};

namespace tt {
using ::DataFormat;

enum class DstMode : uint8_t { Full = 0, Half = 1, Tile = 2, NUM_DSTMODES = 3 };

namespace constants {
inline constexpr uint32_t TILE_HEIGHT = 32, TILE_WIDTH = 32, TILE_HW = 1024, FACE_HEIGHT = 16, FACE_WIDTH = 16,
                          FACE_HW = 256;
}  // namespace constants
}  // namespace tt

namespace tilegrid_device {

inline constexpr uint32_t page_bytes_of[32] = {TILEGRID_PAGE_BYTES};
inline constexpr uint8_t format_of[32] = {TILEGRID_FORMATS};

constexpr uint32_t tile_bytes(uint32_t format) {
  switch (static_cast<DataFormat>(format)) {
    case DataFormat::Float32:
    case DataFormat::Tf32:
    case DataFormat::Int32:
    case DataFormat::UInt32:
      return 4096;
    case DataFormat::Float16:
    case DataFormat::Float16_b:
    case DataFormat::UInt16:
      return 2048;
    case DataFormat::Bfp8:
    case DataFormat::Bfp8_b:
      return 1088;
    case DataFormat::Bfp4:
    case DataFormat::Bfp4_b:
      return 576;
    case DataFormat::Bfp2:
    case DataFormat::Bfp2_b:
      return 320;
    default:
      return 1024;
  }
}

}  // namespace tilegrid_device

constexpr uint32_t get_tile_size(uint32_t cb) { return tilegrid_device::tile_bytes(tilegrid_device::format_of[cb & 31U]); }
constexpr uint32_t get_tile_hw(uint32_t) { return 1024; }
constexpr uint32_t get_tile_num_faces(uint32_t) { return 4; }
constexpr DataFormat get_dataformat(uint32_t cb) { return static_cast<DataFormat>(tilegrid_device::format_of[cb & 31U]); }

inline constexpr uint8_t noc_index = NOC_INDEX;
// Zeros in the reserved part of L1, to be read over the NoC.
#define MEM_ZEROS_BASE 67584
#define MEM_ZEROS_SIZE 512
inline constexpr uint32_t NUM_NOCS = 2;
