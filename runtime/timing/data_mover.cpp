// SPDX-License-Identifier: Apache-2.0
// The data-movement RISCs of a core: transfers, barriers, semaphores.
#include <algorithm>
#include <bit>
#include <utility>

#include "runtime/timing/core_model.h"

namespace tilegrid::timing {
namespace {

Lane lane_of_risc(int risc) { return risc == 0 ? Lane::brisc : Lane::ncrisc; }

constexpr std::uint32_t atomic_bytes = 4;

/// Bits of the transaction ids that a barrier waits for.
template <class Barrier>
unsigned ids_of(const Barrier& event) {
  return event.trid ? 1U << *event.trid % 16U : ~0U;
}

}  // namespace

template <bool observed>
void CoreModel<observed>::run_mover(int risc) {
  Mover& mover = movers_[risc];
  while (!mover.cursor.done()) {
    if (!mover_step(risc, *mover.cursor.at)) return;
    next(risc);
  }
}

/// The event at which the RISC stands is over.
template <bool observed>
void CoreModel<observed>::next(int risc) {
  ++moved_;
  Mover& mover = movers_[risc];
  if constexpr (observed) {
    const Lane lane = lane_of_risc(risc);
    observer_->called({index_, lane, *mover.cursor.at, std::exchange(mover.began, clock(lane)), clock(lane)});
  }
  ++mover.cursor.at;
}

/// False: the event must wait. It is tried again when the agenda or another lane has brought what it needs.
template <bool observed>
bool CoreModel<observed>::mover_step(int risc, const Event& event) {
  using namespace events;
  Mover& mover = movers_[risc];
  const Lane lane = lane_of_risc(risc);
  const auto walker = static_cast<Walker>(risc);
  return visit(
      event,
      Cases{[&](const CbWait& call) { return wait_front(walker, lane, mover.phase, call); },
            [&](const CbPop& call) { return pop_front(lane, mover.phase, call); },
            [&](const CbReserve& call) { return reserve_back(walker, lane, mover.phase, call); },
            [&](const CbPush& call) { return push_back(lane, mover.phase, call); },
            [&](const NocRead& call) {
              read(risc, event, call);
              return true;
            },
            [&](const NocWrite& call) {
              const double target = call.form == TransferForm::stateful ? 0 : new_target(risc, call.noc, call.peer);
              return queue_after(risc, network_.issue_cycles(call) + target, call.kind);
            },
            [&](const NocMulticast& call) {
              return queue_after(risc, network_.issue_cycles(call) + new_target(risc, call.noc, call.first), call.kind);
            },
            [&](const SemaphoreInc& call) {
              return queue_after(risc, network_.issue_cycles(call) + new_target(risc, call.noc, call.peer), call.kind);
            },
            [&](const SemaphoreSet& call) { return queue_after(risc, costs_.semaphore_set, call.kind); },
            [&](const SemaphoreWait&) {
              queue(risc);
              return false;
            },
            [&](const ReadBarrier& call) { return barrier(risc, call, Transfer::read); },
            [&](const WriteBarrier& call) { return barrier(risc, call, Transfer::write); },
            [&](const AtomicBarrier& call) { return barrier(risc, call, Transfer::atomic); },
            [&](const WritesFlushed& call) { return flushed(risc, call); },
            [&](const Generate& call) {
              busy(lane, costs_.generate(call), call.kind, mover.phase);
              return true;
            },
            [&](const Work& call) {
              busy(lane, Costs::work(call), call.kind, mover.phase);
              return true;
            },
            [&](const Zone& zone) {
              mover.phase = phase_of(zone);
              return true;
            },
            [&](const Scope& scope) {
              pass(lane, scope);
              return true;
            },
            [&](const KernelEnd&) {
              lane_of(lane).end = clock(lane);
              return true;
            },
            [](const auto&) { return true; }});
}

template <bool observed>
template <class Barrier>
bool CoreModel<observed>::barrier(int risc, const Barrier& event, Transfer transfer) {
  Mover& mover = movers_[risc];
  Pending& pending = mover.pending[event.noc][transfer];
  const unsigned ids = pending.used & ids_of(event);
  Outstanding last;
  for (unsigned rest = ids; rest != 0; rest &= rest - 1) {
    const Outstanding& one = pending.by_id[std::countr_zero(rest)];
    if (one.count != 0) {
      mover.wait = Wait::barrier;
      return false;
    }
    if (one.last > last.last) last = one;
  }
  // The wait is explained by the transfer that ended last: what it lost in queues of DRAM and of the network counts as
  // waiting for these, the rest as plain latency.
  const Lane lane = lane_of_risc(risc);
  const double waited = std::max(0.0, last.last - clock(lane));
  const double dram = std::min(last.dram_wait, waited);
  const double links = std::min(last.noc_wait, waited - dram);
  stall_until(lane, clock(lane) + dram, Stall::dram);
  stall_until(lane, clock(lane) + links, Stall::noc);
  stall_until(lane, last.last, Stall::barrier);
  busy(lane, network_.barrier_cycles, event.kind, mover.phase);
  for (unsigned rest = ids; rest != 0; rest &= rest - 1) {
    pending.by_id[std::countr_zero(rest)] = {};
  }
  pending.used &= ~ids;
  return true;
}

/// Like a barrier, but only until the writes have left their source.
template <bool observed>
bool CoreModel<observed>::flushed(int risc, const events::WritesFlushed& event) {
  Mover& mover = movers_[risc];
  const Pending& pending = mover.pending[event.noc][Transfer::write];
  double left = 0;
  for (unsigned rest = pending.used & ids_of(event); rest != 0; rest &= rest - 1) {
    const Outstanding& one = pending.by_id[std::countr_zero(rest)];
    if (one.leaving != 0) {
      mover.wait = Wait::barrier;
      return false;
    }
    left = std::max(left, one.left);
  }
  const Lane lane = lane_of_risc(risc);
  stall_until(lane, left, Stall::noc);
  busy(lane, network_.barrier_cycles, event.kind, mover.phase);
  return true;
}

template <bool observed>
typename CoreModel<observed>::Outstanding& CoreModel<observed>::outstanding(const Request& request) {
  Pending& pending = movers_[request.risc].pending[request.noc][request.transfer];
  pending.used |= 1U << request.trid;
  return pending.by_id[request.trid];
}

template <bool observed>
void CoreModel<observed>::entered(const Request& request, double time) {
  movers_[request.risc].wait = Wait::none;
  issued(request, time);
}

template <bool observed>
bool CoreModel<observed>::departed(const Request& request, double time) {
  Outstanding& one = outstanding(request);
  one.left = std::max(one.left, time);
  return --one.leaving == 0 && look_again(request.risc);
}

template <bool observed>
bool CoreModel<observed>::completed(const Request& request, double time, double noc_wait, double dram_wait) {
  Outstanding& one = outstanding(request);
  if (time > one.last) {
    one.last = time;
    one.noc_wait = noc_wait;
    one.dram_wait = dram_wait;
  }
  return --one.count == 0 && look_again(request.risc);
}

/// A transfer has ended or left: the barrier or flush that the RISC stands at may be over, so it is looked at again.
template <bool observed>
bool CoreModel<observed>::look_again(int risc) {
  Mover& mover = movers_[risc];
  if (mover.wait != Wait::barrier) return false;
  mover.wait = Wait::none;
  wake(static_cast<Walker>(risc));
  return true;
}

template <bool observed>
void CoreModel<observed>::queue(int risc) {
  agenda_.add(clock(lane_of_risc(risc)), next_key(risc), static_cast<std::uint32_t>(index_ * 2 + risc), Step::issue);
}

template <bool observed>
bool CoreModel<observed>::queue_after(int risc, double cycles, EventKind kind) {
  busy(lane_of_risc(risc), cycles, kind, movers_[risc].phase);
  queue(risc);
  return false;
}

/// A stateful call has its target from the state, and does not come here.
template <bool observed>
double CoreModel<observed>::new_target(int risc, NocId noc, PhysicalCore target) {
  std::optional<PhysicalCore>& last = movers_[risc].target[noc];
  const bool is_new = last && *last != target;
  last = target;
  return is_new ? network_.new_target_cycles : 0;
}

template <bool observed>
void CoreModel<observed>::issue(int risc, double time) {
  using namespace events;
  Mover& mover = movers_[risc];
  const Event& event = *mover.cursor.at;
  const auto to = [&](Transfer transfer, NocId noc) {
    return Request{.event = &event, .noc = to_underlying(noc), .transfer = transfer};
  };
  visit(event, Cases{[&](const SemaphoreSet& call) {
                       next(risc);
                       wake(static_cast<Walker>(risc));
                       semaphore(call.offset) = call.value;
                       const int other = 1 - risc;
                       if (movers_[other].wait == Wait::semaphore) {
                         finish_semaphore_wait(other, time);
                       }
                     },
                     [&](const SemaphoreWait&) {
                       mover.wait = Wait::semaphore;
                       finish_semaphore_wait(risc, time);
                     },
                     [&](const NocWrite& call) {
                       Request request = to(Transfer::write, call.noc);
                       request.trid = call.trid % transaction_ids;
                       request.peer = network_.node(call.peer);
                       issue_transfer(risc, request, call.bytes, time);
                     },
                     [&](const NocMulticast& call) {
                       Request request = to(Transfer::write, call.noc);
                       request.multicast = true;
                       request.linked_before = mover.chain[call.noc];
                       issue_transfer(risc, request, call.bytes, time);
                     },
                     [&](const SemaphoreInc& call) {
                       Request request = to(Transfer::atomic, call.noc);
                       request.peer = network_.node(call.peer);
                       issue_transfer(risc, request, atomic_bytes, time);
                     },
                     [](const auto&) {}});
}

/// Issues all packets of a read at once. No other core sees anything of it before a request reaches its target, so this
/// need not wait for its turn in the agenda.
template <bool observed>
void CoreModel<observed>::read(int risc, const Event& event, const events::NocRead& call) {
  Mover& mover = movers_[risc];
  const Lane lane = lane_of_risc(risc);
  Request request{.event = &event, .core = static_cast<std::uint16_t>(index_), .risc = static_cast<std::uint8_t>(risc)};
  request.transfer = Transfer::read;
  request.noc = to_underlying(call.noc);
  request.trid = call.trid % transaction_ids;
  request.peer = network_.node(call.peer);
  const double further = network_.issue_cycles(call);
  double cycles = further + (call.form == TransferForm::stateful ? 0 : new_target(risc, call.noc, call.peer));
  for (std::uint32_t sent = 0; sent < call.bytes; sent += request.bytes) {
    busy(lane, cycles, call.kind, mover.phase);
    request.bytes = std::min(call.bytes - sent, network_.packet_bytes());
    request.key = next_key(risc);
    ++outstanding(request).count;
    network_.issue(request, clock(lane));
    cycles = further;
  }
}

/// The key that decides between things that happen at the same time: core, RISC, and place in its sequence.
template <bool observed>
std::uint64_t CoreModel<observed>::next_key(int risc) {
  return static_cast<std::uint64_t>(index_) << 44U | static_cast<std::uint64_t>(risc) << 42U | movers_[risc].number++;
}

/// The next packet of a transfer of so many bytes.
template <bool observed>
void CoreModel<observed>::issue_transfer(int risc, Request request, std::uint32_t bytes, double time) {
  Mover& mover = movers_[risc];
  request.core = static_cast<std::uint16_t>(index_);
  request.risc = static_cast<std::uint8_t>(risc);
  request.bytes = std::min(bytes - mover.sent, network_.packet_bytes());
  request.key = next_key(risc);
  Outstanding& one = outstanding(request);
  ++one.count;
  if (request.transfer == Transfer::write) ++one.leaving;
  const double entered = network_.issue(request, time);
  if (entered == Network::later) {
    mover.wait = Wait::entry;
  } else {
    issued(request, entered);
  }
}

/// A packet has entered the network: issues the rest of its transfer, or goes on with the next event.
template <bool observed>
void CoreModel<observed>::issued(const Request& request, double time) {
  using namespace events;
  const int risc = request.risc;
  Mover& mover = movers_[request.risc];
  stall_until(lane_of_risc(risc), time, Stall::noc);
  mover.sent += request.bytes;
  const auto goes_on = [&](const auto& call) {
    if (mover.sent >= call.bytes) return false;
    queue_after(risc, network_.issue_cycles(call), call.kind);
    return true;
  };
  if (request.multicast) {
    const auto call = get<NocMulticast>(*request.event);
    if (goes_on(call)) return;
    mover.chain[request.noc] = call.linked;
  } else if (request.transfer == Transfer::write) {
    if (goes_on(get<NocWrite>(*request.event))) return;
  }
  mover.sent = 0;
  next(risc);
  wake(static_cast<Walker>(risc));
}

template <bool observed>
std::uint32_t& CoreModel<observed>::semaphore(std::uint32_t address) {
  const std::uint32_t id = (address - l1_semaphore_base) / semaphore_bytes;
  if (address >= l1_semaphore_base && id < semaphores_.size() && address % semaphore_bytes == 0) return semaphores_[id];
  return words_[address];
}

/// Whether the wait is over. A wait for equality that increments have overtaken is over as well: the run got past it.
template <bool observed>
bool CoreModel<observed>::semaphore_holds(const events::SemaphoreWait& wait) {
  const std::uint32_t value = semaphore(wait.offset);
  return value == wait.value || (value > wait.value && (wait.at_least || wait.value != 0));
}

template <bool observed>
void CoreModel<observed>::finish_semaphore_wait(int risc, double time) {
  Mover& mover = movers_[risc];
  if (!semaphore_holds(events::get<events::SemaphoreWait>(*mover.cursor.at))) return;
  const Lane lane = lane_of_risc(risc);
  stall_until(lane, time, Stall::semaphore, events::get<events::SemaphoreWait>(*mover.cursor.at).offset);
  busy(lane, costs_.semaphore_poll, EventKind::semaphore_wait, mover.phase);
  mover.wait = Wait::none;
  next(risc);
  wake(static_cast<Walker>(risc));
}

template <bool observed>
void CoreModel<observed>::semaphore_landed(const SemaphoreUpdate& update, double time) {
  std::uint32_t& word = semaphore(update.address);
  word = update.add ? word + update.value : update.value;
  for (int risc = 0; risc < 2; ++risc) {
    if (movers_[risc].wait == Wait::semaphore) finish_semaphore_wait(risc, time);
  }
}

template class CoreModel<false>;
template class CoreModel<true>;

}  // namespace tilegrid::timing
