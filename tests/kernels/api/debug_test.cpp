// SPDX-License-Identifier: Apache-2.0
// What kernels against our own API are debugged and profiled by.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kernels/api/circular_buffer.h"
#include "kernels/api/debug.h"
#include "kernels/registry.h"
#include "runtime/status_view.h"
#include "tests/kernels/api_support.h"
#include "tests/support/session_support.h"

namespace tilegrid {
namespace {

using namespace api;  // NOLINT(google-build-using-namespace): kernels are written so
using test::grid;
using test::run;

const auto zoned = register_kernel("debug/zoned", [] {
  DeviceZoneScopedN("whole");
  for (std::uint32_t i = 0; i < 2; ++i) {
    DeviceZoneScopedSumN1("part");
    cb_reserve_back(0, 1);
    cb_push_back(0, 1);
    cb_wait_front(0, 1);
    cb_pop_front(0, 1);
    DeviceTimestampedData("i", i);
  }
});

TEST(Zones, OfAKernelStandInTheLogWithTheirNames) {
  run([](test::TestProgram& program) { program.cb(0, 1).kernel("debug/zoned", Risc::ncrisc, CoreRange::all(grid)); },
      [](test::TestProgram&, const RunResult& result) {
        ASSERT_EQ(result.log.scopes.size(), 3U);
        for (const EventLog& core : result.log.cores) {
          std::vector<std::string> scopes;
          for (const Event& event : core.sequence(Risc::ncrisc)) {
            if (event.kind() == EventKind::scope) scopes.push_back(to_text(event, result.log));
          }
          EXPECT_EQ(scopes, (std::vector<std::string>{"scope begin whole", "scope sum_begin part", "scope value i = 0",
                                                      "scope sum_end part", "scope sum_begin part", "scope value i = 1",
                                                      "scope sum_end part", "scope end whole"}));
        }
      });
}

const auto speaks = register_kernel("debug/speaks", [] {
  const std::uint32_t mine = get_arg_val<std::uint32_t>(0);
  DPRINT << "core " << mine << ' ' << HEX() << 255 << ENDL();
  DPRINT_DATA0(DPRINT << "on BRISC" << ENDL());
  DPRINT_DATA1(DPRINT << "on NCRISC" << ENDL());
  DPRINT_MATH(DPRINT << "never" << ENDL());
  cb_reserve_back(0, 1);
  test::store_tile(get_write_ptr(0), 1.5F);
  DPRINT("{}|\n", TSLICE(0, 0, SliceRange::hw0_32_16()));
  cb_push_back(0, 1);
  cb_wait_front(0, 1);
  cb_pop_front(0, 1);
  WAYPOINT("DONE");
  ASSERT(mine != 5);
});

TEST(Output, OfAKernelIsThatOfKernelsFromFiles) {
  std::string said;
  const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
    test::TestProgram program(device);
    program.cb(0, 1).kernel("debug/speaks", Risc::ncrisc, {{0, 0}, {3, 0}});
    KernelConfig& kernel = program.program().kernels.back();
    for (int core = 0; core < grid.x; ++core) {
      kernel.runtime_args.emplace_back(core, std::vector<std::uint32_t>{static_cast<std::uint32_t>(core)});
    }
    device.set_output({.riscs = PrintFilter::all_riscs, .cores = {1, 2}}, [&](std::string_view text) { said += text; });
    program.launch();
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  if (!test::session().is_host()) return;
  std::string expected;
  for (const int core : {1, 2}) {
    const std::string start = "0:(" + std::to_string(core) + ",0):NC: ";
    expected += start + "core " + std::to_string(core) + " ff\n" + start + "on NCRISC\n" + start + "1.5 1.5\n" + start +
                "1.5 1.5|\n";
  }
  EXPECT_EQ(said, expected);
}

TEST(Assertions, ThatFailNameCoreRiscAndLine) {
  const unsigned line = __LINE__;
  static const auto fails = register_kernel("debug/fails", [] { ASSERT(get_compile_time_arg_val(0) == 0); });
  const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
    test::TestProgram program(device);
    program.kernel("debug/fails", Risc::brisc, test::only({1, 1}), {1});
    program.launch();
  });
  EXPECT_EQ(outcome.code, 2);
  if (!test::session().is_host()) return;
  EXPECT_EQ(outcome.error.rfind("assert · core (1,1)", 0), 0U) << outcome.error;
  for (const std::string& part :
       {std::string("BRISC"), "debug_test.cpp:" + std::to_string(line + 1), std::string("failed")}) {
    EXPECT_NE(outcome.error.find(part), std::string::npos) << part << " in " << outcome.error;
  }
}

const auto hangs = register_kernel("debug/hangs", [] {
  WAYPOINT("HERE");
  cb_wait_front(0, 1);
});

TEST(Waypoints, StandInTheReportOfADeadlock) {
  const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
    test::TestProgram program(device);
    program.cb(0, 1).kernel("debug/hangs", Risc::brisc, CoreRange::all(grid));
    program.launch();
  });
  EXPECT_EQ(outcome.code, 3);
  if (!test::session().is_host()) return;
  EXPECT_NE(outcome.error.find("(waypoint HERE) waits in cb_wait_front"), std::string::npos) << outcome.error;
}

// ---- Looks at cores while they run

const auto passes_pages = register_kernel("debug/passes_pages", [] {  // pages
  WAYPOINT("PASS");
  for (std::uint32_t i = 0; i < get_compile_time_arg_val(0); ++i) {
    cb_reserve_back(0, 1);
    cb_push_back(0, 1);
  }
});
const auto takes_pages = register_kernel("debug/takes_pages", [] {
  for (std::uint32_t i = 0; i < get_compile_time_arg_val(0); ++i) {
    cb_wait_front(0, 1);
    cb_pop_front(0, 1);
  }
});

TEST(Looks, ShowEveryCoreAndChangeNothing) {
  testing::internal::CaptureStderr();
  RunResult plain, watched;
  const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
    const auto launch = [&] {
      test::TestProgram program(device);
      program.cb(0, 1)
          .kernel("debug/passes_pages", Risc::ncrisc, CoreRange::all(grid), {10000})
          .kernel("debug/takes_pages", Risc::brisc, CoreRange::all(grid), {10000});
      return program.launch();
    };
    plain = launch();
    device.set_watch(2e-3);
    watched = launch();
    device.set_watch(0);
  });
  const std::string shown = testing::internal::GetCapturedStderr();
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  if (!test::session().is_host()) return;
  ASSERT_EQ(plain.log.cores.size(), watched.log.cores.size());
  for (std::size_t core = 0; core < plain.log.cores.size(); ++core) {
    for (const Risc risc : each<Risc>)
      EXPECT_EQ(plain.log.cores[core].sequence(risc), watched.log.cores[core].sequence(risc));
  }
  for (const char* part :
       {"kernels: ", "y\\x", "each core: its kernels on BRISC, NCRISC, TRISC", "NCRISC debug/passes_pages"}) {
    EXPECT_NE(shown.find(part), std::string::npos) << part << " in " << shown.substr(0, 2000);
  }
}

TEST(StatusText, IsAGridOfWhatKernelsWaitFor) {
  const auto kernel = [](Risc risc, BlockReason reason, std::uint32_t id) {
    BlockedKernel one;
    one.risc = risc;
    one.name = "k";
    one.file = "k.cpp";
    one.line = 7;
    one.reason = reason;
    one.id = id;
    one.needed = 2;
    return one;
  };
  BlockedReport waits;
  waits.kernels = {kernel(Risc::brisc, BlockReason::semaphore, semaphore_offset(3)),
                   kernel(Risc::trisc, BlockReason::cb_empty, 5)};
  waits.kernels[1].waypoint = "UPAD";
  waits.buffers.push_back({5, "q", 4, 1, 0, 1, 0});
  waits.products = 12;
  BlockedReport ends;
  ends.core = 3;
  ends.kernels = {kernel(Risc::brisc, BlockReason::cb_full, 6), kernel(Risc::ncrisc, BlockReason::cb_full, 0)};
  ends.kernels[0].running = true;
  ends.kernels[1].finished = true;
  EXPECT_EQ(
      status_text({waits, ends}, {2, 2}, "p", 1.25),
      "tilegrid: p after 1.2 s; kernels: 1 running, 2 waiting, 1 ended\n"
      "    y\\x     0     1\n"
      "      0 s3/<5     .\n"
      "      1     .   R/-\n"
      "  each core: its kernels on BRISC, NCRISC, TRISC; R runs; <N waits for pages of CB N; sN for semaphore N; - has "
      "ended\n"
      "  (0,0):\n"
      "    BRISC k at k.cpp:7 waits for semaphore 3 to reach 2 (it is 0)\n"
      "    TRISC k past UPAD at k.cpp:7 waits for 2 pages of CB 5 'q' (0 there)\n"
      "  (1,1):\n"
      "    BRISC k at k.cpp:7 runs\n"
      "    NCRISC k has ended\n"
      "  tile multiplications so far, 12 in all\n"
      "    y\\x  0  1\n"
      "      0 12  .\n"
      "      1  .  0\n");
}

}  // namespace
}  // namespace tilegrid
