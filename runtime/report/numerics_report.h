// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/rounding_bound.h"
#include "runtime/report/value.h"

namespace tilegrid::report {

/// JSON: rounded_too_seldom (null but of fast numerics) and fault_strikes (null but of exact ones).
[[nodiscard]] Value numerics_of(const NumericsUse& use);
/// The same in lines, none when there is nothing to say.
[[nodiscard]] std::vector<std::string> numerics_lines(const NumericsUse& use);

}  // namespace tilegrid::report
