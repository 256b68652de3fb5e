// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace tilegrid {

/// How fibers are made: Boost.Context stacks with guard pages (fast), or one std::thread each with only one running at a
/// time (slow; for debuggers and tools that do not know stack switches).
enum class FiberBackend { boost, thread };

/// A computation that can be suspended. resume() and suspend() alternate; exactly one side runs at a time.
/// Destroying an unfinished context makes its suspend() throw FiberCancelled, so that its stack unwinds.
class ExecutionContext {
 public:
  virtual ~ExecutionContext() = default;
  virtual void resume() = 0;   ///< from outside: runs until the next suspend() or the end
  virtual void suspend() = 0;  ///< from inside
  [[nodiscard]] virtual bool finished() const = 0;
};

/// Thrown out of suspend() when the context is being destroyed. Kernels must let it pass.
struct FiberCancelled {};

/// Stack of a fiber. Kernels keep tiles in L1, so that little is needed; MPI and formatting run on it too.
inline constexpr std::size_t fiber_stack_bytes = std::size_t{256} << 10U;

/// `entry` must not let an exception escape other than FiberCancelled.
[[nodiscard]] std::unique_ptr<ExecutionContext> make_execution_context(FiberBackend backend, std::function<void()> entry);

}  // namespace tilegrid
