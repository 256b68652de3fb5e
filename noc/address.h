// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/types.h"
#include "noc/grid.h"

namespace tilegrid::noc {

/// 64-bit NoC address as kernels hold it: 36 bits of offset, then 6 bits of x and 6 of y. Workers are addressed by virtual
/// coordinates, contiguous from (18,18) (tensix.md 4.2); DRAM by the NoC 0 coordinates of a bank's endpoint.
using NocAddress = std::uint64_t;

inline constexpr int virtual_base = 18;
static_assert(max_die_side <= virtual_base, "the coordinates of DRAM would be those of workers");
inline constexpr unsigned offset_bits = 36;
inline constexpr unsigned coordinate_bits = 6;

[[nodiscard]] constexpr NocAddress make_address(std::uint32_t x, std::uint32_t y, std::uint64_t offset) {
  return (offset & ((std::uint64_t{1} << offset_bits) - 1)) | std::uint64_t{x} << offset_bits |
         std::uint64_t{y} << (offset_bits + coordinate_bits);
}
[[nodiscard]] constexpr std::uint32_t address_x(NocAddress address) {
  return static_cast<std::uint32_t>(address >> offset_bits) & 63U;
}
[[nodiscard]] constexpr std::uint32_t address_y(NocAddress address) {
  return static_cast<std::uint32_t>(address >> (offset_bits + coordinate_bits)) & 63U;
}
[[nodiscard]] constexpr std::uint64_t address_offset(NocAddress address) {
  return address & ((std::uint64_t{1} << offset_bits) - 1);
}

/// Largest grid that virtual coordinates can name.
inline constexpr int max_grid_side = 64 - virtual_base;

/// What a NoC address leads to: a core's L1 or a DRAM bank.
struct Target {
  enum class Kind : std::uint8_t { core, dram };
  Kind kind = Kind::core;
  std::int32_t index = 0;  ///< core index in the grid, or bank
  friend constexpr bool operator==(Target, Target) = default;
};

[[nodiscard]] NocAddress dram_address(const Places& places, int bank, std::uint64_t offset);

}  // namespace tilegrid::noc
