// SPDX-License-Identifier: Apache-2.0
#include "runtime/timing/core_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/l1.h"

namespace tilegrid::timing {
namespace {

constexpr std::uint32_t no_setup = 0;
constexpr std::uint8_t configure_matmul = 1;  ///< Configure::matmul of kernels/api/compute.cpp

/// What an operation of the FPU must have been initialised for. Never no_setup.
std::uint32_t setup_of(const Event& event) {
  const auto kind = static_cast<std::uint32_t>(event.kind) + 1;
  if (event.kind == EventKind::matmul) return kind << 16U;
  return kind << 16U | static_cast<std::uint32_t>(event.op) << 8U | event.c;
}

bool is_pack_configuration(const Event& event) { return event.op >= 3 && event.op <= 5; }

}  // namespace

CoreModel::CoreModel(const Costs& costs, const LaunchLog& launch, int index, Agenda& agenda, Network& network)
    : costs_(costs), agenda_(agenda), network_(network), index_(index) {
  for (const LogBuffer& buffer : launch.buffers) {
    buffers_[static_cast<std::size_t>(buffer.id) % max_buffers].pages = buffer.pages;
  }
  std::copy_n(launch.semaphores.begin(), std::min(launch.semaphores.size(), semaphores_.size()), semaphores_.begin());
  const EventLog& log = launch.cores[static_cast<std::size_t>(index)];
  const auto cursor = [&](Risc risc) { return Cursor{log.sequence(risc).begin(), log.sequence(risc).end()}; };
  movers_[0].cursor = cursor(Risc::brisc);
  movers_[1].cursor = cursor(Risc::ncrisc);
  front_ = cursor(Risc::trisc);
  const auto start = [&](Lane lane) {
    clock(lane) = costs.launch;
    lane_of(lane).stalled[static_cast<std::size_t>(Stall::launch)] = costs.launch;
  };
  if (!movers_[0].cursor.done()) start(Lane::brisc);
  if (!movers_[1].cursor.done()) start(Lane::ncrisc);
  if (!front_.done()) {
    for (const Lane lane : {Lane::unpack, Lane::math, Lane::pack}) start(lane);
  }
  ready_ = 1U << walker_brisc | 1U << walker_ncrisc | 1U << walker_front;
}

void CoreModel::busy(Lane lane, double cycles, int operation, std::uint8_t zone) {
  const auto l = static_cast<std::size_t>(lane);
  clocks_[l] += cycles;
  core_.lanes[l].busy += cycles;
  shares_.operations[static_cast<std::size_t>(operation)][l] += cycles;
  shares_.zones[zone][l] += cycles;
}

void CoreModel::stall_until(Lane lane, double time, Stall reason) {
  double& now = clock(lane);
  if (time <= now) return;
  lane_of(lane).stalled[static_cast<std::size_t>(reason)] += time - now;
  now = time;
}

void CoreModel::advance() {
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

bool CoreModel::wait_front(Walker walker, Lane lane, std::uint8_t zone, const Event& event) {
  Buffer& cb = buffer(event);
  const std::int64_t target = cb.popped.total() + event.count;
  if (cb.pushed.total() < target) {
    cb.consumer = walker;
    cb.consumer_target = target;
    return false;
  }
  const double before = clock(lane);
  stall_until(lane, cb.pushed.reached(target) + costs_.cb_visible, Stall::cb_empty);
  core_.starved[event.a % core_.starved.size()] += clock(lane) - before;
  busy(lane, costs_.cb_wait, static_cast<int>(event.kind), zone);
  return true;
}

bool CoreModel::reserve_back(Walker walker, Lane lane, std::uint8_t zone, const Event& event) {
  Buffer& cb = buffer(event);
  const std::int64_t target = cb.pages == 0 ? 0 : cb.pushed.total() + event.count - cb.pages;
  if (cb.popped.total() < target) {
    cb.producer = walker;
    cb.producer_target = target;
    return false;
  }
  if (target > 0) stall_until(lane, cb.popped.reached(target) + costs_.cb_visible, Stall::cb_full);
  busy(lane, costs_.cb_reserve, static_cast<int>(event.kind), zone);
  return true;
}

void CoreModel::push_back(Lane lane, std::uint8_t zone, const Event& event) {
  Buffer& cb = buffer(event);
  busy(lane, costs_.cb_push, static_cast<int>(event.kind), zone);
  cb.pushed.add(event.count, clock(lane));
  cb.popped.forget(cb.pushed.total() + 1 - cb.pages);
  if (cb.consumer != nobody && cb.pushed.total() >= cb.consumer_target) {
    wake(cb.consumer);
    cb.consumer = nobody;
  }
}

void CoreModel::pop_front(Lane lane, std::uint8_t zone, const Event& event) {
  Buffer& cb = buffer(event);
  busy(lane, costs_.cb_pop, static_cast<int>(event.kind), zone);
  cb.popped.add(event.count, clock(lane));
  cb.pushed.forget(cb.popped.total() + 1);
  if (cb.producer != nobody && cb.popped.total() >= cb.producer_target) {
    wake(cb.producer);
    cb.producer = nobody;
  }
}

// --- compute ---------------------------------------------------------------------------------------------------------

void CoreModel::run_front() {
  while (!front_.done()) {
    if (!front_step(*front_.at)) return;
    ++front_.at;
  }
}

/// False: the event must wait, and nothing has changed.
bool CoreModel::front_step(const Event& event) {
  switch (event.kind) {
    case EventKind::matmul:
    case EventKind::eltwise:
    case EventKind::dest_reuse:
    case EventKind::reduce:
    case EventKind::copy:
    case EventKind::transpose:
      operands(event);
      return true;
    case EventKind::vector: {
      const std::uint32_t setup = event.op + 1U;
      const double cycles = costs_.vector(event) + (setup == vector_setup_ ? 0 : costs_.vector_switch);
      vector_setup_ = setup;
      busy(Lane::math, cycles, operations::number_of(event), front_zone_);
      return true;
    }
    case EventKind::cb_wait:
      return wait_front(walker_front, Lane::unpack, front_zone_, event);
    case EventKind::cb_pop:
      pop_front(Lane::unpack, front_zone_, event);
      return true;
    case EventKind::dst_acquire:
      return acquire(event);
    case EventKind::dst_commit:
      busy(Lane::math, costs_.dst_commit, static_cast<int>(event.kind), front_zone_);
      commits_[static_cast<std::size_t>(committed_++) & 3U] = clock(Lane::math);
      return true;
    case EventKind::configure:
      configure_front(event);
      return true;
    case EventKind::zone:
      front_zone_ = event.op < zone_count ? event.op : std::uint8_t{0};
      to_pack(event);
      return true;
    case EventKind::kernel_end:
      lane_of(Lane::unpack).end = clock(Lane::unpack);
      lane_of(Lane::math).end = clock(Lane::math);
      to_pack(event);
      return true;
    case EventKind::dst_wait:
    case EventKind::dst_release:
    case EventKind::pack:
    case EventKind::cb_reserve:
    case EventKind::cb_push:
      to_pack(event);
      return true;
    default:
      return true;
  }
}

void CoreModel::configure_front(const Event& event) {
  const Costs::Configuration& cycles = costs_.configure(event);
  const auto kind = static_cast<int>(event.kind);
  if (cycles.unpack > 0) busy(Lane::unpack, cycles.unpack, kind, front_zone_);
  if (cycles.math > 0) busy(Lane::math, cycles.math, kind, front_zone_);
  if (cycles.pack > 0) to_pack(event);
  if (event.op == configure_matmul) {
    fpu_setup_ = setup_of({.kind = EventKind::matmul});
  } else if (!is_pack_configuration(event)) {
    fpu_setup_ = no_setup;
  }
}

bool CoreModel::acquire(const Event& event) {
  const std::int64_t needed = acquired_ + 1 - costs_.dst_sections;
  if (released_ < needed) {
    waits_for_release_ = true;
    return false;
  }
  if (needed > 0) stall_until(Lane::math, releases_[static_cast<std::size_t>(needed - 1) & 3U], Stall::dst);
  busy(Lane::math, costs_.dst_acquire, static_cast<int>(event.kind), front_zone_);
  ++acquired_;
  return true;
}

/// Both Src banks are filled and consumed in turn. Filling u cycles, consumption m, n times: step i may be filled when
/// step i - 2 is consumed, and consumed when it is filled and step i - 1 consumed. Both are chains of maxima, whose
/// longest paths change between filling and consuming at most once; these are compared here, not stepped through.
void CoreModel::operands(const Event& event) {
  const int operation = operations::number_of(event);
  const std::uint32_t setup = setup_of(event);
  if (setup != fpu_setup_) {
    busy(Lane::unpack, costs_.operation_switch, operation, front_zone_);
    busy(Lane::math, costs_.operation_switch, operation, front_zone_);
    fpu_setup_ = setup;
  }
  const auto [n, u, m] = costs_.operand_steps(event);
  if (n < 1) return;
  const double unpack_start = clock(Lane::unpack);
  const double math_start = clock(Lane::math);
  const double first = std::max(unpack_start, src_free_[0]) + u;
  const double second = std::max(first, src_free_[1]) + u;
  const double base = std::max(math_start, first);
  const auto consumed = [&](double k) {  // end of consumption of step k
    return k < 2 ? base + m : std::max({base + k * m, second + (k - 1) * m, second + (k - 2) * u + m});
  };
  const double filled = n < 2 ? first : n < 3 ? second : std::max(second + (n - 2) * u, consumed(n - 2) + u);
  const double end = consumed(n);
  src_free_ = {n < 2 ? src_free_[1] : consumed(n - 1), end};
  // The clocks move by work and by what is left over, so that busy and stalled add up.
  busy(Lane::unpack, n * u, operation, front_zone_);
  stall_until(Lane::unpack, filled, Stall::src);
  busy(Lane::math, n * m, operation, front_zone_);
  stall_until(Lane::math, end, Stall::src);
  if (event.kind == EventKind::matmul) {
    const double tiles = static_cast<double>(event.count) * (event.x & 0xFFFFU) * (event.x >> 16U);
    shares_.matmul_tiles += static_cast<std::uint64_t>(tiles);
    shares_.matmul_tile_phases += tiles * event.op;
  }
}

void CoreModel::to_pack(const Event& event) {
  if (backlog_.empty() && pack_step(event)) return;
  backlog_.push_back(&event);
}

void CoreModel::run_pack() {
  while (backlog_first_ < backlog_.size()) {
    if (!pack_step(*backlog_[backlog_first_])) return;
    ++backlog_first_;
  }
  backlog_.clear();
  backlog_first_ = 0;
}

/// False: the event must wait, and nothing has changed.
bool CoreModel::pack_step(const Event& event) {
  const auto kind = static_cast<int>(event.kind);
  switch (event.kind) {
    case EventKind::pack:
      busy(Lane::pack, costs_.pack(event), operations::number_of(event), pack_zone_);
      return true;
    case EventKind::dst_wait:
      stall_until(Lane::pack, commits_[static_cast<std::size_t>(waited_++) & 3U], Stall::dst);
      busy(Lane::pack, costs_.dst_wait, kind, pack_zone_);
      return true;
    case EventKind::dst_release:
      busy(Lane::pack, costs_.dst_release, kind, pack_zone_);
      releases_[static_cast<std::size_t>(released_++) & 3U] = clock(Lane::pack);
      if (waits_for_release_) {
        waits_for_release_ = false;
        wake(walker_front);
      }
      return true;
    case EventKind::cb_reserve:
      return reserve_back(walker_pack, Lane::pack, pack_zone_, event);
    case EventKind::cb_push:
      push_back(Lane::pack, pack_zone_, event);
      return true;
    case EventKind::configure:
      busy(Lane::pack, costs_.configure(event).pack, kind, pack_zone_);
      return true;
    case EventKind::zone:
      pack_zone_ = event.op < zone_count ? event.op : std::uint8_t{0};
      return true;
    case EventKind::kernel_end:
      lane_of(Lane::pack).end = clock(Lane::pack);
      return true;
    default:
      return true;
  }
}

bool CoreModel::finished() const {
  return movers_[0].cursor.done() && movers_[1].cursor.done() && front_.done() && backlog_.empty();
}

std::string CoreModel::where() const {
  for (int risc = 0; risc < 2; ++risc) {
    const Cursor& cursor = movers_[static_cast<std::size_t>(risc)].cursor;
    if (!cursor.done()) return fmt::format("{}, {}", tilegrid::name_of(static_cast<Risc>(risc)), to_text(*cursor.at));
  }
  if (!backlog_.empty()) return fmt::format("{}, {}", tilegrid::name_of(Risc::trisc), to_text(*backlog_[backlog_first_]));
  return fmt::format("{}, {}", tilegrid::name_of(Risc::trisc), to_text(*front_.at));
}

CoreTime CoreModel::core_time() const {
  CoreTime result = core_;
  for (const LaneTime& lane : result.lanes) result.end = std::max(result.end, lane.end);
  return result;
}

}  // namespace tilegrid::timing
