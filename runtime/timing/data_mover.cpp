// SPDX-License-Identifier: Apache-2.0
// The data-movement RISCs of a core: transfers, barriers, semaphores.
#include <algorithm>
#include <bit>

#include "runtime/timing/core_model.h"

namespace tilegrid::timing {
namespace {

Lane lane_of_risc(int risc) { return risc == 0 ? Lane::brisc : Lane::ncrisc; }

std::size_t noc_of(const Event& event) { return event.op == 0 ? 0 : 1; }

/// Bits of the transaction ids that a barrier waits for.
unsigned ids_of_barrier(const Event& event) { return event.a == 0 ? ~0U : 1U << (event.a - 1U) % 16U; }

bool is_stateful(const Event& event) {
  return event.kind != EventKind::noc_multicast && event.b == static_cast<std::uint8_t>(TransferForm::stateful);
}

constexpr std::uint32_t atomic_bytes = 4;

/// Of those that issue_transfer() does.
Transfer transfer_of(EventKind kind) { return kind == EventKind::semaphore_inc ? Transfer::atomic : Transfer::write; }

}  // namespace

void CoreModel::run_mover(int risc) {
  Mover& mover = movers_[static_cast<std::size_t>(risc)];
  while (!mover.cursor.done()) {
    if (!mover_step(risc, *mover.cursor.at)) return;
    ++mover.cursor.at;
  }
}

/// False: the event must wait. It is done when the agenda or another lane has brought what it needs.
bool CoreModel::mover_step(int risc, const Event& event) {
  Mover& mover = movers_[static_cast<std::size_t>(risc)];
  const Lane lane = lane_of_risc(risc);
  const auto walker = static_cast<Walker>(risc);
  const auto kind = static_cast<int>(event.kind);
  switch (event.kind) {
    case EventKind::cb_wait:
      return wait_front(walker, lane, mover.zone, event);
    case EventKind::cb_pop:
      pop_front(lane, mover.zone, event);
      return true;
    case EventKind::cb_reserve:
      return reserve_back(walker, lane, mover.zone, event);
    case EventKind::cb_push:
      push_back(lane, mover.zone, event);
      return true;
    case EventKind::noc_read:
      read(risc, event);
      return true;
    case EventKind::noc_write:
    case EventKind::noc_multicast:
    case EventKind::semaphore_inc:
      busy(lane, issue_cycles(mover, event), kind, mover.zone);
      queue(risc);
      return false;
    case EventKind::semaphore_set:
      busy(lane, costs_.semaphore_set, kind, mover.zone);
      queue(risc);
      return false;
    case EventKind::semaphore_wait:
      queue(risc);
      return false;
    case EventKind::read_barrier:
      return barrier(risc, event, Transfer::read);
    case EventKind::write_barrier:
      return barrier(risc, event, Transfer::write);
    case EventKind::atomic_barrier:
      return barrier(risc, event, Transfer::atomic);
    case EventKind::writes_flushed:
      return flushed(risc, event);
    case EventKind::generate:
      busy(lane, costs_.generate(event), kind, mover.zone);
      return true;
    case EventKind::zone:
      mover.zone = event.op < zone_count ? event.op : std::uint8_t{0};
      return true;
    case EventKind::kernel_end:
      lane_of(lane).end = clock(lane);
      return true;
    default:
      return true;
  }
}

bool CoreModel::barrier(int risc, const Event& event, Transfer transfer) {
  Mover& mover = movers_[static_cast<std::size_t>(risc)];
  Pending& pending = mover.pending[noc_of(event)][static_cast<std::size_t>(transfer)];
  const unsigned ids = pending.used & ids_of_barrier(event);
  Outstanding last;
  for (unsigned rest = ids; rest != 0; rest &= rest - 1) {
    const Outstanding& one = pending.by_id[static_cast<std::size_t>(std::countr_zero(rest))];
    if (one.count != 0) {
      mover.wait = Wait::barrier;
      return false;
    }
    if (one.last > last.last) last = one;
  }
  // What the last transfer to end lost in queues is theirs; the rest is the way itself.
  const Lane lane = lane_of_risc(risc);
  const double waited = std::max(0.0, last.last - clock(lane));
  const double dram = std::min(last.dram_wait, waited);
  const double links = std::min(last.noc_wait, waited - dram);
  stall_until(lane, clock(lane) + dram, Stall::dram);
  stall_until(lane, clock(lane) + links, Stall::noc);
  stall_until(lane, last.last, Stall::barrier);
  busy(lane, network_.barrier_cycles, static_cast<int>(event.kind), mover.zone);
  for (unsigned rest = ids; rest != 0; rest &= rest - 1) {
    pending.by_id[static_cast<std::size_t>(std::countr_zero(rest))] = {};
  }
  pending.used &= ~ids;
  return true;
}

/// As a barrier, until the writes have left.
bool CoreModel::flushed(int risc, const Event& event) {
  Mover& mover = movers_[static_cast<std::size_t>(risc)];
  const Pending& pending = mover.pending[noc_of(event)][static_cast<std::size_t>(Transfer::write)];
  double left = 0;
  for (unsigned rest = pending.used & ids_of_barrier(event); rest != 0; rest &= rest - 1) {
    const Outstanding& one = pending.by_id[static_cast<std::size_t>(std::countr_zero(rest))];
    if (one.leaving != 0) {
      mover.wait = Wait::barrier;
      return false;
    }
    left = std::max(left, one.left);
  }
  const Lane lane = lane_of_risc(risc);
  stall_until(lane, left, Stall::noc);
  busy(lane, network_.barrier_cycles, static_cast<int>(event.kind), mover.zone);
  return true;
}

CoreModel::Outstanding& CoreModel::outstanding(const Request& request) {
  Pending& pending = movers_[request.risc].pending[request.noc][static_cast<std::size_t>(request.transfer)];
  pending.used |= 1U << request.trid;
  return pending.by_id[request.trid];
}

void CoreModel::entered(const Request& request, double time) {
  movers_[request.risc].wait = Wait::none;
  issued(request, time);
}

bool CoreModel::departed(const Request& request, double time) {
  Outstanding& one = outstanding(request);
  one.left = std::max(one.left, time);
  return --one.leaving == 0 && look_again(request.risc);
}

bool CoreModel::completed(const Request& request, double time, double noc_wait, double dram_wait) {
  Outstanding& one = outstanding(request);
  if (time > one.last) {
    one.last = time;
    one.noc_wait = noc_wait;
    one.dram_wait = dram_wait;
  }
  return --one.count == 0 && look_again(request.risc);
}

/// A barrier may be over.
bool CoreModel::look_again(int risc) {
  Mover& mover = movers_[static_cast<std::size_t>(risc)];
  if (mover.wait != Wait::barrier) return false;
  mover.wait = Wait::none;
  wake(static_cast<Walker>(risc));
  return true;
}

void CoreModel::queue(int risc) {
  agenda_.add(clock(lane_of_risc(risc)), next_key(risc), static_cast<std::uint32_t>(index_ * 2 + risc), Step::issue);
}

/// Cycles to write the registers of a transaction; more when its target is not the last one's. A stateful one has its
/// target from the state.
double CoreModel::issue_cycles(Mover& mover, const Event& event) const {
  const double cycles = network_.issue_cycles(event);
  if (is_stateful(event)) return cycles;
  std::uint32_t& last = mover.target[noc_of(event)];
  const bool is_new = last != event.x && last != no_target;
  last = event.x;
  return cycles + (is_new ? network_.new_target_cycles : 0);
}

void CoreModel::issue(int risc, double time) {
  Mover& mover = movers_[static_cast<std::size_t>(risc)];
  const Event& event = *mover.cursor.at;
  switch (event.kind) {
    case EventKind::semaphore_set: {
      ++mover.cursor.at;
      wake(static_cast<Walker>(risc));
      semaphore(event.address) = event.count;
      const int other = 1 - risc;
      if (movers_[static_cast<std::size_t>(other)].wait == Wait::semaphore) finish_semaphore_wait(other, time);
      return;
    }
    case EventKind::semaphore_wait:
      mover.wait = Wait::semaphore;
      return finish_semaphore_wait(risc, time);
    default:
      return issue_transfer(risc, event, time);
  }
}

/// Asks for all packets of a read. Nobody sees that before a request reaches its target, so that the agenda need not come
/// to it first.
void CoreModel::read(int risc, const Event& event) {
  Mover& mover = movers_[static_cast<std::size_t>(risc)];
  const Lane lane = lane_of_risc(risc);
  Request request{.event = &event, .core = static_cast<std::uint16_t>(index_), .risc = static_cast<std::uint8_t>(risc)};
  request.transfer = Transfer::read;
  request.noc = static_cast<std::uint8_t>(noc_of(event));
  request.trid = event.a % transaction_ids;
  double cycles = issue_cycles(mover, event);
  for (std::uint32_t sent = 0; sent < event.count; sent += request.bytes) {
    busy(lane, cycles, static_cast<int>(event.kind), mover.zone);
    request.bytes = std::min(event.count - sent, network_.packet_bytes());
    request.key = next_key(risc);
    ++outstanding(request).count;
    network_.issue(request, clock(lane));
    cycles = network_.issue_cycles(event);
  }
}

/// Decides between what happens at one time: by core, RISC and place in its sequence.
std::uint64_t CoreModel::next_key(int risc) {
  return static_cast<std::uint64_t>(index_) << 44U | static_cast<std::uint64_t>(risc) << 42U |
         movers_[static_cast<std::size_t>(risc)].number++;
}

void CoreModel::issue_transfer(int risc, const Event& event, double time) {
  Mover& mover = movers_[static_cast<std::size_t>(risc)];
  const std::size_t noc = noc_of(event);
  const Transfer transfer = transfer_of(event.kind);
  Request request;
  request.core = static_cast<std::uint16_t>(index_);
  request.risc = static_cast<std::uint8_t>(risc);
  request.noc = static_cast<std::uint8_t>(noc);
  request.transfer = transfer;
  request.multicast = event.kind == EventKind::noc_multicast;
  if (!request.multicast && transfer != Transfer::atomic) request.trid = event.a % transaction_ids;
  request.linked_before = request.multicast && mover.chain[noc];
  request.bytes = transfer == Transfer::atomic ? atomic_bytes : std::min(event.count - mover.sent, network_.packet_bytes());
  request.key = next_key(risc);
  request.event = &event;
  Outstanding& one = outstanding(request);
  ++one.count;
  if (transfer == Transfer::write) ++one.leaving;
  const double entered = network_.issue(request, time);
  if (entered == Network::later) {
    mover.wait = Wait::entry;
  } else {
    issued(request, entered);
  }
}

/// A packet is in the network: on with the rest of its transfer, or with the next event.
void CoreModel::issued(const Request& request, double time) {
  const int risc = request.risc;
  Mover& mover = movers_[request.risc];
  const Event& event = *request.event;
  const Lane lane = lane_of_risc(risc);
  stall_until(lane, time, Stall::noc);
  mover.sent += request.bytes;
  if (request.transfer != Transfer::atomic && mover.sent < event.count) {
    busy(lane, network_.issue_cycles(event), static_cast<int>(event.kind), mover.zone);
    return queue(risc);
  }
  if (request.multicast) mover.chain[request.noc] = event.a != 0;
  mover.sent = 0;
  ++mover.cursor.at;
  wake(static_cast<Walker>(risc));
}

std::uint32_t& CoreModel::semaphore(std::uint32_t address) {
  const std::uint32_t id = (address - l1_semaphore_base) / semaphore_bytes;
  if (address >= l1_semaphore_base && id < semaphores_.size() && address % semaphore_bytes == 0) return semaphores_[id];
  return words_[address];
}

/// Whether the wait is over. A wait for equality that increments have overtaken is over as well: the run got past it.
bool CoreModel::semaphore_holds(const Event& event) {
  const std::uint32_t value = semaphore(event.address);
  return value == event.count || (value > event.count && (event.op != 0 || event.count != 0));
}

void CoreModel::finish_semaphore_wait(int risc, double time) {
  Mover& mover = movers_[static_cast<std::size_t>(risc)];
  const Event& event = *mover.cursor.at;
  if (!semaphore_holds(event)) return;
  const Lane lane = lane_of_risc(risc);
  stall_until(lane, time, Stall::semaphore);
  busy(lane, costs_.semaphore_poll, static_cast<int>(event.kind), mover.zone);
  mover.wait = Wait::none;
  ++mover.cursor.at;
  wake(static_cast<Walker>(risc));
}

void CoreModel::semaphore_landed(const SemaphoreUpdate& update, double time) {
  std::uint32_t& word = semaphore(update.address);
  word = update.add ? word + update.value : update.value;
  for (int risc = 0; risc < 2; ++risc) {
    if (movers_[static_cast<std::size_t>(risc)].wait == Wait::semaphore) finish_semaphore_wait(risc, time);
  }
}

}  // namespace tilegrid::timing
