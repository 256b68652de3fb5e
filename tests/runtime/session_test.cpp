// SPDX-License-Identifier: Apache-2.0
#include "runtime/session.h"

#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "kernels/api/dataflow.h"
#include "kernels/registry.h"
#include "runtime/task.h"
#include "tests/support/error_of.h"
#include "tests/support/session_support.h"

namespace tilegrid {
namespace {

using namespace api;  // NOLINT(google-build-using-namespace): kernels are written so
using test::error_of;
using test::run_session;

constexpr GridSize grid{4, 2};

// ---- The session

TEST(Session, GivesAllRanksTheCodeOfTheHost) {
  for (const int code : {0, 4, 77}) EXPECT_EQ(test::session().run({.grid = grid}, [&](Device&) { return code; }), code);
}

TEST(Session, RunsTheHostOnceAndOnRankZero) {
  int calls = 0;
  EXPECT_EQ(run_session(grid, [&](Device&) { ++calls; }).code, 0);
  EXPECT_EQ(calls, test::session().is_host() ? 1 : 0);
  EXPECT_EQ(test::session().is_host(), test::session().info().rank == 0);
}

TEST(Session, PrintsTheErrorOfTheHostOnce) {
  testing::internal::CaptureStderr();
  const int code = test::session().run({.grid = grid}, [](Device&) -> int { throw UsageError("--flag: no such thing"); });
  const std::string printed = testing::internal::GetCapturedStderr();
  EXPECT_EQ(code, 1);
  EXPECT_EQ(printed, test::session().is_host() ? "tilegrid: --flag: no such thing\n" : "");
}

TEST(Session, RefusesMoreRanksThanCoresAndNamesBoth) {
  const int ranks = test::session().info().size;
  const GridSize small{1, ranks == 1 ? 1 : ranks - 1};
  testing::internal::CaptureStderr();
  const int code = test::session().run({.grid = small}, [](Device&) { return 0; });
  const std::string printed = testing::internal::GetCapturedStderr();
  EXPECT_EQ(code, ranks == 1 ? 0 : 1);
  const std::string expected = "tilegrid: " + std::to_string(ranks) + " ranks for the " + std::to_string(ranks - 1) +
                               " cores of a 1x" + std::to_string(ranks - 1) + " grid: start at most one rank a core\n";
  EXPECT_EQ(printed, ranks > 1 && test::session().is_host() ? expected : "");
}

TEST(Session, RefusesGridsWithoutCoresAndBeyondItsAddresses) {
  for (const GridSize bad : {GridSize{0, 3}, GridSize{3, 0}, GridSize{-1, 1}, GridSize{47, 1}, GridSize{1, 47}}) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(test::session().run({.grid = bad}, [](Device&) { return 0; }), 1) << bad.x << "x" << bad.y;
    const std::string printed = testing::internal::GetCapturedStderr();
    EXPECT_EQ(printed.empty(), !test::session().is_host());
  }
}

TEST(Session, CanBeBegunAndEndedByAHostThatIsNoFunction) {
  for (const int code : {0, 5}) {
    Device* device = test::session().begin({.grid = grid});
    EXPECT_EQ(device != nullptr, test::session().is_host());
    if (device != nullptr) {
      EXPECT_EQ(device->grid(), grid);
    }
    EXPECT_EQ(test::session().end(code), code) << "on the other ranks: what the host ended with";
  }
  testing::internal::CaptureStderr();
  EXPECT_EQ(test::session().begin({.grid = {0, 1}}), nullptr);
  EXPECT_EQ(testing::internal::GetCapturedStderr().empty(), !test::session().is_host());
  EXPECT_EQ(test::session().end(0), 1);
}

// ---- L1 from the host

TEST(HostL1, IsEachCoresOwn) {
  run_session(grid, [](Device& device) {
    constexpr std::uint32_t offset = 200'003;  // no alignment is asked for
    for (int core = 0; core < grid.cores(); ++core) {
      const std::array<int, 3> data{core, core + 100, core + 200};
      device.write_l1(grid.core(core), offset, std::as_bytes(std::span(data)));
    }
    for (int core = 0; core < grid.cores(); ++core) {
      std::array<int, 3> data{};
      device.read_l1(grid.core(core), offset, std::as_writable_bytes(std::span(data)));
      EXPECT_EQ(data, (std::array{core, core + 100, core + 200}));
    }
  });
}

TEST(HostL1, EndsWhereL1Ends) {
  run_session(grid, [](Device& device) {
    std::array<std::byte, 16> data{};
    const std::uint32_t bytes = device.chip().memory().l1_bytes;
    EXPECT_NO_THROW(device.write_l1({0, 0}, bytes - 16, data));
    EXPECT_EQ(error_of<UsageError>([&] {
                device.write_l1({0, 0}, bytes - 15, data);
              }),
              "Device::write of 16 bytes at 1499121: the L1 of a core has the bytes from 65536 to 1499136");
    EXPECT_EQ(error_of<UsageError>([&] {
                device.read_l1({0, 0}, 4096, data);
              }),
              "Device::read of 16 bytes at 4096: the L1 of a core has the bytes from 65536 to 1499136");
    EXPECT_EQ(error_of<UsageError>([&] {
                device.read_l1({4, 0}, 200'000, data);
              }),
              "Device::read_l1: the grid has no core (4,0)");
  });
}

TEST(HostL1, ManyTransfersShareOneWait) {
  run_session(grid, [](Device& device) {
    device.use_dram(4096);
    const std::vector<int> sent(64, 7);
    std::vector<int> got(128);
    const auto out = std::as_writable_bytes(std::span(got));
    device.start_write({noc::Target::Kind::dram, 3}, 128, std::as_bytes(std::span(sent)));
    device.start_write({noc::Target::Kind::core, 5}, 300'000, std::as_bytes(std::span(sent)));
    device.finish();
    device.start_read({noc::Target::Kind::dram, 3}, 128, out.first(256));
    device.start_read({noc::Target::Kind::core, 5}, 300'000, out.last(256));
    device.finish();
    EXPECT_EQ(got, std::vector<int>(128, 7));
    EXPECT_EQ(error_of<UsageError>([&] {
                device.start_write({noc::Target::Kind::dram, 12}, 0, out);
              }),
              "Device::write: there is no DRAM bank 12 of 12");
  });
}

// ---- Buffers

TEST(Device, BuffersKeepTheirBytes) {
  const test::Outcome outcome = run_session(grid, [](Device& device) {
    struct Made {
      Buffer buffer;
      std::vector<std::uint8_t> data;
    };
    std::vector<Made> all;
    for (const auto& [bytes, page] : std::vector<std::pair<std::uint64_t, std::uint32_t>>{{1, 32},
                                                                                          {32, 32},
                                                                                          {33, 32},
                                                                                          {12 * 2048, 2048},
                                                                                          {13 * 2048, 2048},
                                                                                          {100 * 2048 + 1, 2048},
                                                                                          {700'000, 96},
                                                                                          {5 << 20, 1 << 20},
                                                                                          {3'000'000, 4096}}) {
      const Buffer buffer = device.create_buffer(bytes, page);
      EXPECT_EQ(buffer.pages, (bytes + page - 1) / page);
      EXPECT_EQ(buffer.bytes(), buffer.pages * page);
      std::vector<std::uint8_t> data(buffer.bytes());
      for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i * 131 + i / 251 + all.size());
      device.write(buffer, data);
      all.push_back({buffer, data});
    }
    for (const Made& made : all) {  // all are written: none overlaps another
      std::vector<std::uint8_t> back(made.data.size());
      device.read(made.buffer, back);
      EXPECT_TRUE(back == made.data) << made.buffer.bytes() << " bytes in pages of " << made.buffer.page_bytes;
    }
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

TEST(Device, RefusesBuffersThatCannotBe) {
  const test::Outcome outcome = run_session(grid, [](Device& device) {
    EXPECT_EQ(error_of<UsageError>([&] { static_cast<void>(device.create_buffer(64, 0)); }),
              "a DRAM page of 0 bytes: pages are multiples of 32 bytes");
    EXPECT_EQ(error_of<UsageError>([&] { static_cast<void>(device.create_buffer(64, 48)); }),
              "a DRAM page of 48 bytes: pages are multiples of 32 bytes");
    constexpr std::uint64_t bank = std::uint64_t{1} << 30U;
    EXPECT_EQ(device.create_buffer(12 * bank, 1U << 20U).pages, 12U * 1024);  // all there is
    EXPECT_EQ(error_of<UsageError>([&] { static_cast<void>(device.create_buffer(1, 32)); }),
              "a buffer of 1 bytes needs 32 bytes in each of 12 DRAM banks; 0 of 1073741824 are free");
    device.free_buffers();
    EXPECT_EQ(
        error_of<UsageError>([&] { static_cast<void>(device.create_buffer(12 * bank + 1, 1U << 20U)); }),
        "a buffer of 12884901889 bytes needs 1074790400 bytes in each of 12 DRAM banks; 1073741824 of 1073741824 are free");
    const Buffer buffer = device.create_buffer(100, 64);
    std::vector<std::uint8_t> data(127);
    EXPECT_EQ(error_of<UsageError>([&] { device.write(buffer, data); }), "Device::write of 127 bytes, the buffer has 128");
    EXPECT_EQ(error_of<UsageError>([&] { device.read(buffer, data); }), "Device::read of 127 bytes, the buffer has 128");
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

TEST(Device, NamesWorkersByVirtualCoordinates) {
  EXPECT_EQ(Device::worker_core({0, 0}).x, 18U);
  EXPECT_EQ(Device::worker_core({0, 0}).y, 18U);
  EXPECT_EQ(Device::worker_core({7, 9}).x, 25U);
  EXPECT_EQ(Device::worker_core({7, 9}).y, 27U);
}

// ---- Programs

const auto reports_itself = register_kernel("session/reports_itself", [] {
  test::put_result(0, my_x() - noc::virtual_base);
  test::put_result(1, my_y() - noc::virtual_base);
  test::put_result(2, *semaphore_pointer(get_semaphore(1)));
  const std::uint32_t scratch = get_write_ptr(0);
  test::put_result(3, *semaphore_pointer(scratch));  // L1 is zero at the start of every program
  *semaphore_pointer(scratch) = 99;
  *semaphore_pointer(get_semaphore(1)) = 98;
  test::put_result(4, scratch - get_semaphore(0) + l1_semaphore_base);
  test::put_result(5, get_compile_time_arg_val(0));
  test::store_results();
});

TEST(Device, RunsProgramAfterProgram) {
  const test::Outcome outcome = run_session(grid, [](Device& device) {
    for (std::uint32_t round = 0; round < 20; ++round) {
      test::TestProgram program(device);
      program.cb(0, 2).semaphores({0, round}).kernel(reports_itself, Risc::ncrisc, CoreRange::all(grid), {round});
      const RunResult result = program.launch();
      EXPECT_EQ(result.cores.size(), 8U);
      EXPECT_EQ(result.ranks.size(), static_cast<std::size_t>(test::session().info().size));
      for (int core = 0; core < 8; ++core) {
        const LogicalCore at = grid.core(core);
        // The results' buffer of three pages of 1024 bytes comes first.
        const std::array<std::uint32_t, 6> expected{
            static_cast<std::uint32_t>(at.x), static_cast<std::uint32_t>(at.y), round, 0, l1_user_base + 3072, round};
        for (std::uint32_t i = 0; i < expected.size(); ++i) {
          EXPECT_EQ(program.result(at, Risc::ncrisc, i), expected[i]) << "core " << core << " result " << i;
        }
        EXPECT_EQ(result.cores[static_cast<std::size_t>(core)].l1_used_bytes, l1_user_base + 3072 + 4096);
        EXPECT_EQ(result.log.cores[static_cast<std::size_t>(core)].sequence(Risc::ncrisc).front().kind(),
                  EventKind::kernel_start);
        EXPECT_EQ(result.log.cores[static_cast<std::size_t>(core)].sequence(Risc::ncrisc).back().kind(),
                  EventKind::kernel_end);
        EXPECT_TRUE(result.log.cores[static_cast<std::size_t>(core)].sequence(Risc::brisc).empty());
      }
    }
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

const auto adds_arguments = register_kernel("session/adds_arguments", [] {
  const KernelContext& kernel = context(Here::current());
  std::uint32_t sum = get_compile_time_arg_val(1);
  for (std::uint32_t i = 0; i < kernel.runtime_args.size(); ++i) sum += get_arg_val<std::uint32_t>(i);
  test::put_result(0, sum);
  test::put_result(1, static_cast<std::uint32_t>(get_arg_val<std::int32_t>(0) < 0));
  test::store_results();
});

TEST(Device, GivesEachCoreItsArguments) {
  const test::Outcome outcome = run_session(grid, [](Device& device) {
    test::TestProgram program(device);
    program.kernel(adds_arguments, Risc::trisc, {{1, 0}, {3, 1}}, {0, 1000});
    for (int core = 0; core < 8; ++core) {
      const auto n = static_cast<std::uint32_t>(core);
      if (core % 4 != 0) program.program().kernels[0].runtime_args.push_back({core, {0xFFFFFFFF, n, 3 * n}});
    }
    program.launch();
    for (int core = 0; core < 8; ++core) {
      const auto n = static_cast<std::uint32_t>(core);
      EXPECT_EQ(program.result(grid.core(core), Risc::trisc, 0), core % 4 == 0 ? 0 : 999 + 4 * n);
      EXPECT_EQ(program.result(grid.core(core), Risc::trisc, 1), core % 4 == 0 ? 0U : 1U);
    }
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

TEST(Device, RecordsNoLogWhenToldSo) {
  const test::Outcome outcome = run_session(grid, [](Device& device) {
    Program program;
    program.grid = grid;
    LaunchOptions options;
    options.record_log = false;
    EXPECT_TRUE(device.launch(program, options).log.cores.empty());
    EXPECT_EQ(device.launch(program).log.cores.size(), 8U);
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

const auto tells_its_address = register_kernel("session/tells_its_address", [] {
  test::put_result(0, get_write_ptr(test::results_cb));
  test::store_results();
});

TEST(Device, HasL1AtItsTrueOffsetWhenEveryCoreHasARank) {
  const GridSize one_each{test::session().info().size, 1};
  const test::Outcome outcome = run_session(one_each, [&](Device& device) {
    test::TestProgram program(device);
    program.kernel(tells_its_address, Risc::brisc, CoreRange::all(one_each));
    program.launch();
    for (int x = 0; x < one_each.x; ++x) EXPECT_EQ(program.result({x, 0}, Risc::brisc, 0), l1_user_base);
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

TEST(Device, RefusesProgramsThatCannotRun) {
  const test::Outcome outcome = run_session(grid, [](Device& device) {
    Program other;
    other.grid = {2, 2};
    EXPECT_EQ(error_of<UsageError>([&] { device.launch(other); }), "the program is for a 2x2 grid, the session has 4x2");
    test::TestProgram unknown(device);
    unknown.kernel("session/nobody", Risc::brisc, test::only({3, 1}));
    EXPECT_EQ(error_of<UsageError>([&] { unknown.launch(); }), "no kernel is registered as 'session/nobody'");
    test::TestProgram large(device);
    large.cb(0, 700);
    EXPECT_NE(error_of<UsageError>([&] { large.launch(); }).find("L1 overflow: asked 1540096 bytes"), std::string::npos);
    test::TestProgram good(device);
    good.kernel(tells_its_address, Risc::brisc, CoreRange::all(grid));
    EXPECT_EQ(good.launch().cores.size(), 8U);
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

// ---- Tasks

const auto sums = register_task("session/sum", [](std::span<const std::byte> input) {
  std::uint64_t sum = input.size();
  for (const std::byte b : input) sum += static_cast<std::uint64_t>(b);
  return to_bytes(sum);
});
const auto reverses = register_task(
    "session/reverse", [](std::span<const std::byte> input) { return std::vector(input.rbegin(), input.rend()); });

TEST(Device, MapsTasksOverTheRanks) {
  const test::Outcome outcome = run_session(grid, [](Device& device) {
    const auto ranks = static_cast<std::size_t>(device.ranks());
    std::vector<std::vector<std::byte>> inputs(ranks);
    for (std::size_t rank = 0; rank < ranks; ++rank) inputs[rank].assign(rank * 100'003, static_cast<std::byte>(rank));
    const auto outputs = device.map(sums, inputs);
    EXPECT_EQ(outputs.size(), ranks);
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      EXPECT_EQ(from_bytes<std::uint64_t>(outputs[rank]), rank * 100'003 * (rank + 1));
    }
    inputs.assign(ranks, {});
    for (std::size_t i = 0; i < 3'000'000; ++i) inputs.back().push_back(static_cast<std::byte>(i * 7 + i / 256));
    auto reversed = device.map(reverses, inputs);
    for (std::size_t rank = 0; rank + 1 < ranks; ++rank) EXPECT_TRUE(reversed[rank].empty());
    EXPECT_TRUE(std::equal(reversed.back().rbegin(), reversed.back().rend(), inputs.back().begin(), inputs.back().end()));
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

TEST(Device, RefusesUnknownTasksBeforeAnyRankIsAsked) {
  const test::Outcome outcome = run_session(grid, [](Device& device) {
    const std::vector<std::vector<std::byte>> inputs(static_cast<std::size_t>(device.ranks()));
    EXPECT_EQ(error_of<UsageError>([&] { static_cast<void>(device.map("session/nothing", inputs)); }),
              "no task is registered as 'session/nothing'");
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

}  // namespace
}  // namespace tilegrid
