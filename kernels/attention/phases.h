// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tilegrid::attention {

/// What a part of an attention kernel is for: the report of device time adds up cycles by it.
enum class Phase : std::uint8_t { none, qk, mask, max, exp, sum, pv, rescale, normalise, read, write };

/// Program::phases of all attention programs.
[[nodiscard]] inline std::vector<std::string> phase_names() {
  return {"qk", "mask", "max", "exp", "sum", "pv", "rescale", "normalise", "read", "write"};
}

}  // namespace tilegrid::attention
