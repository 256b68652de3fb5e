// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/types.h"
#include "kernels/api/dataflow.h"
#include "noc/address.h"

/// What test kernels on a 4x2 grid say to each other with.
namespace tilegrid::test::eight {

using Words = volatile std::uint32_t*;

inline constexpr GridSize grid{4, 2};

[[nodiscard]] inline Words words(std::uint32_t l1_address) { return api::semaphore_pointer(l1_address); }
[[nodiscard]] inline Words semaphore(std::uint32_t id) { return words(api::get_semaphore(id)); }
[[nodiscard]] inline std::uint32_t my_index() {
  return (api::my_y() - noc::virtual_base) * 4 + api::my_x() - noc::virtual_base;
}
[[nodiscard]] inline std::uint64_t on_core(std::uint32_t index, std::uint32_t address) {
  return api::get_noc_addr(index % 4 + noc::virtual_base, index / 4 + noc::virtual_base, address);
}
/// Corners as the NoC wants them; the kernel's own unless one is given.
[[nodiscard]] inline std::uint64_t on_all_cores(std::uint32_t address, std::uint8_t noc = api::default_noc) {
  constexpr std::uint32_t first = noc::virtual_base;
  const NocId on = noc == api::default_noc ? api::running_kernel().default_noc : static_cast<NocId>(noc);
  if (on == NocId::noc1) return api::get_noc_multicast_addr(first + 3, first + 1, first, first, address);
  return api::get_noc_multicast_addr(first, first, first + 3, first + 1, address);
}
/// How many of `count` words from `address` on are `value`.
[[nodiscard]] inline std::uint32_t count_equal(std::uint32_t address, std::uint32_t count, std::uint32_t value) {
  std::uint32_t equal = 0;
  for (std::uint32_t i = 0; i < count; ++i) equal += words(address)[i] == value ? 1 : 0;
  return equal;
}
inline void fill(std::uint32_t address, std::uint32_t count, std::uint32_t value) {
  for (std::uint32_t i = 0; i < count; ++i) words(address)[i] = value;
}
/// Tells all cores, and waits for as many.
inline void meet(std::uint32_t id) {
  for (std::uint32_t core = 0; core < 8; ++core) api::noc_semaphore_inc(on_core(core, api::get_semaphore(id)), 1);
  api::noc_semaphore_wait(semaphore(id), 8);
}

}  // namespace tilegrid::test::eight
