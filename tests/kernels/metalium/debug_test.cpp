// SPDX-License-Identifier: Apache-2.0
// What kernels from files are debugged and profiled by.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/kernels/metalium/foreign_program.h"

namespace tilegrid {
namespace {

using test::ForeignProgram;

constexpr GridSize grid{2, 2};

/// Runs on rank 0; errors of the run are failures of the test.
void run(const std::function<void(Device&)>& host) {
  const test::Outcome outcome = test::run_session(grid, host, FiberBackend::boost, test::quiet());
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

// ---- Zones

/// Loops and calls inside of zones, which end at the block's end or where it is left.
const char* const zoned = R"(#include "dataflow_api.h"
#include "tools/profiler/kernel_profiler.hpp"
void kernel_main() {
  auto* p = reinterpret_cast<volatile uint32_t*>(get_arg_val<uint32_t>(0));
  DeviceZoneScopedN("ALL");
  for (uint32_t round = 0; round < 3; ++round) {
    DeviceZoneScopedSumN1("round");
    cb_reserve_back(0, 1);
    for (uint32_t i = 0; i < 300 + 10 * round; ++i) p[i & 255] = p[(i + 1) & 255] + i;
    cb_push_back(0, 1);
    cb_wait_front(0, 1);
    for (uint32_t i = 0; i < 50; ++i) p[i] = i;
    cb_pop_front(0, 1);
  }
  DeviceTimestampedData("sum", (uint64_t{5} << 32) + 6);
}
)";

RunResult run_zoned(Device& device, std::string text) {
  ForeignProgram program(device, "zoned");
  program.cb(0, 2, 32, DataFormat::uint32);
  program.kernel("zoned.cpp", Risc::brisc, text);
  program.arguments(program.program.kernels[0], [](int) { return std::vector<std::uint32_t>{800'000}; });
  return program.launch();
}

TEST(KernelZones, AreLoggedByNameAndTakeNoTime) {
  run([](Device& device) {
    const RunResult with = run_zoned(device, zoned);
    const std::string none =
        "#undef DeviceZoneScopedN\n#define DeviceZoneScopedN(name)\n#undef DeviceZoneScopedSumN1\n"
        "#define DeviceZoneScopedSumN1(name)\n#undef DeviceTimestampedData\n#define DeviceTimestampedData(name, value)\n";
    const RunResult without = run_zoned(device, none + zoned);
    std::vector<std::pair<std::string, unsigned>> names;
    for (const ScopeName& scope : with.log.scopes) names.emplace_back(scope.name, scope.line);
    std::sort(names.begin(), names.end());
    EXPECT_EQ(names, (std::vector<std::pair<std::string, unsigned>>{{"ALL", 5}, {"round", 7}, {"sum", 15}}));
    EXPECT_TRUE(without.log.scopes.empty());
    for (std::size_t core = 0; core < with.log.cores.size(); ++core) {
      std::vector<Event> others;
      std::vector<std::string> scopes;
      for (const Event& event : with.log.cores[core].sequence(Risc::brisc)) {
        if (event.kind() != EventKind::scope) {
          others.push_back(event);
        } else {
          scopes.push_back(to_text(event, with.log));
        }
      }
      EXPECT_EQ(EventSequence(others), without.log.cores[core].sequence(Risc::brisc)) << "work between calls is the same";
      const std::string begin = "scope sum_begin round", end = "scope sum_end round";
      EXPECT_EQ(scopes, (std::vector<std::string>{"scope begin ALL", begin, end, begin, end, begin, end,
                                                  "scope value sum = 21474836486", "scope end ALL"}));
    }
  });
}

}  // namespace
}  // namespace tilegrid
