// SPDX-License-Identifier: Apache-2.0
// What kernels against our own API are debugged and profiled by.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kernels/api/circular_buffer.h"
#include "kernels/api/debug.h"
#include "kernels/registry.h"
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

}  // namespace
}  // namespace tilegrid
