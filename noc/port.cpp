// SPDX-License-Identifier: Apache-2.0
#include "noc/port.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <stdexcept>
#include <utility>

namespace tilegrid::noc {

MessageHeader Port::header(MessageKind kind) const {
  MessageHeader header;
  header.kind = kind;
  header.source_core = issuer_.core;
  header.source_stream = to_underlying(issuer_.risc);
  header.epoch = epoch();
  return header;
}

void Port::complete_reads(NocId noc, std::optional<std::uint32_t> trid) {
  auto& reads = pending_reads_[noc];
  if (!trid) {
    complete(reads);
    return;
  }
  const auto others = std::stable_partition(reads.begin(), reads.end(), [&](const auto& r) { return r.trid == *trid; });
  std::vector<PendingRead> own(reads.begin(), others);
  reads.erase(reads.begin(), others);
  complete(own);
}

void Port::complete(std::vector<PendingRead>& reads) {
  // One request per owning rank, cut where a request would ask for too much at once. std::map: in rank order.
  std::map<int, ReadRequest> by_rank;
  for (const PendingRead& read : reads) {
    const int rank = node_.placement().rank_of(read.target);
    if (rank == node_.transport().rank()) {
      // A core may read from itself, over the source.
      std::memmove(read.destination, node_.memory(read.target, read.offset), read.bytes);
      landed(read.destination, read.bytes);
      continue;
    }
    if (const std::byte* from = readable(read.target, read.offset, read.bytes)) {
      std::memcpy(read.destination, from, read.bytes);
      landed(read.destination, read.bytes);
      continue;
    }
    for (std::uint32_t done = 0; done < read.bytes;) {
      ReadRequest& request = by_rank[rank];
      request.rank = rank;
      const auto part =
          static_cast<std::uint32_t>(std::min<std::uint64_t>(read.bytes - done, read_request_bytes - request.bytes));
      request.segments.push_back({read.target, read.offset + done, read.destination + done, part});
      request.bytes += part;
      done += part;
      if (request.bytes == read_request_bytes || request.segments.size() == max_payload / sizeof(Segment)) {
        queue_request(std::move(request));
        by_rank.erase(rank);
      }
    }
  }
  for (auto& [rank, request] : by_rank) queue_request(std::move(request));
  reads.clear();
  issue_reads();
}

std::byte* Port::shared_dram(Target target, std::uint64_t offset, std::uint64_t bytes) {
  if (target.kind != Target::Kind::dram || messaged_dram_) return nullptr;
  return node_.shared(target, offset, epoch(), bytes);
}

const std::byte* Port::readable(Target target, std::uint64_t offset, std::uint64_t bytes) {
  if (target.kind == Target::Kind::dram) return shared_dram(target, offset, bytes);
  if (unacked_writes_.total != 0 || unacked_atomics_ != 0) return nullptr;
  const std::byte* from = node_.shared(target, offset, epoch(), bytes);
  if (from != nullptr) ++l1_copies_;
  return from;
}

void Port::queue_request(ReadRequest request) {
  queued_reads_.push_back(std::move(request));
  ++unfinished_reads_;
}

void Port::issue_reads() {
  while (!queued_reads_.empty() &&
         (open_reads_.empty() || open_read_bytes_ + queued_reads_.front().bytes <= read_window_bytes)) {
    ReadRequest request = std::move(queued_reads_.front());
    queued_reads_.pop_front();
    send_request(std::move(request));
  }
}

void Port::send_request(ReadRequest request) {
  MessageHeader head = header(MessageKind::read_request);
  head.request = next_request_++;
  head.count = count_of<std::uint32_t>(request.segments);
  head.bytes = request.bytes;
  Message message(head, request.segments.size() * sizeof(Segment));
  for (const PendingRead& read : request.segments) message.append_value(Segment{read.target, read.bytes, 0, read.offset});
  open_read_bytes_ += request.bytes;
  const int rank = request.rank;
  open_reads_.emplace(head.request, std::move(request));
  node_.send(rank, std::move(message));
}

void Port::on_read_reply(const MessageHeader& header, std::span<const std::byte> payload) {
  const auto found = open_reads_.find(header.request);
  if (found == open_reads_.end()) throw std::logic_error("a read reply without a request");
  ReadRequest& request = found->second;
  if (payload.size() > request.bytes - request.landed) {
    throw std::logic_error("a read reply brings more bytes than were asked for");
  }
  for (std::size_t done = 0; done < payload.size();) {
    const PendingRead& segment = request.segments[request.segment];
    const std::size_t part = std::min<std::size_t>(payload.size() - done, segment.bytes - request.segment_done);
    std::memcpy(segment.destination + request.segment_done, payload.data() + done, part);
    landed(segment.destination + request.segment_done, part);
    done += part;
    request.segment_done += static_cast<std::uint32_t>(part);
    if (request.segment_done == segment.bytes) {
      ++request.segment;
      request.segment_done = 0;
    }
  }
  request.landed += payload.size();
  if (request.landed < request.bytes) return;
  open_read_bytes_ -= request.bytes;
  --unfinished_reads_;
  open_reads_.erase(found);
  issue_reads();
  if (unfinished_reads_ == 0) answered();
}

void Port::add_write(NocId noc, PendingWrite write) {
  pending_write_bytes_[noc] += write.bytes;
  pending_writes_[noc].push_back(std::move(write));
}

void Port::flush_writes(NocId noc, std::size_t count) {
  auto& writes = pending_writes_[noc];
  count = std::min(count, writes.size());
  if (count == 0) return;
  ShakenTraffic* shaken_traffic = shaken();
  std::map<int, WriteBatch> batches;
  std::map<int, std::vector<Target>> remote;
  for (const PendingWrite& write : std::span(writes).first(count)) {
    const std::span<const std::byte> bytes =
        write.source == nullptr ? std::as_bytes(std::span(&write.word, 1)) : std::span(write.source, write.bytes);
    const std::uint32_t slot = UnackedWrites::slot(noc, write.trid);
    remote.clear();
    for (const Target target : write.targets) {
      if (shaken_traffic != nullptr) {
        unacked_writes_.add(slot, bytes.size());
        shaken_traffic->depart(*this, noc, target, write.offset, bytes, slot);
      } else if (node_.is_local(target)) {
        node_.land_write(target, write.offset, bytes, issuer_);
      } else if (std::byte* to = epoch() != 0 ? shared_dram(target, write.offset, bytes.size()) : nullptr) {
        std::memcpy(to, bytes.data(), bytes.size());
      } else {
        remote[node_.placement().rank_of(target)].push_back(target);
        messaged_dram_ = messaged_dram_ || target.kind == Target::Kind::dram;
      }
    }
    for (const auto& [rank, targets] : remote) {
      WriteBatch& batch = batches.try_emplace(rank, node_, rank, header(MessageKind::write), unacked_writes_).first->second;
      for (std::size_t first = 0; first < targets.size(); first += max_batch_targets) {
        batch.add(slot, std::span(targets).subspan(first, std::min(max_batch_targets, targets.size() - first)), write.offset,
                  bytes);
      }
    }
    pending_write_bytes_[noc] -= write.bytes;
  }
  for (auto& [rank, batch] : batches) batch.send();
  writes.erase(writes.begin(), writes.begin() + count);
}

std::size_t Port::writes_until(NocId noc, std::optional<std::uint32_t> trid) const {
  const auto& writes = pending_writes_[noc];
  if (!trid) return writes.size();
  // Those before the last of them have left, too: a NIU sends in order.
  const auto last = std::find_if(writes.rbegin(), writes.rend(), [&](const auto& write) { return write.trid == *trid; });
  return writes.rend() - last;
}

void Port::send_increment(NocId noc, Target target, std::uint64_t offset, std::uint32_t delta) {
  flush_writes(noc);
  if (ShakenTraffic* shaken_traffic = shaken()) {
    ++unacked_atomics_;
    shaken_traffic->depart_increment(*this, noc, target, offset, delta);
  } else if (node_.is_local(target)) {
    node_.land_increment(target, offset, delta, issuer_);
  } else {
    ++unacked_atomics_;
    message_increment(target, offset, delta);
  }
}

void Port::message_increment(Target target, std::uint64_t offset, std::uint32_t delta) {
  MessageHeader head = header(MessageKind::atomic);
  head.count = 1;
  Message message(head, sizeof(AtomicSegment));
  message.append_value(AtomicSegment{target, delta, offset});
  node_.send(node_.placement().rank_of(target), std::move(message));
}

void Port::on_write_ack(const MessageHeader& header) {
  if (header.bytes > unacked_writes_.total) throw std::logic_error("more bytes of writes are acknowledged than were sent");
  unacked_writes_.remove(header.request, header.bytes);
  if (unacked_writes_.total == 0) messaged_dram_ = false;
  answered();
}

void Port::on_atomic_ack(const MessageHeader&) {
  if (unacked_atomics_ == 0) throw std::logic_error("more atomics are acknowledged than were sent");
  --unacked_atomics_;
  answered();
}

void Port::reset() {
  for (auto& reads : pending_reads_) reads.clear();
  for (auto& writes : pending_writes_) writes.clear();
  pending_write_bytes_ = {};
  queued_reads_.clear();
  open_reads_.clear();
  open_read_bytes_ = unfinished_reads_ = unacked_atomics_ = 0;
  unacked_writes_ = {};
  messaged_dram_ = false;
}

}  // namespace tilegrid::noc
