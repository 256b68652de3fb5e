// SPDX-License-Identifier: Apache-2.0
#include "runtime/timing/core_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "core/l1.h"
#include "runtime/timing/exact.h"

namespace tilegrid::timing {
namespace {

bool is_of_packer(Configuration what) {
  return what == Configuration::pack_format || what == Configuration::l1_accumulate || what == Configuration::relu;
}

constexpr std::array compute_lanes{Lane::unpack, Lane::math, Lane::pack};

}  // namespace

template <bool observed>
CoreModel<observed>::CoreModel(const Costs& costs, ComputeSteps& steps, const LaunchLog& launch, int index, Agenda& agenda,
                               Network& network, Observer* observer)
    : costs_(costs),
      agenda_(agenda),
      network_(network),
      observer_(observer),
      index_(index),
      launch_(launch),
      front_(steps, launch.cores[index].sequence(Risc::trisc)) {
  shares_.phases.resize(launch.phases.size() + 1);
  const CoreSetup& setup = launch.setup_of(index);
  for (const LogBuffer& buffer : setup.buffers) {
    buffers_[buffer.id % max_buffers].pages = buffer.pages;
  }
  std::copy_n(setup.semaphores.begin(), std::min(setup.semaphores.size(), semaphores_.size()), semaphores_.begin());
  const EventLog& log = launch.cores[index];
  const auto cursor = [&](Risc risc) { return Cursor{log.sequence(risc).begin(), log.sequence(risc).end()}; };
  movers_[0].cursor = cursor(Risc::brisc);
  movers_[1].cursor = cursor(Risc::ncrisc);
  const auto start = [&](Lane lane) {
    clock(lane) = costs.launch;
    lane_of(lane).stalled[Stall::launch] = costs.launch;
    if (observed && costs.launch > 0) observer_->stalled({index_, lane, Stall::launch, -1, 0, costs.launch});
  };
  if (!movers_[0].cursor.done()) start(Lane::brisc);
  if (!movers_[1].cursor.done()) start(Lane::ncrisc);
  if (!front_.done()) {
    for (const Lane lane : {Lane::unpack, Lane::math, Lane::pack}) start(lane);
  }
  movers_[0].began = clock(Lane::brisc);
  movers_[1].began = clock(Lane::ncrisc);
  ready_ = 1U << walker_brisc | 1U << walker_ncrisc | 1U << walker_front;
}

template <bool observed>
void CoreModel<observed>::tell_busy(Lane lane, double cycles, int operation, std::uint8_t phase) {
  if (cycles > 0) observer_->busy({index_, lane, phase, operation, clock(lane) - cycles, clock(lane)});
}

/// The section that has been released.
template <bool observed>
void CoreModel<observed>::tell_section() {
  const std::int64_t number = released_ - 1;
  const std::size_t slot = number & 3;
  observer_->section({index_, number, static_cast<int>(number % costs_.dst_sections), acquires_[slot], commits_[slot],
                      packings_[slot], releases_[slot]});
}

template <bool observed>
void CoreModel<observed>::tell_stall(Lane lane, double time, Stall reason, std::int64_t subject) {
  observer_->stalled({index_, lane, reason, subject, clock(lane), time});
}

template <bool observed>
void CoreModel<observed>::advance() {
  while (ready_ != 0) {
    if ((ready_ & 1U << walker_pack) != 0) {
      ready_ &= ~(1U << walker_pack);
      run_pack();
    } else if ((ready_ & 1U << walker_front) != 0) {
      ready_ &= ~(1U << walker_front);
      run_front();
    } else {
      const int risc = (ready_ & 1U << walker_brisc) != 0 ? 0 : 1;
      ready_ &= ~(1U << risc);
      run_mover(risc);
    }
  }
}

// --- circular buffers ------------------------------------------------------------------------------------------------

template <bool observed>
bool CoreModel<observed>::wait_front(Walker walker, Lane lane, std::uint8_t phase, const events::CbWait& event) {
  Buffer& cb = buffer(event.cb);
  const std::int64_t target = cb.popped.total() + event.pages;
  if (cb.pushed.total() < target) {
    cb.consumer = walker;
    cb.consumer_target = target;
    return false;
  }
  const double before = clock(lane);
  stall_until(lane, cb.pushed.reached(target) + costs_.cb_visible, Stall::cb_empty, event.cb);
  core_.starved[event.cb % core_.starved.size()] += clock(lane) - before;
  busy(lane, costs_.cb_wait, event.kind, phase);
  return true;
}

template <bool observed>
bool CoreModel<observed>::reserve_back(Walker walker, Lane lane, std::uint8_t phase, const events::CbReserve& event) {
  Buffer& cb = buffer(event.cb);
  const std::int64_t target = cb.pages == 0 ? 0 : cb.pushed.total() + event.pages - cb.pages;
  if (cb.popped.total() < target) {
    cb.producer = walker;
    cb.producer_target = target;
    return false;
  }
  if (target > 0) stall_until(lane, cb.popped.reached(target) + costs_.cb_visible, Stall::cb_full, event.cb);
  busy(lane, costs_.cb_reserve, event.kind, phase);
  return true;
}

template <bool observed>
bool CoreModel<observed>::push_back(Lane lane, std::uint8_t phase, const events::CbPush& event) {
  busy(lane, costs_.cb_push, event.kind, phase);
  if constexpr (observed) observer_->pages({index_, event.cb, std::int64_t{event.pages}, clock(lane)});
  move_pages({event.cb, true, event.pages, clock(lane)});
  return true;
}

template <bool observed>
bool CoreModel<observed>::pop_front(Lane lane, std::uint8_t phase, const events::CbPop& event) {
  busy(lane, costs_.cb_pop, event.kind, phase);
  if constexpr (observed) observer_->pages({index_, event.cb, -std::int64_t{event.pages}, clock(lane)});
  move_pages({event.cb, false, event.pages, clock(lane)});
  return true;
}

/// Pages were pushed or popped: who waits for them, or for their room, goes on when that is enough.
template <bool observed>
void CoreModel<observed>::move_pages(const StretchOutcome::Pages& moved) {
  if (recording_ != nullptr) recording_->pages.push_back(moved);
  Buffer& cb = buffer(moved.cb);
  PageFlow& flow = moved.pushed ? cb.pushed : cb.popped;
  flow.add(moved.count, moved.time);
  if (moved.pushed) {
    cb.popped.forget(cb.pushed.total() + 1 - cb.pages);
  } else {
    cb.pushed.forget(cb.popped.total() + 1);
  }
  Walker& waiting = moved.pushed ? cb.consumer : cb.producer;
  if (waiting != nobody && flow.total() >= (moved.pushed ? cb.consumer_target : cb.producer_target)) {
    wake(waiting);
    waiting = nobody;
  }
}

// --- compute ---------------------------------------------------------------------------------------------------------

template <bool observed>
void CoreModel<observed>::run_front() {
  while (!front_.done()) {
    const ComputeStep& step = front_.step();
    if (!observed && step.stretch != ComputeStep::none) {
      const Passed passed = pass_stretch(step.stretch);
      if (passed == Passed::blocked) return;
      if (passed == Passed::all) continue;
    }
    if (!front_step(step)) return;
    front_.next();
  }
}

/// Performs the event. False when it has to wait; then nothing has changed.
template <bool observed>
bool CoreModel<observed>::front_step(const ComputeStep& step) {
  switch (step.kind) {
    case ComputeStep::Kind::operands:
      operands(step);
      return true;
    case ComputeStep::Kind::vector:
      vector(step);
      return true;
    case ComputeStep::Kind::pack:
      to_pack(step);
      return true;
    case ComputeStep::Kind::other:
      break;
  }
  return front_event(step);
}

template <bool observed>
bool CoreModel<observed>::front_event(const ComputeStep& step) {
  using namespace events;
  const auto pass_on = [&] {
    to_pack(step);
    return true;
  };
  return visit(*step.event,
               Cases{[&](const CbWait& call) { return wait_front(walker_front, Lane::unpack, front_phase_, call); },
                     [&](const CbPop& call) { return pop_front(Lane::unpack, front_phase_, call); },
                     [&](const DstAcquire&) { return acquire(); },
                     [&](const DstCommit&) {
                       busy(Lane::math, costs_.dst_commit, EventKind::dst_commit, front_phase_);
                       commits_[committed_++ & 3] = clock(Lane::math);
                       return true;
                     },
                     [&](const Configure& call) {
                       configure_front(step, call);
                       return true;
                     },
                     [&](const Work& call) {  // the three TRISCs run the same loops, the vector unit is math's
                       busy(Lane::math, Costs::work(call), call.kind, front_phase_);
                       if (call.vector) return true;
                       busy(Lane::unpack, Costs::work(call), call.kind, front_phase_);
                       return pass_on();
                     },
                     [&](const Zone& zone) {
                       front_phase_ = phase_of(zone);
                       return pass_on();
                     },
                     [&](const Scope& scope) {
                       pass(Lane::unpack, scope);
                       pass(Lane::math, scope);
                       return pass_on();
                     },
                     [&](const KernelEnd&) {
                       lane_of(Lane::unpack).end = clock(Lane::unpack);
                       lane_of(Lane::math).end = clock(Lane::math);
                       return pass_on();
                     },
                     [&](const DstWait&) { return pass_on(); }, [&](const DstRelease&) { return pass_on(); },
                     [&](const CbReserve&) { return pass_on(); }, [&](const CbPush&) { return pass_on(); },
                     [](const auto&) { return true; }});
}

template <bool observed>
void CoreModel<observed>::configure_front(const ComputeStep& step, const events::Configure& call) {
  const Costs::LaneCycles& cycles = costs_.configure(call);
  if (cycles.unpack > 0) busy(Lane::unpack, cycles.unpack, call.kind, front_phase_);
  if (cycles.math > 0) busy(Lane::math, cycles.math, call.kind, front_phase_);
  if (cycles.pack > 0) to_pack(step);
  if (call.what == Configuration::matmul) {
    fpu_setup_ = setup_of(events::Matmul{});
  } else if (!is_of_packer(call.what)) {
    fpu_setup_ = no_setup;
  }
}

template <bool observed>
void CoreModel<observed>::vector(const ComputeStep& step) {
  const double cycles = step.operands.math + (step.setup == vector_setup_ ? 0 : costs_.vector_switch);
  vector_setup_ = step.setup;
  busy(Lane::math, cycles, step.operation, front_phase_);
}

template <bool observed>
bool CoreModel<observed>::acquire() {
  const std::int64_t needed = acquired_ + 1 - costs_.dst_sections;
  if (released_ < needed) {
    waits_for_release_ = true;
    return false;
  }
  if (needed > 0) stall_until(Lane::math, releases_[(needed - 1) & 3], Stall::dst);
  acquires_[acquired_ & 3] = clock(Lane::math);
  busy(Lane::math, costs_.dst_acquire, EventKind::dst_acquire, front_phase_);
  ++acquired_;
  return true;
}

/// The two Src banks are filled and consumed in turn, n times: filling takes u cycles, consuming m. Step i can be filled
/// once step i - 2 has been consumed, and consumed once it has been filled and step i - 1 has been consumed. The end is the
/// longest path through fills and consumptions. As all fills take u and all consumptions m, such a path changes from one
/// chain to the other at most once, so that a few candidates are compared instead of n steps taken.
template <bool observed>
void CoreModel<observed>::operands(const ComputeStep& step) {
  const int operation = step.operation;
  if (step.setup != fpu_setup_) {
    busy(Lane::unpack, costs_.operation_switch, operation, front_phase_);
    busy(Lane::math, costs_.operation_switch, operation, front_phase_);
    fpu_setup_ = step.setup;
  }
  const double n = step.operands.steps;
  const double u = step.operands.unpack;
  const double m = step.operands.math;
  if (n < 1) return;
  const double unpack_start = clock(Lane::unpack);
  const double math_start = clock(Lane::math);
  const double first = std::max(unpack_start, src_free_[0]) + u;
  const double base = std::max(math_start, first);
  double filled = first;
  double end = base + m;
  if (n < 2) {
    src_free_ = {src_free_[1], end};
  } else {
    const double second = std::max(first, src_free_[1]) + u;
    const auto consumed = [&](double k) {  // end of consumption of step k, from the second on
      return std::max({base + k * m, second + (k - 1) * m, second + (k - 2) * u + m});
    };
    filled = second;
    double last = end;  // but one
    if (n >= 3) {
      last = consumed(n - 1);
      filled = std::max(second + (n - 2) * u, (n < 4 ? base + m : consumed(n - 2)) + u);
    }
    end = consumed(n);
    src_free_ = {last, end};
  }
  // A lane's clock moves by its work, then by the time that is left: so busy and stalled cycles add up to the whole.
  busy(Lane::unpack, n * u, operation, front_phase_);
  stall_until(Lane::unpack, filled, Stall::src);
  busy(Lane::math, n * m, operation, front_phase_);
  stall_until(Lane::math, end, Stall::src);
  if (step.tiles == 0) return;
  shares_.matmul_tiles += static_cast<std::uint64_t>(step.tiles);
  shares_.matmul_tile_phases += step.tile_phases;
}

template <bool observed>
void CoreModel<observed>::to_pack(const ComputeStep& step) {
  if (backlog_.empty() && pack_step(step)) return;
  backlog_.push_back(step);
}

template <bool observed>
void CoreModel<observed>::run_pack() {
  while (backlog_first_ < backlog_.size()) {
    if (!pack_step(backlog_[backlog_first_])) return;
    ++backlog_first_;
  }
  backlog_.clear();
  backlog_first_ = 0;
}

/// Performs the event. False when it has to wait; then nothing has changed.
template <bool observed>
bool CoreModel<observed>::pack_event(const Event& event) {
  using namespace events;
  return visit(event, Cases{[&](const DstWait&) {
                              const std::size_t slot = waited_++ & 3;
                              stall_until(Lane::pack, commits_[slot], Stall::dst);
                              packings_[slot] = clock(Lane::pack);
                              busy(Lane::pack, costs_.dst_wait, EventKind::dst_wait, pack_phase_);
                              return true;
                            },
                            [&](const DstRelease&) {
                              release();
                              return true;
                            },
                            [&](const CbReserve& call) { return reserve_back(walker_pack, Lane::pack, pack_phase_, call); },
                            [&](const CbPush& call) { return push_back(Lane::pack, pack_phase_, call); },
                            [&](const Configure& call) {
                              busy(Lane::pack, costs_.configure(call).pack, EventKind::configure, pack_phase_);
                              return true;
                            },
                            [&](const Work& call) {
                              busy(Lane::pack, Costs::work(call), call.kind, pack_phase_);
                              return true;
                            },
                            [&](const Zone& zone) {
                              pack_phase_ = phase_of(zone);
                              return true;
                            },
                            [&](const Scope& scope) {
                              pass(Lane::pack, scope);
                              return true;
                            },
                            [&](const KernelEnd&) {
                              lane_of(Lane::pack).end = clock(Lane::pack);
                              return true;
                            },
                            [](const auto&) { return true; }});
}

template <bool observed>
void CoreModel<observed>::release() {
  busy(Lane::pack, costs_.dst_release, EventKind::dst_release, pack_phase_);
  releases_[released_++ & 3] = clock(Lane::pack);
  if constexpr (observed) tell_section();
  if (!waits_for_release_) return;
  waits_for_release_ = false;
  wake(walker_front);
}

template <bool observed>
bool CoreModel<observed>::finished() const {
  return movers_[0].cursor.done() && movers_[1].cursor.done() && front_.done() && backlog_.empty();
}

template <bool observed>
std::string CoreModel<observed>::where() const {
  const auto text = [&](Risc risc, const Event& event) {
    return fmt::format("{}, {}", tilegrid::name_of(risc), to_text(event, launch_));
  };
  for (int risc = 0; risc < 2; ++risc) {
    const Cursor& cursor = movers_[risc].cursor;
    if (!cursor.done()) return text(static_cast<Risc>(risc), *cursor.at);
  }
  return text(Risc::trisc, *(backlog_.empty() ? front_.step() : backlog_[backlog_first_]).event);
}

template <bool observed>
CoreTime CoreModel<observed>::core_time() const {
  CoreTime result = core_;
  for (const LaneTime& lane : result.lanes) result.end = std::max(result.end, lane.end);
  return result;
}

// --- stretches of the compute kernel that were walked before ----------------------------------------------------------

/// The stretch at whose first step the front stands. `none`: its steps are to be taken one by one.
template <bool observed>
typename CoreModel<observed>::Passed CoreModel<observed>::pass_stretch(std::uint32_t number) {
  const ComputeSteps::Block block = front_.block();
  Stretch& stretch = block->stretches[number];
  if (!fits(stretch) || !stretch.worth_a_look()) return Passed::none;
  describe(stretch);
  if (const StretchOutcome* known = stretch.find(key_)) {
    repeat(*known);
    front_.pass(stretch);
    return Passed::all;
  }
  return walk_and_remember(stretch) ? Passed::all : Passed::blocked;
}

/// Whether the key would say all that the stretch depends on.
template <bool observed>
bool CoreModel<observed>::fits(const Stretch& stretch) const {
  if (!backlog_.empty() || waits_for_release_) return false;
  for (const Lane lane : compute_lanes) {
    if (clocks_[lane] >= exact_until) return false;
  }
  const std::int64_t committed = committed_ - waited_;
  const std::int64_t acquired = acquired_ - released_;
  return committed >= stretch.commits_needed && committed <= 4 && acquired >= stretch.acquires_needed &&
         acquired <= costs_.dst_sections;
}

template <bool observed>
void CoreModel<observed>::describe(const Stretch& stretch) {
  key_.clear();
  const double base = clock(Lane::unpack);
  const double math = clock(Lane::math);
  const double pack = clock(Lane::pack);
  const auto word = [&](double time) { key_.push_back(std::bit_cast<std::uint64_t>(time - base)); };
  key_.push_back(std::uint64_t{fpu_setup_} << 32U | vector_setup_);
  key_.push_back(static_cast<std::uint64_t>(front_phase_) << 24U | static_cast<std::uint64_t>(pack_phase_) << 16U |
                 static_cast<std::uint64_t>(acquired_ - released_) << 8U | static_cast<std::uint64_t>(committed_ - waited_));
  word(math);
  word(pack);
  for (const double free : src_free_) word(std::max(free, base));
  for (std::int64_t section = acquired_ - costs_.dst_sections; section < released_; ++section) {
    word(section < 0 ? math : std::max(math, releases_[section & 3]));
  }
  for (std::int64_t section = waited_; section < committed_; ++section) word(std::max(pack, commits_[section & 3]));
  for (const std::uint32_t number : stretch.awaited) {
    const Buffer& cb = buffer(number);
    const std::int64_t zero = cb.popped.total();
    describe_flow(key_, cb.pushed, zero, zero - 1, base - costs_.cb_visible, base);
  }
  for (const std::uint32_t number : stretch.filled) {
    const Buffer& cb = buffer(number);
    const std::int64_t zero = cb.pushed.total();
    describe_flow(key_, cb.popped, zero, zero - cb.pages, pack - costs_.cb_visible, base);
  }
}

template <bool observed>
void CoreModel<observed>::repeat(const StretchOutcome& outcome) {
  const double base = clock(Lane::unpack);
  for (const StretchOutcome::Pages& pages : outcome.pages) {
    move_pages({pages.cb, pages.pushed, pages.count, base + pages.time});
  }
  for (const Lane lane : compute_lanes) {
    clock(lane) = base + outcome.clocks[lane];
    lane_of(lane).busy += outcome.busy[lane];
  }
  for (std::size_t bank = 0; bank < src_free_.size(); ++bank) src_free_[bank] = base + outcome.src_free[bank];
  acquired_ += outcome.acquired;
  waited_ += outcome.waited;
  committed_ += outcome.committed;
  released_ += outcome.released;
  for (std::int64_t i = 0; i < std::min<std::int64_t>(4, outcome.committed); ++i) {
    commits_[(committed_ - 1 - i) & 3] = base + outcome.commits[i];
  }
  for (std::int64_t i = 0; i < std::min<std::int64_t>(4, outcome.released); ++i) {
    releases_[(released_ - 1 - i) & 3] = base + outcome.releases[i];
  }
  fpu_setup_ = outcome.fpu_setup;
  vector_setup_ = outcome.vector_setup;
  front_phase_ = outcome.front_phase;
  pack_phase_ = outcome.pack_phase;
  for (const auto& [where, cycles] : outcome.stalled) lane_of(where.first).stalled[where.second] += cycles;
  for (const auto& [cb, cycles] : outcome.starved) core_.starved[cb] += cycles;
  for (const auto& [where, cycles] : outcome.operations) shares_.operations[where.first][where.second] += cycles;
  for (const auto& [where, cycles] : outcome.phases) shares_.phases[where.first][where.second] += cycles;
  shares_.matmul_tiles += outcome.matmul_tiles;
  shares_.matmul_tile_phases += outcome.matmul_tile_phases;
}

/// Takes the steps of the stretch, whose state is in `key_`. False when one has to wait, or the packer has to: then nothing
/// is remembered.
template <bool observed>
bool CoreModel<observed>::walk_and_remember(Stretch& stretch) {
  const CoreTime time = core_;
  const CoreShares shares = shares_;
  const double base = clock(Lane::unpack);
  StretchOutcome outcome;
  outcome.acquired = -acquired_;
  outcome.waited = -waited_;
  outcome.committed = -committed_;
  outcome.released = -released_;
  recording_ = &outcome;
  bool passed = true;
  for (std::uint32_t step = 0; step < stretch.steps() && passed; ++step) {
    passed = front_step(front_.step());
    if (passed) front_.next();
  }
  recording_ = nullptr;
  if (!passed) return false;
  if (!backlog_.empty()) return true;
  for (StretchOutcome::Pages& pages : outcome.pages) pages.time -= base;
  for (const Lane lane : compute_lanes) outcome.clocks[lane] = clock(lane) - base;
  for (std::size_t bank = 0; bank < src_free_.size(); ++bank) outcome.src_free[bank] = src_free_[bank] - base;
  for (std::int64_t i = 0; i < 4; ++i) {
    outcome.commits[i] = commits_[(committed_ - 1 - i) & 3] - base;
    outcome.releases[i] = releases_[(released_ - 1 - i) & 3] - base;
  }
  remember(time, shares, outcome);
  stretch.keep(key_, std::move(outcome));
  return true;
}

/// What has changed in the core's sums.
template <bool observed>
void CoreModel<observed>::remember(const CoreTime& time, const CoreShares& shares, StretchOutcome& outcome) const {
  outcome.acquired += acquired_;
  outcome.waited += waited_;
  outcome.committed += committed_;
  outcome.released += released_;
  outcome.fpu_setup = fpu_setup_;
  outcome.vector_setup = vector_setup_;
  outcome.front_phase = front_phase_;
  outcome.pack_phase = pack_phase_;
  const auto note = [](auto& sums, auto where, double cycles) {
    if (cycles != 0) sums.push_back({where, cycles});
  };
  for (const Lane lane : compute_lanes) {
    outcome.busy[lane] = core_.lanes[lane].busy - time.lanes[lane].busy;
    for (const Stall stall : each<Stall>) {
      note(outcome.stalled, std::pair(lane, stall), core_.lanes[lane].stalled[stall] - time.lanes[lane].stalled[stall]);
    }
    for (std::size_t i = 0; i < shares_.operations.size(); ++i) {
      note(outcome.operations, std::pair(i, lane), shares_.operations[i][lane] - shares.operations[i][lane]);
    }
    for (std::size_t i = 0; i < shares_.phases.size(); ++i) {
      note(outcome.phases, std::pair(i, lane), shares_.phases[i][lane] - shares.phases[i][lane]);
    }
  }
  for (std::size_t cb = 0; cb < core_.starved.size(); ++cb) note(outcome.starved, cb, core_.starved[cb] - time.starved[cb]);
  outcome.matmul_tiles = shares_.matmul_tiles - shares.matmul_tiles;
  outcome.matmul_tile_phases = shares_.matmul_tile_phases - shares.matmul_tile_phases;
}

template class CoreModel<false>;
template class CoreModel<true>;

}  // namespace tilegrid::timing
