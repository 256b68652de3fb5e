// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace tilegrid {

/// Most bytes of memory that this process has held so far.
[[nodiscard]] std::uint64_t resident_high_water();

}  // namespace tilegrid
