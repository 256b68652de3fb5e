// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace tilegrid {

/// Host-side work that the ranks share, e.g. verification: bytes in, bytes out, no cores involved.
using TaskFunction = std::vector<std::byte> (*)(std::span<const std::byte> input);

/// Makes a task known under a name on this rank; as register_kernel().
std::string register_task(const std::string& name, TaskFunction function);
[[nodiscard]] TaskFunction find_task(const std::string& name);

}  // namespace tilegrid
