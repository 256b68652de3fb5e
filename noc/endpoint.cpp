// SPDX-License-Identifier: Apache-2.0
#include "noc/endpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/error.h"
#include "noc/core_ranges.h"

namespace tilegrid::noc {
namespace {

PhysicalCore node_of(Target target, const Node& node) {
  return target.kind == Target::Kind::dram ? node.places().dram_endpoint(target.index)
                                           : node.places().physical_of(node.placement().grid.core(target.index));
}

/// What a transfer of one word writes, 0 for longer ones: a replay needs the values of semaphores.
std::uint32_t word_written(std::uint32_t l1_source, std::uint32_t bytes) {
  std::uint32_t word = 0;
  if (bytes == sizeof word) std::memcpy(&word, l1_pointer(l1_source), sizeof word);
  return word;
}

/// Asks the host's caches for what a barrier will copy. Reads are of a page each, and the pages of a tensor lie in many
/// places, so that the machine does not guess the next one.
void fetch_ahead(const std::byte* from, std::uint32_t bytes) {
  constexpr std::uint32_t line_bytes = 64;
  constexpr std::uint32_t most_bytes = 4096;
  constexpr int second_level = 2;
  for (std::uint32_t at = 0; at < std::min(bytes, most_bytes); at += line_bytes)
    __builtin_prefetch(from + at, 0, second_level);
}

std::string text_of(Target target, GridSize grid) {
  if (target.kind == Target::Kind::dram) return fmt::format("DRAM bank {}", target.index);
  const LogicalCore core = grid.core(target.index);
  return fmt::format("core ({},{})", core.x, core.y);
}

}  // namespace

Target Endpoint::resolve(NocAddress address, std::uint64_t bytes, const char* who) const {
  const GridSize grid = node_.placement().grid;
  const int x = address_x(address);
  const int y = address_y(address);
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
  c.hops += hop_count;
  c.byte_hops += bytes * hop_count;
}

template <class Barrier>
void Endpoint::log_barrier(NocId noc, std::optional<std::uint32_t> trid) {
  core_->log.append(risc_, Barrier{.noc = noc, .trid = trid});
}

void Endpoint::set_read_trid(NocId noc, std::uint32_t trid) {
  check_trid(trid, "noc_async_read_set_trid");
  read_trids_[noc] = trid;
}

void Endpoint::read(NocId noc, NocAddress source, std::uint32_t l1_destination, std::uint32_t bytes, const Issue& issue) {
  if (bytes == 0) return;
  preempt();
  const Target target = resolve(source, bytes, "noc_async_read");
  core_->check_l1(l1_destination, bytes, "noc_async_read");
  check_alignment(source, target, l1_destination, true, "noc_async_read");
  const std::uint32_t trid = issue.trid.value_or(read_trids_[noc]);
  check_trid(trid, "noc_async_read");
  outstanding_reads_.add(noc, trid, packets_of(bytes), "noc_async_read");
  const bool dram = target.kind == Target::Kind::dram;
  const std::uint64_t offset = dram ? address_offset(source) : address_offset(source) & (l1_slot_bytes - 1);
  count(noc, dram ? TransferKind::dram_read : TransferKind::l1_read, bytes,
        hops(node_.places(), noc, node_of(target, node_), own_node()));
  core_->log.append(risc_, events::NocRead{.noc = noc,
                                           .trid = trid,
                                           .form = issue.form,
                                           .bytes = bytes,
                                           .peer = node_of(target, node_),
                                           .local = core_->log.keeps_local() ? l1_offset_of(l1_destination) : 0,
                                           .offset = static_cast<std::uint32_t>(offset)});
  if (core_->checker) core_->checker->read(risc_, noc, trid, l1_offset_of(l1_destination), bytes);
  if (!moves(target.kind, bytes)) return;
  if (node_.is_local(target)) fetch_ahead(node_.memory(target, offset), bytes);
  add_read(noc, {target, offset, l1_pointer(l1_destination), bytes, trid});
  preempt();  // the kernel's next stores may come after the transfer
}

void Endpoint::write(NocId noc, std::uint32_t l1_source, NocAddress destination, std::uint32_t bytes, const Issue& issue) {
  if (bytes == 0) return;
  preempt();
  const Target target = resolve(destination, bytes, "noc_async_write");
  core_->check_l1(l1_source, bytes, "noc_async_write");
  check_alignment(destination, target, l1_source, false, "noc_async_write");
  const std::uint32_t trid = issue.trid.value_or(0);
  check_trid(trid, "noc_async_write");
  outstanding_writes_.add(noc, trid, packets_of(bytes), "noc_async_write");
  const bool dram = target.kind == Target::Kind::dram;
  const std::uint64_t offset = dram ? address_offset(destination) : address_offset(destination) & (l1_slot_bytes - 1);
  count(noc, dram ? TransferKind::dram_write : TransferKind::l1_write, bytes,
        hops(node_.places(), noc, own_node(), node_of(target, node_)));
  core_->log.append(risc_, events::NocWrite{.noc = noc,
                                            .trid = trid,
                                            .form = issue.form,
                                            .bytes = bytes,
                                            .peer = node_of(target, node_),
                                            .local = core_->log.keeps_local() ? l1_offset_of(l1_source) : 0,
                                            .offset = static_cast<std::uint32_t>(offset),
                                            .word = dram ? 0 : word_written(l1_source, bytes)});
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
  outstanding_writes_.add(noc, 0, packets_of(sizeof value), "noc_inline_dw_write");
  count(noc, TransferKind::l1_write, sizeof value, hops(node_.places(), noc, own_node(), node_of(target, node_)));
  core_->log.append(risc_, events::NocWrite{.noc = noc,
                                            .form = TransferForm::inlined,
                                            .bytes = sizeof value,
                                            .peer = node_of(target, node_),
                                            .offset = static_cast<std::uint32_t>(offset),
                                            .word = value});
  if (core_->checker) core_->checker->write_word(risc_, noc, 0);
  queue_write(noc, {{target}, offset, nullptr, sizeof value, 0, value});
}

void Endpoint::queue_write(NocId noc, PendingWrite write) {
  add_write(noc, std::move(write));
  if (pending_write_bytes(noc) <= write_window_bytes / 2) {
    preempt();  // the kernel's next stores may come after the transfer
    return;
  }
  flush_writes(noc);
  wait_while(unacked_writes().total, write_window_bytes, BlockReason::write_barrier, noc);
}

Rectangle Endpoint::rectangle_of(NocId noc, NocAddress destination, const MulticastForm& form) const {
  const GridSize grid = node_.placement().grid;
  const Rectangle rectangle = Rectangle::of(destination);
  const LogicalCore low = rectangle.low();
  const LogicalCore high = rectangle.high();
  if (!grid.contains(low) || !grid.contains(high)) {
    throw Fault("NoC target", fmt::format("{} to cores ({},{}) to ({},{})", form.who, low.x, low.y, high.x, high.y),
                fmt::format("a multicast reaches workers of the {}x{} grid only", grid.x, grid.y));
  }
  if (rectangle.fits(noc)) return rectangle;
  const GridSize of_chip = node_.places().workers();
  const GridSize workers{std::max(of_chip.x, grid.x), std::max(of_chip.y, grid.y)};
  const std::vector<int> reached = rectangle.cores_reached(noc, workers);
  const bool itself =
      !form.loopback && std::find(reached.begin(), reached.end(), workers.index(core_->logical)) != reached.end();
  const auto acknowledge = std::ssize(reached) - (itself ? 1 : 0);
  const Rectangle right = rectangle.for_noc(noc);
  throw Fault("NoC target",
              fmt::format("{} on NoC {} from corner ({},{}) to corner ({},{})", form.who, to_underlying(noc),
                          rectangle.start.x, rectangle.start.y, rectangle.end.x, rectangle.end.y),
              fmt::format("NoC {} goes to {} columns and rows, so silicon would go round the torus and hit {} of its {}x{} "
                          "workers, {} of which acknowledge",
                          to_underlying(noc), noc == NocId::noc0 ? "higher" : "lower", describe_cores(reached, workers),
                          workers.x, workers.y, acknowledge))
      .numbers(form.destinations, acknowledge, "destinations")
      .hint(fmt::format("on this NoC the rectangle starts at ({},{}) and ends at ({},{})", right.start.x, right.start.y,
                        right.end.x, right.end.y));
}

void Endpoint::check_destinations(const PendingWrite& write, const Rectangle& rectangle, const MulticastForm& form) const {
  const LogicalCore low = rectangle.low();
  const LogicalCore high = rectangle.high();
  const auto cores = [&] {
    return fmt::format("{} to cores ({},{}) to ({},{}){}", form.who, low.x, low.y, high.x, high.y,
                       form.loopback ? " with loopback" : "");
  };
  const bool lone = form.loopback && low == high && low == core_->logical;
  if (lone || write.targets.empty()) {
    core_->reporter.found(checks::Class::multicast_lone, [&] {
      const bool semaphore = write.bytes == sizeof(std::uint32_t);
      return fault_of(checks::Class::multicast_lone,
                      fmt::format("{}, {}", cores(), lone ? "which is the sender alone" : "which leaves nobody"),
                      "a multicast has a destination beside its sender: without one it may never be acknowledged")
          .hint(!lone       ? "leave it out where there is nobody else"
                : semaphore ? "use noc_semaphore_set on the own semaphore"
                            : "use noc_async_write to the own core");
    });
  }
  if (write.targets.size() == form.destinations) return;
  core_->reporter.found(checks::Class::multicast_count, [&] {
    return fault_of(checks::Class::multicast_count, cores(),
                    "the number of destinations must equal the cores that acknowledge; the sender counts only with loopback")
        .numbers(form.destinations, std::ssize(write.targets), "destinations");
  });
}

void Endpoint::multicast(NocId noc, std::uint32_t l1_source, NocAddress destination, std::uint32_t bytes,
                         const MulticastForm& form) {
  preempt();
  const GridSize grid = node_.placement().grid;
  core_->check_l1(l1_source, bytes, form.who);
  const Rectangle rectangle = rectangle_of(noc, destination, form);
  const LogicalCore low = rectangle.low();
  const LogicalCore high = rectangle.high();
  // The range is the same on every core: checked on one.
  const NocAddress on_first = make_address(low.x + virtual_base, low.y + virtual_base, address_offset(destination));
  check_alignment(on_first, resolve(on_first, bytes, form.who), l1_source, false, form.who);
  PendingWrite write{{}, address_offset(destination) & (l1_slot_bytes - 1), l1_pointer(l1_source), bytes};
  int hop_count = 0;
  for (int y = low.y; y <= high.y; ++y) {
    for (int x = low.x; x <= high.x; ++x) {
      if (LogicalCore{x, y} == core_->logical && !form.loopback) continue;
      write.targets.push_back({Target::Kind::core, grid.index({x, y})});
      hop_count = std::max(hop_count, hops(node_.places(), noc, own_node(), node_.places().physical_of({x, y})));
    }
  }
  check_destinations(write, rectangle, form);
  linked_chains_[noc] = form.linked ? LinkedChain{true, low, high} : LinkedChain{};
  if (write.targets.empty()) return;  // nothing leaves, and there is no route to replay
  count(noc, TransferKind::multicast, bytes, hop_count);
  core_->log.append(risc_, events::NocMulticast{.noc = noc,
                                                .linked = form.linked,
                                                .loopback = form.loopback,
                                                .bytes = bytes,
                                                .first = node_.places().physical_of(low),
                                                .last = node_.places().physical_of(high),
                                                .offset = static_cast<std::uint32_t>(write.offset),
                                                .word = word_written(l1_source, bytes),
                                                .local = core_->log.keeps_local() ? l1_offset_of(l1_source) : 0});
  if (core_->checker) core_->checker->multicast(risc_, noc, 0, l1_offset_of(l1_source), bytes, form.linked);
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
  core_->log.append(
      risc_, events::SemaphoreInc{
                 .noc = noc, .delta = delta, .peer = node_of(target, node_), .offset = static_cast<std::uint32_t>(offset)});
  if (core_->checker) core_->checker->atomic(risc_, noc, 0);
  send_increment(noc, target, offset, delta);
}

void Endpoint::increment_multicast(NocId noc, NocAddress semaphores, std::uint32_t delta, std::uint32_t destinations) {
  const MulticastForm form{.who = "noc_semaphore_inc_multicast", .destinations = destinations};
  const Rectangle rectangle = rectangle_of(noc, semaphores, form);
  const LogicalCore low = rectangle.low();
  const LogicalCore high = rectangle.high();
  PendingWrite reached{{}, address_offset(semaphores), nullptr, sizeof delta};
  std::vector<NocAddress> addresses;
  for (int y = low.y; y <= high.y; ++y) {
    for (int x = low.x; x <= high.x; ++x) {
      if (LogicalCore{x, y} == core_->logical) continue;
      reached.targets.push_back({Target::Kind::core, node_.placement().grid.index({x, y})});
      addresses.push_back(make_address(x + virtual_base, y + virtual_base, address_offset(semaphores)));
    }
  }
  check_destinations(reached, rectangle, form);
  for (const NocAddress address : addresses) increment(noc, address, delta);
}

void Endpoint::read_barrier(NocId noc, std::optional<std::uint32_t> trid) {
  preempt();
  outstanding_reads_.clear(noc, trid, trid ? "noc_async_read_barrier_with_trid" : "noc_async_read_barrier");
  log_barrier<events::ReadBarrier>(noc, trid);
  flush();
  if (ShakenTraffic* traffic = shaken()) shuffle_reads(noc, traffic->chance());
  if (core_->checker) core_->checker->reads_landing(risc_, noc, trid);
  const std::uint64_t copies = l1_copies();
  complete_reads(noc, trid);
  wait_while(unfinished_reads(), 0, BlockReason::read_barrier, noc);
  // Copies wait for nobody. A kernel that looks at another core's L1 until it has changed must let others run, or those whom
  // it looks for may never come to it.
  if (l1_copies() != copies && ++barriers_of_copies_ % 32 == 0) node_.scheduler().yield();
  if (core_->checker) core_->checker->reads_done(risc_, noc, trid);
}

void Endpoint::flush() {
  // A fiber that waits need not have its writes under way: they leave when the traffic moves on.
  if (ShakenTraffic* traffic = shaken(); traffic != nullptr && traffic->chance().one_in(2)) return;
  for (const NocId noc : each<NocId>) flush_writes(noc);
}

void Endpoint::flush(NocId noc) { flush_writes(noc); }

void Endpoint::writes_flushed(NocId noc, std::optional<std::uint32_t> trid) {
  preempt();
  if (trid) check_trid(*trid, "noc_async_write_flushed_with_trid");
  log_barrier<events::WritesFlushed>(noc, trid);
  if (core_->checker) core_->checker->writes_flushed(risc_, noc, trid);
  flush_writes(noc, writes_until(noc, trid));
}

void Endpoint::write_barrier(NocId noc, std::optional<std::uint32_t> trid) {
  preempt();
  outstanding_writes_.clear(noc, trid, trid ? "noc_async_write_barrier_with_trid" : "noc_async_write_barrier");
  log_barrier<events::WriteBarrier>(noc, trid);
  if (core_->checker) core_->checker->writes_done(risc_, noc, trid);
  flush_writes(noc, writes_until(noc, trid));
  wait_while(trid ? unacked_writes().by_trid[noc][*trid] : unacked_writes().by_noc[noc], 0, BlockReason::write_barrier, noc);
}

void Endpoint::atomic_barrier(NocId noc) {
  preempt();
  log_barrier<events::AtomicBarrier>(noc);
  flush();
  wait_while(unacked_atomics(), 0, BlockReason::atomic_barrier, noc);
  if (core_->checker) core_->checker->atomics_done(risc_, noc);
}

void Endpoint::finish() {
  for (const NocId noc : each<NocId>) flush_writes(noc);
  for (const NocId noc : each<NocId>) complete_reads(noc);
  wait_while(unfinished_reads(), 0, BlockReason::read_barrier, NocId::noc0);
  wait_while(unacked_writes().total, 0, BlockReason::write_barrier, NocId::noc0);
  wait_while(unacked_atomics(), 0, BlockReason::atomic_barrier, NocId::noc0);
}

bool Endpoint::at_rest() const {
  const auto sent = [this](NocId noc) {
    return !has_pending_writes(noc) && outstanding_reads_.none(noc) && outstanding_writes_.none(noc) &&
           !linked_chains_[noc].open;
  };
  return std::ranges::all_of(each<NocId>, sent) && !has_pending_reads() && unfinished_reads() == 0 &&
         unacked_writes().total == 0 && unacked_atomics() == 0;
}

void Endpoint::count_again(NocId noc, TransferKind kind, PhysicalCore bank, std::uint64_t transactions,
                           std::uint64_t bytes) {
  const bool read = kind == TransferKind::dram_read;
  const std::uint64_t hop_count =
      read ? hops(node_.places(), noc, bank, own_node()) : hops(node_.places(), noc, own_node(), bank);
  TransferCounters& c = core_->counters.transfers[noc][kind];
  c.transactions += transactions;
  c.bytes += bytes;
  c.hops += transactions * hop_count;
  c.byte_hops += bytes * hop_count;
  read ? end_read_state(noc) : end_write_state(noc);
}

void Endpoint::reset() {
  Port::reset();
  read_state_ = write_state_ = {};
  read_trids_ = {};
  linked_chains_ = {};
  outstanding_reads_ = outstanding_writes_ = {};
  waiter_ = nullptr;
}

void Endpoint::lands_early(const PendingRead& read) const {
  if (!core_->checker) return;
  const auto address = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(read.destination));
  core_->checker->lands_early(risc_, l1_offset_of(address), read.bytes);
}

void Endpoint::landed(const std::byte* where, std::size_t bytes) const {
  const auto address = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(where));
  core_->notify_write(l1_offset_of(address), bytes);
}

void Endpoint::wait_for_answer(BlockReason reason, NocId noc, const std::uint64_t& counter) {
  Scheduler& scheduler = node_.scheduler();
  waiter_ = scheduler.current();
  scheduler.block({reason, to_underlying(noc), counter});
  waiter_ = nullptr;
}

}  // namespace tilegrid::noc
