// SPDX-License-Identifier: Apache-2.0
// DRAM that ranks of a host share: what kernels and the host read and write is the same as by messages.
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "kernels/api/dataflow.h"
#include "kernels/registry.h"
#include "tests/support/session_support.h"

namespace tilegrid {
namespace {

using namespace api;  // NOLINT(google-build-using-namespace): kernels are written so

constexpr GridSize grid{4, 2};
constexpr std::uint32_t page = 1024;
constexpr std::uint32_t words = page / sizeof(std::uint32_t);
constexpr std::uint32_t pages = 64;

/// Each core takes every eighth page of the first buffer, adds 1 to its words and puts it into the second one, there and
/// back again: what it reads the second time another core's bank may hold.
const auto adds_one = register_kernel("windows/adds_one", [] {
  const std::uint32_t from = get_common_arg_val<std::uint32_t>(0), to = get_common_arg_val<std::uint32_t>(1);
  const std::uint32_t l1 = get_write_ptr(0);
  for (std::uint32_t at = get_arg_val<std::uint32_t>(0); at < pages; at += 8) {
    for (const auto& [source, target] : {std::pair{from, to}, {to, from}, {from, to}}) {
      noc_async_read_page(at, {source, page}, l1);
      noc_async_read_barrier();
      auto* word = reinterpret_cast<std::uint32_t*>(l1_pointer(l1));
      for (std::uint32_t i = 0; i < words; ++i) ++word[i];
      noc_async_write_page(at, {target, page}, l1);
      noc_async_write_barrier();
    }
  }
});

/// Each core fills a page of its L1, then copies that of the next core, when that has said that it is filled; then it writes
/// to another page of it and reads back what it wrote.
const auto copies_next = register_kernel("windows/copies_next", [] {
  const std::uint32_t core = get_arg_val<std::uint32_t>(0), to = get_common_arg_val<std::uint32_t>(0);
  const std::uint32_t own = get_write_ptr(0), copied = get_write_ptr(1), back = get_write_ptr(2);
  auto* word = reinterpret_cast<std::uint32_t*>(l1_pointer(own));
  for (std::uint32_t i = 0; i < words; ++i) word[i] = core * words + i;
  auto* semaphore = reinterpret_cast<volatile std::uint32_t*>(l1_pointer(get_semaphore(0)));
  const std::uint32_t before_x = get_arg_val<std::uint32_t>(1), before_y = get_arg_val<std::uint32_t>(2);
  const std::uint32_t next_x = get_arg_val<std::uint32_t>(3), next_y = get_arg_val<std::uint32_t>(4);
  noc_semaphore_inc(get_noc_addr(before_x, before_y, get_semaphore(0)), 1);
  noc_async_atomic_barrier();
  noc_semaphore_wait(semaphore, 1);
  noc_semaphore_set(semaphore, 0);
  for (int round = 0; round < 100; ++round) {
    noc_async_read(get_noc_addr(next_x, next_y, own), copied, page);
    noc_async_read_barrier();
  }
  auto* copy = reinterpret_cast<std::uint32_t*>(l1_pointer(copied));
  copy[1] += 1'000'000;
  noc_async_write(copied, get_noc_addr(next_x, next_y, back), page);
  noc_async_write_barrier();
  noc_async_read(get_noc_addr(next_x, next_y, back), copied, page);
  noc_async_read_barrier();
  noc_async_write_page(core, {to, page}, copied);
  noc_async_write_barrier();
});

std::vector<std::uint32_t> copies_with(noc::TransportChoice transport, std::optional<std::uint64_t> shake,
                                       std::uint64_t* shared = nullptr) {
  std::vector<std::uint32_t> found(std::size_t{8} * words);
  const int code = test::session().run({.grid = grid, .shake = shake, .transport = transport}, [&](Device& device) {
    const Buffer buffer = device.create_buffer(std::uint64_t{8} * page, page);
    Program program;
    program.name = "windows";
    program.grid = grid;
    for (const int id : {0, 1, 2}) program.circular_buffers.push_back({id, 1, page, DataFormat::fp32, "page"});
    program.semaphores = {0};
    KernelConfig kernel;
    kernel.name = copies_next;
    kernel.risc = Risc::ncrisc;
    kernel.cores = CoreRange::all(grid);
    kernel.common_args = {buffer.address};
    for (int core = 0; core < grid.cores(); ++core) {
      const auto before = Device::worker_core(grid.core((core + 7) % 8)),
                 next = Device::worker_core(grid.core((core + 1) % 8));
      kernel.runtime_args.push_back({core, {static_cast<std::uint32_t>(core), before.x, before.y, next.x, next.y}});
    }
    program.kernels.push_back(kernel);
    for (int round = 0; round < 2; ++round) {
      for (const RankHostCost& rank : device.launch(program).ranks) {
        if (shared != nullptr) *shared += rank.shared_bytes;
      }
    }
    device.read(buffer, found);
    return 0;
  });
  EXPECT_EQ(code, 0);
  return found;
}

void expect_copies(const std::vector<std::uint32_t>& found) {
  if (!test::session().is_host()) return;
  for (std::uint32_t i = 0; i < found.size(); ++i) {
    const std::uint32_t next = (i / words + 1) % 8;
    ASSERT_EQ(found[i], next * words + i % words + (i % words == 1 ? 1'000'000 : 0)) << i;
  }
}

struct Result {
  std::vector<std::uint32_t> first, second;
  std::uint64_t shared = 0, messages = 0;
};

Result run_with(noc::TransportChoice transport, std::optional<std::uint64_t> shake) {
  Result result;
  const int code = test::session().run({.grid = grid, .shake = shake, .transport = transport}, [&](Device& device) {
    const Buffer first = device.create_buffer(std::uint64_t{pages} * page, page);
    const Buffer second = device.create_buffer(std::uint64_t{pages} * page, page);
    result.first.resize(std::size_t{pages} * words);
    std::iota(result.first.begin(), result.first.end(), 0U);
    device.write(first, result.first);
    Program program;
    program.name = "windows";
    program.grid = grid;
    program.circular_buffers.push_back({0, 1, page, DataFormat::fp32, "page"});
    KernelConfig kernel;
    kernel.name = adds_one;
    kernel.risc = Risc::ncrisc;
    kernel.cores = CoreRange::all(grid);
    kernel.common_args = {first.address, second.address};
    for (int core = 0; core < grid.cores(); ++core)
      kernel.runtime_args.push_back({core, {static_cast<std::uint32_t>(core)}});
    program.kernels.push_back(kernel);
    for (int round = 0; round < 3; ++round) {  // a later program finds what an earlier one has left
      for (const RankHostCost& rank : device.launch(program).ranks) {
        result.shared += rank.shared_bytes;
        result.messages += rank.messages;
      }
    }
    result.second.resize(result.first.size());
    device.read(first, result.first);
    device.read(second, result.second);
    return 0;
  });
  EXPECT_EQ(code, 0);
  return result;
}

void expect_right(const Result& result) {
  if (!test::session().is_host()) return;
  for (std::uint32_t i = 0; i < result.first.size(); ++i) {
    // Three additions a round; the first buffer holds the second of them.
    ASSERT_EQ(result.second[i], i + 2 * 2 + 3) << i;
    ASSERT_EQ(result.first[i], i + 3 * 2) << i;
  }
}

TEST(Windows, HoldTheSameAsMessages) {
  using noc::TransportChoice;
  const Result messages = run_with(TransportChoice::messages, {});
  const Result windows = run_with(TransportChoice::windows, {});
  expect_right(messages);
  expect_right(windows);
  if (!test::session().is_host()) return;
  EXPECT_EQ(messages.shared, 0U);
  if (test::session().info().size == 1) return;
  EXPECT_GT(windows.shared, 0U);
  EXPECT_LT(windows.messages, messages.messages);
}

TEST(Windows, L1IsReadAsByMessages) {
  std::uint64_t shared = 0;
  expect_copies(copies_with(noc::TransportChoice::messages, {}));
  expect_copies(copies_with(noc::TransportChoice::windows, {}, &shared));
  if (!test::session().is_host() || test::session().info().size == 1) return;
  EXPECT_GT(shared, 2U * 99 * page);
}

TEST(Windows, AreRightInShakenRuns) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) expect_right(run_with(noc::TransportChoice::automatic, seed));
  for (const std::uint64_t seed : {1U, 2U, 3U}) expect_copies(copies_with(noc::TransportChoice::automatic, seed));
}

}  // namespace
}  // namespace tilegrid
