// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/matrix_unit.h"

namespace tilegrid {

/// "hifi2", as on the command line.
[[nodiscard]] const char* name_of(Fidelity fidelity);
/// "rounded", as on the command line.
[[nodiscard]] const char* name_of(Numerics numerics);

}  // namespace tilegrid
