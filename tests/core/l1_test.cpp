// SPDX-License-Identifier: Apache-2.0
#include "core/l1.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "core/checks/poison.h"
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

TEST(L1, SharedMemoryShowsIt) {
  constexpr std::uint64_t offset = 3 * std::uint64_t{l1_slot_bytes};
  for (const int cores : {1, 3}) {
    const int file = memfd_create("l1_test", MFD_CLOEXEC);
    ASSERT_GE(file, 0);
    ASSERT_EQ(ftruncate(file, offset + cores * std::uint64_t{l1_slot_bytes}), 0);
    {
      L1Arena arena(cores, l1_bytes, {file, offset});
      const auto seen = [&](int core) {
        std::byte byte{};
        EXPECT_EQ(pread(file, &byte, 1, static_cast<off_t>(offset + std::uint64_t{l1_slot_bytes} * core + l1_user_base)), 1);
        return byte;
      };
      for (int core = 0; core < cores; ++core) {
        *l1_pointer(arena.base(core) + l1_user_base) = static_cast<std::byte>(core + 1);
        EXPECT_EQ(seen(core), static_cast<std::byte>(core + 1));
      }
      arena.reset();
      for (int core = 0; core < cores; ++core) EXPECT_EQ(seen(core), std::byte{0});
    }
    close(file);
  }
}

void expect_marks(int cores, L1File file) {
  constexpr std::uint32_t first = l1_user_base + 32;
  constexpr std::uint32_t end = first + 50'000;
  static_assert((end - first) % checks::poison_bytes == 0);
  L1Arena arena(cores, l1_bytes, file);
  for (const bool again : {false, true}) {
    if (again) arena.reset();
    for (int core = 0; core < cores; ++core) arena.mark_unwritten(core, first, end);
    for (int core = 0; core < cores; ++core) {
      std::byte* const l1 = l1_pointer(arena.base(core));
      std::vector<std::byte> expected(50'000);
      checks::fill(checks::l1_poison, expected.data(), expected.size());
      EXPECT_EQ(std::memcmp(l1 + first, expected.data(), expected.size()), 0) << core << again;
      const std::vector<std::byte> zeros(4096);
      EXPECT_EQ(std::memcmp(l1 + first - 32, zeros.data(), 32), 0) << core << again;
      EXPECT_EQ(std::memcmp(l1 + end, zeros.data(), zeros.size()), 0) << core << again;
    }
    // What one core writes the others do not see.
    std::memset(l1_pointer(arena.base(0) + first), 0xFF, 20'000);
    for (int core = 1; core < cores; ++core) {
      EXPECT_EQ(checks::find(checks::l1_poison, l1_pointer(arena.base(core) + first), 50'000), 0U);
    }
  }
  arena.mark_unwritten(0, first, end);
  EXPECT_EQ(checks::find(checks::l1_poison, l1_pointer(arena.base(0) + first), 50'000), 0U);
  arena.reset();
  EXPECT_EQ(checks::find(checks::l1_poison, l1_pointer(arena.base(0) + first), 50'000), std::nullopt);
}

TEST(L1, MarksWhatNobodyHasWritten) {
  for (const int cores : {1, 3}) {
    expect_marks(cores, {});
    const int file = memfd_create("l1_test", MFD_CLOEXEC);
    ASSERT_EQ(ftruncate(file, cores * std::int64_t{l1_slot_bytes}), 0);
    expect_marks(cores, {file, 0});
    close(file);
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
