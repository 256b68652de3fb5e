// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kernels/attention/config.h"
#include "kernels/attention/kernel_args.h"
#include "kernels/planner/plan/plan.h"
#include "kernels/planner/run/interpret.h"
#include "kernels/planner/run/plan_args.h"

/// Flash attention whose compute kernel interprets plans of the DST planner. Reader and writer are those of the hand-written
/// kernel, and so are the circular buffers that they use.
namespace tilegrid::attention {

/// What a core does to a Q chunk: one K step after the other, each a graph of its own, then the division by the row sums. A
/// first step has no earlier statistics to merge with.
enum class PlannedStep : std::uint8_t { first, first_masked, later, later_masked, normalise };
inline constexpr int planned_step_count = 5;
[[nodiscard]] const char* name_of(PlannedStep step);
[[nodiscard]] constexpr PlannedStep k_step(bool later, bool masked) {
  return static_cast<PlannedStep>((later ? 2 : 0) + (masked ? 1 : 0));
}

/// A plan and where its buffers are. A value that is carried from step to step (row maximum, row sums, output) has two CBs:
/// a step reads it from one and packs it to the other, the next step the other way round. bindings[turn] are for a step
/// that reads the CBs of `turn`; normalise has both as well.
struct BoundPlan {
  planner::Plan plan;  ///< formats of buffers are those of their CBs
  std::array<std::vector<planner::BufferBinding>, 2> bindings;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(plan, bindings);
  }
};

/// The plans of a kernel; those of steps that no Q chunk has are not there.
using StepPlans = std::array<std::optional<BoundPlan>, planned_step_count>;

struct PlannedKernel {
  StepPlans steps;
  std::vector<CircularBufferConfig> circular_buffers;
};

/// The graph of a step over one pair of chunks, which must be set (dst.md 6). The exponential that rescales is the accurate
/// one always: with the fast exp, whose exp(0) is 0.978, old chunks would fade with every step.
[[nodiscard]] planner::Graph step_graph(const Config& config, PlannedStep step);

/// Plans every step that occurs by Strategy::best, for the config's DST mode, sync and fidelity. FPU forms may cut fp32 to
/// TF32 and factors as the fidelity says, as those of the hand-written kernel do; running sums are no accumulators of a
/// matmul in 16-bit DST. Throws UsageError when there are more circular buffers than a core has.
[[nodiscard]] PlannedKernel plan_kernel(const Config& config);

/// Modelled cycles of the compute side by the plans, of all steps of all Q chunks.
[[nodiscard]] double planned_cycles(const Config& config, const PlannedKernel& kernel);

/// The circular buffers by the values that plans are expected to keep in CBs, without planning: for the choice of chunks.
[[nodiscard]] std::vector<CircularBufferConfig> expected_planned_buffers(const Config& config);

/// The compile-time arguments of the planned compute kernel.
struct PlannedArguments {
  std::vector<std::uint32_t> args;  ///< KernelArgs::words()
  StepPlans steps;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(args, steps);
  }
};

/// The kernel's entry.
void planned_compute();

}  // namespace tilegrid::attention
