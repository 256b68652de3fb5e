// SPDX-License-Identifier: Apache-2.0
#include "runtime/timing/network_model.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "runtime/timing/exact.h"
#include "runtime/timing/packet_watch.h"

namespace tilegrid::timing {
namespace {

/// Longest train of responses that wait for the network together, in units of the longest packet.
constexpr std::uint32_t longest_train = 2;
constexpr std::uint8_t most_of_train = 255;  ///< packets

}  // namespace

Network::Network(const Chip& a, GridSize grid, Agenda& agenda, NetworkListener& listener, Observer* observer)
    : new_target_cycles(exact(a["noc_new_target_cycles"])),
      barrier_cycles(exact(a["noc_barrier_cycles"])),
      agenda_(agenda),
      listener_(listener),
      routes_(a.places(), grid),
      fabric_(a, routes_, agenda, *this),
      packet_bytes_(static_cast<std::uint32_t>(a["noc_packet_bytes"])),
      flit_bytes_(a["noc_flit_bytes"]),
      gap_(a["noc_packet_gap_cycles"]),
      read_flit_(a["noc_read_flit_cycles"]),
      write_flit_(a["noc_write_flit_cycles"]),
      l1_access_(a["l1_access_cycles"]),
      l1_commit_(1 / a["l1_commit_bytes_per_cycle"]),
      multicast_setup_(a["noc_multicast_setup_cycles"]),
      multicast_unlinked_(a["noc_multicast_unlinked_cycles"]),
      multicast_answer_(a["noc_multicast_answer_cycles"]),
      dram_rate_(1 / a["dram_bytes_per_cycle"]),
      dram_request_(a["dram_request_cycles"]),
      dram_read_(a["dram_read_cycles"]),
      dram_write_(a["dram_write_cycles"]),
      read_issue_(exact(a["noc_read_issue_cycles"])),
      write_issue_(exact(a["noc_write_issue_cycles"])),
      multicast_issue_(exact(a["noc_multicast_issue_cycles"])),
      atomic_issue_(exact(a["noc_atomic_issue_cycles"])),
      stateful_issue_(exact(a["noc_stateful_issue_cycles"])),
      channels_(a.places().banks()),
      trains_(noc_count * routes_.nodes() * routes_.nodes(), nothing),
      chain_free_(noc_count * routes_.nodes()),
      watch_(observer != nullptr ? std::make_unique<PacketWatch>(*observer, routes_) : nullptr) {
  agenda.when_dealt(
      [](const void* packets, std::uint32_t index, Step step) {
        if (step == Step::serve) __builtin_prefetch(&(*static_cast<const Pool<Packet>*>(packets))[index]);
      },
      &packets_);
}

Network::~Network() = default;

double Network::flits(std::uint32_t bytes) {
  if (bytes != flits_of_) {
    flits_of_ = bytes;
    flits_ = std::ceil(bytes / flit_bytes_);
  }
  return flits_;
}

std::uint32_t Network::new_packet(const Request& request) {
  const std::uint32_t index = packets_.take();
  Packet& packet = packets_[index];
  packet.request = request;
  const int from = routes_.node_of_core(request.core);
  const int peer = request.peer;
  packet.request.from = static_cast<std::int16_t>(from);
  packet.wait = 0;
  packet.next = nothing;
  packet.bank = static_cast<std::int8_t>(routes_.bank_at(peer));
  packet.there = static_cast<std::uint8_t>(routes_.links(request.noc, from, peer));
  packet.back = static_cast<std::uint8_t>(routes_.links(request.noc, peer, from));
  packet.count = 1;
  const int links = request.transfer == Transfer::read ? packet.back : packet.there;
  bytes_times_hops_ += 1.0 * request.bytes * links;
  return index;
}

double Network::issue(const Request& request, double time) {
  if (request.multicast) return issue_multicast(request, time);
  const std::uint32_t index = new_packet(request);
  if (watch_) watch_->issued(index, packets_[index].request, time);
  return request.transfer == Transfer::read ? issue_read(index, time) : issue_write(index, time);
}

double Network::issue_read(std::uint32_t index, double time) {
  Packet& packet = packets_[index];
  const Request& request = packet.request;
  packet.length = flits(request.bytes) * read_flit_ + 1 + gap_;
  const double arrival = time + fabric_.flight(packet.there);
  if (packet.bank >= 0) {
    add(Step::serve, index, arrival);
  } else {
    add(Step::ready, index, arrival + l1_access_);
  }
  return time;
}

double Network::issue_write(std::uint32_t index, double time) {
  Packet& packet = packets_[index];
  const Request& request = packet.request;
  packet.length = flits(request.bytes) * write_flit_ + 1 + gap_;
  issuing_ = true;
  const bool enters = send(index, time);
  issuing_ = false;
  return enters ? time : later;
}

/// Hands the packet to the network.
bool Network::send(std::uint32_t index, double time) {
  Packet& packet = packets_[index];
  const Request& request = packet.request;
  packet.entered = time;
  Passage passage{.packet = index, .noc = request.noc, .from = request.from, .to = request.peer};
  passage.key = request.key;
  passage.bytes = request.bytes;
  passage.flits = flits(request.bytes) + 1;
  passage.response = request.transfer == Transfer::read;
  passage.cycles = passage.response ? passage.flits + gap_ : packet.length;
  passage.source_cycles = std::max(packet.length, passage.cycles);
  if (!passage.response) return fabric_.enter(passage, time).at_once;
  std::swap(passage.from, passage.to);
  if (joins_train(packet, passage)) {
    packets_.give_back(index);
    return false;
  }
  train(packet) = index;
  const Fabric::Entry entry = fabric_.enter(passage, time);
  packet.next = entry.worm;
  return entry.at_once;
}

bool Network::joins_train(const Packet& packet, const Passage& passage) {
  const std::uint32_t index = train(packet);
  if (index == nothing) return false;
  Packet& leader = packets_[index];
  const bool alike = leader.request.risc == packet.request.risc && leader.request.trid == packet.request.trid;
  if (!alike || leader.count == most_of_train) return false;
  if (!fabric_.extend(leader.next, passage, longest_train * packet_bytes_)) return false;
  if (watch_) watch_->joins(passage.packet, index);
  leader.entered = packet.entered;
  leader.wait = packet.wait;
  leader.length += packet.length;
  ++leader.count;
  return true;
}

void Network::entered(std::uint32_t index, double time) {
  const Packet& packet = packets_[index];
  if (watch_) watch_->departed(index, time);
  if (packet.request.transfer != Transfer::read) {
    if (!issuing_) listener_.entered(packet.request, exact_from(time));
  } else if (train(packet) == index) {
    train(packet) = nothing;
  }
}

void Network::left(std::uint32_t index, double time) {
  const Request& request = packets_[index].request;
  if (request.transfer == Transfer::write) return listener_.departed(request, exact_from(time));
  if (packets_[index].bank >= 0) await(answers_of(packets_[index]));
}

void Network::arrived(std::uint32_t index, double time) {
  Packet& packet = packets_[index];
  const Request& request = packet.request;
  if (request.transfer == Transfer::read) {
    // DRAM delivers more slowly than a link carries: the tail comes when the channel has delivered the last byte.
    const double length = packet.bank >= 0 ? std::max(packet.length, request.bytes * dram_rate_) : packet.length;
    if (packet.count > 1) listener_.completed_before(request, packet.count - 1U);
    if (watch_) watch_->over(index, time + length, time + length);
    complete(request, time + length, std::max(0.0, time - packet.entered - fabric_.flight(packet.back)), packet.wait);
  } else {
    packet.wait = std::max(0.0, time - packet.entered - fabric_.flight(packet.there));
    if (packet.bank >= 0) return add(Step::serve, index, time);
    const double tail = time + packet.length;
    const int core = routes_.core_at(request.peer);
    if (core >= 0) land(request, core, tail);
    const double committed = tail + request.bytes * l1_commit_ + l1_access_;
    if (watch_) watch_->over(index, tail, committed + fabric_.flight(packet.back));
    complete(request, committed + fabric_.flight(packet.back), packet.wait, 0);
  }
  packets_.give_back(index);
}

/// Occupies the packet's DRAM channel for its bytes. Returns when that begins.
double Network::serve(const Packet& packet, double time) {
  Channel& channel = channel_of(packet);
  const double start = std::max(time, channel.free);
  const double service = packet.request.bytes * dram_rate_ + dram_request_;
  channel.free = start + service;
  channel.busy += service;
  (packet.request.transfer == Transfer::read ? channel.read : channel.written) += packet.request.bytes;
  return start;
}

/// A read request has reached its DRAM channel. The data of a channel come in order. As long as other responses stand in the
/// NIU that they are for, they stand behind these, and nobody sees of it until one of those leaves: so the agenda holds only
/// data that come to an empty queue.
void Network::fetch(std::uint32_t index, double time) {
  Packet& packet = packets_[index];
  const double start = serve(packet, time);
  packet.wait = start - time;
  packet.entered = start + dram_read_;
  Answers& answers = answers_of(packet);
  if (answers.first == nothing) {
    answers.first = index;
    await(answers);
  } else {
    packets_[answers.last].next = index;
  }
  answers.last = index;
}

/// The data that were next have come to an empty queue.
void Network::fetched(std::uint32_t index) {
  Answers& answers = answers_of(packets_[index]);
  answers.awaited = false;
  answers.first = packets_[index].next;
  send(index, packets_[index].entered);
  await(answers);
}

/// Sees to it that the data which are next are not missed.
void Network::await(Answers& answers) {
  if (answers.first == nothing || answers.awaited) return;
  const Packet& packet = packets_[answers.first];
  if (fabric_.responds(packet.request.noc, packet.request.peer)) return;
  answers.awaited = true;
  add(Step::ready, answers.first, packet.entered);
}

/// What has come from DRAM in the meantime stands in the queue already.
void Network::leaves(std::uint32_t index, double time, std::uint64_t key) {
  if (packets_[index].bank < 0) return;
  Answers& answers = answers_of(packets_[index]);
  while (answers.first != nothing && !answers.awaited) {
    const std::uint32_t next = answers.first;
    const Packet& packet = packets_[next];
    if (packet.entered > time || (packet.entered == time && packet.request.key > key)) return;
    answers.first = packet.next;
    send(next, packet.entered);
  }
}

/// The head of a write has reached its DRAM channel.
void Network::store(std::uint32_t index, double time) {
  const Packet& packet = packets_[index];
  const double start = serve(packet, time);
  const double stored = std::max(start + packet.request.bytes * dram_rate_, time + packet.length);
  const double completed = stored + dram_write_ + fabric_.flight(packet.back);
  if (watch_) watch_->over(index, stored, completed);
  complete(packet.request, completed, packet.wait, start - time);
  packets_.give_back(index);
}

double Network::issue_multicast(const Request& request, double time) {
  const int from = routes_.node_of_core(request.core);
  const auto call = events::get<events::NocMulticast>(*request.event);
  const Tree& tree = routes_.tree(request.noc, from, call);
  const double hop = fabric_.hop_cycles();
  const double length = flits(request.bytes) * write_flit_ + 1 + gap_;
  double& chain = chain_free_[request.noc * routes_.nodes() + from];
  double setup = 0;
  if (!request.linked_before) setup = multicast_setup_ + hop * tree.farthest + (call.linked ? 0 : multicast_unlinked_);
  // All ports of the tree are reserved at once, each from the time at which the head gets there.
  double start = request.linked_before ? std::max(time, chain) : time;
  start = std::max(start, fabric_.free(routes_.port(request.noc, from, Routes::port_inject)));
  const double issued = start;
  start += setup;
  const double first = fabric_.flight(0) / 2;
  for (const Tree::Branch& branch : tree.branches)
    start = std::max(start, fabric_.free(branch.port) - first - hop * branch.hop);
  fabric_.take(routes_.port(request.noc, from, Routes::port_inject), issued, start - issued + length, request.bytes);
  for (const Tree::Branch& branch : tree.branches) {
    fabric_.take(branch.port, start + first + hop * branch.hop, length, request.bytes);
  }
  chain = start + length + hop * std::max(0, tree.farthest - 1);
  bytes_times_hops_ += request.bytes * static_cast<double>(tree.branches.size() - tree.leaves.size());
  listener_.departed(request, exact_from(start + length));
  double answered = 0;
  double landed = 0;
  for (const Tree::Leaf& leaf : tree.leaves) {
    const double tail = start + fabric_.flight(leaf.hops) + length;
    land(request, leaf.core, tail);
    landed = std::max(landed, tail);
    const double back = flight(request.noc, routes_.node_of_core(leaf.core), from);
    answered = std::max(answered, tail + request.bytes * l1_commit_ + l1_access_ + back);
  }
  if (watch_) watch_->multicast(request, tree, time, start, landed, answered + multicast_answer_);
  complete(request, answered + multicast_answer_, start - setup - time, 0);
  return exact_from(issued);
}

void Network::land(const Request& request, int core, double time) {
  using namespace events;
  if (request.transfer != Transfer::atomic && request.bytes != word_bytes) return;
  const std::uint32_t index = updates_.take();
  SemaphoreUpdate& update = updates_[index];
  if (request.multicast) {
    const auto call = get<NocMulticast>(*request.event);
    update = {core, call.offset, call.word, false};
  } else if (request.transfer == Transfer::atomic) {
    const auto call = get<SemaphoreInc>(*request.event);
    update = {core, call.offset, call.delta, true};
  } else {
    const auto call = get<NocWrite>(*request.event);
    update = {core, call.offset, call.word, false};
  }
  agenda_.add(exact_from(time), request.key, index, Step::land);
}

void Network::complete(const Request& request, double time, double noc_wait, double dram_wait) {
  last_completion_ = std::max(last_completion_, time);
  listener_.completed(request, exact_from(time), noc_wait, dram_wait);
}

void Network::report(LaunchTime& launch) const {
  launch.bytes_times_hops = bytes_times_hops_;
  for (const Channel& channel : channels_) launch.dram.push_back({channel.busy, channel.read, channel.written});
  launch.links = links();
}

std::vector<LinkTime> Network::links() const {
  std::vector<LinkTime> links;
  for (int noc = 0; noc < noc_count; ++noc) {
    for (int node = 0; node < routes_.nodes(); ++node) {
      for (int direction = 0; direction < Routes::port_inject; ++direction) {
        const std::uint16_t port = routes_.port(noc, node, direction);
        if (fabric_.bytes(port) == 0) continue;
        links.push_back({routes_.place(node), noc, direction, fabric_.busy(port), fabric_.bytes(port)});
      }
    }
  }
  return links;
}

}  // namespace tilegrid::timing
