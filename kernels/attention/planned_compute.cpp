// SPDX-License-Identifier: Apache-2.0
// TRISC: flash attention by plans. What happens in a K step is in the graphs of planned.cpp and in the plans made of them;
// here is the loop around them.
#include "kernels/api/compute.h"
#include "kernels/attention/planned.h"

namespace tilegrid::attention {
namespace {

using namespace tilegrid::api;

void run_step(const StepPlans& steps, PlannedStep step, std::size_t turn) {
  const BoundPlan& bound = steps.at(to_underlying(step)).value();
  planner::interpret_block(bound.plan, bound.bindings.at(turn));
}

/// One Q chunk against all the K chunks that it visits.
void attend(const KernelArgs& args, const StepPlans& steps, std::uint32_t q_chunk) {
  std::size_t turn = 0;
  for (std::uint32_t j = 0; j < args.visited_chunks(q_chunk); ++j) {
    const PlannedStep step = k_step(j != 0, args.masked(q_chunk, j));
    repeat({to_underlying(step), static_cast<std::uint32_t>(turn)}, [&] { run_step(steps, step, turn); });
    turn = 1 - turn;
  }
  run_step(steps, PlannedStep::normalise, turn);
  const std::uint32_t last_max = turn == 0 ? cb_max_a : cb_max_b;
  cb_wait_front(last_max, args.q_chunk_t);
  cb_pop_front(last_max, args.q_chunk_t);
  cb_pop_front(cb_q, args.q_chunk_t * args.dim_t);
}

}  // namespace

void planned_compute() {
  PlannedArguments planned;
  planner::get_arguments(planned);
  const KernelArgs args = KernelArgs::from_words(planned.args);
  const auto first = get_arg_val<std::uint32_t>(0);
  const auto count = get_arg_val<std::uint32_t>(1);
  compute_kernel_hw_startup(cb_q, cb_k, cb_out);
  for (std::uint32_t position = first; position < first + count; ++position) {
    attend(args, planned.steps, args.item_at(position).chunk);
  }
}

}  // namespace tilegrid::attention
