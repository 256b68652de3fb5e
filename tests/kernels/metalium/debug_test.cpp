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
const PrintFilter all_output{.riscs = PrintFilter::all_riscs, .cores = {}};
const PrintFilter no_output{.riscs = 0, .cores = {}};

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

TEST(KernelZones, AValueMayBeNamedByANumber) {
  run([](Device& device) {
    const RunResult result = run_zoned(device, "void kernel_main() { DeviceTimestampedData(uint16_t{12345}, 7); }\n");
    ASSERT_EQ(result.log.scopes.size(), 1U);
    EXPECT_EQ(result.log.scopes.front().name, "12345");
  });
}

// ---- Output

/// What the program's kernels print.
std::string printed(Device& device, ForeignProgram& program, PrintFilter filter = all_output) {
  std::string text;
  device.set_output(std::move(filter), [&](std::string_view more) { text += more; });
  program.launch();
  device.set_output(all_output);
  return text;
}

const char* const speaks = R"(#include "dataflow_api.h"
#include "debug/dprint.h"
void kernel_main() {
  const uint32_t mine = get_arg_val<uint32_t>(0);
  DPRINT << "core " << mine << ENDL();
  DPRINT_DATA0(DPRINT << "data 0" << ENDL());
  DPRINT_DATA1(DPRINT << "data 1" << ENDL());
  DPRINT << HEX() << 255 << DEC() << ' ' << -3 << ' ' << OCT() << 8u << ENDL() << "second line\nthird ";
  DPRINT << SETW(6) << 7 << SETPRECISION(3) << ' ' << FIXED() << 1.5f << DEFAULTFLOAT() << ' ' << BF16(0x4049) << ' '
         << F32(0.25f) << ' ' << U32(4000000000u) << ' ' << I32(-5) << ENDL();
  DPRINT("{} of {:x}, {{}}\n", mine, 255);
  DEVICE_PRINT("{:.2f} {}\n", 2.0f, "text");
  DPRINT << "unfinished";
}
)";

ForeignProgram speaking(Device& device) {
  ForeignProgram program(device, "speaks");
  for (const Risc risc : {Risc::ncrisc, Risc::brisc}) program.kernel("speaks.cpp", risc, speaks);
  for (KernelConfig& kernel : program.program.kernels) {
    program.arguments(kernel, [](int core) { return std::vector<std::uint32_t>{static_cast<std::uint32_t>(core)}; });
  }
  return program;
}

/// Of one core; the others print the same but for their numbers.
std::string lines_of(int core, const char* risc, const char* number) {
  const std::string start = "0:(" + std::to_string(core % 2) + "," + std::to_string(core / 2) + "):" + risc + ": ";
  std::string text;
  for (const std::string& line :
       {"core " + std::to_string(core), std::string("data ") + number, std::string("ff -3 10"), std::string("second line"),
        std::string("third      7 1.500 3.14 0.25 4000000000 -5"), std::to_string(core) + " of ff, {}",
        std::string("2.00 text"), std::string("unfinished")}) {
    text += start + line + "\n";
  }
  return text;
}

TEST(KernelOutput, ComesByCoreAndRiscInWholeLines) {
  run([](Device& device) {
    ForeignProgram program = speaking(device);
    std::string expected;
    for (int core = 0; core < 4; ++core) expected += lines_of(core, "BR", "0") + lines_of(core, "NC", "1");
    EXPECT_EQ(printed(device, program), expected);
    EXPECT_EQ(printed(device, program, {.riscs = 2, .cores = {1, 3}}), lines_of(1, "NC", "1") + lines_of(3, "NC", "1"));
    EXPECT_EQ(printed(device, program, no_output), "");
  });
}

const char* const slices = R"(#include "dataflow_api.h"
void kernel_main() {
  cb_reserve_back(0, 2);
  volatile uint16_t* tile = reinterpret_cast<volatile uint16_t*>(get_write_ptr(0));
  for (uint32_t i = 0; i < 1024; ++i) tile[i] = i / 256 == 0 ? 0x3f80 : 0x4000;  // ones in the first face, twos elsewhere
  DPRINT << TileSlice(0, 0, SliceRange::hw0_32_16(), TSLICE_INPUT_CB, TSLICE_WR_PTR) << ENDL();
  DPRINT << "waits: " << TSLICE(0, 0, SliceRange::hw041(), TSLICE_INPUT_CB, TSLICE_RD_PTR) << ENDL();
  cb_push_back(0, 2);
  cb_wait_front(0, 1);
  DPRINT << TSLICE(0, 0, SliceRange{0, 1, 1, 15, 18, 1}, true, false) << '|' << TSLICE(0, 0, SliceRange{0, 1, 1, 15, 18, 1}) << ENDL();
  DPRINT << TSLICE(0, 1, SliceRange::hw041()) << ENDL();
  cb_pop_front(0, 1);
}
)";

TEST(KernelOutput, SlicesAreOfWhatTheKernelMayLookAt) {
  const test::Outcome outcome = test::run_session(
      grid,
      [](Device& device) {
        ForeignProgram program(device, "slices");
        program.cb(0, 2);
        program.kernel("slices.cpp", Risc::brisc, slices);
        const std::string start = "0:(1,0):BR: ";
        EXPECT_EQ(printed(device, program, {.riscs = 1, .cores = {1}}),
                  start + "1 2\n" + start + "2 2\n" + start + "waits: <tile 0 of CB 0: 0 pages of it are waited for>\n" +
                      start + "1 1 1|1 2 2\n" + start + "<tile 1 of CB 0: 1 page of it is waited for>\n");
        std::vector<std::uint32_t> lines;
        for (const checks::Finding& finding : device.warnings()) {
          EXPECT_EQ(finding.error_class, "print-slice");
          EXPECT_EQ(finding.core, 1);
          lines.push_back(finding.line);
        }
        EXPECT_EQ(lines, (std::vector<std::uint32_t>{7, 11}));
      },
      FiberBackend::boost, checks::Config{});
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

/// PACK asks for room before there is any: what it prints comes behind that.
const char* const three_processors = R"(#include "compute_kernel_api/eltwise_binary.h"
void kernel_main() {
  binary_op_init_common(0, 0, 16);
  copy_tile_init(0);
  for (uint32_t i = 0; i < 2; ++i) {
    cb_reserve_back(16, 1);
    DPRINT_PACK(DPRINT << "pack " << i << ENDL());
    DPRINT_UNPACK(DPRINT << "unpack " << i << ENDL());
    DPRINT_MATH(DPRINT << "math " << i << ' ' << TSLICE(0, 0, SliceRange::hw041()) << ENDL());
    cb_wait_front(0, 1);
    DPRINT_UNPACK(DPRINT << TSLICE(0, 0, SliceRange{0, 1, 1, 0, 2, 1}) << ENDL());
    tile_regs_acquire();
    copy_tile(0, 0, 0);
    tile_regs_commit();
    tile_regs_wait();
    pack_tile(0, 16);
    DPRINT_PACK(DPRINT << TSLICE(16, 0, SliceRange{0, 1, 1, 0, 2, 1}) << ENDL());
    cb_push_back(16, 1);
    tile_regs_release();
    cb_pop_front(0, 1);
  }
}
)";

TEST(KernelOutput, OfAComputeKernelIsThatOfThreeProcessors) {
  run([](Device& device) {
    ForeignProgram program(device, "three");
    program.cb(0, 2).cb(16, 1);
    program.kernel("gives.cpp", Risc::ncrisc, R"(#include "dataflow_api.h"
void kernel_main() {
  for (uint32_t i = 0; i < 2; ++i) {
    cb_reserve_back(0, 1);
    for (uint32_t j = 0; j < 1024; ++j) reinterpret_cast<volatile uint16_t*>(get_write_ptr(0))[j] = 0x3f80 + 0x80 * i;
    cb_push_back(0, 1);
  }
}
)");
    program.kernel("three.cpp", Risc::trisc, three_processors);
    program.kernel("takes.cpp", Risc::brisc, R"(#include "dataflow_api.h"
void kernel_main() {
  for (uint32_t i = 0; i < 2; ++i) {
    cb_wait_front(16, 1);
    cb_pop_front(16, 1);
  }
}
)");
    const std::string unpack = "0:(0,0):TR0: ", math = "0:(0,0):TR1: ", pack = "0:(0,0):TR2: ";
    const std::string none = " <tile 0 of CB 0: MATH can't see circular buffers, UNPACK and PACK can>\n";
    EXPECT_EQ(printed(device, program, {.riscs = PrintFilter::all_riscs, .cores = {0}}),
              unpack + "unpack 0\n" + unpack + "1 1\n" + unpack + "unpack 1\n" + unpack + "2 2\n" + math + "math 0" + none +
                  math + "math 1" + none + pack + "pack 0\n" + pack + "1 1\n" + pack + "pack 1\n" + pack + "2 2\n");
    EXPECT_EQ(printed(device, program, {.riscs = 8, .cores = {0}}), math + "math 0" + none + math + "math 1" + none);
  });
}

TEST(KernelOutput, ChangesNeitherLogNorTime) {
  run([](Device& device) {
    ForeignProgram program(device, "slices");
    program.cb(0, 2);
    program.kernel("slices.cpp", Risc::brisc, slices);
    device.set_output(no_output);
    const RunResult quiet = program.launch();
    device.set_output(all_output, [](std::string_view) {});
    const RunResult loud = program.launch();
    for (std::size_t core = 0; core < quiet.log.cores.size(); ++core) {
      EXPECT_EQ(quiet.log.cores[core].sequence(Risc::brisc), loud.log.cores[core].sequence(Risc::brisc));
    }
  });
}

// ---- Assertions and waypoints

TEST(KernelAssertions, ThatFailNameCoreRiscAndLine) {
  std::string said;
  const test::Outcome outcome = test::run_session(
      grid,
      [&](Device& device) {
        ForeignProgram program(device, "asserts");
        program.kernel("asserts.cpp", Risc::ncrisc, R"(#include "dataflow_api.h"
#include "debug/assert.h"
void kernel_main() {
  const uint32_t mine = get_arg_val<uint32_t>(0);
  DPRINT << "said before" << ENDL();
  ASSERT(mine != 2);
}
)");
        program.arguments(program.program.kernels[0],
                          [](int core) { return std::vector<std::uint32_t>{static_cast<std::uint32_t>(core)}; });
        device.set_output({.riscs = PrintFilter::all_riscs, .cores = {2}}, [&](std::string_view text) { said += text; });
        program.launch();
      },
      FiberBackend::boost, test::quiet());
  EXPECT_EQ(outcome.code, 2);
  if (!test::session().is_host()) return;
  EXPECT_EQ(said, "0:(0,1):NC: said before\n") << "what was printed before an error is not lost";
  for (const char* part : {"assert · core (0,1)", "NCRISC", "asserts.cpp:6", "ASSERT(mine != 2) failed"}) {
    EXPECT_NE(outcome.error.find(part), std::string::npos) << part << " in " << outcome.error;
  }
}

TEST(KernelWaypoints, TheLastOneStandsInTheReportOfADeadlock) {
  std::string said;
  const test::Outcome outcome = test::run_session(
      grid,
      [&](Device& device) {
        ForeignProgram program(device, "waits");
        program.cb(3, 1);
        program.kernel("waits.cpp", Risc::brisc, R"(#include "dataflow_api.h"
#include "debug/waypoint.h"
void kernel_main() {
  WAYPOINT("A");
  DPRINT << "not lost, although not finished";
  WAYPOINT("CWFW");
  cb_wait_front(3, 1);
  WAYPOINT("B");
}
)");
        device.set_output({.riscs = PrintFilter::all_riscs, .cores = {0}}, [&](std::string_view text) { said += text; });
        program.launch();
      },
      FiberBackend::boost, test::quiet());
  EXPECT_EQ(outcome.code, 3);
  if (!test::session().is_host()) return;
  EXPECT_EQ(said, "0:(0,0):BR: not lost, although not finished\n");
  EXPECT_NE(outcome.error.find("BRISC waits.cpp at waits.cpp:7 (waypoint CWFW) waits in cb_wait_front: CB 3"),
            std::string::npos)
      << outcome.error;
}

}  // namespace
}  // namespace tilegrid
