// SPDX-License-Identifier: Apache-2.0
// What leads the report of a deadlock: cycles of waits and suspects; word for word, so that it is the same on any number of
// ranks. And its JSON twin.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <vector>

#include "core/error.h"
#include "kernels/api/dataflow.h"
#include "kernels/registry.h"
#include "runtime/deadlock/deadlock_report.h"
#include "runtime/deadlock/wait_graph.h"
#include "tests/support/session_support.h"

namespace tilegrid {
namespace {

using namespace api;  // NOLINT(google-build-using-namespace): kernels are written so

constexpr GridSize grid{4, 2};
constexpr CoreRange everywhere{{0, 0}, {3, 1}};

std::uint64_t on_core(std::uint32_t index, std::uint32_t address) {
  const auto width = static_cast<std::uint32_t>(context(Here::current()).grid.x);
  return get_noc_addr(index % width + noc::virtual_base, index / width + noc::virtual_base, address);
}
std::uint32_t my_index() { return static_cast<std::uint32_t>(context(Here::current()).core->index); }
volatile std::uint32_t* semaphore(std::uint32_t id) { return semaphore_pointer(get_semaphore(id)); }

// ---- Kernels. Compile-time arguments first.

const auto swaps_credits = register_kernel("report/swaps_credits", [] {  // the credit of the second round is never given
  const std::uint32_t other = my_index() == 1 ? 2 : 1;
  noc_semaphore_inc(on_core(other, get_semaphore(0)), 1);
  noc_semaphore_wait_min(semaphore(0), 1);
  noc_semaphore_wait_min(semaphore(0), 2);
  noc_semaphore_inc(on_core(other, get_semaphore(0)), 1);
});
const auto ring = register_kernel("report/ring", [] {  // cores in the ring
  const std::uint32_t next = (my_index() + 1) % get_compile_time_arg_val(0);
  noc_inline_dw_write(on_core(next, get_semaphore(1)), 1);
  noc_semaphore_wait(semaphore(1), 1);
  noc_semaphore_wait(semaphore(1), 2);
  noc_inline_dw_write(on_core(next, get_semaphore(1)), 2);
});
const auto reader = register_kernel("report/reader", [] {  // pages to CB 0, then one to CB 1, which comes too late
  cb_reserve_back(1, 1);
  cb_push_back(1, 1);
  for (std::uint32_t i = 0; i < 8; ++i) {
    cb_reserve_back(0, 2);
    cb_push_back(0, 2);
  }
  cb_reserve_back(1, 1);
  cb_push_back(1, 1);
});
const auto compute = register_kernel("report/compute", [] {
  cb_wait_front(0, 2);
  cb_wait_front(1, 1);
  cb_pop_front(0, 2);
  cb_pop_front(1, 1);
  cb_wait_front(1, 1);
});
const auto works_on_its_own = register_kernel("report/works_on_its_own", [] {  // forgets a push
  cb_reserve_back(0, 2);
  cb_push_back(0, 1);
  cb_wait_front(0, 2);
});
const auto sends = register_kernel("report/sends", [] {  // to core, increments of semaphore 0
  for (std::uint32_t i = 0; i < get_compile_time_arg_val(1); ++i) {
    noc_semaphore_inc(on_core(get_compile_time_arg_val(0), get_semaphore(0)), 1);
  }
});
const auto receives = register_kernel("report/receives", [] {  // semaphore, value
  noc_semaphore_wait(semaphore(get_compile_time_arg_val(0)), get_compile_time_arg_val(1));
});
const auto pushes = register_kernel("report/pushes", [] {  // pages
  cb_reserve_back(0, get_compile_time_arg_val(0));
  cb_push_back(0, get_compile_time_arg_val(0));
});
const auto waits = register_kernel("report/waits", [] {  // pages
  cb_wait_front(0, get_compile_time_arg_val(0));
});
const auto waits_for_many = register_kernel("report/waits_for_many", [] {  // core 0 of 80, for one increment too many
  for (std::uint32_t i = 0; i < 2; ++i) noc_semaphore_inc(on_core(0, get_semaphore(0)), 1);
  noc_async_atomic_barrier();
  if (my_index() == 0) noc_semaphore_wait(semaphore(0), 161);
});

struct Report {
  std::string text;
  std::string json;
};

/// On rank 0: text with LINE in place of positions in this file, and JSON.
Report report_of(GridSize size, const std::function<void(test::TestProgram&)>& set_up) {
  Report report;
  const test::Outcome outcome = test::run_session(size, [&](Device& device) {
    test::TestProgram program(device);
    program.cb(0, 4).cb(1, 2).semaphores({0, 0});
    set_up(program);
    try {
      program.launch();
      ADD_FAILURE() << "no deadlock";
    } catch (const DeadlockError& error) {
      report = {error.message(), error.json()};
    }
  });
  EXPECT_EQ(outcome.code, 0);
  report.text =
      std::regex_replace(report.text, std::regex("[./]*tests/runtime/deadlock/deadlock_report_test\\.cpp:[0-9]+"), "LINE");
  return report;
}

/// The report begins with its first line and then `lines`.
void expect_lead(const Report& report, int kernels, int cores, const std::string& lines) {
  if (!test::session().is_host()) return;
  const std::string expected = "deadlock · " + std::to_string(kernels) + " kernels on " + std::to_string(cores) +
                               " cores are blocked: no kernel can run and no message is under way\n" + lines;
  EXPECT_EQ(report.text.substr(0, expected.size()), expected) << report.text;
}
nlohmann::json json_of(const Report& report) {
  return test::session().is_host() ? nlohmann::json::parse(report.json) : nlohmann::json();
}

TEST(DeadlockReport, LeadsWithTheCycleOfTwoCores) {
  const Report report = report_of(grid, [](test::TestProgram& program) {
    program.kernel(swaps_credits, Risc::brisc, {{1, 0}, {2, 0}});
  });
  expect_lead(report, 2, 2,
              "  cycle: (1,0) BRISC report/swaps_credits waits for semaphore 0 to reach 2 (it is 1) from (2,0) BRISC "
              "report/swaps_credits,\n"
              "    which waits for semaphore 0 to reach 2 (it is 1) from (1,0) BRISC report/swaps_credits\n"
              "  cores (1,0)-(2,0):\n"
              "    BRISC report/swaps_credits at LINE waits in noc_semaphore_wait: semaphore 0 needs 2, has 1\n"
              "    CBs: 0 'cb0' 0/4 (pushed 0, popped 0); 1 'cb1' 0/2 (pushed 0, popped 0); 31 'cb31' 0/3 (pushed 0, popped "
              "0)\n"
              "    semaphores: 0=1, 1=0");
  const auto json = json_of(report);
  if (!test::session().is_host()) return;
  EXPECT_EQ(json["error"], "deadlock");
  ASSERT_EQ(json["cycles"].size(), 1U);
  const auto& step = json["cycles"][0][1];
  EXPECT_EQ(step["core"], (std::vector<int>{2, 0}));
  EXPECT_EQ(step["risc"], "BRISC");
  EXPECT_EQ(step["kernel"], "report/swaps_credits");
  EXPECT_EQ(step["waits_for"]["object"], "semaphore 0");
  EXPECT_EQ(step["waits_for"]["needed"], 2);
  EXPECT_EQ(step["waits_for"]["present"], 1);
  EXPECT_EQ(step["from"][0]["core"], (std::vector<int>{1, 0}));
  EXPECT_GT(step["line"], 0);
  EXPECT_TRUE(json["suspects"].empty());
  EXPECT_EQ(json["cores"].size(), 2U);
  EXPECT_EQ(json["cores"][0]["semaphores"][0]["writers"][0]["core"], (std::vector<int>{2, 0}));
}

TEST(DeadlockReport, FollowsARingOfCores) {
  const Report small = report_of(grid, [](test::TestProgram& program) {
    program.kernel(ring, Risc::ncrisc, {{0, 0}, {2, 0}}, {3});
  });
  expect_lead(small, 3, 3,
              "  cycle: (0,0) NCRISC report/ring waits for semaphore 1 to reach 2 (it is 1) from (2,0) NCRISC report/ring,\n"
              "    which waits for semaphore 1 to reach 2 (it is 1) from (1,0) NCRISC report/ring,\n"
              "    which waits for semaphore 1 to reach 2 (it is 1) from (0,0) NCRISC report/ring\n"
              "  cores (0,0)-(2,0):\n");
  const Report large = report_of({8, 10}, [](test::TestProgram& program) {
    program.kernel(ring, Risc::ncrisc, CoreRange::all({8, 10}), {80});
  });
  const std::string step = "waits for semaphore 1 to reach 2 (it is 1) from ";
  expect_lead(large, 80, 80,
              "  cycle: (0,0) NCRISC report/ring " + step + "(7,9) NCRISC report/ring,\n    which " + step +
                  "(6,9) NCRISC report/ring,\n    which " + step + "(5,9) NCRISC report/ring,\n    which " + step +
                  "(4,9) NCRISC report/ring,\n    and so on over 72 kernels,\n    which " + step +
                  "(3,0) NCRISC report/ring,\n    which " + step + "(2,0) NCRISC report/ring,\n    which " + step +
                  "(1,0) NCRISC report/ring,\n    which " + step + "(0,0) NCRISC report/ring\n  all cores:\n");
  if (test::session().is_host()) {
    EXPECT_EQ(json_of(large)["cycles"][0].size(), 80U);
  }
}

TEST(DeadlockReport, MergesTheSameCycleOfManyCores) {
  const Report report = report_of({8, 10}, [](test::TestProgram& program) {
    program.kernel(reader, Risc::ncrisc, CoreRange::all({8, 10})).kernel(compute, Risc::trisc, CoreRange::all({8, 10}));
  });
  expect_lead(report, 160, 80,
              "  cycle on all cores: NCRISC report/reader waits for room for 2 pages in CB 0 'cb0' (0 free) from TRISC "
              "report/compute,\n"
              "    which waits for 1 page of CB 1 'cb1' (0 there) from NCRISC report/reader\n"
              "  all cores:\n"
              "    NCRISC report/reader at LINE waits in cb_reserve_back: CB 0 'cb0' needs 2 free pages, has 0\n"
              "    TRISC report/compute at LINE waits in cb_wait_front: CB 1 'cb1' needs 1 pages, has 0\n"
              "    CBs: 0 'cb0' 4/4 (pushed 6, popped 2); 1 'cb1' 0/2 (pushed 1, popped 1); 31 'cb31' 0/3 (pushed 0, popped "
              "0)\n"
              "    semaphores: 0=0, 1=0");
  if (!test::session().is_host()) return;
  EXPECT_EQ(std::count(report.text.begin(), report.text.end(), '\n'), 7);
  EXPECT_EQ(json_of(report)["cycles"].size(), 80U);
  EXPECT_EQ(json_of(report)["cores"].size(), 80U);
}

TEST(DeadlockReport, SaysThatAKernelWaitsForItself) {
  const Report report = report_of(grid, [](test::TestProgram& program) {
    program.kernel(works_on_its_own, Risc::trisc, test::only({2, 1})).kernel(sends, Risc::brisc, test::only({2, 1}), {0, 1});
  });
  expect_lead(report, 1, 1,
              "  cycle on core (2,1): TRISC report/works_on_its_own waits for 2 pages of CB 0 'cb0' (1 there) from TRISC "
              "report/works_on_its_own\n"
              "  core (2,1):\n"
              "    BRISC report/sends has finished\n"
              "    TRISC report/works_on_its_own at LINE waits in cb_wait_front: CB 0 'cb0' needs 2 pages, has 1\n");
}

TEST(DeadlockReport, SuspectsAMissingPush) {
  const Report report = report_of(grid, [](test::TestProgram& program) {
    program.kernel(pushes, Risc::ncrisc, everywhere, {2}).kernel(waits, Risc::trisc, {{0, 0}, {1, 1}}, {3});
  });
  expect_lead(report, 4, 4,
              "  suspect: NCRISC report/pushes on (0,0)-(1,1) has finished; TRISC report/waits on (0,0)-(1,1) needs CB 0 "
              "'cb0' from it\n"
              "  cores (0,0)-(1,1):\n"
              "    NCRISC report/pushes has finished\n");
  const auto json = json_of(report);
  if (!test::session().is_host()) return;
  ASSERT_EQ(json["suspects"].size(), 1U);
  EXPECT_EQ(json["suspects"][0]["object"], "CB 0 'cb0'");
  EXPECT_EQ(json["suspects"][0]["finished"][0]["kernel"], "report/pushes");
  EXPECT_EQ(json["suspects"][0]["finished"][0]["cores"].size(), 4U);
  EXPECT_EQ(json["suspects"][0]["waiting"]["risc"], "TRISC");
}

TEST(DeadlockReport, SuspectsCoresThatHaveFinishedEarly) {
  const Report report = report_of(grid, [](test::TestProgram& program) {
    program.kernel(sends, Risc::ncrisc, {{1, 0}, {3, 1}}, {0, 2}).kernel(receives, Risc::brisc, test::only({0, 0}), {0, 13});
    program.kernel(receives, Risc::brisc, {{1, 1}, {2, 1}}, {1, 1});
  });
  expect_lead(report, 3, 3,
              "  suspect: NCRISC report/sends on (1,0)-(3,1) has finished; BRISC report/receives on (0,0) needs semaphore 0 "
              "from it\n"
              "  suspect: semaphore 1 that BRISC report/receives on (1,1)-(2,1) needs was never written by another kernel; "
              "finished: NCRISC "
              "report/sends on (1,0)-(3,1)\n"
              "  core (0,0):\n"
              "    BRISC report/receives at LINE waits in noc_semaphore_wait: semaphore 0 needs 13, has 12\n");
}

TEST(DeadlockReport, SaysThatNobodyIsThere) {
  const Report report = report_of(grid, [](test::TestProgram& program) {
    program.kernel(waits, Risc::trisc, test::only({3, 0}), {1}).kernel(receives, Risc::ncrisc, test::only({0, 1}), {0, 1});
  });
  expect_lead(report, 2, 2,
              "  suspect: CB 0 'cb0' that TRISC report/waits on (3,0) needs was never pushed by another kernel; no other "
              "kernel runs there\n"
              "  suspect: semaphore 0 that NCRISC report/receives on (0,1) needs was never written by another kernel; no "
              "kernel has finished\n");
}

TEST(DeadlockReport, NamesAllWritersOfASemaphore) {
  const Report report = report_of({8, 10}, [](test::TestProgram& program) {
    program.kernel(waits_for_many, Risc::brisc, CoreRange::all({8, 10}));
  });
  if (!test::session().is_host()) return;
  EXPECT_NE(report.text.find("BRISC report/waits_for_many on (1,0)-(7,9), (0,1)-(0,9) has finished"), std::string::npos)
      << report.text;
  EXPECT_EQ(json_of(report)["cores"][0]["semaphores"][0]["writers"].size(), 80U);
}

TEST(DeadlockReport, GoesToTheFileThatTheSessionNames) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("tilegrid_deadlock_" + std::to_string(test::session().info().size) + ".json");
  SessionOptions options;
  options.grid = grid;
  options.deadlock_json = path.string();
  testing::internal::CaptureStderr();
  const int code = test::session().run(options, [&](Device& device) {
    test::TestProgram program(device);
    program.cb(0, 4).kernel(waits, Risc::trisc, everywhere, {1});
    program.launch();
    return 0;
  });
  EXPECT_EQ(code, 3);
  const std::string printed = testing::internal::GetCapturedStderr();
  if (!test::session().is_host()) return;
  EXPECT_EQ(printed.find("tilegrid: deadlock · 8 kernels"), 0U) << printed;
  std::ifstream file(path);
  const auto json = nlohmann::json::parse(file);
  EXPECT_EQ(json["cores"].size(), 8U);
  std::filesystem::remove(path);
}

// ---- The graph

/// A core whose kernels wait as told: RISC, CB, and whether it is empty.
BlockedReport core_with(int core, const std::vector<std::pair<Risc, int>>& waits) {
  BlockedReport report;
  report.core = core;
  for (int cb = 0; cb < 3; ++cb) report.buffers.push_back({cb, "", 2, 0, 0, 0, 0});
  for (const auto& [risc, cb] : waits) {
    report.kernels.push_back(
        {risc, "k", false, false, "", "f", 1, BlockReason::cb_empty, static_cast<std::uint32_t>(cb), 1, 0});
  }
  return report;
}

TEST(WaitGraph, PrefersWhatIsKnownToGuesses) {
  std::vector<BlockedReport> reports{core_with(0, {{Risc::brisc, 0}, {Risc::ncrisc, 1}, {Risc::trisc, 2}})};
  EXPECT_EQ(WaitGraph(reports).cycles(), (std::vector<WaitGraph::Cycle>{{0, 1}, {2, 0}})) << "all are guesses";
  reports[0].buffers[1].pushed_by = 4;  // NCRISC waits for TRISC,
  EXPECT_EQ(WaitGraph(reports).cycles(), (std::vector<WaitGraph::Cycle>{{0, 2}, {1, 2}}));
  reports[0].buffers[2].pushed_by = 2;  // and TRISC for NCRISC
  EXPECT_EQ(WaitGraph(reports).cycles(), (std::vector<WaitGraph::Cycle>{{1, 2}}));
  reports[0].kernels[2].finished = true;
  EXPECT_TRUE(WaitGraph(reports).cycles().empty()) << "what NCRISC waits for will not come";
}

}  // namespace
}  // namespace tilegrid
