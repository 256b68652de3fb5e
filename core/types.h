// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

#include "core/ids.h"

namespace tilegrid {

/// A worker core by its place in the emulated grid: x is the column, y the row. Row-major order.
struct LogicalCore {
  int x = 0;
  int y = 0;
  friend constexpr bool operator==(LogicalCore, LogicalCore) = default;
  friend constexpr std::strong_ordering operator<=>(LogicalCore a, LogicalCore b) {
    return a.y != b.y ? a.y <=> b.y : a.x <=> b.x;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(x, y);
  }
};

/// A node of the chip's NoC 0 torus (workers, DRAM, Ethernet, ...). Not convertible to LogicalCore on purpose.
struct PhysicalCore {
  int x = 0;
  int y = 0;
  friend constexpr bool operator==(PhysicalCore, PhysicalCore) = default;
};

/// Extent of a worker grid: 8x10 means 8 columns (x) by 10 rows (y).
struct GridSize {
  int x = 0;
  int y = 0;
  [[nodiscard]] constexpr int cores() const { return x * y; }
  [[nodiscard]] constexpr int index(LogicalCore core) const { return core.y * x + core.x; }
  [[nodiscard]] constexpr LogicalCore core(int index) const { return {index % x, index / x}; }
  [[nodiscard]] constexpr bool contains(LogicalCore core) const {
    return core.x >= 0 && core.x < x && core.y >= 0 && core.y < y;
  }
  friend constexpr bool operator==(GridSize, GridSize) = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(x, y);
  }
};

/// The processor that runs a kernel. The compute kernel is one program of three TRISCs (unpack, math, pack), run here as
/// one fiber in program order; each call belongs to one or more of the three.
enum class Risc : std::uint8_t { brisc, ncrisc, trisc };
inline constexpr int risc_count = count_to(Risc::trisc);
template <>
inline constexpr int enum_size<Risc> = risc_count;
[[nodiscard]] constexpr const char* name_of(Risc risc) {
  constexpr EnumArray<Risc, const char*> names = {"BRISC", "NCRISC", "TRISC"};
  return names[risc];
}

/// A RISC of a core of the grid, by index: who issued a transfer. The host has core -1.
struct Issuer {
  int core = -1;
  Risc risc = Risc::brisc;
  friend constexpr auto operator<=>(Issuer, Issuer) = default;
};

enum class NocId : std::uint8_t { noc0, noc1 };
inline constexpr int noc_count = count_to(NocId::noc1);
template <>
inline constexpr int enum_size<NocId> = noc_count;

inline constexpr int tile_side = 32;
inline constexpr int face_side = 16;
inline constexpr int tile_elements = tile_side * tile_side;

}  // namespace tilegrid
