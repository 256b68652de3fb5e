// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/cli/attention_command.h"
#include "runtime/session.h"

namespace tilegrid::cli {

/// `tilegrid attention --compare-kernels`: one table of the six-operation kernel by every strategy of the planner, planned
/// attention and hand-written attention (dst.md 8). All that is legal runs on the device; every figure is from a plan, a
/// program or a run. Runs on rank 0. Returns the exit code.
int compare_kernels(const Session& session, Device& device, const AttentionOptions& options);

}  // namespace tilegrid::cli
