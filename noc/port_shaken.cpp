// SPDX-License-Identifier: Apache-2.0
// How the traffic of one port moves on when its run is shaken.
#include <utility>

#include "noc/port.h"

namespace tilegrid::noc {

bool Port::has_pending_reads() const { return !pending_reads_[NocId::noc0].empty() || !pending_reads_[NocId::noc1].empty(); }

void Port::shuffle_reads(NocId noc, Chance& chance) {
  auto& reads = pending_reads_[noc];
  for (std::size_t i = reads.size(); i > 1; --i) std::swap(reads[i - 1], reads[chance.below(i)]);
}

void Port::depart_some(NocId noc, Chance& chance) { flush_writes(noc, 1 + chance.below(pending_writes_[noc].size())); }

void Port::read_early(Chance& chance) {
  auto& reads = pending_reads_[pending_reads_[0].empty() || (!pending_reads_[1].empty() && chance.one_in(2)) ? 1 : 0];
  std::swap(reads.back(), reads[chance.below(reads.size())]);
  std::vector<PendingRead> one{reads.back()};
  reads.pop_back();
  lands_early(one.front());
  complete(one);
}

void Port::land(const Packet& packet) {
  if (!node_.is_local(packet.target)) {
    if (packet.delta) {
      message_increment(packet.target, packet.offset, *packet.delta);
      return;
    }
    WriteBatch batch(node_, node_.placement().rank_of(packet.target), header(MessageKind::write), unacked_writes_);
    batch.add(packet.slot, std::span(&packet.target, 1), packet.offset, packet.bytes);
    batch.send();
  } else if (packet.delta) {
    node_.land_increment(packet.target, packet.offset, *packet.delta, issuer_);
    --unacked_atomics_;
  } else {
    node_.land_write(packet.target, packet.offset, packet.bytes, issuer_);
  }
  unacked_writes_.remove(packet.slot, packet.bytes.size());
  answered();
}

}  // namespace tilegrid::noc
