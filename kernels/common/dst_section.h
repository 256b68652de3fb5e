// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/api/compute.h"

namespace tilegrid::api {

/// Runs `math` as one DST section and packs its slots with `pack`.
template <class Math, class Pack>
void section(Math math, Pack pack, Here at = Here::current()) {
  tile_regs_acquire(at);
  math();
  tile_regs_commit(at);
  tile_regs_wait(at);
  pack();
  tile_regs_release(at);
}

}  // namespace tilegrid::api
