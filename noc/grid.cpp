// SPDX-License-Identifier: Apache-2.0
#include "noc/grid.h"

#include <cstddef>

namespace tilegrid::noc {
namespace {

/// Steps of +1 from `from` to `to` on a ring.
constexpr int forward(int from, int to, int ring) { return to >= from ? to - from : to - from + ring; }

struct Distance {
  int x = 0;
  int y = 0;
};

Distance distance(const Places& places, NocId noc, PhysicalCore from, PhysicalCore to) {
  places.require_node(from);
  places.require_node(to);
  const GridSize die = places.die();
  if (noc == NocId::noc0) return {forward(from.x, to.x, die.x), forward(from.y, to.y, die.y)};
  return {forward(to.x, from.x, die.x), forward(to.y, from.y, die.y)};
}

}  // namespace

std::vector<Link> route(const Places& places, NocId noc, PhysicalCore from, PhysicalCore to) {
  const Distance steps = distance(places, noc, from, to);
  const GridSize die = places.die();
  std::vector<Link> links;
  const int length = steps.x + steps.y;
  links.reserve(length);
  PhysicalCore at = from;
  const auto along_x = [&](Direction direction, int step) {
    for (int i = 0; i < steps.x; ++i) {
      links.push_back({at, direction});
      at.x = (at.x + step + die.x) % die.x;
    }
  };
  const auto along_y = [&](Direction direction, int step) {
    for (int i = 0; i < steps.y; ++i) {
      links.push_back({at, direction});
      at.y = (at.y + step + die.y) % die.y;
    }
  };
  if (noc == NocId::noc0) {
    along_x(Direction::east, 1);
    along_y(Direction::south, 1);
  } else {
    along_y(Direction::north, -1);
    along_x(Direction::west, -1);
  }
  return links;
}

int hops(const Places& places, NocId noc, PhysicalCore from, PhysicalCore to) {
  const Distance steps = distance(places, noc, from, to);
  return steps.x + steps.y;
}

}  // namespace tilegrid::noc
