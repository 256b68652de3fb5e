// SPDX-License-Identifier: Apache-2.0
#include "core/l1.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "core/error.h"
#include "tests/support/wormhole.h"

namespace tilegrid {
namespace {

TEST(L1, SizesAreWormholes) {
  EXPECT_EQ(l1_bytes, 1464U * 1024);
  EXPECT_EQ(l1_user_base % 32, 0U);
  EXPECT_GE(l1_semaphore_base, l1_mapped_base);
  EXPECT_LE(l1_semaphore_base + max_semaphores * semaphore_bytes, l1_user_base);
  EXPECT_LE(l1_bytes, l1_slot_bytes);
}

TEST(L1, OneCoreIsAtItsTrueOffset) {
  const L1Arena arena(1, l1_bytes);
  EXPECT_EQ(arena.base(0), 0U);
  std::byte* first = l1_pointer(l1_mapped_base);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first), l1_mapped_base);
  std::memset(first, 0x5A, l1_bytes - l1_mapped_base);
  EXPECT_EQ(*l1_pointer(l1_bytes - 1), std::byte{0x5A});
}

TEST(L1, SeveralCoresHaveSlots) {
  const L1Arena arena(80, l1_bytes);
  EXPECT_EQ(arena.cores(), 80);
  for (int core = 0; core < 80; ++core) {
    const std::uint32_t base = arena.base(core);
    EXPECT_EQ(base % l1_slot_bytes, 0U);
    EXPECT_NE(base, 0U);
    EXPECT_EQ(base - arena.base(0), static_cast<std::uint32_t>(core) * l1_slot_bytes);
    std::memset(l1_pointer(base + l1_mapped_base), core + 1, 4096);
    std::memset(l1_pointer(base + l1_bytes - 4096), core + 1, 4096);
    EXPECT_EQ(l1_offset_of(base + l1_user_base), l1_user_base);
  }
  for (int core = 0; core < 80; ++core) {
    EXPECT_EQ(*l1_pointer(arena.base(core) + l1_mapped_base), static_cast<std::byte>(core + 1));
    EXPECT_EQ(*l1_pointer(arena.base(core) + l1_bytes - 1), static_cast<std::byte>(core + 1));
  }
}

TEST(L1, TwoArenasCanLiveTogether) {
  const L1Arena one(1, l1_bytes);
  const L1Arena other(1, l1_bytes);  // the true offset is taken: it gets a slot
  EXPECT_EQ(one.base(0), 0U);
  EXPECT_NE(other.base(0), 0U);
  *l1_pointer(one.base(0) + l1_user_base) = std::byte{1};
  *l1_pointer(other.base(0) + l1_user_base) = std::byte{2};
  EXPECT_EQ(*l1_pointer(one.base(0) + l1_user_base), std::byte{1});
  const L1Arena many(8, l1_bytes);
  EXPECT_NE(many.base(0), other.base(0));
}

TEST(L1, ResetZeroes) {
  for (const int cores : {1, 3}) {
    L1Arena arena(cores, l1_bytes);
    for (int core = 0; core < cores; ++core) std::memset(l1_pointer(arena.base(core) + l1_user_base), 0xFF, 100'000);
    arena.reset();
    for (int core = 0; core < cores; ++core) {
      const std::vector<std::byte> zeros(100'000);
      EXPECT_EQ(std::memcmp(l1_pointer(arena.base(core) + l1_user_base), zeros.data(), zeros.size()), 0) << core;
    }
  }
}

TEST(L1, RoomIsGivenBack) {
  for (int i = 0; i < 100; ++i) {
    const L1Arena arena(1, l1_bytes);
    ASSERT_EQ(arena.base(0), 0U);
  }
}

TEST(L1, MoreThanFourGibibytesAreRefused) {
  try {
    const L1Arena arena(2000, l1_bytes);
    ADD_FAILURE() << "2000 slots of 2 MiB below 4 GiB";
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("2000 cores in one process: at most 1792"), std::string::npos) << error.message();
  }
}

}  // namespace
}  // namespace tilegrid
