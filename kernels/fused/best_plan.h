// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "kernels/fused/planner.h"

namespace tilegrid::fused {

/// The least modelled cycles over sections, shapes, orders, forms, carriers and sync modes; never more than any other
/// strategy's. `graph` is simplified.
[[nodiscard]] Plan plan_best(const Graph& graph, const PlanRequest& request);

/// The strategy's plan with matmuls of two inputs fed K block by K block, by the cheapest carrier of their sums that fits
/// L1; nothing when no matmul can be fed so or nothing fits.
[[nodiscard]] std::optional<Plan> plan_streamed(const Graph& graph, Strategy strategy, const PlanRequest& request);

[[nodiscard]] bool fits_l1(const Plan& plan);
/// Throws UsageError for more than 32 circular buffers or more bytes than L1 has.
void check_buffers(const Plan& plan);

}  // namespace tilegrid::fused
