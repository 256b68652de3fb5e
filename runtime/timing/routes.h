// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/events/event_log.h"
#include "noc/grid.h"

namespace tilegrid::timing {

/// A port that a packet takes on its way, and on which side of the dateline its buffer is: packets that have gone around the
/// end of a row or column use channels of their own, without which a torus locks up (tensix.md 4.1: dateline).
struct Hop {
  std::uint16_t port = 0;
  std::uint16_t side = 0;  ///< 0 or 1
};

/// The ports that a multicast takes, each once: the union of the routes to its destinations.
struct Tree {
  struct Branch {
    std::uint16_t port = 0;
    std::int16_t hop = 0;  ///< links before this one
  };
  struct Leaf {
    int core = 0;
    int hops = 0;
  };
  std::vector<Branch> branches;
  std::vector<Leaf> leaves;
  int farthest = 0;  ///< hops to the last leaf
};

/// Both tori: nodes, ports and the ways between nodes. A node's ports are its links by noc::Direction, then those from and
/// to its NIU.
class Routes {
 public:
  Routes(const Places& places, GridSize grid);

  static constexpr int port_inject = 4, port_eject = 5, ports_of_node = 6;
  [[nodiscard]] int nodes() const { return nodes_; }
  [[nodiscard]] int ports() const { return noc_count * nodes_ * ports_of_node; }
  [[nodiscard]] std::uint16_t port(int noc, int node, int which) const {
    return static_cast<std::uint16_t>((noc * nodes_ + node) * ports_of_node + which);
  }
  [[nodiscard]] PhysicalCore place(int node) const { return {node % die_.x, node / die_.x}; }

  /// Number of a way, from 0 on.
  [[nodiscard]] std::size_t index_of(int noc, int from, int to) const {
    return (std::int64_t{noc} * nodes_ + from) * nodes_ + to;
  }
  /// Number of a node. Throws UsageError for one that the torus does not have.
  [[nodiscard]] std::int16_t node(PhysicalCore place) const;
  [[nodiscard]] int node_of_core(int core) const { return node_of_core_[core]; }
  [[nodiscard]] int core_at(int node) const { return core_of_node_[node]; }  ///< or -1
  [[nodiscard]] int bank_at(int node) const { return bank_of_node_[node]; }  ///< or -1

  /// All ports of a way, both NIUs' included: two more than links. Stays valid.
  [[nodiscard]] std::span<const Hop> way(int noc, int from, int to);
  [[nodiscard]] int links(int noc, int from, int to) {
    const std::uint8_t known = links_[index_of(noc, from, to)];
    return known != unknown ? known : count_of(way(noc, from, to)) - 2;
  }
  /// Throws UsageError when the rectangle of a multicast holds no core.
  [[nodiscard]] const Tree& tree(int noc, int from, const events::NocMulticast& multicast);

 private:
  struct Known {
    std::uint32_t first = 0;
    std::int16_t length = -1;  ///< -1: not asked for yet
  };
  static constexpr std::uint8_t unknown = 0xFF;
  void find(Known& known, int noc, int from, int to);
  [[nodiscard]] int index_of(PhysicalCore node) const { return node.y * die_.x + node.x; }
  [[nodiscard]] bool goes_around(const noc::Link& link) const;
  [[nodiscard]] Tree grow(int noc, int from, const events::NocMulticast& multicast);

  Places places_;
  GridSize die_, grid_;
  int nodes_;
  std::vector<int> node_of_core_, core_of_node_, bank_of_node_;
  std::vector<Known> known_;
  std::vector<std::uint8_t> links_;  ///< of each way; smaller than `known_`, and asked for more often
  std::vector<Hop> hops_;
  std::unordered_map<std::uint64_t, Tree> trees_;  ///< by NoC, source and rectangle
};

}  // namespace tilegrid::timing
