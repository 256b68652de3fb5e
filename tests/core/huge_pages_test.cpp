// SPDX-License-Identifier: Apache-2.0
#include "core/huge_pages.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <vector>

namespace tilegrid {
namespace {

TEST(HugePages, MovesWhatWasWritten) {
  HugePages source;
  const std::size_t page = sysconf(_SC_PAGESIZE);
  const std::size_t bytes = 150 * page;
  constexpr int pieces = 250;  // more than one stretch of address space
  const std::size_t room = pieces * bytes;
  void* got = mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(got, MAP_FAILED);
  auto* const memory = static_cast<std::byte*>(got);
  const std::vector<std::byte> zeros(bytes);
  int made = 0;
  for (int i = 0; i < pieces; ++i) {
    std::byte* pages = source.take(bytes);
    if (pages == nullptr) break;  // this machine is slow with huge pages
    ++made;
    ASSERT_EQ(std::memcmp(pages, zeros.data(), bytes), 0) << i;
    std::memset(pages, i + 1, bytes);
    ASSERT_TRUE(source.move(pages, bytes, memory + i * bytes));
  }
  EXPECT_GE(made, 1);
  for (int i = 0; i < made; ++i) {
    const std::vector<std::byte> expected(bytes, static_cast<std::byte>(i + 1));
    EXPECT_EQ(std::memcmp(memory + i * bytes, expected.data(), bytes), 0) << i;
  }
  munmap(got, room);
}

TEST(HugePages, RefusedMovesCanBeRepeated) {
  HugePages source;
  const std::size_t page = sysconf(_SC_PAGESIZE);
  std::byte* pages = source.take(page);
  ASSERT_NE(pages, nullptr);
  std::memset(pages, 7, page);
  EXPECT_FALSE(source.move(pages, page, pages + 1));  // not at a page
  std::byte* again = source.take(page);
  EXPECT_TRUE(again == pages || again == nullptr);
  EXPECT_EQ(pages[page - 1], std::byte{7});
}

}  // namespace
}  // namespace tilegrid
