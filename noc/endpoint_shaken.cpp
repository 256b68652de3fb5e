// SPDX-License-Identifier: Apache-2.0
// How the traffic of one fiber moves on when its run is shaken.
#include "noc/endpoint.h"

#include <utility>

namespace tilegrid::noc {

void Endpoint::depart_some(NocId noc, Chance& chance) {
  flush_writes(noc, 1 + chance.below(pending_writes_[index(noc)].size()));
}

void Endpoint::read_early(Chance& chance) {
  auto& reads = pending_reads_[pending_reads_[0].empty() || (!pending_reads_[1].empty() && chance.one_in(2)) ? 1 : 0];
  std::swap(reads.back(), reads[chance.below(reads.size())]);
  std::vector<PendingRead> one{reads.back()};
  reads.pop_back();
  complete_reads(one);
}

void Endpoint::land(const Packet& packet) {
  if (!node_.is_local(packet.target)) {
    if (packet.delta) {
      send_increment(packet.target, packet.offset, *packet.delta);
      return;
    }
    WriteBatch batch(node_, node_.placement().rank_of(packet.target), header(MessageKind::write), unacked_writes_);
    batch.add(packet.slot, std::span(&packet.target, 1), packet.offset, packet.bytes);
    batch.send();
  } else if (packet.delta) {
    node_.land_increment(packet.target, packet.offset, *packet.delta, issuer());
    --unacked_atomics_;
  } else {
    node_.land_write(packet.target, packet.offset, packet.bytes, issuer());
  }
  unacked_writes_.remove(packet.slot, packet.bytes.size());
  node_.scheduler().wake(waiter_);
}

}  // namespace tilegrid::noc
