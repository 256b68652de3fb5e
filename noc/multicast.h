// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/types.h"
#include "noc/address.h"

namespace tilegrid::noc {

/// A multicast address: the rectangle's corners and an offset, packed as TT-Metalium's 64-bit multicast addresses
/// (36 bits of offset; x end, y end, x start, y start of 6 bits each).
[[nodiscard]] constexpr NocAddress multicast_address(std::uint32_t x_start, std::uint32_t y_start, std::uint32_t x_end,
                                                     std::uint32_t y_end, std::uint64_t offset) {
  return make_address(x_end, y_end, offset) | std::uint64_t{x_start} << (offset_bits + 2 * coordinate_bits) |
         std::uint64_t{y_start} << (offset_bits + 3 * coordinate_bits);
}

/// The rectangle of a multicast, with its corners in the order in which a NoC takes them. A packet goes from the start to
/// the end the way its NoC turns: NoC 0 to higher columns and rows, NoC 1 to lower ones (tensix.md 4.1). With the corners
/// the other way about it goes round the torus, and to the cores that lie there.
struct Rectangle {
  LogicalCore start;
  LogicalCore end;

  [[nodiscard]] static Rectangle of(NocAddress multicast);
  [[nodiscard]] LogicalCore low() const;
  [[nodiscard]] LogicalCore high() const;
  /// The same cores for a NoC.
  [[nodiscard]] Rectangle for_noc(NocId noc) const;
  /// Whether a NoC reaches its cores and no others.
  [[nodiscard]] bool fits(NocId noc) const;
  /// The cores of a chip with so many workers that a NoC reaches, by index in the grid of these workers.
  [[nodiscard]] std::vector<int> cores_reached(NocId noc, GridSize workers) const;
};

/// How a multicast is issued, beyond what goes where.
struct MulticastForm {
  const char* who = "noc_async_write_multicast";  ///< the call
  std::uint32_t destinations = 0;                 ///< cores that acknowledge, as the kernel counts them
  bool loopback = false;                          ///< the sender is a destination where it is in the rectangle
  bool linked = false;
};

}  // namespace tilegrid::noc
