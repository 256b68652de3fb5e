// SPDX-License-Identifier: Apache-2.0
// TRISC: interprets the plan, block by block.
#include <vector>

#include "kernels/api/compute.h"
#include "kernels/planner/run/fused_kernels.h"
#include "kernels/planner/run/interpret.h"

namespace tilegrid::planner {

namespace {

/// A pass's own buffers, bound to the CBs of the whole plan.
std::vector<BufferBinding> bindings_of(const std::vector<BufferUse>& uses) {
  std::vector<BufferBinding> bindings;
  bindings.reserve(uses.size());
  for (const BufferUse& use : uses) bindings.push_back({static_cast<std::uint32_t>(use.buffer), use.pop});
  return bindings;
}

/// CBs of values that passes keep for the rest of the block; the scaler stays for good.
std::vector<int> kept_buffers(const Plan& plan) {
  std::vector<bool> kept(plan.buffers.size(), false);
  for (const Pass& pass : plan.passes) {
    for (const std::vector<BufferUse>& uses : {pass.first_uses, pass.later_uses}) {
      for (const BufferUse& use : uses) kept[use.buffer] = kept[use.buffer] || !use.pop;
    }
  }
  std::vector<int> buffers;
  for (int i = 0; i < count_of(plan.buffers); ++i) {
    if (kept[i] && plan.buffers[i].role != BufferRole::scaler) buffers.push_back(i);
  }
  return buffers;
}

void run_passes(const Plan& plan, std::uint32_t blocks) {
  const std::vector<int> kept = kept_buffers(plan);
  for (std::uint32_t block = 0; block < blocks; ++block) {
    for (const Pass& pass : plan.passes) {
      interpret_block(pass.first, bindings_of(pass.first_uses));
      const std::vector<BufferBinding> later = bindings_of(pass.later_uses);
      for (int segment = 1; segment < pass.segments; ++segment) interpret_block(pass.later, later);
    }
    for (const int buffer : kept) {
      api::cb_pop_front(buffer, plan.buffers[buffer].tiles);
    }
  }
}

}  // namespace

void fused_compute() {
  Plan plan;
  get_arguments(plan);
  const auto blocks = api::get_arg_val<std::uint32_t>(1);
  std::vector<BufferBinding> bindings;
  for (const PlanBuffer& buffer : plan.buffers) {
    bindings.push_back({count_of<std::uint32_t>(bindings), buffer.role != BufferRole::scaler});
  }
  api::compute_kernel_hw_startup(0, 0, static_cast<std::uint32_t>(bindings.size() - 1));
  if (!plan.passes.empty()) return run_passes(plan, blocks);
  for (std::uint32_t i = 0; i < blocks; ++i) interpret_block(plan, bindings);
}

}  // namespace tilegrid::planner
