// SPDX-License-Identifier: Apache-2.0
#include "runtime/replay/network_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace tilegrid::replay {
namespace {

int index_of(PhysicalCore node) { return node.y * noc::noc_size.x + node.x; }
PhysicalCore node_at(int index) { return {index % noc::noc_size.x, index / noc::noc_size.x}; }

/// What an L1 write or an atomic of 4 bytes may be: a semaphore.
constexpr std::uint32_t semaphore_write_bytes = 4;

}  // namespace

Network::Network(const Architecture& a, GridSize grid, Agenda& agenda, NetworkListener& listener)
    : new_target_cycles(a["noc_new_target_cycles"]),
      barrier_cycles(a["noc_barrier_cycles"]),
      agenda_(agenda),
      listener_(listener),
      grid_(grid),
      packet_bytes_(static_cast<std::uint32_t>(a["noc_packet_bytes"])),
      flit_bytes_(a["noc_flit_bytes"]),
      hop_(a["noc_hop_cycles"]),
      niu_(a["noc_niu_cycles"]),
      gap_(a["noc_packet_gap_cycles"]),
      read_flit_(a["noc_read_flit_cycles"]),
      write_flit_(a["noc_write_flit_cycles"]),
      l1_access_(a["l1_access_cycles"]),
      l1_commit_(1 / a["l1_commit_bytes_per_cycle"]),
      multicast_setup_(a["noc_multicast_setup_cycles"]),
      multicast_unlinked_(a["noc_multicast_unlinked_cycles"]),
      dram_rate_(1 / a["dram_bytes_per_cycle"]),
      dram_request_(a["dram_request_cycles"]),
      dram_read_(a["dram_read_cycles"]),
      dram_write_(a["dram_write_cycles"]),
      ports_(static_cast<std::size_t>(noc_count * nodes * ports)),
      core_of_node_(nodes, -1),
      bank_of_node_(nodes, -1),
      routes_(static_cast<std::size_t>(noc_count * nodes * nodes)) {
  issue_[static_cast<std::size_t>(EventKind::noc_read)] = a["noc_read_issue_cycles"];
  issue_[static_cast<std::size_t>(EventKind::noc_write)] = a["noc_write_issue_cycles"];
  issue_[static_cast<std::size_t>(EventKind::noc_multicast)] = a["noc_multicast_issue_cycles"];
  issue_[static_cast<std::size_t>(EventKind::semaphore_inc)] = a["noc_atomic_issue_cycles"];
  for (int core = 0; core < grid.cores(); ++core) {
    const int node = index_of(noc::physical_of(grid.core(core)));
    node_of_core_.push_back(node);
    int& owner = core_of_node_[static_cast<std::size_t>(node)];
    if (owner < 0) owner = core;
  }
  for (int bank = 0; bank < noc::dram_banks; ++bank) {
    bank_of_node_[static_cast<std::size_t>(index_of(noc::dram_endpoint(bank)))] = bank;
  }
}

double Network::issue_cycles(EventKind kind) const { return issue_[static_cast<std::size_t>(kind)]; }

int Network::node_of(std::uint32_t packed) const {
  const PhysicalCore node{static_cast<int>(packed & 0xFFU), static_cast<int>(packed >> 8U)};
  if (node.x >= noc::noc_size.x || node.y >= noc::noc_size.y) {
    throw UsageError(fmt::format("the log names NoC node {}-{}, the torus has {}x{} nodes", node.x, node.y, noc::noc_size.x,
                                 noc::noc_size.y));
  }
  return index_of(node);
}

std::span<const std::uint16_t> Network::route(int noc, int from, int to) {
  Route& known = routes_[static_cast<std::size_t>((noc * nodes + from) * nodes + to)];
  if (known.length < 0) {
    const auto links = noc::route(static_cast<NocId>(noc), node_at(from), node_at(to));
    known = {static_cast<std::uint32_t>(route_links_.size()), static_cast<std::int16_t>(links.size())};
    for (const noc::Link& link : links) {
      route_links_.push_back(static_cast<std::uint16_t>(port(noc, index_of(link.from), static_cast<int>(link.direction))));
    }
  }
  return std::span(route_links_).subspan(known.first, static_cast<std::size_t>(known.length));
}

double Network::flight(int noc, int from, int to) {
  return 2 * niu_ + hop_ * static_cast<double>(route(noc, from, to).size());
}

double Network::flits(std::uint32_t bytes) const { return std::ceil(bytes / flit_bytes_); }

std::uint32_t Network::new_packet(const Request& request) {
  std::uint32_t index = 0;
  if (free_packets_.empty()) {
    index = static_cast<std::uint32_t>(packets_.size());
    packets_.emplace_back();
  } else {
    index = free_packets_.back();
    free_packets_.pop_back();
  }
  Packet& packet = packets_[index];
  packet = {};
  packet.request = request;
  packet.from = node_of_core_[static_cast<std::size_t>(request.core)];
  return index;
}

void Network::add(Step step, std::uint32_t index, double time) {
  agenda_.add({time, packets_[index].request.key, index, step});
}

/// Takes the port from the NIU of `node` for `length` cycles, first come first served. Returns when the packet begins.
double Network::inject(Packet& packet, int node, double time, double length) {
  const double start = ports_[port(packet.request.noc, node, port_inject)].take(time, length, true);
  packet.noc_wait += start - time;
  return start;
}

double Network::issue(const Request& request, double time) {
  const std::uint32_t index = new_packet(request);
  Packet& packet = packets_[index];
  const Event& event = *request.event;
  if (request.multicast) {
    packet.tree = &tree(request, packet.from);
    packet.length = flits(request.bytes) * write_flit_ + 1 + gap_;
    double setup = 0;
    if (!request.linked_before) {
      setup = multicast_setup_ + hop_ * packet.tree->farthest + (event.a == 0 ? multicast_unlinked_ : 0);
    }
    const double start = inject(packet, packet.from, time, setup + packet.length);
    departed_ = start + setup + packet.length;
    add(Step::depart, index, start + setup);
    return start;
  }
  packet.peer = node_of(event.x);
  packet.bank = bank_of_node_[static_cast<std::size_t>(packet.peer)];
  const auto distance = static_cast<double>(route(request.noc, packet.from, packet.peer).size());
  if (request.transfer == Transfer::read) {
    const double start = inject(packet, packet.from, time, 1);
    const double arrival = start + 2 * niu_ + hop_ * distance;
    if (packet.bank >= 0) {
      add(Step::serve, index, arrival);
    } else {
      add(Step::ready, index, arrival + l1_access_);
    }
    bytes_times_hops_ += request.bytes * static_cast<double>(route(request.noc, packet.peer, packet.from).size());
    return start;
  }
  packet.length = flits(request.bytes) * write_flit_ + 1 + gap_;
  bytes_times_hops_ += request.bytes * distance;
  const double start = inject(packet, packet.from, time, packet.length);
  departed_ = start + packet.length;
  if (start > time) {
    add(Step::depart, index, start);
  } else {
    depart(index, start);
  }
  return start;
}

void Network::handle(const Appointment& appointment) {
  switch (appointment.step) {
    case Step::serve:
      if (packets_[appointment.index].request.transfer == Transfer::read) {
        Packet& packet = packets_[appointment.index];
        add(Step::ready, appointment.index, serve(packet, appointment.time) + dram_read_);
      } else {
        serve_write(appointment.index, appointment.time);
      }
      return;
    case Step::ready:
      return ready(appointment.index, appointment.time);
    case Step::depart:
      return depart(appointment.index, appointment.time);
    default:
      return;
  }
}

/// Takes the packet's DRAM channel for its bytes. Returns when it begins.
double Network::serve(Packet& packet, double time) {
  Channel& channel = channels_[static_cast<std::size_t>(packet.bank)];
  const double start = std::max(time, channel.free);
  const double service = packet.request.bytes * dram_rate_ + dram_request_;
  packet.dram_wait += start - time;
  channel.free = start + service;
  channel.busy += service;
  (packet.request.transfer == Transfer::read ? channel.read : channel.written) += packet.request.bytes;
  return start;
}

void Network::serve_write(std::uint32_t index, double time) {
  Packet& packet = packets_[index];
  const double stored = std::max(serve(packet, time) + packet.request.bytes * dram_rate_, packet.tail);
  complete(index, stored + dram_write_ + flight(packet.request.noc, packet.peer, packet.from));
}

void Network::ready(std::uint32_t index, double time) {
  Packet& packet = packets_[index];
  packet.length = flits(packet.request.bytes) * read_flit_ + 1 + gap_;
  const double start = inject(packet, packet.peer, time, packet.length);
  if (start > time) return add(Step::depart, index, start);
  depart(index, start);
}

void Network::depart(std::uint32_t index, double time) {
  Packet& packet = packets_[index];
  if (packet.tree != nullptr) {
    depart_multicast(packet, time);
    free_packets_.push_back(index);
  } else if (packet.request.transfer == Transfer::read) {
    depart_read(packet, time);
    free_packets_.push_back(index);
  } else {
    depart_write(index, time);
  }
}

/// Takes the links of a route one after the other for a packet whose head leaves its NIU at `start`.
Network::Arrival Network::travel(int noc, int from, int to, double start, double occupied, std::uint32_t bytes,
                                 bool dynamic) {
  const auto links = route(noc, from, to);
  Arrival arrival{start, 0};
  double step = niu_;
  const auto enter = [&](Link& link) {
    const double wanted = arrival.head + step;
    arrival.head = link.take(wanted, occupied, dynamic);
    link.carried(bytes);
    arrival.wait += arrival.head - wanted;
    step = hop_;
  };
  for (const std::uint16_t link : links) enter(ports_[link]);
  enter(ports_[port(noc, to, port_eject)]);
  arrival.head += niu_;
  return arrival;
}

void Network::depart_read(Packet& packet, double time) {
  const Request& request = packet.request;
  const double occupied = flits(request.bytes) + 1 + gap_;
  const Arrival arrival = travel(request.noc, packet.peer, packet.from, time, occupied, request.bytes, true);
  packet.noc_wait += arrival.wait;
  // A DRAM channel delivers slower than a link carries: the tail comes with the last of its bytes.
  const double length = packet.bank >= 0 ? std::max(packet.length, request.bytes * dram_rate_) : packet.length;
  complete(packet, arrival.head + length);
}

void Network::depart_write(std::uint32_t index, double time) {
  Packet& packet = packets_[index];
  const Request& request = packet.request;
  const Arrival arrival = travel(request.noc, packet.from, packet.peer, time, packet.length, request.bytes, false);
  packet.noc_wait += arrival.wait;
  packet.tail = arrival.head + packet.length;
  if (packet.bank >= 0) return add(Step::serve, index, arrival.head);
  const double stored = packet.tail + request.bytes * l1_commit_ + l1_access_;
  const int core = core_of_node_[static_cast<std::size_t>(packet.peer)];
  if (core >= 0) land(packet, core, packet.tail);
  complete(index, stored + flight(request.noc, packet.peer, packet.from));
}

void Network::depart_multicast(Packet& packet, double time) {
  const Request& request = packet.request;
  const Tree& tree = *packet.tree;
  // The path is reserved before data flow: all of its links are taken at once.
  double start = time;
  for (const Tree::Branch& branch : tree.branches) {
    start = std::max(start, ports_[branch.link].free() - niu_ - hop_ * branch.hop);
  }
  packet.noc_wait += start - time;
  for (const Tree::Branch& branch : tree.branches) {
    Link& link = ports_[branch.link];
    link.take(start + niu_ + hop_ * branch.hop, packet.length, false);
    link.carried(request.bytes);
  }
  bytes_times_hops_ += request.bytes * static_cast<double>(tree.branches.size() - tree.leaves.size());
  double stored = 0;
  for (const Tree::Leaf& leaf : tree.leaves) {
    const double tail = start + 2 * niu_ + hop_ * leaf.hops + packet.length;
    land(packet, leaf.core, tail);
    const double answered = flight(request.noc, node_of_core_[static_cast<std::size_t>(leaf.core)], packet.from);
    stored = std::max(stored, tail + request.bytes * l1_commit_ + l1_access_ + answered);
  }
  complete(packet, stored);
}

const Network::Tree& Network::tree(const Request& request, int from) {
  const Event& event = *request.event;
  const std::uint64_t key = static_cast<std::uint64_t>(event.x & 0xFFFFU) << 16U | (event.y & 0xFFFFU) |
                            static_cast<std::uint64_t>(from) << 32U | static_cast<std::uint64_t>(request.noc) << 40U |
                            static_cast<std::uint64_t>(event.b != 0) << 41U;
  const auto [found, is_new] = trees_.try_emplace(key);
  Tree& tree = found->second;
  if (!is_new) return tree;
  const PhysicalCore first = node_at(node_of(event.x));
  const PhysicalCore last = node_at(node_of(event.y));
  std::vector<bool> taken(ports_.size());
  const auto take = [&](std::size_t link, std::size_t hop) {
    if (taken[link]) return;
    taken[link] = true;
    tree.branches.push_back({static_cast<std::uint16_t>(link), static_cast<std::int16_t>(hop)});
  };
  for (int core = 0; core < grid_.cores(); ++core) {
    const int node = node_of_core_[static_cast<std::size_t>(core)];
    const PhysicalCore at = node_at(node);
    const bool inside = at.x >= first.x && at.x <= last.x && at.y >= first.y && at.y <= last.y;
    if (!inside || (node == from && event.b == 0)) continue;
    const auto links = route(request.noc, from, node);
    for (std::size_t hop = 0; hop < links.size(); ++hop) take(links[hop], hop);
    take(port(request.noc, node, port_eject), links.size());
    tree.leaves.push_back({core, static_cast<int>(links.size())});
    tree.farthest = std::max(tree.farthest, static_cast<int>(links.size()));
  }
  if (tree.leaves.empty()) throw UsageError("the log has a multicast that reaches no core of its grid");
  return tree;
}

void Network::land(const Packet& packet, int core, double time) {
  const Request& request = packet.request;
  if (request.transfer != Transfer::atomic && request.bytes != semaphore_write_bytes) return;
  std::uint32_t index = 0;
  if (free_updates_.empty()) {
    index = static_cast<std::uint32_t>(updates_.size());
    updates_.emplace_back();
  } else {
    index = free_updates_.back();
    free_updates_.pop_back();
  }
  const bool atomic = request.transfer == Transfer::atomic;
  updates_[index] = {core, request.event->address, atomic ? request.event->count : 0, atomic};
  agenda_.add({time, request.key, index, Step::land});
}

void Network::complete(const Packet& packet, double time) {
  const Request& request = packet.request;
  listener_.completed(request.core, request.risc, request.transfer, request.noc, time, packet.noc_wait, packet.dram_wait);
}
void Network::complete(std::uint32_t index, double time) {
  complete(packets_[index], time);
  free_packets_.push_back(index);
}

void Network::report(LaunchTime& launch) const {
  launch.bytes_times_hops = bytes_times_hops_;
  for (const Channel& channel : channels_) launch.dram.push_back({channel.busy, channel.read, channel.written});
  for (int noc = 0; noc < noc_count; ++noc) {
    for (int node = 0; node < nodes; ++node) {
      for (int direction = 0; direction < port_inject; ++direction) {
        const Link& link = ports_[port(noc, node, direction)];
        if (link.bytes() == 0) continue;
        launch.links.push_back({node_at(node), static_cast<std::uint8_t>(noc), static_cast<std::uint8_t>(direction),
                                link.busy(), link.bytes()});
      }
    }
  }
}

}  // namespace tilegrid::replay
