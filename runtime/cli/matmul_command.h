// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "runtime/cli/arguments.h"
#include "runtime/workloads/matmul_run.h"

namespace tilegrid::cli {

[[nodiscard]] Command add_matmul_command(CLI::App& parent);
/// What `tilegrid matmul` with these flags would run. Throws UsageError.
[[nodiscard]] MatmulOptions parse_matmul(const std::vector<std::string>& arguments);

}  // namespace tilegrid::cli
