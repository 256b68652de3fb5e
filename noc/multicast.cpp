// SPDX-License-Identifier: Apache-2.0
#include "noc/multicast.h"

#include <algorithm>

namespace tilegrid::noc {
namespace {

bool straight(NocId noc, int start, int end) { return noc == NocId::noc0 ? start <= end : start >= end; }

/// Places on a ring that lie from `start` to `end` in the direction of a NoC, ascending.
std::vector<int> way(NocId noc, int start, int end, int ring) {
  const int from = noc == NocId::noc0 ? start : end;
  const int to = noc == NocId::noc0 ? end : start;
  std::vector<int> places;
  for (int at = 0; at < ring; ++at) {
    if (from <= to ? at >= from && at <= to : at >= from || at <= to) places.push_back(at);
  }
  return places;
}

}  // namespace

Rectangle Rectangle::of(NocAddress multicast) {
  const auto corner = [&](unsigned shift) {
    return static_cast<int>(multicast >> (offset_bits + shift * coordinate_bits) & 63U) - virtual_base;
  };
  return {{corner(2), corner(3)}, {corner(0), corner(1)}};
}

LogicalCore Rectangle::low() const { return {std::min(start.x, end.x), std::min(start.y, end.y)}; }
LogicalCore Rectangle::high() const { return {std::max(start.x, end.x), std::max(start.y, end.y)}; }

Rectangle Rectangle::for_noc(NocId noc) const {
  return noc == NocId::noc0 ? Rectangle{low(), high()} : Rectangle{high(), low()};
}

bool Rectangle::fits(NocId noc) const { return straight(noc, start.x, end.x) && straight(noc, start.y, end.y); }

std::vector<int> Rectangle::cores_reached(NocId noc, GridSize workers) const {
  std::vector<int> cores;
  const std::vector<int> columns = way(noc, start.x, end.x, workers.x);
  for (const int y : way(noc, start.y, end.y, workers.y)) {
    for (const int x : columns) cores.push_back(workers.index({x, y}));
  }
  return cores;
}

}  // namespace tilegrid::noc
