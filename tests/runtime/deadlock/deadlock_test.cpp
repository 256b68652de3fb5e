// SPDX-License-Identifier: Apache-2.0
#include "runtime/deadlock/deadlock_report.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "core/error.h"
#include "kernels/api/dataflow.h"
#include "kernels/registry.h"
#include "noc/core_ranges.h"
#include "tests/support/session_support.h"

namespace tilegrid {
namespace {

using namespace api;  // NOLINT(google-build-using-namespace): kernels are written so

constexpr GridSize grid{4, 2};
constexpr CoreRange everywhere{{0, 0}, {3, 1}};

// ---- Kernels. Compile-time arguments first.
const auto pushes = register_kernel("deadlock/pushes", [] {  // pages
  cb_reserve_back(0, get_compile_time_arg_val(0));
  cb_push_back(0, get_compile_time_arg_val(0));
});
constexpr int line_of_the_wait = __LINE__ + 2;
const auto waits = register_kernel("deadlock/waits", [] {  // pages
  cb_wait_front(0, get_compile_time_arg_val(0));
});
const auto fills = register_kernel("deadlock/fills", [] {  // pages a time: until nothing is free
  while (true) {
    cb_reserve_back(0, get_compile_time_arg_val(0));
    cb_push_back(0, get_compile_time_arg_val(0));
  }
});
const auto waits_for_semaphore = register_kernel("deadlock/semaphore", [] {  // semaphore, value
  noc_semaphore_wait_min(semaphore_pointer(get_semaphore(get_compile_time_arg_val(0))), get_compile_time_arg_val(1));
});
const auto waits_for_word =
    register_kernel("deadlock/word", [] { noc_semaphore_wait(semaphore_pointer(get_write_ptr(0)), 5); });
/// Everything but the last increment arrives.
const auto increments_all_but_once = register_kernel("deadlock/increments", [] {  // value, then waits for it
  const std::uint32_t semaphore = get_semaphore(0);
  for (std::uint32_t i = 1; i < get_compile_time_arg_val(0); ++i) {
    noc_semaphore_inc(get_noc_addr((my_x() - noc::virtual_base + 1) % 4 + noc::virtual_base, my_y(), semaphore), 1);
  }
  noc_semaphore_wait(semaphore_pointer(semaphore), get_compile_time_arg_val(0));
});

const auto reads = register_kernel("deadlock/reads", [] {  // buffer's address; its 12 pages have 64 KiB
  const InterleavedAddrGen buffer{get_compile_time_arg_val(0), 65'536};
  for (std::uint32_t page = 0; page < 12; ++page) noc_async_read_page(page, buffer, get_write_ptr(0));
  noc_async_read_barrier();
  cb_wait_front(0, 1);
});
const auto asks = register_kernel("deadlock/asks", [] {  // pages
  while (!cb_pages_available_at_front(0, get_compile_time_arg_val(0))) {
  }
});

std::string deadlock_of(const std::function<void(test::TestProgram&)>& set_up) {
  const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
    test::TestProgram program(device);
    set_up(program);
    program.launch();
  });
  EXPECT_EQ(outcome.code, 3);
  return outcome.error;
}

/// On rank 0: the report has this line, whole but for the source position `FILE:LINE`.
void expect_line(const std::string& report, const std::string& expected) {
  if (!test::session().is_host()) return;
  std::string text;
  for (std::size_t at = 0; at < report.size();) {
    const std::size_t file = report.find("tests/runtime/deadlock/deadlock_test.cpp:", at);
    text += report.substr(at, file - at);
    if (file == std::string::npos) break;
    text += "FILE:LINE";
    at = report.find_first_not_of("0123456789", report.find(':', file) + 1);
  }
  EXPECT_NE(("\n" + text + "\n").find("\n" + expected + "\n"), std::string::npos) << text << "\nlacks: " << expected;
}

TEST(Deadlock, OfAllCoresIsOneEntry) {
  const std::string report = deadlock_of([](test::TestProgram& program) {
    program.cb(0, 4).kernel(pushes, Risc::ncrisc, everywhere, {2}).kernel(waits, Risc::trisc, everywhere, {3});
  });
  expect_line(report, "deadlock · 8 kernels on 8 cores are blocked: no kernel can run and no message is under way");
  expect_line(report, "  all cores:");
  expect_line(report, "    TRISC deadlock/waits at FILE:LINE waits in cb_wait_front: CB 0 'cb0' needs 3 pages, has 2");
  expect_line(report, "    CBs: 0 'cb0' 2/4 (pushed 2, popped 0); 31 'cb31' 0/3 (pushed 0, popped 0)");
}

TEST(Deadlock, NamesTheLineOfTheWait) {
  const std::string report = deadlock_of([](test::TestProgram& program) {
    program.cb(0, 4).kernel(waits, Risc::trisc, test::only({1, 1}), {1});
  });
  if (!test::session().is_host()) return;
  EXPECT_NE(report.find("deadlock_test.cpp:" + std::to_string(line_of_the_wait) + " waits"), std::string::npos) << report;
}

TEST(Deadlock, OfAFullBufferSaysHowManyPagesAreFree) {
  const std::string report = deadlock_of([](test::TestProgram& program) {
    program.cb(0, 7).kernel(fills, Risc::brisc, test::only({2, 0}), {3});
  });
  expect_line(report, "  core (2,0):");
  expect_line(report,
              "    BRISC deadlock/fills at FILE:LINE waits in cb_reserve_back: CB 0 'cb0' needs 3 free pages, has 1");
}

TEST(Deadlock, ListsEveryKernelOfACore) {
  const std::string report = deadlock_of([](test::TestProgram& program) {
    program.cb(0, 4).semaphores({0, 7}).kernel(waits_for_semaphore, Risc::brisc, test::only({3, 1}), {1, 9});
    program.kernel(waits_for_semaphore, Risc::ncrisc, test::only({3, 1}), {0, 1});
    program.kernel(waits, Risc::trisc, test::only({3, 1}), {4});
  });
  expect_line(report, "deadlock · 3 kernels on 1 cores are blocked: no kernel can run and no message is under way");
  expect_line(report, "    BRISC deadlock/semaphore at FILE:LINE waits in noc_semaphore_wait: semaphore 1 needs 9, has 7");
  expect_line(report, "    NCRISC deadlock/semaphore at FILE:LINE waits in noc_semaphore_wait: semaphore 0 needs 1, has 0");
  expect_line(report, "    TRISC deadlock/waits at FILE:LINE waits in cb_wait_front: CB 0 'cb0' needs 4 pages, has 0");
  expect_line(report, "    semaphores: 0=0, 1=7");
}

TEST(Deadlock, OfSomeCoresIsReportedWhenTheOthersHaveFinished) {
  const std::string report = deadlock_of([](test::TestProgram& program) {
    program.cb(0, 4).kernel(pushes, Risc::ncrisc, everywhere, {2});
    program.kernel(waits, Risc::trisc, {{0, 0}, {0, 1}}, {2});
    program.kernel(waits, Risc::trisc, {{1, 0}, {2, 1}}, {4});
    program.kernel(waits, Risc::trisc, test::only({3, 1}), {3});
  });
  expect_line(report, "deadlock · 5 kernels on 5 cores are blocked: no kernel can run and no message is under way");
  expect_line(report, "  cores (1,0)-(2,1):");
  expect_line(report, "  core (3,1):");
  EXPECT_EQ(report.find("(0,0)"), std::string::npos) << report;
}

/// Ranks without kernels are done at once, but go on serving: their answers count, too.
TEST(Deadlock, AfterLargeReadsFromRanksThatHaveFinishedIsFound) {
  const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
    const Buffer buffer = device.create_buffer(std::uint64_t{12} * 65'536, 65'536);
    test::TestProgram program(device);
    program.cb(0, 40).kernel(reads, Risc::ncrisc, test::only({3, 1}), {buffer.address});
    program.launch();
  });
  EXPECT_EQ(outcome.code, 3);
  expect_line(outcome.error, "  core (3,1):");
}

TEST(Deadlock, IsNotMadeByAskingInALoop) {
  const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
    test::TestProgram program(device);
    program.cb(0, 4).kernel(asks, Risc::brisc, everywhere, {2}).kernel(pushes, Risc::ncrisc, everywhere, {2});
    program.launch();
  });
  EXPECT_EQ(outcome.code, 0);
}

TEST(Deadlock, AfterTrafficBetweenAllCoresIsFound) {
  for (const std::uint32_t value : {2U, 7U}) {
    const std::string report = deadlock_of([&](test::TestProgram& program) {
      program.semaphores({0}).kernel(increments_all_but_once, Risc::brisc, everywhere, {value});
    });
    const std::string needs = std::to_string(value) + ", has " + std::to_string(value - 1);
    expect_line(report,
                "    BRISC deadlock/increments at FILE:LINE waits in noc_semaphore_wait: semaphore 0 needs " + needs);
    expect_line(report, "    semaphores: 0=" + std::to_string(value - 1));
    expect_line(report, "    2 such cycles, from (0,0)-(0,1)");
  }
}

TEST(Deadlock, OnAWordOfL1GivesItsOffset) {
  const std::string report = deadlock_of([](test::TestProgram& program) {
    program.cb(0, 1).kernel(waits_for_word, Risc::ncrisc, test::only({0, 0}));
  });
  // The second buffer after the results page of three kernels.
  const std::uint32_t offset = l1_user_base + 3 * 1024;
  expect_line(report, "    NCRISC deadlock/word at FILE:LINE waits in noc_semaphore_wait: the word at L1 " +
                          std::to_string(offset) + " needs 5, has 0");
}

TEST(Deadlock, LeavesTheSessionUsable) {
  const test::Outcome outcome = test::run_session(grid, [](Device& device) {
    for (int round = 0; round < 5; ++round) {
      test::TestProgram stuck(device);
      stuck.cb(0, 4).kernel(pushes, Risc::ncrisc, everywhere, {2}).kernel(waits, Risc::trisc, everywhere, {3});
      EXPECT_THROW(stuck.launch(), DeadlockError);
      test::TestProgram good(device);
      good.cb(0, 4).kernel(pushes, Risc::ncrisc, everywhere, {2}).kernel(waits, Risc::trisc, everywhere, {2});
      EXPECT_EQ(good.launch().cores.size(), 8U);
    }
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

// ---- Waiting is no deadlock as long as something is under way.

/// Passes a token around the ring of all cores; whoever has it works for a while before he passes it on, so that all other
/// ranks have nothing to do for longer than they wait before they report that.
const auto passes_token = register_kernel("deadlock/token", [] {  // rounds, milliseconds of work, core index of the first
  const std::uint32_t rounds = get_compile_time_arg_val(0);
  const std::uint32_t index = (my_y() - noc::virtual_base) * 4 + my_x() - noc::virtual_base;
  const std::uint32_t next = (index + 3) % 8;  // coprime to 8: visits all, mostly on other ranks
  const std::uint32_t semaphore = get_semaphore(0);
  for (std::uint32_t round = 0; round < rounds; ++round) {
    if (index != 0 || round != 0) noc_semaphore_wait_min(semaphore_pointer(semaphore), index == 0 ? round : round + 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(get_compile_time_arg_val(1)));
    noc_semaphore_inc(get_noc_addr(next % 4 + noc::virtual_base, next / 4 + noc::virtual_base, semaphore), 1);
  }
  if (index == 0) noc_semaphore_wait(semaphore_pointer(semaphore), rounds);
});

TEST(Deadlock, IsNotFoundWhileATokenGoesRoundSlowly) {
  const test::Outcome outcome = test::run_session(grid, [](Device& device) {
    test::TestProgram program(device);
    program.semaphores({0}).kernel(passes_token, Risc::brisc, everywhere, {2, 45});
    program.launch();
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

TEST(Deadlock, IsNotFoundWhileATokenGoesRoundQuickly) {
  const test::Outcome outcome = test::run_session(grid, [](Device& device) {
    test::TestProgram program(device);
    program.semaphores({0}).kernel(passes_token, Risc::brisc, everywhere, {300, 0});
    program.launch();
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

TEST(DescribeCores, MergesRectangles) {
  EXPECT_EQ(describe_cores({0}, {1, 1}), "(0,0)");
  EXPECT_EQ(describe_cores({0, 1, 2, 3}, {2, 2}), "all cores");
  EXPECT_EQ(describe_cores({0, 1, 2}, {2, 2}), "(0,0)-(1,0), (0,1)");
  EXPECT_EQ(describe_cores({5, 6, 9, 10}, {4, 3}), "(1,1)-(2,2)");
  EXPECT_EQ(describe_cores({0, 4, 8}, {4, 3}), "(0,0)-(0,2)");
  EXPECT_EQ(describe_cores({0, 2, 5, 7}, {4, 2}), "(0,0), (2,0), (1,1), (3,1)");
  EXPECT_EQ(describe_cores({3, 0, 7, 1, 2, 4}, {4, 2}), "(0,0)-(3,0), (0,1), (3,1)");
}

}  // namespace
}  // namespace tilegrid
