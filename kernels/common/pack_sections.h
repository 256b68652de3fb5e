// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/dst_section.h"

namespace tilegrid::api {

/// A section for each of `tiles` tiles, by math(its number), all packed to `cb`.
template <class Math>
void pack_sections(std::uint32_t cb, std::uint32_t tiles, Math math, Here at = Here::current()) {
  cb_reserve_back(cb, tiles, at);
  for (std::uint32_t i = 0; i < tiles; ++i) {
    section([&] { math(i); }, [&] { pack_tile(0, cb, at); }, at);
  }
  cb_push_back(cb, tiles, at);
}

/// The same for what compute itself reads next: waits for them.
template <class Math>
void keep_sections(std::uint32_t cb, std::uint32_t tiles, Math math, Here at = Here::current()) {
  pack_sections(cb, tiles, math, at);
  cb_wait_front(cb, tiles, at);
}

}  // namespace tilegrid::api
