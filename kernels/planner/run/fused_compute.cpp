// SPDX-License-Identifier: Apache-2.0
// TRISC: interprets the plan, block by block.
#include <vector>

#include "kernels/api/compute.h"
#include "kernels/planner/run/fused_kernels.h"
#include "kernels/planner/run/interpret.h"

namespace tilegrid::planner {

void fused_compute() {
  Plan plan;
  get_arguments(plan);
  const auto blocks = api::get_arg_val<std::uint32_t>(1);
  std::vector<BufferBinding> bindings;
  for (const PlanBuffer& buffer : plan.buffers) {
    bindings.push_back({count_of<std::uint32_t>(bindings), buffer.role != BufferRole::scaler});
  }
  api::compute_kernel_hw_startup(0, 0, static_cast<std::uint32_t>(bindings.size() - 1));
  for (std::uint32_t i = 0; i < blocks; ++i) interpret_block(plan, bindings);
}

}  // namespace tilegrid::planner
