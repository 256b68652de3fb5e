// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/checks/classes.h"

namespace tilegrid {

/// Applies a list of CLASS=off, CLASS=warn and CLASS=error; the class all is every class, and wild what
/// checks::Config::wild() says of each. Throws UsageError, `flag` first.
void set_checks(std::string_view flag, const std::string& list, checks::Config& config);

}  // namespace tilegrid
