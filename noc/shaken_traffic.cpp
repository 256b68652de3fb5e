// SPDX-License-Identifier: Apache-2.0
#include "noc/shaken_traffic.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "noc/endpoint.h"
#include "noc/node.h"

namespace tilegrid::noc {
namespace {

/// Messages of a kind keep their order per RISC; requests, answers and acknowledgements pass each other.
int kind_class(MessageKind kind) {
  switch (kind) {
    case MessageKind::read_request:
      return 0;
    case MessageKind::read_reply:
      return 1;
    case MessageKind::write:
    case MessageKind::atomic:
      return 2;
    default:
      return 3;
  }
}

/// What waits on the slow NoC has its turn once in so many steps when there is something else.
constexpr std::size_t slow_turn = 24;
constexpr std::size_t part_unit = 32;  // bytes; a flit (tensix.md 4.1)

}  // namespace

ShakenTraffic::ShakenTraffic(Node& node, std::uint64_t seed, std::uint64_t stream)
    : node_(node), temper_(seed), chance_(seed ^ (stream + 1) * 0xD1342543DE82EF95U) {}

void ShakenTraffic::launch(Packet packet) {
  const Lane lane{packet.from, packet.noc, packet.target.kind, packet.target.index};
  const std::size_t number = lane_numbers_.try_emplace(lane, lane_numbers_.size()).first->second;
  lanes_[number].push_back(std::move(packet));
}

void ShakenTraffic::depart(Port& from, NocId noc, Target target, std::uint64_t offset, std::span<const std::byte> bytes,
                           std::uint32_t slot) {
  for (std::size_t parts = 1 + chance_.below(3); !bytes.empty(); --parts) {
    const std::size_t units = bytes.size() / part_unit;
    const std::size_t part = parts <= 1 || units < 2 ? bytes.size() : (1 + chance_.below(units - 1)) * part_unit;
    launch({&from, noc, target, offset, {bytes.begin(), bytes.begin() + part}, slot, {}});
    bytes = bytes.subspan(part);
    offset += part;
  }
}

void ShakenTraffic::depart_increment(Port& from, NocId noc, Target target, std::uint64_t offset, std::uint32_t delta) {
  launch({&from, noc, target, offset, {}, 0, delta});
}

void ShakenTraffic::hold(int source_rank, const MessageHeader& header, std::span<const std::byte> payload) {
  held_[{source_rank, kind_class(header.kind), header.source_core, header.source_stream}].push_back(
      {source_rank, header, {payload.begin(), payload.end()}});
}

std::vector<ShakenTraffic::Departure> ShakenTraffic::departures() const {
  std::vector<Departure> all;
  for (const auto& endpoint : node_.endpoints()) {
    for (const NocId noc : each<NocId>) {
      if (endpoint->has_pending_writes(noc)) all.emplace_back(endpoint.get(), noc);
    }
  }
  return all;
}

std::vector<Port*> ShakenTraffic::readers() const {
  std::vector<Port*> all;
  if (!temper_.early_reads) return all;
  for (const auto& endpoint : node_.endpoints()) {
    if (endpoint->has_pending_reads()) all.push_back(endpoint.get());
  }
  return all;
}

bool ShakenTraffic::any() const { return !lanes_.empty() || !held_.empty() || !departures().empty() || !readers().empty(); }

void ShakenTraffic::land_one(std::size_t lane) {
  const auto queue = std::next(lanes_.begin(), lane);
  const Packet packet = std::move(queue->second.front());
  queue->second.pop_front();
  if (queue->second.empty()) lanes_.erase(queue);
  packet.from->land(packet);
}

void ShakenTraffic::deliver_one() {
  const auto queue = std::next(held_.begin(), chance_.below(held_.size()));
  const Held message = std::move(queue->second.front());
  queue->second.pop_front();
  if (queue->second.empty()) held_.erase(queue);
  node_.dispatch_held(message.source_rank, message.header, message.payload);
}

bool ShakenTraffic::step() {
  // Both lists are in an order that depends on nothing but what kernels did.
  std::vector<std::size_t> landings;
  std::vector<std::size_t> slow_landings;
  for (std::size_t i = 0; const auto& [number, packets] : lanes_) {
    (to_underlying(packets.front().noc) == temper_.slow_noc ? slow_landings : landings).push_back(i++);
  }
  std::vector<Departure> leaving = departures();
  const std::vector<Port*> reading = readers();
  const std::size_t fast = landings.size() + leaving.size() + reading.size() + (held_.empty() ? 0 : 1);
  if (fast == 0 && slow_landings.empty()) return false;
  if (!slow_landings.empty() && (fast == 0 || chance_.one_in(slow_turn))) {
    land_one(slow_landings[chance_.below(slow_landings.size())]);
    return true;
  }
  // What goes on is a kind of traffic first: one message among many lanes would wait too long.
  while (true) {
    switch (chance_.below(4)) {
      case 0:
        if (landings.empty()) break;
        land_one(landings[chance_.below(landings.size())]);
        return true;
      case 1: {
        if (leaving.empty()) break;
        const auto [endpoint, noc] = leaving[chance_.below(leaving.size())];
        endpoint->depart_some(noc, chance_);
        return true;
      }
      case 2:
        if (reading.empty()) break;
        reading[chance_.below(reading.size())]->read_early(chance_);
        return true;
      default:
        if (held_.empty()) break;
        deliver_one();
        return true;
    }
  }
}

}  // namespace tilegrid::noc
