// SPDX-License-Identifier: Apache-2.0
// The data-movement RISCs of a core: transfers, barriers, semaphores.
#include <algorithm>

#include "runtime/replay/core_model.h"

namespace tilegrid::replay {
namespace {

Lane lane_of_risc(int risc) { return risc == 0 ? Lane::brisc : Lane::ncrisc; }

std::size_t noc_of(const Event& event) { return event.op == 0 ? 0 : 1; }

Transfer transfer_of(EventKind kind) {
  if (kind == EventKind::noc_read) return Transfer::read;
  return kind == EventKind::semaphore_inc ? Transfer::atomic : Transfer::write;
}

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
      stall_until(lane, mover.departed[noc_of(event)], Stall::noc);
      busy(lane, network_.barrier_cycles, kind, mover.zone);
      return true;
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
  Outstanding& outstanding = mover.outstanding[noc_of(event)][static_cast<std::size_t>(transfer)];
  if (outstanding.count != 0) {
    mover.wait = Wait::barrier;
    return false;
  }
  // What the last transfer to end lost in queues is theirs; the rest is the way itself.
  const Lane lane = lane_of_risc(risc);
  const double waited = std::max(0.0, outstanding.last - clock(lane));
  const double dram = std::min(outstanding.dram_wait, waited);
  const double links = std::min(outstanding.noc_wait, waited - dram);
  stall_until(lane, clock(lane) + dram, Stall::dram);
  stall_until(lane, clock(lane) + links, Stall::noc);
  stall_until(lane, outstanding.last, Stall::barrier);
  busy(lane, network_.barrier_cycles, static_cast<int>(event.kind), mover.zone);
  outstanding = {};
  return true;
}

void CoreModel::completed(int risc, Transfer transfer, int noc, double time, double noc_wait, double dram_wait) {
  Mover& mover = movers_[static_cast<std::size_t>(risc)];
  Outstanding& outstanding = mover.outstanding[static_cast<std::size_t>(noc)][static_cast<std::size_t>(transfer)];
  if (time > outstanding.last) {
    outstanding.last = time;
    outstanding.noc_wait = noc_wait;
    outstanding.dram_wait = dram_wait;
  }
  if (--outstanding.count != 0 || mover.wait != Wait::barrier) return;
  mover.wait = Wait::none;
  wake(static_cast<Walker>(risc));
}

void CoreModel::queue(int risc) {
  Mover& mover = movers_[static_cast<std::size_t>(risc)];
  const std::uint64_t key =
      static_cast<std::uint64_t>(index_) << 44U | static_cast<std::uint64_t>(risc) << 42U | mover.number++;
  agenda_.add({clock(lane_of_risc(risc)), key, static_cast<std::uint32_t>(index_ * 2 + risc), Step::issue});
}

/// Cycles to write the registers of a transaction; more when its target is not the last one's.
double CoreModel::issue_cycles(Mover& mover, const Event& event) const {
  std::uint32_t& last = mover.target[noc_of(event)];
  const bool is_new = last != event.x && last != no_target;
  last = event.x;
  return network_.issue_cycles(event.kind) + (is_new ? network_.new_target_cycles : 0);
}

void CoreModel::issue(int risc, double time) {
  Mover& mover = movers_[static_cast<std::size_t>(risc)];
  const Event& event = *mover.cursor.at;
  switch (event.kind) {
    case EventKind::semaphore_set: {
      ++mover.cursor.at;
      wake(static_cast<Walker>(risc));
      Semaphore& word = semaphore(event.address);
      word.value = event.count;
      word.unknown = false;
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

void CoreModel::issue_transfer(int risc, const Event& event, double time) {
  Mover& mover = movers_[static_cast<std::size_t>(risc)];
  const Lane lane = lane_of_risc(risc);
  const std::size_t noc = noc_of(event);
  const Transfer transfer = transfer_of(event.kind);
  const bool atomic = transfer == Transfer::atomic;
  Request request;
  request.core = index_;
  request.risc = risc;
  request.noc = static_cast<int>(noc);
  request.transfer = transfer;
  request.multicast = event.kind == EventKind::noc_multicast;
  request.linked_before = request.multicast && mover.chain[noc];
  request.bytes = atomic ? 4 : std::min(event.count - mover.sent, network_.packet_bytes());
  request.key = static_cast<std::uint64_t>(index_) << 44U | static_cast<std::uint64_t>(risc) << 42U | mover.number++;
  request.event = &event;
  ++mover.outstanding[noc][static_cast<std::size_t>(transfer)].count;
  stall_until(lane, network_.issue(request, time), Stall::noc);
  if (transfer == Transfer::write) mover.departed[noc] = network_.departed();
  mover.sent += request.bytes;
  if (!atomic && mover.sent < event.count) {
    busy(lane, network_.issue_cycles(event.kind), static_cast<int>(event.kind), mover.zone);
    return queue(risc);
  }
  if (request.multicast) mover.chain[noc] = event.a != 0;
  mover.sent = 0;
  ++mover.cursor.at;
  wake(static_cast<Walker>(risc));
}

CoreModel::Semaphore& CoreModel::semaphore(std::uint32_t address) {
  const auto found =
      std::find_if(semaphores_.begin(), semaphores_.end(), [&](const Semaphore& s) { return s.address == address; });
  if (found != semaphores_.end()) return *found;
  semaphores_.push_back({.address = address});
  return semaphores_.back();
}

/// Whether the wait is over. A wait for equality that increments have overtaken is over as well: the run got past it.
bool CoreModel::semaphore_holds(const Event& event) {
  Semaphore& word = semaphore(event.address);
  if (word.unknown) {
    word.unknown = false;
    word.value = event.count;
  }
  return word.value == event.count || (word.value > event.count && (event.op != 0 || event.count != 0));
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
  Semaphore& word = semaphore(update.address);
  if (update.add) {
    word.value += update.value;
  } else {
    word.unknown = true;
  }
  for (int risc = 0; risc < 2; ++risc) {
    if (movers_[static_cast<std::size_t>(risc)].wait == Wait::semaphore) finish_semaphore_wait(risc, time);
  }
}

}  // namespace tilegrid::replay
