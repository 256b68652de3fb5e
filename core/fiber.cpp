// SPDX-License-Identifier: Apache-2.0
#include "core/fiber.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "core/cpu_time.h"

namespace tilegrid {
namespace {

double seconds_between(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

constinit thread_local Fiber* running_fiber = nullptr;

Fiber& Scheduler::spawn(int core, Risc risc, void* local, CoreHostCost* cost, std::function<void()> entry) {
  auto fiber = std::make_unique<Fiber>();
  Fiber* self = fiber.get();
  self->core_ = core;
  self->risc_ = risc;
  self->local_ = local;
  self->cost_ = cost;
  self->context_ = make_execution_context(backend_, [self, entry = std::move(entry)] {
    running_fiber = self;
    try {
      entry();
    } catch (const FiberCancelled&) {
      throw;
    } catch (...) {
      self->failure_ = std::current_exception();
    }
  });
  if (shaken_) self->priority_ = (std::uint64_t{1} << 63U) | shaken_->chance.next() >> 1U;
  fibers_.push_back(std::move(fiber));
  ready_.push_back(self);
  ++unfinished_;
  return *self;
}

void Scheduler::run(const std::function<bool()>& between) {
  while (!failure_) {
    if (!any_ready()) {
      if (shaken_ && shaken_->traffic()) continue;
      if (wake_spinning() || (look_again_ && look_again_())) continue;
      return;
    }
    resume(*take_ready());
    if (shaken_ && shaken_->chance.one_in(shaken_->temper.traffic_one_in)) static_cast<void>(shaken_->traffic());
    if (between && !between()) return;
  }
}

Fiber* Scheduler::take_ready() {
  if (shaken_) {
    auto next = ready_.begin();
    if (shaken_->temper.by_priority) {
      next = std::max_element(ready_.begin(), ready_.end(),
                              [](const Fiber* a, const Fiber* b) { return a->priority_ < b->priority_; });
    } else {
      next += shaken_->chance.below(ready_.size());
    }
    std::iter_swap(next, ready_.begin());
  }
  // Two fibers that wake each other for ever do not keep the other cores waiting.
  constexpr std::uint32_t most_near_turns = 64;
  const bool near = !near_.empty() && (ready_.empty() || near_turns_ < most_near_turns);
  near_turns_ = near ? near_turns_ + 1 : 0;
  std::deque<Fiber*>& from = near ? near_ : ready_;
  Fiber* fiber = from.front();
  from.pop_front();
  return fiber;
}

void Scheduler::shake(std::optional<std::uint64_t> seed, std::function<bool()> traffic) {
  shaken_.reset();
  ready_.insert(ready_.end(), near_.begin(), near_.end());
  near_.clear();
  if (!seed) return;
  if (!traffic) traffic = [] { return false; };
  shaken_ = std::make_unique<Shaken>(Shaken{Temper(*seed), Chance(*seed), std::move(traffic)});
}

void Scheduler::preempt_shaken() {
  if (current_ != nullptr && shaken_->chance.one_in(shaken_->temper.preempt_one_in)) yield();
}

void Scheduler::resume(Fiber& fiber) {
  const double service_before = service_seconds_;
  const double start = cpu_seconds(clock_);
  current_ = &fiber;
  running_fiber = &fiber;
  if (on_switch_) on_switch_(fiber);
  fiber.context_->resume();
  running_fiber = nullptr;
  current_ = nullptr;
  if (!fiber.spinning_) progress_ = true;
  const double ran = cpu_seconds(clock_) - start - (service_seconds_ - service_before);
  kernel_seconds_ += ran;
  if (fiber.cost_ != nullptr) fiber.cost_->kernel_seconds[fiber.risc_] += ran;
  if (fiber.finished()) {
    --unfinished_;
    if (fiber.failure_ && !failure_) failure_ = fiber.failure_;
  }
}

void Scheduler::block(const WaitFor& wait) {
  Fiber* fiber = current_;
  if (fiber == nullptr) throw std::logic_error("Scheduler::block called outside of a fiber");
  fiber->wait_ = wait;
  fiber->blocked_ = true;
  fiber->blocked_since_ = std::chrono::steady_clock::now();
  fiber->context_->suspend();
}

void Scheduler::wake(Fiber* fiber) {
  if (fiber == nullptr || !fiber->blocked_ || fiber->spinning_) return;
  fiber->blocked_ = false;
  if (fiber->cost_ != nullptr) {
    const Risc risc = fiber->risc_;
    const BlockReason reason = fiber->wait_.reason;
    fiber->cost_->blocked_seconds[risc][reason] += seconds_between(fiber->blocked_since_, std::chrono::steady_clock::now());
    ++fiber->cost_->blocked_count[risc][reason];
  }
  const bool near = !shaken_ && current_ != nullptr && current_->core_ == fiber->core_;
  (near ? near_ : ready_).push_back(fiber);
}

void Scheduler::yield() {
  Fiber* fiber = current_;
  if (fiber == nullptr) throw std::logic_error("Scheduler::yield called outside of a fiber");
  // Who gives way is behind all others: a kernel that asks in a loop would starve those whose answer it wants.
  if (shaken_) fiber->priority_ = lowest_priority_--;
  ready_.push_back(fiber);
  fiber->context_->suspend();
}

void Scheduler::spin(bool progressed) {
  // A loop that only computes may look like one that waits: it gets this many turns on its own.
  constexpr std::uint32_t most_idle_turns = 2048;
  Fiber* fiber = current_;
  if (fiber == nullptr) throw std::logic_error("Scheduler::spin called outside of a fiber");
  fiber->idle_turns_ = progressed ? 0 : fiber->idle_turns_ + 1;
  if (fiber->idle_turns_ < most_idle_turns) progress_ = true;
  fiber->wait_ = {};
  fiber->blocked_ = fiber->spinning_ = true;
  fiber->blocked_since_ = std::chrono::steady_clock::now();
  spinning_.push_back(fiber);
  fiber->context_->suspend();
}

bool Scheduler::wake_spinning() {
  if (!progress_ || spinning_.empty()) return false;
  progress_ = false;
  for (Fiber* fiber : spinning_) {
    fiber->blocked_ = fiber->spinning_ = false;
    ready_.push_back(fiber);
  }
  spinning_.clear();
  return true;
}

void Scheduler::serve_now() {
  work_since_service_ = 0;
  const double start = cpu_seconds(clock_);
  service_();
  service_seconds_ += cpu_seconds(clock_) - start;
}

void Scheduler::clear() {
  ready_.clear();
  near_.clear();
  spinning_.clear();
  progress_ = false;
  for (auto& fiber : fibers_) {
    current_ = fiber.get();
    running_fiber = fiber.get();
    fiber->context_.reset();
  }
  running_fiber = nullptr;
  current_ = nullptr;
  fibers_.clear();
  unfinished_ = 0;
  failure_ = nullptr;
  kernel_seconds_ = 0;
  service_seconds_ = 0;
  work_since_service_ = 0;
}

}  // namespace tilegrid
