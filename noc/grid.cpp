// SPDX-License-Identifier: Apache-2.0
#include "noc/grid.h"

#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>

namespace tilegrid::noc {
namespace {

// Columns 0 and 5 hold DRAM, PCIe and ARC, rows 0 and 6 Ethernet; workers fill the rest (tensix.md 4.2).
constexpr std::array<int, 8> worker_columns{1, 2, 3, 4, 6, 7, 8, 9};
constexpr std::array<int, 10> worker_rows{1, 2, 3, 4, 5, 7, 8, 9, 10, 11};
static_assert(worker_columns.size() == full_worker_grid.x && worker_rows.size() == full_worker_grid.y);

// Worker-preferred endpoints of the 12 channels (tensix.md 4.2).
constexpr std::array<PhysicalCore, dram_banks> dram_endpoints{
    {{0, 11}, {0, 1}, {0, 5}, {0, 7}, {5, 1}, {5, 11}, {5, 2}, {5, 9}, {5, 8}, {5, 3}, {5, 5}, {5, 7}}};

/// Steps of +1 from `from` to `to` on a ring.
constexpr int forward(int from, int to, int ring) { return (to - from + ring) % ring; }

void require_node(PhysicalCore node) {
  if (node.x < 0 || node.x >= noc_size.x || node.y < 0 || node.y >= noc_size.y) {
    throw std::out_of_range("NoC node (" + std::to_string(node.x) + "," + std::to_string(node.y) + ") is outside of the " +
                            std::to_string(noc_size.x) + "x" + std::to_string(noc_size.y) + " torus");
  }
}

struct Distance {
  int x = 0;
  int y = 0;
};

Distance distance(NocId noc, PhysicalCore from, PhysicalCore to) {
  require_node(from);
  require_node(to);
  if (noc == NocId::noc0) return {forward(from.x, to.x, noc_size.x), forward(from.y, to.y, noc_size.y)};
  return {forward(to.x, from.x, noc_size.x), forward(to.y, from.y, noc_size.y)};
}

}  // namespace

PhysicalCore physical_of(LogicalCore core) {
  if (core.x < 0 || core.y < 0) {
    throw std::out_of_range("core (" + std::to_string(core.x) + "," + std::to_string(core.y) + ") is not in any grid");
  }
  return {worker_columns[static_cast<std::size_t>(core.x) % worker_columns.size()],
          worker_rows[static_cast<std::size_t>(core.y) % worker_rows.size()]};
}

PhysicalCore dram_endpoint(int bank) {
  if (bank < 0 || bank >= dram_banks) {
    throw std::out_of_range("DRAM bank " + std::to_string(bank) + " does not exist, there are " +
                            std::to_string(dram_banks));
  }
  return dram_endpoints[static_cast<std::size_t>(bank)];
}

std::vector<Link> route(NocId noc, PhysicalCore from, PhysicalCore to) {
  const Distance steps = distance(noc, from, to);
  std::vector<Link> links;
  const int length = steps.x + steps.y;
  links.reserve(static_cast<std::size_t>(length));
  PhysicalCore at = from;
  const auto along_x = [&](Direction direction, int step) {
    for (int i = 0; i < steps.x; ++i) {
      links.push_back({at, direction});
      at.x = (at.x + step + noc_size.x) % noc_size.x;
    }
  };
  const auto along_y = [&](Direction direction, int step) {
    for (int i = 0; i < steps.y; ++i) {
      links.push_back({at, direction});
      at.y = (at.y + step + noc_size.y) % noc_size.y;
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

int hops(NocId noc, PhysicalCore from, PhysicalCore to) {
  const Distance steps = distance(noc, from, to);
  return steps.x + steps.y;
}

}  // namespace tilegrid::noc
