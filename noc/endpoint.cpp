// SPDX-License-Identifier: Apache-2.0
#include "noc/endpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <stdexcept>
#include <utility>

#include "core/error.h"
#include "noc/write_batch.h"

namespace tilegrid::noc {
namespace {

PhysicalCore node_of(Target target, const Node& node) {
  return target.kind == Target::Kind::dram ? node.places().dram_endpoint(target.index)
                                           : node.places().physical_of(node.placement().grid.core(target.index));
}

std::uint32_t packed(PhysicalCore node) {
  return static_cast<std::uint32_t>(node.x) | static_cast<std::uint32_t>(node.y) << 8U;
}

/// What a transfer of one word writes, 0 for longer ones: a replay needs the values of semaphores.
std::uint32_t word_written(std::uint32_t l1_source, std::uint32_t bytes) {
  std::uint32_t word = 0;
  if (bytes == sizeof word) std::memcpy(&word, l1_pointer(l1_source), sizeof word);
  return word;
}

std::string text_of(Target target, GridSize grid) {
  if (target.kind == Target::Kind::dram) return fmt::format("DRAM bank {}", target.index);
  const LogicalCore core = grid.core(target.index);
  return fmt::format("core ({},{})", core.x, core.y);
}

}  // namespace

void check_trid(std::uint32_t trid, const char* who) {
  if (trid < transaction_ids) return;
  throw Fault("NoC transaction id", fmt::format("{} with transaction id {}", who, trid),
              "a NIU has 16 transaction ids, 0 to 15");
}

MessageHeader Endpoint::header(MessageKind kind) const {
  MessageHeader header;
  header.kind = kind;
  header.source_core = core_ == nullptr ? -1 : core_->index;
  header.source_stream = static_cast<std::uint32_t>(risc_);
  header.epoch = core_ == nullptr ? 0 : node_.epoch();
  return header;
}

Target Endpoint::resolve(NocAddress address, std::uint64_t bytes, const char* who) const {
  const GridSize grid = node_.placement().grid;
  const int x = static_cast<int>(address_x(address));
  const int y = static_cast<int>(address_y(address));
  const std::uint64_t offset = address_offset(address);
  if (x >= virtual_base && y >= virtual_base) {
    const LogicalCore core{x - virtual_base, y - virtual_base};
    if (!grid.contains(core)) {
      throw Fault("NoC target", fmt::format("{} addressed core ({},{})", who, core.x, core.y),
                  fmt::format("the grid is {}x{}", grid.x, grid.y));
    }
    const std::uint64_t in_l1 = offset & (l1_slot_bytes - 1);
    if (in_l1 < l1_mapped_base || in_l1 + bytes > node_.chip().memory().l1_bytes) {
      throw Fault("L1 range",
                  fmt::format("{} used L1 bytes {} to {} of core ({},{})", who, in_l1, in_l1 + bytes, core.x, core.y),
                  fmt::format("L1 ends at {} and its first {} bytes are the firmware's", node_.chip().memory().l1_bytes,
                              l1_mapped_base));
    }
    return {Target::Kind::core, grid.index(core)};
  }
  if (const int bank = node_.places().bank_at(x, y); bank >= 0) {
    if (offset + bytes > node_.dram_limit()) {
      throw Fault("DRAM range", fmt::format("{} used bytes {} to {} of DRAM bank {}", who, offset, offset + bytes, bank),
                  fmt::format("the buffers of this run end at {} in every bank", node_.dram_limit()))
          .hint("check the page number and the buffer's size");
    }
    return {Target::Kind::dram, bank};
  }
  throw Fault("NoC target", fmt::format("{} addressed NoC node {}-{}", who, x, y),
              "only workers and DRAM endpoints have memory");
}

void Endpoint::check_alignment(NocAddress remote, Target target, std::uint32_t local, bool is_read, const char* who) const {
  const std::uint32_t unit =
      is_read && target.kind == Target::Kind::dram ? node_.chip().memory().dram_alignment : l1_alignment;
  if ((address_offset(remote) % unit) == (local % unit)) return;
  core_->reporter.found(checks::Class::alignment, [&] {
    return fault_of(checks::Class::alignment,
                    fmt::format("{} between L1 address {} and offset {} of {}", who, l1_offset_of(local),
                                address_offset(remote), text_of(target, node_.placement().grid)),
                    fmt::format("both addresses must be equal modulo {} (here {} and {})", unit, local % unit,
                                address_offset(remote) % unit))
        .hint("align the page size and the L1 address");
  });
}

void Endpoint::count(NocId noc, TransferKind kind, std::uint64_t bytes, int hop_count) {
  TransferCounters& c = core_->counters.transfers[noc][kind];
  ++c.transactions;
  c.bytes += bytes;
  c.hops += static_cast<std::uint64_t>(hop_count);
  c.byte_hops += bytes * static_cast<std::uint64_t>(hop_count);
}

void Endpoint::log_transfer(Event event, NocId noc, Target target, std::uint64_t offset) {
  event.op = static_cast<std::uint8_t>(noc);
  event.x = packed(node_of(target, node_));
  event.address = static_cast<std::uint32_t>(offset);
  core_->log.append(risc_, event);
}

void Endpoint::log_barrier(EventKind kind, NocId noc, std::optional<std::uint32_t> trid) {
  core_->log.append(
      risc_, {.kind = kind, .op = static_cast<std::uint8_t>(noc), .a = static_cast<std::uint8_t>(trid ? *trid + 1 : 0)});
}

void Endpoint::take_trid(Outstanding& outstanding, NocId noc, std::uint8_t trid, std::uint32_t bytes, const char* who) {
  std::uint32_t& packets = outstanding[index(noc)][trid];
  const std::uint32_t most = node_.chip().memory().packet_bytes;
  packets += (bytes + most - 1) / most;
  if (trid == 0 || packets <= max_outstanding) return;  // nobody need look at the counter of id 0
  throw Fault("NoC transaction id", fmt::format("{} with transaction id {} on NoC {}", who, trid, index(noc)),
              "a transaction id has at most 255 packets outstanding: its counter has 8 bits")
      .numbers(packets, max_outstanding, "packets")
      .hint("call the barrier of this transaction id in between");
}

void Endpoint::return_trid(Outstanding& outstanding, NocId noc, std::optional<std::uint32_t> trid, const char* who) {
  if (!trid) {
    outstanding[index(noc)] = {};
    return;
  }
  check_trid(*trid, who);
  const std::uint32_t packets = std::exchange(outstanding[index(noc)][*trid], 0);
  if (packets <= max_outstanding) return;
  throw Fault("NoC transaction id", fmt::format("{} of transaction id {} on NoC {}", who, *trid, index(noc)),
              "a transaction id has at most 255 packets outstanding: its counter has 8 bits")
      .numbers(packets, max_outstanding, "packets")
      .hint("call the barrier of this transaction id in between");
}

void Endpoint::set_read_trid(NocId noc, std::uint32_t trid) {
  check_trid(trid, "noc_async_read_set_trid");
  read_trids_[index(noc)] = static_cast<std::uint8_t>(trid);
}

Endpoint::StatefulPeer Endpoint::from_state(const State& state, std::uint32_t address, std::uint32_t bytes,
                                            const char* who) {
  if (!state.set || (bytes == 0 && state.bytes == 0)) {
    throw Fault("NoC state", fmt::format("{} without a state", who),
                "a *_set_state call sets the registers that *_with_state calls use, a plain transfer overwrites them")
        .hint("call the *_set_state of the same form and NoC first");
  }
  return {make_address(address_x(state.peer), address_y(state.peer), address), bytes == 0 ? state.bytes : bytes};
}

void Endpoint::read(NocId noc, NocAddress source, std::uint32_t l1_destination, std::uint32_t bytes, const Issue& issue) {
  if (bytes == 0) return;
  preempt();
  const Target target = resolve(source, bytes, "noc_async_read");
  core_->check_l1(l1_destination, bytes, "noc_async_read");
  check_alignment(source, target, l1_destination, true, "noc_async_read");
  const std::uint8_t trid = issue.trid.value_or(read_trids_[index(noc)]);
  check_trid(trid, "noc_async_read");
  take_trid(outstanding_reads_, noc, trid, bytes, "noc_async_read");
  const bool dram = target.kind == Target::Kind::dram;
  const std::uint64_t offset = dram ? address_offset(source) : address_offset(source) & (l1_slot_bytes - 1);
  count(noc, dram ? TransferKind::dram_read : TransferKind::l1_read, bytes,
        hops(node_.places(), noc, node_of(target, node_), own_node()));
  log_transfer({.kind = EventKind::noc_read,
                .a = trid,
                .b = static_cast<std::uint8_t>(issue.form),
                .count = bytes,
                .y = core_->log.keeps_local() ? l1_offset_of(l1_destination) : 0},
               noc, target, offset);
  if (core_->checker) core_->checker->read(risc_, noc, trid, l1_offset_of(l1_destination), bytes);
  if (!moves(target.kind, bytes)) return;
  pending_reads_[index(noc)].push_back({target, offset, l1_pointer(l1_destination), bytes, trid});
  preempt();  // the kernel's next stores may come after the transfer
}

void Endpoint::write(NocId noc, std::uint32_t l1_source, NocAddress destination, std::uint32_t bytes, const Issue& issue) {
  if (bytes == 0) return;
  preempt();
  const Target target = resolve(destination, bytes, "noc_async_write");
  core_->check_l1(l1_source, bytes, "noc_async_write");
  check_alignment(destination, target, l1_source, false, "noc_async_write");
  const std::uint8_t trid = issue.trid.value_or(0);
  check_trid(trid, "noc_async_write");
  take_trid(outstanding_writes_, noc, trid, bytes, "noc_async_write");
  const bool dram = target.kind == Target::Kind::dram;
  const std::uint64_t offset = dram ? address_offset(destination) : address_offset(destination) & (l1_slot_bytes - 1);
  count(noc, dram ? TransferKind::dram_write : TransferKind::l1_write, bytes,
        hops(node_.places(), noc, own_node(), node_of(target, node_)));
  Event event{.kind = EventKind::noc_write,
              .a = trid,
              .b = static_cast<std::uint8_t>(issue.form),
              .count = bytes,
              .y = core_->log.keeps_local() ? l1_offset_of(l1_source) : 0};
  if (!dram) set_extra(event, word_written(l1_source, bytes));
  log_transfer(event, noc, target, offset);
  if (core_->checker) core_->checker->write(risc_, noc, trid, l1_offset_of(l1_source), bytes);
  if (moves(target.kind, bytes)) queue_write(noc, {{target}, offset, l1_pointer(l1_source), bytes, trid});
}

void Endpoint::write_word(NocId noc, NocAddress destination, std::uint32_t value) {
  preempt();
  const Target target = resolve(destination, sizeof value, "noc_inline_dw_write");
  if (target.kind != Target::Kind::core) {
    throw Fault("NoC target", "noc_inline_dw_write to DRAM", "inline writes go to L1 only")
        .hint("write from L1 with noc_async_write");
  }
  if (address_offset(destination) % sizeof value != 0) {
    core_->reporter.found(checks::Class::alignment, [&] {
      return fault_of(checks::Class::alignment, fmt::format("noc_inline_dw_write to offset {}", address_offset(destination)),
                      "an inline write is a 4-byte word at a multiple of 4");
    });
  }
  const std::uint64_t offset = address_offset(destination) & (l1_slot_bytes - 1);
  take_trid(outstanding_writes_, noc, 0, sizeof value, "noc_inline_dw_write");
  count(noc, TransferKind::l1_write, sizeof value, hops(node_.places(), noc, own_node(), node_of(target, node_)));
  Event event{.kind = EventKind::noc_write, .b = static_cast<std::uint8_t>(TransferForm::inlined), .count = sizeof value};
  set_extra(event, value);
  log_transfer(event, noc, target, offset);
  if (core_->checker) core_->checker->write_word(risc_, noc, 0);
  queue_write(noc, {{target}, offset, nullptr, sizeof value, 0, value});
}

void Endpoint::queue_write(NocId noc, PendingWrite write) {
  pending_write_bytes_[index(noc)] += write.bytes;
  pending_writes_[index(noc)].push_back(std::move(write));
  if (pending_write_bytes_[index(noc)] <= write_window_bytes / 2) {
    preempt();  // the kernel's next stores may come after the transfer
    return;
  }
  flush_writes(noc);
  wait_while(unacked_writes_.total, write_window_bytes, BlockReason::write_barrier, noc);
}

void Endpoint::multicast(NocId noc, std::uint32_t l1_source, NocAddress destination, std::uint32_t bytes,
                         std::uint32_t destinations, bool loopback, bool linked) {
  preempt();
  const GridSize grid = node_.placement().grid;
  core_->check_l1(l1_source, bytes, "noc_async_write_multicast");
  const auto corner = [&](unsigned shift) {
    return static_cast<int>(destination >> (offset_bits + shift * coordinate_bits) & 63U) - virtual_base;
  };
  // On NoC 1 the start is the far corner (tensix.md 4.1); both orders name the same rectangle here.
  const LogicalCore low{std::min(corner(0), corner(2)), std::min(corner(1), corner(3))};
  const LogicalCore high{std::max(corner(0), corner(2)), std::max(corner(1), corner(3))};
  if (!grid.contains(low) || !grid.contains(high)) {
    throw Fault("NoC target",
                fmt::format("noc_async_write_multicast to cores ({},{}) to ({},{})", low.x, low.y, high.x, high.y),
                fmt::format("a multicast reaches workers of the {}x{} grid only", grid.x, grid.y));
  }
  // The range is the same on every core: checked on one.
  const NocAddress on_first = make_address(static_cast<std::uint32_t>(low.x + virtual_base),
                                           static_cast<std::uint32_t>(low.y + virtual_base), address_offset(destination));
  check_alignment(on_first, resolve(on_first, bytes, "noc_async_write_multicast"), l1_source, false,
                  "noc_async_write_multicast");
  PendingWrite write{{}, address_offset(destination) & (l1_slot_bytes - 1), l1_pointer(l1_source), bytes};
  int hop_count = 0;
  for (int y = low.y; y <= high.y; ++y) {
    for (int x = low.x; x <= high.x; ++x) {
      if (LogicalCore{x, y} == core_->logical && !loopback) continue;
      write.targets.push_back({Target::Kind::core, grid.index({x, y})});
      hop_count = std::max(hop_count, hops(node_.places(), noc, own_node(), node_.places().physical_of({x, y})));
    }
  }
  if (write.targets.size() != destinations) {
    core_->reporter.found(checks::Class::multicast_count, [&] {
      return fault_of(
                 checks::Class::multicast_count,
                 fmt::format("noc_async_write_multicast to cores ({},{}) to ({},{}){}", low.x, low.y, high.x, high.y,
                             loopback ? " with loopback" : ""),
                 "the number of destinations must equal the cores that acknowledge; the sender counts only with loopback")
          .numbers(destinations, static_cast<std::int64_t>(write.targets.size()), "destinations");
    });
  }
  linked_chains_[index(noc)] = linked ? LinkedChain{true, low, high} : LinkedChain{};
  count(noc, TransferKind::multicast, bytes, hop_count);
  Event event{.kind = EventKind::noc_multicast,
              .op = static_cast<std::uint8_t>(noc),
              .a = static_cast<std::uint8_t>(linked),
              .b = static_cast<std::uint8_t>(loopback),
              .count = bytes,
              .x = packed(node_.places().physical_of(low)),
              .y = packed(node_.places().physical_of(high)),
              .address = static_cast<std::uint32_t>(write.offset)};
  if (bytes == sizeof(std::uint32_t)) {
    set_extra(event, word_written(l1_source, bytes));
  } else if (core_->log.keeps_local()) {
    set_extra(event, l1_offset_of(l1_source));
  }
  core_->log.append(risc_, event);
  if (core_->checker) core_->checker->multicast(risc_, noc, 0, l1_offset_of(l1_source), bytes, linked);
  if (moves(Target::Kind::core, bytes)) queue_write(noc, std::move(write));
}

void Endpoint::increment(NocId noc, NocAddress semaphore, std::uint32_t delta) {
  preempt();
  const Target target = resolve(semaphore, sizeof delta, "noc_semaphore_inc");
  if (target.kind != Target::Kind::core) {
    throw Fault("NoC target", "noc_semaphore_inc on DRAM", "atomics work on L1 only");
  }
  if (address_offset(semaphore) % sizeof delta != 0) {
    core_->reporter.found(checks::Class::alignment, [&] {
      return fault_of(checks::Class::alignment, fmt::format("noc_semaphore_inc at offset {}", address_offset(semaphore)),
                      "a semaphore is a 4-byte word at a multiple of 4");
    });
  }
  const std::uint64_t offset = address_offset(semaphore) & (l1_slot_bytes - 1);
  count(noc, TransferKind::semaphore, sizeof delta, hops(node_.places(), noc, own_node(), node_of(target, node_)));
  core_->log.append(risc_, {.kind = EventKind::semaphore_inc,
                            .op = static_cast<std::uint8_t>(noc),
                            .count = delta,
                            .x = packed(node_of(target, node_)),
                            .address = static_cast<std::uint32_t>(offset)});
  if (core_->checker) core_->checker->atomic(risc_, noc, 0);
  flush_writes(noc);
  if (ShakenTraffic* shaken = node_.shaken()) {
    ++unacked_atomics_;
    shaken->depart_increment(*this, noc, target, offset, delta);
  } else if (node_.is_local(target)) {
    node_.land_increment(target, offset, delta, issuer());
  } else {
    ++unacked_atomics_;
    send_increment(target, offset, delta);
  }
}

void Endpoint::send_increment(Target target, std::uint64_t offset, std::uint32_t delta) {
  MessageHeader head = header(MessageKind::atomic);
  head.count = 1;
  Message message(head, sizeof(AtomicSegment));
  message.append_value(AtomicSegment{target, delta, offset});
  node_.send(node_.placement().rank_of(target), std::move(message));
}

void Endpoint::wait_while(const std::uint64_t& counter, std::uint64_t limit, BlockReason reason, NocId noc) {
  Scheduler& scheduler = node_.scheduler();
  while (counter > limit) {
    if (core_ == nullptr) {
      if (node_.poll() == 0) node_.transport().wait(std::chrono::microseconds(1000));
      continue;
    }
    waiter_ = scheduler.current();
    scheduler.block({reason, static_cast<std::uint32_t>(noc), counter});
    waiter_ = nullptr;
  }
}

void Endpoint::read_barrier(NocId noc, std::optional<std::uint32_t> trid) {
  preempt();
  return_trid(outstanding_reads_, noc, trid, trid ? "noc_async_read_barrier_with_trid" : "noc_async_read_barrier");
  log_barrier(EventKind::read_barrier, noc, trid);
  flush();
  auto& reads = pending_reads_[index(noc)];
  if (ShakenTraffic* shaken = node_.shaken()) {
    for (std::size_t i = reads.size(); i > 1; --i) std::swap(reads[i - 1], reads[shaken->chance().below(i)]);
  }
  if (trid) {
    const auto others = std::stable_partition(reads.begin(), reads.end(), [&](const auto& r) { return r.trid == *trid; });
    std::vector<PendingRead> own(reads.begin(), others);
    reads.erase(reads.begin(), others);
    complete_reads(own);
  } else {
    complete_reads(reads);
  }
  wait_while(unfinished_reads_, 0, BlockReason::read_barrier, noc);
  if (core_->checker) core_->checker->reads_done(risc_, noc, trid);
}

void Endpoint::complete_reads(std::vector<PendingRead>& reads) {
  // One request per owning rank, cut where a request would ask for too much at once. std::map: in rank order.
  std::map<int, ReadRequest> by_rank;
  for (const PendingRead& read : reads) {
    const int rank = node_.placement().rank_of(read.target);
    if (rank == node_.transport().rank()) {
      // A core may read from itself, over the source.
      std::memmove(read.destination, node_.memory(read.target, read.offset), read.bytes);
      notify(read.destination, read.bytes);
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
        queued_reads_.push_back(std::move(request));
        ++unfinished_reads_;
        by_rank.erase(rank);
      }
    }
  }
  for (auto& [rank, request] : by_rank) {
    queued_reads_.push_back(std::move(request));
    ++unfinished_reads_;
  }
  reads.clear();
  issue_reads();
}

void Endpoint::notify(const std::byte* landed, std::size_t bytes) const {
  if (core_ == nullptr) return;
  const auto address = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(landed));
  core_->notify_write(l1_offset_of(address), bytes);
}

void Endpoint::issue_reads() {
  while (!queued_reads_.empty() &&
         (open_reads_.empty() || open_read_bytes_ + queued_reads_.front().bytes <= read_window_bytes)) {
    ReadRequest request = std::move(queued_reads_.front());
    queued_reads_.pop_front();
    send_request(std::move(request));
  }
}

void Endpoint::send_request(ReadRequest request) {
  MessageHeader head = header(MessageKind::read_request);
  head.request = next_request_++;
  head.count = static_cast<std::uint32_t>(request.segments.size());
  head.bytes = request.bytes;
  Message message(head, request.segments.size() * sizeof(Segment));
  for (const PendingRead& read : request.segments) message.append_value(Segment{read.target, read.bytes, 0, read.offset});
  open_read_bytes_ += request.bytes;
  const int rank = request.rank;
  open_reads_.emplace(head.request, std::move(request));
  node_.send(rank, std::move(message));
}

void Endpoint::on_read_reply(const MessageHeader& header, std::span<const std::byte> payload) {
  const auto found = open_reads_.find(header.request);
  if (found == open_reads_.end()) throw std::logic_error("a read reply without a request");
  ReadRequest& request = found->second;
  for (std::size_t done = 0; done < payload.size();) {
    const PendingRead& segment = request.segments[request.segment];
    const std::size_t part = std::min<std::size_t>(payload.size() - done, segment.bytes - request.segment_done);
    std::memcpy(segment.destination + request.segment_done, payload.data() + done, part);
    notify(segment.destination + request.segment_done, part);
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
  if (unfinished_reads_ == 0) node_.scheduler().wake(waiter_);
}

void Endpoint::flush_writes(NocId noc, std::size_t count) {
  auto& writes = pending_writes_[index(noc)];
  count = std::min(count, writes.size());
  if (count == 0) return;
  ShakenTraffic* shaken = core_ == nullptr ? nullptr : node_.shaken();
  std::map<int, WriteBatch> batches;
  std::map<int, std::vector<Target>> remote;
  for (const PendingWrite& write : std::span(writes).first(count)) {
    const std::span<const std::byte> bytes =
        write.source == nullptr ? std::as_bytes(std::span(&write.word, 1)) : std::span(write.source, write.bytes);
    remote.clear();
    for (const Target target : write.targets) {
      if (shaken != nullptr) {
        unacked_writes_.add(UnackedWrites::slot(noc, write.trid), bytes.size());
        shaken->depart(*this, noc, target, write.offset, bytes, UnackedWrites::slot(noc, write.trid));
      } else if (node_.is_local(target)) {
        node_.land_write(target, write.offset, bytes, issuer());
      } else {
        remote[node_.placement().rank_of(target)].push_back(target);
      }
    }
    for (const auto& [rank, targets] : remote) {
      WriteBatch& batch = batches.try_emplace(rank, node_, rank, header(MessageKind::write), unacked_writes_).first->second;
      for (std::size_t first = 0; first < targets.size(); first += max_batch_targets) {
        batch.add(UnackedWrites::slot(noc, write.trid),
                  std::span(targets).subspan(first, std::min(max_batch_targets, targets.size() - first)), write.offset,
                  bytes);
      }
    }
    pending_write_bytes_[index(noc)] -= write.bytes;
  }
  for (auto& [rank, batch] : batches) batch.send();
  writes.erase(writes.begin(), writes.begin() + static_cast<std::ptrdiff_t>(count));
}

void Endpoint::flush() {
  // A fiber that waits need not have its writes under way: they leave when the traffic moves on.
  if (ShakenTraffic* shaken = node_.shaken(); shaken != nullptr && core_ != nullptr && shaken->chance().one_in(2)) return;
  for (int noc = 0; noc < noc_count; ++noc) flush_writes(static_cast<NocId>(noc));
}

void Endpoint::flush(NocId noc) { flush_writes(noc); }

std::size_t Endpoint::writes_until(NocId noc, std::optional<std::uint32_t> trid) const {
  const auto& writes = pending_writes_[index(noc)];
  if (!trid) return writes.size();
  // Those before the last of them have left, too: a NIU sends in order.
  const auto last = std::find_if(writes.rbegin(), writes.rend(), [&](const auto& write) { return write.trid == *trid; });
  return static_cast<std::size_t>(writes.rend() - last);
}

void Endpoint::writes_flushed(NocId noc, std::optional<std::uint32_t> trid) {
  preempt();
  if (trid) check_trid(*trid, "noc_async_write_flushed_with_trid");
  log_barrier(EventKind::writes_flushed, noc, trid);
  if (core_->checker) core_->checker->writes_flushed(risc_, noc, trid);
  flush_writes(noc, writes_until(noc, trid));
}

void Endpoint::write_barrier(NocId noc, std::optional<std::uint32_t> trid) {
  preempt();
  return_trid(outstanding_writes_, noc, trid, trid ? "noc_async_write_barrier_with_trid" : "noc_async_write_barrier");
  log_barrier(EventKind::write_barrier, noc, trid);
  if (core_->checker) core_->checker->writes_done(risc_, noc, trid);
  flush_writes(noc, writes_until(noc, trid));
  wait_while(trid ? unacked_writes_.by_trid[index(noc)][*trid] : unacked_writes_.by_noc[index(noc)], 0,
             BlockReason::write_barrier, noc);
}

void Endpoint::atomic_barrier(NocId noc) {
  preempt();
  log_barrier(EventKind::atomic_barrier, noc);
  flush();
  wait_while(unacked_atomics_, 0, BlockReason::atomic_barrier, noc);
  if (core_->checker) core_->checker->atomics_done(risc_, noc);
}

void Endpoint::finish() {
  for (const NocId noc : {NocId::noc0, NocId::noc1}) flush_writes(noc);
  for (auto& reads : pending_reads_) complete_reads(reads);
  wait_while(unfinished_reads_, 0, BlockReason::read_barrier, NocId::noc0);
  wait_while(unacked_writes_.total, 0, BlockReason::write_barrier, NocId::noc0);
  wait_while(unacked_atomics_, 0, BlockReason::atomic_barrier, NocId::noc0);
}

void Endpoint::reset() {
  for (auto& reads : pending_reads_) reads.clear();
  for (auto& writes : pending_writes_) writes.clear();
  pending_write_bytes_ = {};
  queued_reads_.clear();
  open_reads_.clear();
  open_read_bytes_ = unfinished_reads_ = unacked_atomics_ = 0;
  unacked_writes_ = {};
  read_trids_ = {};
  read_states_ = {};
  write_states_ = {};
  linked_chains_ = {};
  outstanding_reads_ = {};
  outstanding_writes_ = {};
  waiter_ = nullptr;
}

void Endpoint::on_write_ack(const MessageHeader& header) {
  unacked_writes_.remove(header.request, header.bytes);
  node_.scheduler().wake(waiter_);
}

void Endpoint::on_atomic_ack(const MessageHeader&) {
  --unacked_atomics_;
  node_.scheduler().wake(waiter_);
}

}  // namespace tilegrid::noc
