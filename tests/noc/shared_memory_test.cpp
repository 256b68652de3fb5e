// SPDX-License-Identifier: Apache-2.0
#include "noc/shared_memory.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <utility>

namespace tilegrid::noc {
namespace {

constexpr std::uint64_t bytes = 3 * 4096;

TEST(SharedMemory, IsTheSameForWhoKnowsItsName) {
  SharedMemory owner = SharedMemory::make();
  ASSERT_TRUE(owner.resize(bytes));
  SharedMemory other(owner.name());
  EXPECT_TRUE(other.reachable());
  std::byte* here = owner.map(bytes);
  std::byte* there = other.map(bytes);
  ASSERT_NE(here, nullptr);
  ASSERT_NE(there, nullptr);
  EXPECT_NE(here, there);
  EXPECT_EQ(there[bytes - 1], std::byte{0});
  here[bytes - 1] = std::byte{7};
  there[0] = std::byte{9};
  EXPECT_EQ(there[bytes - 1], std::byte{7});
  EXPECT_EQ(here[0], std::byte{9});
}

TEST(SharedMemory, IsNotMappedBeforeItIsThere) {
  SharedMemory owner = SharedMemory::make();
  SharedMemory other(owner.name());
  EXPECT_EQ(other.map(bytes), nullptr);
  EXPECT_TRUE(other.failure().empty());
  ASSERT_TRUE(owner.resize(bytes));
  EXPECT_NE(other.map(bytes), nullptr);
}

TEST(SharedMemory, OfAnotherFileIsRefused) {
  SharedMemory owner = SharedMemory::make();
  SharedMemory::Name name = owner.name();
  ++name.inode;
  SharedMemory other(name);
  EXPECT_FALSE(other.reachable());
  EXPECT_EQ(other.map(bytes), nullptr);
  EXPECT_NE(other.failure().find("is another file"), std::string::npos) << other.failure();
}

TEST(SharedMemory, EndsWithItsOwner) {
  SharedMemory::Name name;
  {
    const SharedMemory owner = SharedMemory::make();
    name = owner.name();
  }
  SharedMemory other(name);
  EXPECT_FALSE(other.reachable());
}

TEST(SharedMemory, KeepsWithinTheLimitOfFileSizes) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{4096, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  SharedMemory owner = SharedMemory::make();
  EXPECT_FALSE(owner.resize(bytes));
  EXPECT_NE(owner.failure().find("ulimit -f"), std::string::npos) << owner.failure();
  EXPECT_TRUE(owner.resize(4096) || before.rlim_max < 4096);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
}

TEST(SharedMemory, MovesWithItsMapping) {
  SharedMemory owner = SharedMemory::make();
  ASSERT_TRUE(owner.resize(bytes));
  std::byte* memory = owner.map(bytes);
  SharedMemory moved = std::move(owner);
  EXPECT_EQ(moved.map(bytes), memory);
  memory[5] = std::byte{1};
}

}  // namespace
}  // namespace tilegrid::noc
