// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/cli/arguments.h"

namespace tilegrid::cli {

[[nodiscard]] Command add_matmul_command(CLI::App& parent);

}  // namespace tilegrid::cli
