// SPDX-License-Identifier: Apache-2.0
#include "core/execution_context.h"

#include <boost/context/fiber.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace tilegrid {
namespace {

/// The address sanitizer must be told of every stack switch; in other builds these calls vanish.
class StackSwitch {
 public:
  void start([[maybe_unused]] const void* bottom, [[maybe_unused]] std::size_t size, [[maybe_unused]] bool ends = false) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(ends ? nullptr : &fake_stack_, bottom, size);
#endif
  }
  void finish([[maybe_unused]] const void** bottom, [[maybe_unused]] std::size_t* size) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fake_stack_, bottom, size);
#endif
  }

 private:
#if defined(__SANITIZE_ADDRESS__)
  void* fake_stack_ = nullptr;
#endif
};

/// The last frames of a fiber never return and leave their marks on the stack, whose memory may serve others next.
void forget_stack([[maybe_unused]] const void* bottom, [[maybe_unused]] std::size_t size) {
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(bottom, size);
#endif
}

/// Stacks of fibers that have ended serve later ones: a launch of 80 cores needs 240, and to map and unmap them, with their
/// guard pages and the pages that were touched, takes longer than a short kernel. As Boost wants allocators: copies are one.
class StackPool {
 public:
  boost::context::stack_context allocate() {
    Kept& kept = of_process();
    const std::lock_guard lock(kept.mutex);
    if (kept.stacks.empty()) return boost::context::protected_fixedsize_stack(fiber_stack_bytes).allocate();
    const boost::context::stack_context stack = kept.stacks.back();
    kept.stacks.pop_back();
    return stack;
  }
  void deallocate(boost::context::stack_context& stack) noexcept {
    Kept& kept = of_process();
    const std::lock_guard lock(kept.mutex);
    if (kept.stacks.size() == most_kept) {
      boost::context::protected_fixedsize_stack(fiber_stack_bytes).deallocate(stack);
    } else {
      kept.stacks.push_back(stack);
    }
  }

 private:
  /// Three for every core of the largest grid.
  static constexpr std::size_t most_kept = 512;
  struct Kept {
    Kept() { stacks.reserve(most_kept); }
    std::mutex mutex;
    std::vector<boost::context::stack_context> stacks;
  };
  static Kept& of_process() {
    static auto* const kept = new Kept;  // NOLINT: fibers may end as late as the process
    return *kept;
  }
};

class BoostContext final : public ExecutionContext {
 public:
  explicit BoostContext(std::function<void()> entry) : entry_(std::move(entry)) {
    namespace ctx = boost::context;
    StackPool allocator;
    const ctx::stack_context stack = allocator.allocate();
    stack_bottom_ = static_cast<char*>(stack.sp) - stack.size;
    stack_size_ = stack.size;
    fiber_ = ctx::fiber(std::allocator_arg, ctx::preallocated(stack.sp, stack.size, stack), allocator,
                        [this](ctx::fiber&& caller) { return body(std::move(caller)); });
  }
  ~BoostContext() override {
    if (!finished_) {  // one that never began too: Boost would enter its stack behind the sanitizer's back
      cancelled_ = true;
      resume();
    }
    forget_stack(stack_bottom_, stack_size_);
  }
  BoostContext(const BoostContext&) = delete;
  BoostContext& operator=(const BoostContext&) = delete;

  void resume() override {
    outside_.start(stack_bottom_, stack_size_);
    fiber_ = std::move(fiber_).resume();
    outside_.finish(nullptr, nullptr);
  }
  void suspend() override {
    inside_.start(caller_bottom_, caller_size_);
    caller_ = std::move(caller_).resume();
    inside_.finish(&caller_bottom_, &caller_size_);
    if (cancelled_) throw FiberCancelled{};
  }
  [[nodiscard]] bool finished() const override { return finished_; }

 private:
  boost::context::fiber body(boost::context::fiber&& caller) {
    inside_.finish(&caller_bottom_, &caller_size_);
    caller_ = std::move(caller);
    try {
      if (!cancelled_) entry_();
    } catch (const FiberCancelled&) {  // NOLINT(bugprone-empty-catch): the stack has unwound, which was the purpose
    }
    finished_ = true;
    inside_.start(caller_bottom_, caller_size_, true);
    return std::move(caller_);
  }

  std::function<void()> entry_;
  boost::context::fiber fiber_;
  boost::context::fiber caller_;
  StackSwitch outside_;
  StackSwitch inside_;
  const void* stack_bottom_ = nullptr;
  std::size_t stack_size_ = 0;
  const void* caller_bottom_ = nullptr;
  std::size_t caller_size_ = 0;
  bool finished_ = false;
  bool cancelled_ = false;
};

class ThreadContext final : public ExecutionContext {
 public:
  explicit ThreadContext(std::function<void()> entry) : entry_(std::move(entry)) {}
  ~ThreadContext() override {
    if (thread_.joinable()) {
      if (!finished_) {
        cancelled_ = true;
        resume();
      }
      thread_.join();
    }
  }
  ThreadContext(const ThreadContext&) = delete;
  ThreadContext& operator=(const ThreadContext&) = delete;

  void resume() override {
    std::unique_lock lock(mutex_);
    inside_runs_ = true;
    if (!thread_.joinable()) {
      thread_ = std::thread([this] { body(); });
    }
    changed_.notify_all();
    changed_.wait(lock, [this] { return !inside_runs_; });
  }
  void suspend() override {
    std::unique_lock lock(mutex_);
    inside_runs_ = false;
    changed_.notify_all();
    changed_.wait(lock, [this] { return inside_runs_; });
    if (cancelled_) throw FiberCancelled{};
  }
  [[nodiscard]] bool finished() const override { return finished_; }

 private:
  void body() {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return inside_runs_; });
    }
    try {
      entry_();
    } catch (const FiberCancelled&) {  // NOLINT(bugprone-empty-catch): the stack has unwound, which was the purpose
    }
    const std::lock_guard lock(mutex_);
    finished_ = true;
    inside_runs_ = false;
    changed_.notify_all();
  }

  std::function<void()> entry_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool inside_runs_ = false;
  bool finished_ = false;
  bool cancelled_ = false;
};

}  // namespace

std::unique_ptr<ExecutionContext> make_execution_context(FiberBackend backend, std::function<void()> entry) {
  if (backend == FiberBackend::thread) return std::make_unique<ThreadContext>(std::move(entry));
  return std::make_unique<BoostContext>(std::move(entry));
}

}  // namespace tilegrid
