// SPDX-License-Identifier: Apache-2.0
#include "runtime/timing/routes.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"

namespace tilegrid::timing {

Routes::Routes(const Places& places, GridSize grid)
    : places_(places),
      die_(places.die()),
      grid_(grid),
      nodes_(places.nodes()),
      core_of_node_(nodes_, -1),
      bank_of_node_(nodes_, -1),
      known_(index_of(noc_count, 0, 0)),
      links_(known_.size(), unknown) {
  for (int core = 0; core < grid.cores(); ++core) {
    const int node = index_of(places_.physical_of(grid.core(core)));
    node_of_core_.push_back(node);
    int& owner = core_of_node_[node];
    if (owner < 0) owner = core;
  }
  for (int bank = 0; bank < places_.banks(); ++bank) {
    bank_of_node_[index_of(places_.dram_endpoint(bank))] = bank;
  }
  hops_.reserve(known_.size() * (die_.x + die_.y));  // the longest; ways that were given out stay where they are
}

bool Routes::goes_around(const noc::Link& link) const {
  switch (link.direction) {
    case noc::Direction::east:
      return link.from.x == die_.x - 1;
    case noc::Direction::south:
      return link.from.y == die_.y - 1;
    case noc::Direction::north:
      return link.from.y == 0;
    case noc::Direction::west:
      return link.from.x == 0;
  }
  return false;
}

std::int16_t Routes::node(PhysicalCore place) const {
  if (place.x >= die_.x || place.y >= die_.y) {
    throw UsageError(
        fmt::format("the log names NoC node {}-{}, the torus has {}x{} nodes", place.x, place.y, die_.x, die_.y));
  }
  return static_cast<std::int16_t>(index_of(place));
}

std::span<const Hop> Routes::way(int noc, int from, int to) {
  Known& known = known_[index_of(noc, from, to)];
  if (known.length < 0) find(known, noc, from, to);
  return {hops_.data() + known.first, static_cast<std::size_t>(known.length)};
}

void Routes::find(Known& known, int noc, int from, int to) {
  const auto links = noc::route(places_, static_cast<NocId>(noc), place(from), place(to));
  links_[index_of(noc, from, to)] = count_of<std::uint8_t>(links);
  known = {count_of<std::uint32_t>(hops_), static_cast<std::int16_t>(links.size() + 2)};
  hops_.push_back({port(noc, from, port_inject), 0});
  std::uint16_t side = 0;
  for (std::size_t i = 0; i < links.size(); ++i) {
    if (i != 0 && links[i].direction != links[i - 1].direction) side = 0;
    if (goes_around(links[i])) side = 1;
    hops_.push_back({port(noc, index_of(links[i].from), to_underlying(links[i].direction)), side});
  }
  hops_.push_back({port(noc, to, port_eject), 0});
}

const Tree& Routes::tree(int noc, int from, const events::NocMulticast& multicast) {
  const std::uint64_t first = node(multicast.first), last = node(multicast.last), source = from, network = noc;
  const std::uint64_t key = first << 16U | last | source << 32U | network << 48U | std::uint64_t{multicast.loopback} << 49U;
  const auto found = trees_.find(key);
  if (found != trees_.end()) return found->second;
  return trees_.emplace(key, grow(noc, from, multicast)).first->second;
}

Tree Routes::grow(int noc, int from, const events::NocMulticast& multicast) {
  const PhysicalCore first = multicast.first;
  const PhysicalCore last = multicast.last;
  Tree tree;
  std::vector<bool> taken(ports());
  const auto take = [&](std::uint16_t port, std::size_t hop) {
    if (taken[port]) return;
    taken[port] = true;
    tree.branches.push_back({port, static_cast<std::int16_t>(hop)});
  };
  for (int core = 0; core < grid_.cores(); ++core) {
    const int node = node_of_core(core);
    const PhysicalCore at = place(node);
    const bool inside = at.x >= first.x && at.x <= last.x && at.y >= first.y && at.y <= last.y;
    if (!inside || (node == from && !multicast.loopback)) continue;
    const auto hops = way(noc, from, node).subspan(1);
    for (std::size_t hop = 0; hop < hops.size(); ++hop) take(hops[hop].port, hop);
    const auto links = count_of(hops) - 1;
    tree.leaves.push_back({core, links});
    tree.farthest = std::max(tree.farthest, links);
  }
  if (tree.leaves.empty()) throw UsageError("the log has a multicast that reaches no core of its grid");
  return tree;
}

}  // namespace tilegrid::timing
