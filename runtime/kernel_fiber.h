// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/checks/reporter.h"
#include "core/fiber.h"
#include "kernels/api/context.h"
#include "kernels/registry.h"

namespace tilegrid {

/// The call that a kernel is in.
[[nodiscard]] inline checks::Place place_in(const KernelContext& kernel) {
  return {kernel.kernel_name, kernel.where.file, kernel.where.line, kernel.risc};
}
/// That of the running kernel; an empty place outside of kernels.
[[nodiscard]] checks::Place running_place();

/// The body of a kernel's fiber: the kernel, then what it left under way. Throws KernelError for what the kernel did
/// wrong, with core, RISC and line; errors of the run pass as they are.
void run_kernel(KernelContext& kernel, KernelFunction function);

}  // namespace tilegrid
