// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/planner/plan/planner.h"

namespace tilegrid::planner {

/// The least modelled cycles over sections, shapes, orders, forms, carriers and sync modes; never more than any other
/// strategy's. `graph` is simplified.
[[nodiscard]] Plan plan_best(const Graph& graph, const PlanRequest& request);

/// The best plan of one sync mode with all of the block in L1, whether it fits there or not. Nothing: an operation alone
/// needs more slots than there are.
[[nodiscard]] std::optional<Plan> search_whole(const Graph& graph, const PlanRequest& request, const Machine& machine);
/// Those that may be chosen for the machine.
[[nodiscard]] std::vector<Machine> sync_modes(const Machine& machine);

/// As plan(), for a simplified graph and a strategy other than best, without a limit to the number of circular buffers.
[[nodiscard]] Plan unchecked_plan(const Graph& graph, Strategy strategy, const PlanRequest& request);

/// Whether the packer must not accumulate in outputs: with 32-bit DST and bf16 outputs, if precision is to be kept, because
/// the sums would be cut; and with block floats, because the packer can't.
[[nodiscard]] inline bool narrow_output(const Machine& machine) {
  if (is_block_float(machine.out_format())) return true;
  return machine.dst_fp32 && machine.precision == Precision::keep && machine.out_format() == DataFormat::bf16;
}

/// Bytes of L1 that circular buffers may take.
[[nodiscard]] std::uint64_t l1_for_buffers(const Machine& machine);
[[nodiscard]] bool fits_l1(const Plan& plan);
/// Throws UsageError for more than 32 circular buffers.
void check_buffer_count(const Plan& plan);
/// The same, and for more bytes than L1 has.
void check_buffers(const Plan& plan);

}  // namespace tilegrid::planner
