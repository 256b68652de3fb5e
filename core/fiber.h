// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/chance.h"
#include "core/counters.h"
#include "core/execution_context.h"
#include "core/types.h"

namespace tilegrid {

/// What a blocked fiber waits for. `id`: CB id, semaphore offset in L1, or NoC; `needed`: pages, value, or answers.
struct WaitFor {
  BlockReason reason = BlockReason::cb_empty;
  std::uint32_t id = 0;
  std::uint64_t needed = 0;
};

/// One kernel of one core, as a fiber.
class Fiber {
 public:
  [[nodiscard]] int core() const { return core_; }
  [[nodiscard]] Risc risc() const { return risc_; }
  [[nodiscard]] bool finished() const { return context_->finished(); }
  [[nodiscard]] bool blocked() const { return blocked_; }
  [[nodiscard]] bool failed() const { return failure_ != nullptr; }
  [[nodiscard]] const WaitFor& waits_for() const { return wait_; }
  /// It looks at memory again and again: blocked, but waits_for() says nothing.
  [[nodiscard]] bool spinning() const { return spinning_; }
  /// The kernel's own context; the scheduler only carries it.
  [[nodiscard]] void* local() const { return local_; }

 private:
  friend class Scheduler;
  int core_ = 0;
  Risc risc_ = Risc::trisc;
  void* local_ = nullptr;
  std::unique_ptr<ExecutionContext> context_;
  std::exception_ptr failure_;
  bool blocked_ = false;
  WaitFor wait_;
  std::chrono::steady_clock::time_point blocked_since_;
  CoreHostCost* cost_ = nullptr;
  bool spinning_ = false;         ///< blocked in spin()
  std::uint32_t idle_turns_ = 0;  ///< of a fiber that spins: turns since it last saw a change
  std::uint64_t priority_ = 0;    ///< used when the scheduler is shaken: higher goes first
};

/// Runs the fibers of a rank, one at a time. Normally a fiber is next that the last one woke on its own core, while its L1
/// is still in the host's caches, else the one that has been ready longest; and it runs until it blocks. A shaken scheduler
/// (shake()) chooses by a random seed which one is next, and may interrupt it: to find kernels that are right in one order
/// only.
///
/// Invariants: a fiber is running, in one of the ready queues once, blocked, or finished. block() is called by the running
/// fiber only; wake() makes a blocked fiber ready and is a no-op for any other. The order depends on nothing but the order
/// of spawn() and wake() calls. No fiber is polled: whoever changes what a fiber waits for wakes it; but who polls memory
/// itself (spin()) gets turns for it.
class Scheduler {
 public:
  explicit Scheduler(FiberBackend backend = FiberBackend::boost)
      : backend_(backend), clock_(backend == FiberBackend::boost ? CLOCK_THREAD_CPUTIME_ID : CLOCK_PROCESS_CPUTIME_ID) {}

  /// Adds a ready fiber. `cost` receives its times and must outlive it; may be null.
  Fiber& spawn(int core, Risc risc, void* local, CoreHostCost* cost, std::function<void()> entry);

  /// Runs ready fibers until none is ready, one has failed, or `between` (called after each switch) returns false.
  void run(const std::function<bool()>& between = {});

  /// Suspends the running fiber until wake(). The caller re-checks its condition: a wake-up is a hint.
  void block(const WaitFor& wait);
  void wake(Fiber* fiber);
  /// Lets the other ready fibers run, and the rank serve others, before the running fiber goes on.
  void yield();

  /// The running fiber looks at memory in a loop and has found no change; `progressed`: it has done something since it last
  /// called. It goes on when another fiber has run, or something arrived (happened()). After many turns that found nothing
  /// it counts as blocked.
  void spin(bool progressed);
  /// Something came from outside: who spins may look again.
  void happened() { progress_ = true; }
  /// `look` is called when no fiber is ready, before that is believed. It returns true when it woke one.
  void set_look_again(std::function<bool()> look) { look_again_ = std::move(look); }
  /// `on_switch` is called with the fiber that runs next.
  void set_on_switch(std::function<void(const Fiber&)> on_switch) { on_switch_ = std::move(on_switch); }

  /// Called by compute operations with an estimate of their work in nanoseconds: now and then it lets the rank serve
  /// others (see set_service).
  void tick(std::uint32_t nanoseconds) {
    if (service_ && (work_since_service_ += nanoseconds) >= service_interval_ns) serve_now();
  }
  /// `service` is called from within fibers, at most about every 50 us of compute; it may wake fibers, must not block.
  void set_service(std::function<void()> service) { service_ = std::move(service); }

  /// With a seed: from now on the seed decides which fiber is next, preempt() may interrupt the running one, and `traffic`
  /// is called now and then, and whenever no fiber is ready. `traffic` lets one transfer that is under way make a step, and
  /// returns false when there is none. Without a seed: back to the normal order.
  void shake(std::optional<std::uint64_t> seed, std::function<bool()> traffic = {});
  [[nodiscard]] bool shaken() const { return shaken_ != nullptr; }
  /// The running fiber is at a point where, on hardware, others could have gone first: a shaken scheduler may switch.
  void preempt() {
    if (shaken_) preempt_shaken();
  }

  [[nodiscard]] Fiber* current() const { return current_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Fiber>>& fibers() const { return fibers_; }
  [[nodiscard]] bool all_finished() const { return unfinished_ == 0; }
  [[nodiscard]] bool any_ready() const { return !ready_.empty() || !near_.empty(); }
  /// First exception that left a fiber; null when none did.
  [[nodiscard]] std::exception_ptr failure() const { return failure_; }
  /// CPU seconds spent in fibers, without service(), and in service().
  [[nodiscard]] double kernel_seconds() const { return kernel_seconds_; }
  [[nodiscard]] double service_seconds() const { return service_seconds_; }

  /// Destroys all fibers (unfinished ones unwind) and forgets failure and times.
  void clear();

  static constexpr std::uint32_t service_interval_ns = 50'000;

 private:
  struct Shaken {
    Temper temper;
    Chance chance;
    std::function<bool()> traffic;
  };
  void resume(Fiber& fiber);
  [[nodiscard]] Fiber* take_ready();
  bool wake_spinning();
  void preempt_shaken();
  void serve_now();

  FiberBackend backend_;
  clockid_t clock_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::deque<Fiber*> ready_;
  std::deque<Fiber*> near_;       ///< ready, too, and first: woken by fibers of their own core
  std::uint32_t near_turns_ = 0;  ///< since a fiber was last taken from the other queue
  std::vector<Fiber*> spinning_;
  bool progress_ = false;  ///< since the spinning fibers last looked
  std::function<bool()> look_again_;
  std::function<void(const Fiber&)> on_switch_;
  Fiber* current_ = nullptr;
  std::size_t unfinished_ = 0;
  std::exception_ptr failure_;
  std::unique_ptr<Shaken> shaken_;
  std::uint64_t lowest_priority_ = std::uint64_t{1} << 63U;  ///< the next fiber that gives way gets it
  std::function<void()> service_;
  std::uint64_t work_since_service_ = 0;
  double kernel_seconds_ = 0;
  double service_seconds_ = 0;
};

/// Set around every resume. With the thread back end each fiber's own thread sets it once.
extern constinit thread_local Fiber* running_fiber;

/// The fiber that runs on this thread, null outside of fibers: how the kernel API finds its core.
[[nodiscard]] inline Fiber* current_fiber() { return running_fiber; }

}  // namespace tilegrid
