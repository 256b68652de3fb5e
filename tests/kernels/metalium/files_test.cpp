// SPDX-License-Identifier: Apache-2.0
// Kernels that are compiled while the program runs, against the device headers.
#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "core/tile.h"
#include "tests/kernels/metalium/foreign_program.h"

namespace tilegrid {
namespace {

using test::bf16;
using test::ForeignProgram;

constexpr GridSize grid{2, 2};

/// Runs on rank 0; errors of the run are failures of the test.
void run(const std::function<void(Device&)>& host) {
  const test::Outcome outcome = test::run_session(grid, host, FiberBackend::boost, test::quiet());
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}
std::string error_of(const std::function<void(Device&)>& host) {
  return test::run_session(grid, host, FiberBackend::boost, test::quiet()).error;
}

const char* const pair_reader = R"(#include <stdint.h>
#include "dataflow_api.h"
void kernel_main() {
  uint32_t a = get_arg_val<uint32_t>(0), b = get_arg_val<uint32_t>(1), first = get_arg_val<uint32_t>(2);
  constexpr uint32_t cb0 = tt::CB::c_in0, cb1 = tt::CB::c_in1;
  const InterleavedAddrGenFast<true> in0 = {
      .bank_base_address = a, .page_size = get_tile_size(cb0), .data_format = get_dataformat(cb0)};
  constexpr auto args = TensorAccessorArgs<1>();
  const auto in1 = TensorAccessor(args, b, get_tile_size(cb1));
  constexpr uint32_t tiles = get_compile_time_arg_val(0);
  uint32_t order[tiles];
  for (uint32_t i = 0; i < tiles; ++i) order[i] = first + i;
  for (uint32_t i : order) {
    cb_reserve_back(cb0, 1);
    cb_reserve_back(cb1, 1);
    noc_async_read_tile(i, in0, get_write_ptr(cb0));
    noc_async_read_tile(i, in1, get_write_ptr(cb1));
    noc_async_read_barrier();
    cb_push_back(cb0, 1);
    cb_push_back(cb1, 1);
  }
}
)";

/// PACK's calls come before MATH could have committed: on silicon they wait, each on its own processor.
const char* const early_pack = R"(#include "compute_kernel_api/eltwise_binary.h"
namespace NAMESPACE {
void MAIN {
  constexpr auto in0 = tt::CBIndex::c_0, in1 = tt::CBIndex::c_1, out = tt::CBIndex::c_16;
  binary_op_init_common(in0, in1, out);
  add_tiles_init(in0, in1);
  for (uint32_t i = 0; i < get_compile_time_arg_val(0); ++i) {
    cb_reserve_back(out, 1);
    tile_regs_wait();
    pack_tile(0, out);
    cb_push_back(out, 1);
    tile_regs_release();
    cb_wait_front(in0, 1);
    cb_wait_front(in1, 1);
    tile_regs_acquire();
    add_tiles(in0, in1, 0, 0, 0);
    tile_regs_commit();
    cb_pop_front(in0, 1);
    cb_pop_front(in1, 1);
  }
}
}
)";
const char* const old_sections = R"(#include "compute_kernel_api.h"
void kernel_main() {
  binary_op_init_common(0, 1, 16);
  for (uint32_t i = 0; i < get_compile_time_arg_val(0); ++i) {
    acquire_dst(tt::DstMode::Half);
    cb_wait_front(0, 1);
    cb_wait_front(1, 1);
    cb_reserve_back(16, 1);
    add_tiles(0, 1, 0, 0, 0);
    pack_tile(0, 16);
    cb_push_back(16, 1);
    release_dst(tt::DstMode::Half);
    cb_pop_front(0, 1);
    cb_pop_front(1, 1);
  }
}
)";

/// Sums of whole numbers, which BF16 holds exactly.
void add_pairs(Device& device, const char* compute) {
  constexpr std::uint32_t tiles = 5;
  const std::size_t elements = std::size_t{tiles} * grid.cores() * tile_elements;
  std::vector<std::uint16_t> a(elements), b(elements), sum(elements);
  for (std::size_t i = 0; i < elements; ++i) {
    a[i] = bf16(static_cast<float>(i % 97));
    b[i] = bf16(static_cast<float>(i % 31));
  }
  const Buffer in0 = device.create_buffer(elements * 2, 2048);
  const Buffer in1 = device.create_buffer(elements * 2, 2048);
  const Buffer out = device.create_buffer(elements * 2, 2048);
  device.write(in0, a);
  device.write(in1, b);
  ForeignProgram program(device, "pairs");
  program.cb(0, 2).cb(1, 2).cb(16, 2);
  program.kernel("reader.cpp", Risc::ncrisc, pair_reader, {tiles, 2});
  program.kernel("compute.cpp", Risc::trisc, compute, {tiles});
  program.kernel("writer.cpp", Risc::brisc, test::page_writer, {tiles, 2048});
  const auto first = [](int core) { return static_cast<std::uint32_t>(core) * tiles; };
  program.arguments(program.program.kernels[0], [&](int core) {
    return std::vector<std::uint32_t>{in0.address, in1.address, first(core)};
  });
  program.arguments(program.program.kernels[2], [&](int core) {
    return std::vector<std::uint32_t>{out.address, first(core)};
  });
  program.launch();
  device.read(out, sum);
  for (std::size_t i = 0; i < elements; ++i) {
    ASSERT_EQ(sum[i], bf16(static_cast<float>(i % 97 + i % 31))) << "element " << i;
  }
}

TEST(KernelFiles, PackCallsBeforeTheirSectionWaitForIt) {
  run([](Device& device) { add_pairs(device, early_pack); });
}
TEST(KernelFiles, TheOlderPairOfSectionsPacksInBetween) {
  run([](Device& device) { add_pairs(device, old_sections); });
}

/// One word of every core: what its BRISC kernel leaves in the first word of CB 16.
std::vector<std::uint32_t> words_of(Device& device, const std::string& body,
                                    const std::vector<std::uint32_t>& semaphores = {}, const std::string& other = "",
                                    const std::vector<std::uint32_t>& args = {}, int launches = 1) {
  const Buffer out = device.create_buffer(static_cast<std::uint64_t>(grid.cores()) * 32, 32);
  ForeignProgram program(device, "words");
  program.cb(16, 1, 32, DataFormat::uint32);
  program.program.semaphores = semaphores;
  const std::string writer = "#include \"dataflow_api.h\"\n" + body + R"(
void kernel_main() {
  cb_reserve_back(16, 1);
  *reinterpret_cast<volatile tt_l1_ptr uint32_t*>(get_write_ptr(16)) = answer();
  const InterleavedAddrGen<true> buffer = {.bank_base_address = get_arg_val<uint32_t>(0), .page_size = 32};
  noc_async_write(get_write_ptr(16), get_noc_addr(get_arg_val<uint32_t>(1), buffer), 32);
  noc_async_write_barrier();
}
)";
  KernelConfig& kernel = program.kernel("words.cpp", Risc::brisc, writer);
  program.arguments(kernel, [&](int core) {
    std::vector<std::uint32_t> words{out.address, static_cast<std::uint32_t>(core)};
    words.insert(words.end(), args.begin(), args.end());
    return words;
  });
  if (!other.empty()) program.kernel("other.cpp", Risc::ncrisc, "#include \"dataflow_api.h\"\n" + other);
  for (int i = 0; i < launches; ++i) program.launch();
  std::vector<std::uint32_t> pages(static_cast<std::size_t>(grid.cores()) * 8);
  device.read(out, pages);
  std::vector<std::uint32_t> words;
  for (std::size_t i = 0; i < pages.size(); i += 8) words.push_back(pages[i]);
  return words;
}
using Words = std::vector<std::uint32_t>;

TEST(KernelFiles, VariablesAreOfTheCoreAndBeginAnewWithALaunch) {
  run([](Device& device) {
    const char* body = R"(uint32_t counter = 5;
uint32_t next() { static uint32_t calls = 10; return ++calls; }
uint32_t answer() { next(); return ++counter * 100 + next(); })";
    EXPECT_EQ(words_of(device, body, {}, "", {}, 3), Words(4, 612));
  });
}

TEST(KernelFiles, AnOffsetFromTheHostIsAPointer) {
  run([](Device& device) {
    const char* body = R"(uint32_t answer() {
  auto* p = reinterpret_cast<volatile tt_l1_ptr uint32_t*>(get_arg_val<uint32_t>(2));
  *p = 1000 + get_arg_val<uint32_t>(1);
  p[1] = *p + 1;
  noc_async_read(get_noc_addr(get_arg_val<uint32_t>(2)), get_arg_val<uint32_t>(2) + 64, 16);
  noc_async_read_barrier();
  return p[17];
})";
    EXPECT_EQ(words_of(device, body, {}, "", {900'000}), (Words{1001, 1002, 1003, 1004}));
  });
}

TEST(KernelFiles, ASemaphoreChangedByAStoreWakesWhoWaits) {
  run([](Device& device) {
    const char* body = R"(uint32_t answer() {
  noc_semaphore_wait(reinterpret_cast<volatile uint32_t*>(get_semaphore(0)), 3);
  return 77;
})";
    const char* other = R"(namespace {
void kernel_main() { *reinterpret_cast<volatile uint32_t*>(get_semaphore(0)) = 3; }
})";
    EXPECT_EQ(words_of(device, body, {0}, other), Words(4, 77));
  });
}

/// All set their own semaphores first, as if they began at once. Between processes only the launch orders them.
TEST(KernelFiles, ASignalWaitsUntilAllHaveBegun) {
  int launched = 0;
  MPI_Initialized(&launched);
  if (launched != 0) GTEST_SKIP() << "of one process";
  run([](Device& device) {
    const char* body = R"(uint32_t answer() {
  auto* own = reinterpret_cast<volatile uint32_t*>(get_semaphore(0));
  noc_semaphore_set(own, 0);
  const uint32_t x = get_absolute_logical_x(), y = get_absolute_logical_y();
  noc_semaphore_inc(get_noc_addr(my_x[0] + 1 - 2 * x, my_y[0] + 1 - 2 * y, get_semaphore(0)), 1);
  noc_semaphore_wait(own, 1);
  return *own;
})";
    EXPECT_EQ(words_of(device, body, {5}), Words(4, 1));
  });
}

TEST(KernelFiles, ALoopOverMemoryGoesOnWhenItChanges) {
  run([](Device& device) {
    const char* body = R"(uint32_t answer() {
  auto* p = reinterpret_cast<volatile uint32_t*>(get_semaphore(0));
  while (*p != 1) {}
  *p = 2;
  return 78;
})";
    const char* other = R"(void kernel_main() {
  auto* p = reinterpret_cast<volatile uint32_t*>(get_semaphore(0));
  *p = 1;
  while (true) { invalidate_l1_cache(); if (*p == 2) break; }
})";
    EXPECT_EQ(words_of(device, body, {0}, other), Words(4, 78));
  });
}

TEST(KernelFiles, ALoopThatNothingEndsIsADeadlock) {
  const char* body = R"(uint32_t answer() {
  auto* p = reinterpret_cast<volatile uint32_t*>(get_semaphore(0));
  while (*p != 1) {}
  return 78;
})";
  const test::Outcome outcome = test::run_session(
      grid, [&](Device& device) { words_of(device, body, {0}); }, FiberBackend::boost, test::quiet());
  EXPECT_EQ(outcome.code, 3) << outcome.error;
  if (!test::session().is_host()) return;
  EXPECT_NE(outcome.error.find("words.cpp:4 waits in a loop over memory"), std::string::npos) << outcome.error;
}

/// Cores of a process run the same code, and each waits for a value of its own while a token goes round: how often they
/// looked until it came is not known on silicon, and depends on the schedule here.
TEST(KernelFiles, LooksOfALoopThatWaitsAreNotCharged) {
  run([](Device& device) {
    ForeignProgram program(device, "token");
    program.program.semaphores = {0, 0};
    program.kernel("waits.cpp", Risc::brisc, R"(#include "dataflow_api.h"
void kernel_main() {
  auto* p = reinterpret_cast<volatile uint32_t*>(get_semaphore(0));
  const uint32_t mine = get_arg_val<uint32_t>(0);
  while (*p != mine) {}
}
)");
    program.kernel("passes_on.cpp", Risc::ncrisc, R"(#include "dataflow_api.h"
void kernel_main() {
  auto* token = reinterpret_cast<volatile uint32_t*>(get_semaphore(1));
  const uint32_t mine = get_arg_val<uint32_t>(0), core = mine - 5;
  const uint32_t next_x = core == 0 ? my_x[0] + 1 : core == 3 ? my_x[0] - 1 : my_x[0];
  const uint32_t next_y = core == 1 ? my_y[0] + 1 : core == 2 ? my_y[0] - 1 : my_y[0];
  for (uint32_t round = 1; round <= 40; ++round) {
    if (core != 0) noc_semaphore_wait_min(token, round);
    noc_semaphore_inc(get_noc_addr(next_x, next_y, get_semaphore(1)), 1);
    if (core == 0) noc_semaphore_wait_min(token, round);
  }
  *reinterpret_cast<volatile uint32_t*>(get_semaphore(0)) = mine;
}
)");
    for (KernelConfig& kernel : program.program.kernels) {
      program.arguments(kernel, [](int core) { return std::vector<std::uint32_t>{static_cast<std::uint32_t>(core) + 5}; });
    }
    for (const EventLog& log : program.launch().log.cores) {
      for (const Event& event : log.sequence(Risc::brisc)) EXPECT_NE(event.kind(), EventKind::work);
    }
  });
}

TEST(KernelFiles, AMulticastOfIncrementsReachesAllOthers) {
  run([](Device& device) {
    const char* body = R"(uint32_t answer() {
  auto* p = reinterpret_cast<volatile uint32_t*>(get_semaphore(0));
  if (get_arg_val<uint32_t>(1) == 0) {
    noc_semaphore_inc_multicast(
        get_noc_multicast_addr(my_x[0], my_y[0], my_x[0] + 1, my_y[0] + 1, get_semaphore(0)), 3, 3);
    noc_async_atomic_barrier();
  } else {
    noc_semaphore_wait(p, 4);
  }
  return *p;
})";
    EXPECT_EQ(words_of(device, body, {1}), (Words{1, 4, 4, 4}));
  });
}

TEST(KernelFiles, CoordinatesClockAndEndpointsHaveTheirNames) {
  run([](Device& device) {
    const char* body = R"(
#include "api/dataflow/noc.h"
#include "api/dataflow/endpoints.h"
uint64_t get_timestamp() { return 7; }  // the kernel's own goes before ours
uint32_t answer() {
  const uint32_t earlier = reg_read(RISCV_DEBUG_REG_WALL_CLOCK_L);
  const bool forward = reg_read(RISCV_DEBUG_REG_WALL_CLOCK_L) >= earlier;
  const uint32_t x = get_absolute_logical_x(), y = get_absolute_logical_y();
  const bool here = worker_logical_col_to_virtual_col[x] == my_x[0] && worker_logical_row_to_virtual_row[y] == my_y[0];
  const bool next = worker_logical_col_to_virtual_col[x + 1] == my_x[0] + 1;
  const bool same = UnicastEndpoint().get_noc_unicast_addr(my_x[0], my_y[0], 64) == get_noc_addr(my_x[0], my_y[0], 64);
  return forward + 2 * here + 4 * next + 8 * same + 16 * (get_timestamp() == 7);
})";
    EXPECT_EQ(words_of(device, body, {}), Words(4, 31));
  });
}

TEST(KernelFiles, CompileTimeArgumentsAreAnArray) {
  run([](Device& device) {
    const char* body = R"(
template <size_t N>
constexpr uint32_t count(const std::array<uint32_t, N>&) { return N; }
uint32_t answer() {
  uint* p = get_arg_val<uint*>(2);
  *p = 41 + count(kernel_compile_time_args);
  return *p;
})";
    EXPECT_EQ(words_of(device, body, {}, "", {900'000}), Words(4, 41));
  });
}

TEST(KernelFiles, WorkBetweenCallsIsCounted) {
  run([](Device& device) {
    ForeignProgram program(device, "work");
    program.kernel("work.cpp", Risc::brisc, R"(#include "dataflow_api.h"
void kernel_main() {
  auto* p = reinterpret_cast<volatile uint32_t*>(get_arg_val<uint32_t>(0));
  for (uint32_t i = 0; i < 3000; ++i) p[i & 255] = p[(i + 1) & 255] + i;
}
)");
    program.arguments(program.program.kernels[0], [](int) { return std::vector<std::uint32_t>{800'000}; });
    const RunResult result = program.launch();
    for (const EventLog& log : result.log.cores) {
      std::uint64_t steps = 0;
      for (const Event& event : log.sequence(Risc::brisc)) {
        if (event.kind() == EventKind::work) steps += events::get<events::Work>(event).steps;
      }
      EXPECT_GE(steps, 3000U);
      EXPECT_LE(steps, 9000U);
    }
  });
}

TEST(KernelFiles, ACompilersErrorIsShownWithFileAndLine) {
  const std::string error = error_of([](Device& device) {
    ForeignProgram program(device, "wrong");
    program.kernel("some/wrong.cpp", Risc::brisc, "void kernel_main() {\n  int x = 1;\n  no_such_function(x);\n}\n");
    program.launch();
  });
  if (!test::session().is_host()) return;
  EXPECT_NE(error.find("some/wrong.cpp:3:"), std::string::npos) << error;
  EXPECT_NE(error.find("no_such_function"), std::string::npos) << error;
}

TEST(KernelFiles, WhatIsNotThereIsNamedByTheCompiler) {
  const std::string error = error_of([](Device& device) {
    ForeignProgram program(device, "missing");
    program.kernel("missing.cpp", Risc::trisc,
                   "#include \"compute_kernel_api.h\"\nvoid kernel_main() { tiled_prod_tile(0, 1, 2); }\n");
    program.launch();
  });
  if (!test::session().is_host()) return;
  EXPECT_NE(error.find("tiled_prod_tile is not there"), std::string::npos) << error;
}

TEST(KernelFiles, AnArgumentThatTheHostDoesNotGiveIsAnError) {
  const std::string error = error_of([](Device& device) {
    ForeignProgram program(device, "few");
    program.kernel("few.cpp", Risc::brisc,
                   "#include \"dataflow_api.h\"\nvoid kernel_main() { (void)get_compile_time_arg_val(2); }\n", {1, 2});
    program.launch();
  });
  if (!test::session().is_host()) return;
  EXPECT_NE(error.find("fewer compile-time arguments"), std::string::npos) << error;
}

TEST(KernelFiles, OurHeadersComeBeforeThoseOfTheProgramsFolders) {
  const auto folder = std::filesystem::temp_directory_path() / ("tilegrid-includes." + std::to_string(getpid()));
  std::filesystem::create_directories(folder / "tools/profiler");
  std::filesystem::create_directories(folder / "hostdevcommon");
  for (const char* name : {"tools/profiler/kernel_profiler.hpp", "hostdevcommon/kernel_structs.h"}) {
    std::ofstream(folder / name) << "#error not this one\n";
  }
  jit::KernelSource source;
  source.path = "includes.cpp";
  source.text =
      "#include \"tools/profiler/kernel_profiler.hpp\"\n#include <hostdevcommon/kernel_structs.h>\nvoid kernel_main() {}\n";
  source.include_dirs = {folder};
  EXPECT_NO_THROW(static_cast<void>(jit::compile(source)));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace tilegrid
