// SPDX-License-Identifier: Apache-2.0
#include "noc/node.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "noc/endpoint.h"
#include "noc/host_port.h"
#include "noc/message_check.h"
#include "noc/shaken_traffic.h"

namespace tilegrid::noc {

namespace {

Issuer issuer_of(const MessageHeader& header) { return {header.source_core, static_cast<Risc>(header.source_stream)}; }

}  // namespace

Node::Node(GridSize grid, Transport& transport, FiberBackend backend, int bank_owners, Chip chip)
    : chip_(std::move(chip)),
      placement_{grid, transport.size(), std::clamp(bank_owners, 1, std::min(places().banks(), transport.size())),
                 places().banks(), transport.one_host()},
      transport_(transport),
      scheduler_(backend),
      host_memory_(transport, placement_, chip_.memory()),
      arena_(placement_.cores_of(transport.rank()), chip_.memory().l1_bytes, host_memory_.own_l1()),
      dram_(chip_.memory().dram_bank_bytes) {
  for (int local = 0; local < arena_.cores(); ++local) {
    const int index = placement_.core_at(transport.rank(), local);
    cores_.push_back(std::make_unique<Core>(index, grid.core(index), arena_.base(local), scheduler_, chip_));
    for (const Risc risc : each<Risc>) endpoints_.push_back(std::make_unique<Endpoint>(*this, *cores_.back(), risc));
  }
  for (int bank = 0; bank < places().banks(); ++bank) {
    if (placement_.rank_of_bank(bank) == transport.rank()) dram_.add(bank, host_memory_.own(bank));
  }
  host_port_ = std::make_unique<HostPort>(*this);
  holdings_ = std::make_unique<Holdings>(Holdings{
      grid.cores(), chip_.memory().l1_bytes, chip_.memory().dram_bank_bytes,
      [this](Target target) { return target.kind == Target::Kind::core ? is_local(target) : dram_.holds(target.index); }});
}

Node::~Node() { scheduler_.clear(); }

Endpoint& Node::endpoint(int core, Risc risc) {
  return *endpoints_[placement_.place_of(core) * risc_count + to_underlying(risc)];
}

Port& Node::asker(const MessageHeader& header) {
  if (header.source_core < 0) return *host_port_;
  return endpoint(header.source_core, static_cast<Risc>(header.source_stream));
}

void Node::begin_program(std::uint32_t epoch, std::uint64_t dram_limit, bool keep_l1) {
  scheduler_.clear();
  shake({});
  if (epoch_ != 0 && !keep_l1) arena_.reset();  // before the first program it is zero
  epoch_ = epoch;
  over_ = false;
  dram_limit_ = dram_limit;
  sent_ = received_ = shared_bytes_ = 0;
  for (auto& core : cores_) {
    core->counters = {};
    core->host_cost = {};
    core->log.clear();
    core->semaphore_waiters.clear();
    core->semaphore_sources = {};
    core->checker.reset();
  }
  for (auto& endpoint : endpoints_) endpoint->reset();
}

void Node::open_l1_window() {
  arena_.open_window();
  scheduler_.set_on_switch([this](const Fiber& fiber) { arena_.switch_to(core(fiber.core()).l1_base); });
}

void Node::end_program() {
  over_ = true;
  shake({});
  scheduler_.clear();
  for (auto& core : cores_) core->semaphore_waiters.clear();
  for (auto& endpoint : endpoints_) endpoint->reset();
}

void Node::shake(std::optional<std::uint64_t> seed) {
  shaken_.reset();
  std::function<bool()> traffic;
  if (seed) {
    const std::uint64_t rank = transport_.rank();
    shaken_ = std::make_unique<ShakenTraffic>(*this, *seed, rank);
    traffic = [this] { return shaken_->step(); };
  }
  scheduler_.shake(seed, std::move(traffic));
}

void Node::dispatch_held(int source_rank, const MessageHeader& header, std::span<const std::byte> payload) {
  ++received_;
  dispatch(source_rank, header, payload);
}

void Node::deliver_early_messages() {
  host_memory_.begin(epoch_);
  // The list is emptied first: dispatching a message may add to it.
  const std::vector<Deferred> deferred = std::exchange(deferred_, {});
  for (const Deferred& message : deferred) deliver(message.source_rank, message.header, message.payload);
}

void Node::send(int rank, Message message, bool more) {
  const MessageHeader header = message.header();
  if (header.kind != MessageKind::control && header.epoch != 0) ++sent_;
  transport_.send(rank, std::move(message), more);
}

void Node::deliver(int source_rank, const MessageHeader& header, std::span<const std::byte> payload) {
  if (header.kind == MessageKind::control) {
    control_(source_rank, header, payload);
    return;
  }
  if (header.epoch > epoch_) {
    deferred_.push_back({source_rank, header, {payload.begin(), payload.end()}});
    return;
  }
  if (header.epoch != 0) {
    if (header.epoch < epoch_ || over_) return;
    if (shaken_) {
      shaken_->hold(source_rank, header, payload);
      return;
    }
    ++received_;
  }
  dispatch(source_rank, header, payload);
}

void Node::dispatch(int source_rank, const MessageHeader& header, std::span<const std::byte> payload) {
  check_message(*holdings_, source_rank, header, payload);
  switch (header.kind) {
    case MessageKind::read_request:
      serve_read(source_rank, header, payload);
      break;
    case MessageKind::write:
      serve_write(source_rank, header, payload);
      break;
    case MessageKind::atomic:
      serve_atomic(source_rank, header, payload);
      break;
    case MessageKind::read_reply:
      asker(header).on_read_reply(header, payload);
      break;
    case MessageKind::write_ack:
      asker(header).on_write_ack(header);
      break;
    case MessageKind::atomic_ack:
      asker(header).on_atomic_ack(header);
      break;
    case MessageKind::control:
    case MessageKind::credit:
      throw std::logic_error("a transport message reached the node");
  }
}

std::byte* Node::memory(Target target, std::uint64_t offset) {
  if (target.kind == Target::Kind::dram) return dram_.at(target.index, offset);
  return l1_pointer(core(target.index).l1_base + static_cast<std::uint32_t>(offset));
}

std::byte* Node::shared(Target target, std::uint64_t offset, std::uint64_t epoch, std::uint64_t bytes) {
  std::byte* memory = host_memory_.at(target, offset, epoch);
  if (memory != nullptr) shared_bytes_ += bytes;
  return memory;
}

void Node::mark_unwritten_l1(const Core& core, std::uint32_t first, std::uint32_t end) {
  arena_.mark_unwritten(placement_.place_of(core.index), first, end);
}

void Node::mark_unwritten_dram() {
  if (checks_.on(checks::Class::uninitialised_dram)) dram_.mark_unwritten(dram_limit_);
}

void Node::land_write(Target target, std::uint64_t offset, std::span<const std::byte> bytes, Issuer issuer) {
  // Memory between what was marked so far and the first byte of this write has not been written either.
  if (target.kind == Target::Kind::dram && checks_.on(checks::Class::uninitialised_dram)) {
    dram_.mark_around(target.index, offset, offset + bytes.size());
  }
  std::memmove(memory(target, offset), bytes.data(), bytes.size());  // a core may write to itself, over the source
  if (target.kind != Target::Kind::core) return;
  Core& owner = core(target.index);
  const auto at = static_cast<std::uint32_t>(offset);
  owner.note_writer(at, bytes.size(), issuer);
  owner.notify_write(at, bytes.size());
}

void Node::land_increment(Target target, std::uint64_t offset, std::uint32_t delta, Issuer issuer) {
  Core& owner = core(target.index);
  const auto at = static_cast<std::uint32_t>(offset);
  std::byte* word = memory(target, offset);
  std::uint32_t value = 0;
  std::memcpy(&value, word, sizeof value);
  value += delta;
  std::memcpy(word, &value, sizeof value);
  if (auto* sources = owner.sources_at(at)) {
    sources->several = sources->several || (sources->last != -1 && sources->last != issuer.core);
    sources->last = issuer.core;
    sources->add_writer(issuer);
  }
  owner.notify_write(at, sizeof value);
}

void Node::serve_read(int source_rank, const MessageHeader& header, std::span<const std::byte> payload) {
  MessageHeader reply = header;
  reply.kind = MessageKind::read_reply;
  reply.value = 0;
  Message message(reply, std::min<std::size_t>(header.bytes, max_payload));
  std::size_t filled = 0;
  for (std::uint32_t i = 0; i < header.count; ++i) {
    Segment segment;
    std::memcpy(&segment, payload.data() + i * sizeof segment, sizeof segment);
    const std::byte* from = memory(segment.target, segment.offset);
    for (std::size_t done = 0; done < segment.bytes;) {
      const std::size_t part = std::min<std::size_t>(segment.bytes - done, max_payload - filled);
      message.append({from + done, part});
      done += part;
      filled += part;
      if (filled == max_payload) {
        reply.value += filled;
        send(source_rank, std::exchange(message, Message(reply, max_payload)), reply.value < header.bytes);
        filled = 0;
      }
    }
  }
  if (filled != 0) send(source_rank, std::move(message));
}

void Node::serve_write(int source_rank, const MessageHeader& header, std::span<const std::byte> payload) {
  std::span<const std::byte> bytes;
  std::size_t at = 0;
  for (std::uint32_t i = 0; i < header.count; ++i) {
    Segment segment;
    std::memcpy(&segment, payload.data() + at, sizeof segment);
    at += sizeof segment;
    if (segment.repeats == 0) {
      bytes = payload.subspan(at, segment.bytes);
      at += segment.bytes;
    }
    land_write(segment.target, segment.offset, bytes, issuer_of(header));
  }
  MessageHeader ack = header;
  ack.kind = MessageKind::write_ack;
  ack.bytes = payload.size();
  send(source_rank, Message(ack));
}

void Node::serve_atomic(int source_rank, const MessageHeader& header, std::span<const std::byte> payload) {
  for (std::uint32_t i = 0; i < header.count; ++i) {
    AtomicSegment segment;
    std::memcpy(&segment, payload.data() + i * sizeof segment, sizeof segment);
    land_increment(segment.target, segment.offset, segment.delta, issuer_of(header));
  }
  MessageHeader ack = header;
  ack.kind = MessageKind::atomic_ack;
  send(source_rank, Message(ack));
}

}  // namespace tilegrid::noc
