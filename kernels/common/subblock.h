// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <span>
#include <stdexcept>

#include "kernels/program.h"

namespace tilegrid {

/// The part of a block that one DST section computes: height and width in tiles.
struct Subblock {
  int h = 1;
  int w = 1;
  friend bool operator==(Subblock, Subblock) = default;
};

/// Slots of a DST section: of Wormhole 8 or 4 in half-sync, 16 or 8 in full-sync (tensix.md 1.2).
[[nodiscard]] inline int dst_slots(const Chip& chip, const ComputeConfig& compute) {
  return chip.dst_slots(compute.dst_fp32, compute.full_sync);
}

/// The first of the shapes whose product fits `slots` and that divides rows and columns; 1x1 must be among them.
[[nodiscard]] inline Subblock first_subblock(std::span<const Subblock> shapes, int rows, int columns, int slots) {
  const auto fit = std::find_if(shapes.begin(), shapes.end(),
                                [=](Subblock s) { return s.h * s.w <= slots && rows % s.h == 0 && columns % s.w == 0; });
  if (rows < 1 || columns < 1 || fit == shapes.end()) throw std::invalid_argument("first_subblock: nothing to divide");
  return *fit;
}

}  // namespace tilegrid
