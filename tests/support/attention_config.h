// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/attention/config.h"

namespace tilegrid::attention {

/// An attention with chunks of so many rows, all else as by default.
[[nodiscard]] inline Config make(Shape shape, int q_chunk, int k_chunk, GridSize grid = {8, 10}) {
  Config config;
  config.shape = shape;
  config.q_chunk = q_chunk;
  config.k_chunk = k_chunk;
  config.grid = grid;
  return config;
}

}  // namespace tilegrid::attention
