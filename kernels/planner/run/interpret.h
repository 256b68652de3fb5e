// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "kernels/planner/plan/plan.h"

namespace tilegrid::planner {

/// Where a buffer of the plan is on the core.
struct BufferBinding {
  std::uint32_t cb = 0;
  bool pop = true;  ///< when the block is done; false for what later blocks read again. Outputs are never popped
};

/// For a compute kernel: works through one block of the plan, stage by stage, with bindings[i] for plan.buffers[i].
///
/// A stage waits for a block of each CB that it reads, reserves a block of each that it packs to, and pushes these at its
/// end; what was waited for is popped after the last stage. Streamed operands of a matmul are waited for and popped K block
/// by K block: once in a stage, but with Carrier::dst once in each of its sections, since a section spans all of K. With
/// Carrier::reload the matmul's value needs an intermediate buffer for the partial sums, even when it is otherwise packed
/// to an output only.
///
/// What the hardware lacks faults at the operation and names it: an operand that must come from a CB and has none, a
/// function without a unit for it, slots beyond the capacity.
void interpret_block(const Plan& plan, std::span<const BufferBinding> bindings);

}  // namespace tilegrid::planner
