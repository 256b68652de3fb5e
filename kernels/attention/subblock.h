// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "kernels/attention/config.h"

namespace tilegrid::attention {

/// The first of the shapes whose product fits `dst_slots` and that divides rows and columns; 1x1 must be among them.
[[nodiscard]] Subblock first_subblock(std::span<const Subblock> shapes, int rows, int columns, int dst_slots);

}  // namespace tilegrid::attention
