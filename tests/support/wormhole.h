// SPDX-License-Identifier: Apache-2.0
// The built-in Wormhole, which most tests are about, under short names.
#pragma once

#include "core/chip/chip.h"

namespace tilegrid {

inline const Chip& wormhole() {
  static const Chip chip;
  return chip;
}
inline const std::uint32_t l1_bytes = wormhole().memory().l1_bytes;

}  // namespace tilegrid
