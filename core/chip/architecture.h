// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/chip/chip.h"

namespace tilegrid::timing {

using Architecture = Chip;

}  // namespace tilegrid::timing
