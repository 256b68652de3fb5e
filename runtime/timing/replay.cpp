// SPDX-License-Identifier: Apache-2.0
#include "runtime/timing/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "core/error.h"
#include "runtime/timing/core_model.h"

namespace tilegrid::timing {
namespace {

/// What a compute kernel's events cost on cores of one set-up.
struct Compute {
  Compute(const Chip& chip, const CoreSetup& setup) : costs(chip, setup), steps(costs) {}
  Costs costs;
  ComputeSteps steps;
};

/// One launch. `observed`: the observer is not null.
template <bool observed>
class LaunchReplay final : private NetworkListener {
 public:
  LaunchReplay(const Start& launch, Observer* observer, const std::function<void(std::uint64_t)>& progress)
      : log_(launch.log),
        grid_(launch.grid),
        observer_(observer),
        progress_(progress),
        network_(launch.chip, grid_, agenda_, *this, observer) {
    check(launch.chip);
    if (observer != nullptr) observer->started(launch);
    for (const CoreSetup& setup : log_.setups) compute_.emplace_back(launch.chip, setup);
    cores_.reserve(log_.cores.size());
    for (int core = 0; core < grid_.cores(); ++core) {
      Compute& compute = compute_[log_.setup_number(core)];
      cores_.push_back(
          std::make_unique<CoreModel<observed>>(compute.costs, compute.steps, log_, core, agenda_, network_, observer));
    }
  }

  /// `whole`: all kernels come to the end of their logs, or it is an error.
  LaunchTime run(bool whole = true) {
    for (auto& core : cores_) core->advance();
    if (observer_ != nullptr) look_at(observer_->next_sample());
    loop();
    for (int core = 0; whole && core < grid_.cores(); ++core) {
      if (!cores_[core]->finished()) stuck(core);
    }
    LaunchTime time = result();
    if (observer_ != nullptr) observer_->ended(time);
    return time;
  }

 private:
  void check(const Chip& chip) const {
    if (log_.cores.size() != static_cast<std::size_t>(grid_.cores())) {
      throw UsageError(fmt::format("the log of '{}' has {} cores, its {}x{} grid {}", log_.name, log_.cores.size(), grid_.x,
                                   grid_.y, grid_.cores()));
    }
    if (log_.geometry != chip.geometry()) {
      throw UsageError(fmt::format("the log of '{}' is of chip {}, where cores and DRAM lie elsewhere than on {}", log_.name,
                                   log_.chip, chip.name()));
    }
  }

  // Invariants of the loop:
  //  1. Whatever several cores share - NIUs, links, DRAM channels, semaphores - changes here only, in the order of the
  //     agenda: time, then core, RISC, sequence number. So nothing depends on how cores lie in memory or on who ran first.
  //  2. Each core has run as far as it can without the agenda: a RISC stands at an event that is in the agenda, or waits
  //     for a transfer, a semaphore or a buffer, or is done.
  //  3. An appointment that is made while another is handled does not lie before that one. The exception: a pack lane that
  //  is
  //     stuck at a full buffer holds back the walk of its core; what that asks for when it gets on is handled next, with
  //     resources as they are then.
  void loop() {
    constexpr std::uint64_t turns_between_words = 65'536;
    for (std::uint64_t turn = 1; !agenda_.empty(); ++turn) {
      if (turn % turns_between_words == 0 && progress_) progress_(moved());
      if (agenda_.head_is_next()) {
        const Procession::Entry head = agenda_.next_head();
        if (const Procession::Entry* following = agenda_.following_head()) network_.expect_head(following->index);
        network_.head(head.index, head.time);
        advance();
        continue;
      }
      const Appointment now = agenda_.next_of_lists();
      switch (now.step) {
        case Step::issue:
          changed(static_cast<int>(now.index / 2)).issue(static_cast<int>(now.index % 2), now.time);
          break;
        case Step::land: {
          const SemaphoreUpdate update = network_.update(now.index);
          network_.forget_update(now.index);
          changed(update.core).semaphore_landed(update, now.time);
          break;
        }
        case Step::front:
          network_.front(now.index, now.time);
          break;
        case Step::wake:
          network_.wake(now.index, now.time);
          break;
        case Step::serve:
          network_.reaches_dram(now.index, now.time);
          break;
        case Step::ready:
          network_.ready(now.index, now.time);
          break;
        case Step::head:
          network_.head(now.index, now.time);
          break;
        case Step::look:
          look(now.time);
          break;
      }
      advance();
    }
  }
  /// Events of the data movers that are over: how far it is.
  [[nodiscard]] std::uint64_t moved() const {
    std::uint64_t events = 0;
    for (const auto& core : cores_) events += core->moved();
    return events;
  }
  /// Looks have a place behind all else of their time, and end with it.
  void look_at(double time) {
    if (!agenda_.empty() && time < std::numeric_limits<double>::max()) agenda_.add(time, last_key, 0, Step::look);
  }
  [[gnu::cold]] void look(double time) {
    observer_->sampled(time, network_.links());
    look_at(std::max(time + 1, observer_->next_sample()));
  }
  void advance() {
    for (std::size_t i = 0; i < changed_.size(); ++i) changed_[i]->advance();
    changed_.clear();
  }

  /// The core, which will be advanced once this step is done.
  CoreModel<observed>& changed(int core) {
    changed_.push_back(cores_[core].get());
    return *changed_.back();
  }
  void entered(const Request& request, double time) override { changed(request.core).entered(request, time); }
  void departed(const Request& request, double time) override {
    if (cores_[request.core]->departed(request, time)) changed(request.core);
  }
  void completed(const Request& request, double time, double noc_wait, double dram_wait) override {
    if (cores_[request.core]->completed(request, time, noc_wait, dram_wait)) changed(request.core);
  }
  void completed_before(const Request& request, std::uint32_t packets) override {
    cores_[request.core]->completed_before(request, packets);
  }

  [[noreturn]] void stuck(int index) const {
    const LogicalCore core = grid_.core(index);
    throw UsageError(fmt::format("the log of '{}' can't be replayed: core ({},{}) waits for ever: {}", log_.name, core.x,
                                 core.y, cores_[index]->where()));
  }

  LaunchTime result() const {
    LaunchTime launch;
    launch.name = log_.name;
    std::array<ShareTime, operations::count> operations;
    std::vector<ShareTime> phases(log_.phases.size() + 1);
    const auto add = [](ShareTime& sum, const std::array<double, lane_count>& part) {
      for (std::size_t lane = 0; lane < part.size(); ++lane) sum.busy[lane] += part[lane];
    };
    const Costs& costs = compute_.front().costs;
    double end = costs.launch;
    for (std::size_t i = 0; i < cores_.size(); ++i) {
      launch.cores.push_back(cores_[i]->core_time());
      end = std::max(end, launch.cores.back().end);
      const CoreShares& shares = cores_[i]->shares();
      for (std::size_t op = 0; op < operations.size(); ++op) add(operations[op], shares.operations[op]);
      for (std::size_t phase = 0; phase < phases.size(); ++phase) add(phases[phase], shares.phases[phase]);
      launch.matmul_tiles += shares.matmul_tiles;
      launch.matmul_tile_phases += shares.matmul_tile_phases;
      for (const Risc risc : each<Risc>) launch.events += log_.cores[i].sequence(risc).size();
    }
    // A program is over when also what its kernels had under way at their end has arrived.
    launch.cycles = std::max(end, network_.last_completion()) + costs.launch_tail;
    const auto has_any = [](const ShareTime& share) {
      return std::any_of(share.busy.begin(), share.busy.end(), [](double cycles) { return cycles > 0; });
    };
    for (int op = 0; op < count_of(operations); ++op) {
      if (!has_any(operations[op])) continue;
      operations[op].name = operations::name_of(op);
      launch.operations.push_back(operations[op]);
    }
    for (std::size_t phase = 0; phase < phases.size(); ++phase) {
      if (!has_any(phases[phase])) continue;
      if (phase != 0) phases[phase].name = log_.phases[phase - 1];
      launch.phases.push_back(phases[phase]);
    }
    network_.report(launch);
    return launch;
  }

  static constexpr std::uint64_t last_key = std::numeric_limits<std::uint64_t>::max();

  const LaunchLog& log_;
  GridSize grid_;
  Observer* observer_;
  std::deque<Compute> compute_;  ///< by set-up of cores
  const std::function<void(std::uint64_t)>& progress_;
  Agenda agenda_;
  Network network_;
  std::vector<std::unique_ptr<CoreModel<observed>>> cores_;
  std::vector<CoreModel<observed>*> changed_;  ///< in this step
};

}  // namespace

const char* name_of(Lane lane) {
  constexpr EnumArray<Lane, const char*> names{"BRISC", "NCRISC", "UNPACK", "MATH", "PACK"};
  return names[lane];
}

const char* name_of(Stall stall) {
  constexpr EnumArray<Stall, const char*> names{"CB empty",  "CB full", "DST", "Src",   "barrier",
                                                "semaphore", "DRAM",    "NoC", "launch"};
  return names[stall];
}

/// Events of the data movers: those of the compute kernels are passed on the way.
static std::uint64_t events_to_move(const LaunchLog& launch) {
  std::uint64_t events = 0;
  for (const EventLog& core : launch.cores) {
    events += core.sequence(Risc::brisc).size() + core.sequence(Risc::ncrisc).size();
  }
  return events;
}

void replay_cut_short(const RunLog& log, const Chip& chip, Observer& observer) {
  double cycles = 0;
  int number = 0;
  for (const LaunchLog& launch : log.launches) {
    const std::function<void(std::uint64_t)> untold;
    const Start start{launch, log.grid, chip, cycles, number++};
    cycles += LaunchReplay<true>(start, &observer, untold).run(false).cycles;
  }
}

/// Launches that nobody looks at know nothing of each other: several threads share them.
static std::vector<LaunchTime> side_by_side(const RunLog& log, const Chip& chip,
                                            const std::function<void(double part)>& progress) {
  constexpr std::uint64_t worth_a_thread = 100'000;  // events, some hundredth of a second
  constexpr std::size_t most_threads = 4;            // each has a replay in memory
  const std::size_t launches = log.launches.size();
  std::uint64_t all = 0;
  for (const LaunchLog& launch : log.launches) all += events_to_move(launch);
  std::vector<LaunchTime> times(launches);
  std::vector<std::exception_ptr> errors(launches);
  std::atomic<std::size_t> next = 0;
  std::atomic<std::uint64_t> moved = 0;
  const auto work = [&](bool tells) {
    for (std::size_t number = next++; number < launches; number = next++) {
      std::uint64_t told = 0;
      const std::function<void(std::uint64_t)> tell = [&](std::uint64_t events) {
        moved += events - std::exchange(told, events);
        if (tells && progress) progress(static_cast<double>(moved) / static_cast<double>(all));
      };
      try {
        const Start start{log.launches[number], log.grid, chip, 0, static_cast<int>(number)};
        times[number] = LaunchReplay<false>(start, nullptr, tell).run();
        moved += events_to_move(log.launches[number]) - told;
      } catch (...) {
        errors[number] = std::current_exception();
        next = launches;
      }
    }
  };
  const std::size_t threads = std::min({launches, most_threads, std::size_t{std::thread::hardware_concurrency()}});
  std::vector<std::thread> others;
  others.reserve(threads);
  for (std::size_t i = 1; i < threads && all >= worth_a_thread; ++i) others.emplace_back(work, false);
  work(true);
  for (std::thread& other : others) other.join();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
  return times;
}

static std::vector<LaunchTime> one_by_one(const RunLog& log, const Chip& chip, Observer& observer,
                                          const std::function<void(double part)>& progress) {
  std::vector<LaunchTime> times;
  times.reserve(log.launches.size());
  double cycles = 0;
  std::uint64_t all = 0, before = 0;
  for (const LaunchLog& launch : log.launches) all += events_to_move(launch);
  std::function<void(std::uint64_t)> moved;
  if (progress)
    moved = [&](std::uint64_t events) { progress(static_cast<double>(before + events) / static_cast<double>(all)); };
  for (const LaunchLog& launch : log.launches) {
    const Start start{launch, log.grid, chip, cycles, static_cast<int>(times.size())};
    times.push_back(LaunchReplay<true>(start, &observer, moved).run());
    before += events_to_move(launch);
    cycles += times.back().cycles;
  }
  return times;
}

DeviceTime replay(const RunLog& log, const Chip& chip, Observer* observer,
                  const std::function<void(double part)>& progress) {
  constexpr double flops_of_tile = 2.0 * tile_side * tile_side * tile_side;
  DeviceTime time;
  double phases = 0;
  time.launches = observer == nullptr ? side_by_side(log, chip, progress) : one_by_one(log, chip, *observer, progress);
  for (const LaunchTime& done : time.launches) {
    time.cycles += done.cycles;
    time.flops += static_cast<double>(done.matmul_tiles) * flops_of_tile;
    time.events += done.events;
    phases += done.matmul_tile_phases;
  }
  time.seconds = time.cycles / chip["clock_hz"];
  // The share counts the operations that the result needs: products with ones and with padding keep the unit busy, but are
  // no useful work.
  if (log.useful_flops > 0 && time.flops > 0) {
    phases *= log.useful_flops / time.flops;
    time.flops = log.useful_flops;
  }
  if (time.cycles > 0) {
    time.tflops = time.flops / time.seconds / 1e12;
    time.peak_share = phases * chip["matmul_phase_cycles"] / (log.grid.cores() * time.cycles);
  }
  return time;
}

}  // namespace tilegrid::timing
