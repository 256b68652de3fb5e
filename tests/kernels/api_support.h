// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <cstring>

#include "core/tile.h"
#include "kernels/api/circular_buffer.h"
#include "tests/support/session_support.h"

/// For tests of the kernel API: a grid, tiles of one value, and programs of one launch.
namespace tilegrid::test {

inline constexpr GridSize grid{4, 2};
inline constexpr std::uint32_t tile_page = 2048;

/// Writes a bf16 tile of one value.
inline void store_tile(std::uint32_t l1_address, float value) {
  const auto half = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16U);
  auto* elements = reinterpret_cast<std::uint16_t*>(l1_pointer(l1_address));
  for (int i = 0; i < tile_elements; ++i) elements[i] = half;
}
/// Element `i` of a bf16 tile as float bits.
inline std::uint32_t element(std::uint32_t l1_address, int i) {
  std::uint16_t half = 0;
  std::memcpy(&half, l1_pointer(l1_address) + 2 * i, sizeof half);
  return static_cast<std::uint32_t>(half) << 16U;
}
inline std::uint32_t bits(float value) { return std::bit_cast<std::uint32_t>(value); }

inline void give_tile(std::uint32_t cb, float value) {
  api::cb_reserve_back(cb, 1);
  store_tile(api::get_write_ptr(cb), value);
  api::cb_push_back(cb, 1);
  api::cb_wait_front(cb, 1);
}

template <class SetUp, class Check>
void run(const SetUp& set_up, const Check& check) {
  const Outcome outcome = run_session(grid, [&](Device& device) {
    TestProgram program(device);
    set_up(program);
    const RunResult result = program.launch();
    check(program, result);
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

}  // namespace tilegrid::test
