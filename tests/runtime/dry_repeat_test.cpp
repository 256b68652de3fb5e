// SPDX-License-Identifier: Apache-2.0
// In a dry run equal bodies of loops are walked once, and nobody can tell: repeat() and Rehearsals.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kernels/api/compute.h"
#include "kernels/api/dataflow.h"
#include "kernels/registry.h"
#include "tests/support/same_run.h"
#include "tests/support/session_support.h"

namespace tilegrid {
namespace {

using namespace api;  // NOLINT(google-build-using-namespace): kernels are written so

constexpr GridSize grid{2, 4};  // neighbours in pairs; at most one rank a core
constexpr std::uint32_t page_bytes = 2048;
constexpr std::uint32_t turns = 24;
constexpr std::uint32_t cb_in = 0, cb_out = 1;

enum class Phase : std::uint8_t { none, one, two };

int walks = 0;  ///< bodies that kernels of this rank walked

using test::dry_options;

Program program_of(const std::vector<std::pair<std::string, Risc>>& kernels) {
  Program program;
  program.name = "repeat";
  program.grid = grid;
  program.circular_buffers = {{cb_in, 6, page_bytes, DataFormat::bf16, "in"},
                              {cb_out, 4, page_bytes, DataFormat::bf16, "out"}};
  program.semaphores = {0, 0};
  program.phases = {"one", "two"};
  for (const auto& [name, risc] : kernels) {
    program.kernels.push_back(
        {name, risc, risc == Risc::brisc ? NocId::noc1 : NocId::noc0, CoreRange::all(grid), {}, {}, {}});
  }
  return program;
}

struct Walked {
  int dry = 0;
  int full = 0;
};

/// Launches the program dry and in full: the logs and counts are the same. Says how many bodies each walked.
Walked launch_twice(const Program& program) {
  Walked walked;
  const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
    const Buffer pages = device.create_buffer(std::uint64_t{turns} * page_bytes, page_bytes);
    device.write(pages, std::vector<std::byte>(pages.bytes()));
    walks = 0;
    const RunResult dry = device.launch(program, dry_options());
    walked.dry = std::exchange(walks, 0);
    const RunResult full = device.launch(program);
    walked.full = std::exchange(walks, 0);
    test::expect_same_logs(dry.log, full.log);
    test::expect_same_counts(dry, full);
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  return walked;
}

const auto reads = register_kernel("repeat/reads", [] {
  const InterleavedAddrGen pages{0, page_bytes};
  for (std::uint32_t turn = 0; turn < turns; ++turn) {
    mark_loop();
    repeat({turn % 4}, [&] {
      ++walks;
      zone(turn % 2 == 0 ? Phase::one : Phase::two);
      cb_reserve_back(cb_in, 2);
      noc_async_read_page(turn % 4, pages, get_write_ptr(cb_in));
      noc_async_read_page(turn % 4 + 1, pages, get_write_ptr(cb_in) + page_bytes);
      noc_async_read_barrier();
      cb_push_back(cb_in, 2);
    });
  }
});

/// What its events are depends on what the turns before have set: the packer, and the zone.
const auto computes = register_kernel("repeat/computes", [] {
  compute_kernel_hw_startup(cb_in, cb_in, cb_out);
  for (std::uint32_t turn = 0; turn < turns; ++turn) {
    if (turn == 9) pack_reconfig_l1_acc(true);
    if (turn == 15) pack_reconfig_l1_acc(false);
    repeat({}, [&] {
      ++walks;
      cb_wait_front(cb_in, 2);
      cb_reserve_back(cb_out, 1);
      tile_regs_acquire();
      add_tiles(cb_in, cb_in, 0, 1, 0);
      binary_dest_reuse_tiles(EltwiseOp::mul, true, cb_in, 0, 0);
      if (get_dataformat(cb_in) == DataFormat::bf16) exp_tile(0, true);
      tile_regs_commit();
      tile_regs_wait();
      pack_tile(0, cb_out);
      tile_regs_release();
      cb_push_back(cb_out, 1);
      cb_pop_front(cb_in, 2);
    });
  }
});

const auto writes = register_kernel("repeat/writes", [] {
  const InterleavedAddrGen pages{0, page_bytes};
  for (std::uint32_t turn = 0; turn < turns; ++turn) {
    repeat({0}, [&] {
      ++walks;
      cb_wait_front(cb_out, 1);
      noc_async_write_page(3, pages, get_read_ptr(cb_out));
      noc_async_write_barrier();
      cb_pop_front(cb_out, 1);
    });
  }
});

TEST(DryRepeat, EqualBodiesAreWalkedOnceAndNobodyCanTell) {
  const Walked walked = launch_twice(program_of({{reads, Risc::ncrisc}, {computes, Risc::trisc}, {writes, Risc::brisc}}));
  if (!test::session().is_host()) return;  // only the host has launched
  EXPECT_GT(walked.dry, 0);
  EXPECT_LT(walked.dry, walked.full);
}

const auto read_only = register_kernel("repeat/read_only", [] {
  const InterleavedAddrGen pages{0, page_bytes};
  for (std::uint32_t turn = 0; turn < turns; ++turn) {
    cb_reserve_back(cb_in, 1);
    repeat({}, [&] {
      ++walks;
      noc_async_read_page(2, pages, get_write_ptr(cb_in));
      noc_async_read_barrier();
    });
    cb_push_back(cb_in, 1);
    cb_wait_front(cb_in, 1);
    cb_pop_front(cb_in, 1);
  }
});

TEST(DryRepeat, ABodyIsKnownFromEachPlaceInTheBufferOnce) {
  const Walked walked = launch_twice(program_of({{read_only, Risc::ncrisc}}));
  if (!test::session().is_host()) return;
  EXPECT_EQ(walked.dry, 6);  // pages of the buffer; the other cores of the rank do what the first one did
  EXPECT_GE(walked.full, static_cast<int>(turns));
}

/// The neighbour waits for as many increments as there are turns; a barrier comes behind the loop.
const auto signals = register_kernel("repeat/signals", [] {
  const std::uint32_t semaphore = get_semaphore(0);
  const std::uint32_t to = my_x() == noc::virtual_base ? noc::virtual_base + 1U : noc::virtual_base;
  for (std::uint32_t turn = 0; turn < turns; ++turn) {
    repeat({to}, [&] {
      ++walks;
      noc_semaphore_inc(get_noc_addr(to, my_y(), semaphore), 1);
    });
  }
  noc_async_atomic_barrier();
  noc_semaphore_wait(semaphore_pointer(semaphore), turns);
  noc_semaphore_set(semaphore_pointer(semaphore), 0);
});

/// No barrier in the body: what is under way when the next one begins is not in its key.
const auto leaves_open = register_kernel("repeat/leaves_open", [] {
  const InterleavedAddrGen pages{0, page_bytes};
  for (std::uint32_t turn = 0; turn < turns; ++turn) {
    repeat({}, [&] {
      ++walks;
      cb_reserve_back(cb_in, 1);
      noc_async_read_page(1, pages, get_write_ptr(cb_in));
    });
    noc_async_read_barrier();
    cb_push_back(cb_in, 1);
    cb_wait_front(cb_in, 1);
    cb_pop_front(cb_in, 1);
  }
});

const auto looks = register_kernel("repeat/looks", [] {
  for (std::uint32_t turn = 0; turn < turns; ++turn) {
    repeat({}, [&] {
      ++walks;
      while (!cb_pages_reservable_at_back(cb_in, 1)) continue;
      cb_reserve_back(cb_in, 1);
      cb_push_back(cb_in, 1);
      cb_wait_front(cb_in, 1);
      cb_pop_front(cb_in, 1);
    });
  }
});

TEST(DryRepeat, SignalsOpenTransfersAndProbesAreWalkedAlways) {
  for (const std::string& kernel : {signals, leaves_open, looks}) {
    const Walked walked = launch_twice(program_of({{kernel, Risc::brisc}}));
    EXPECT_EQ(walked.dry, walked.full) << kernel;
  }
}

/// Nobody pops: the third body that reserves two pages of six waits for ever, one of them that was rehearsed.
const auto never_pops = register_kernel("repeat/never_pops", [] {
  for (std::uint32_t turn = 0; turn < turns; ++turn) {
    for (const bool pops : {true, true, false}) {
      if (pops && turn > 5) continue;
      repeat({}, [&] {
        cb_reserve_back(cb_in, 2);
        cb_push_back(cb_in, 2);
      });
      if (!pops) continue;
      cb_wait_front(cb_in, 2);
      cb_pop_front(cb_in, 2);
    }
  }
});

const auto pops_unseen = register_kernel("repeat/pops_unseen", [] {
  for (std::uint32_t turn = 0; turn < turns; ++turn) {
    repeat({}, [&] {
      cb_reserve_back(cb_in, 1);
      cb_push_back(cb_in, 1);
      cb_pop_front(cb_in, 1);
    });
  }
});

TEST(DryRepeat, FaultsAndDeadlocksAreThoseOfAFullRun) {
  for (const std::string& kernel : {never_pops, pops_unseen}) {
    std::string errors[2];
    for (const bool dry : {false, true}) {
      const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
        device.launch(program_of({{kernel, Risc::ncrisc}}), dry_options(dry));
      });
      EXPECT_NE(outcome.code, 0) << kernel;
      errors[dry ? 1 : 0] = outcome.error;
    }
    EXPECT_EQ(errors[0], errors[1]);
  }
}

TEST(DryRepeat, AWarningComesAsOftenAsItsCause) {
  std::size_t warnings[2]{};
  for (const bool dry : {false, true}) {
    const auto launch = [&](Device& device) {
      device.launch(program_of({{pops_unseen, Risc::ncrisc}}), dry_options(dry));
      for (const checks::Finding& finding : device.warnings()) warnings[dry ? 1 : 0] += finding.count;
    };
    checks::Config checks = test::checks_of_units();
    checks.set(checks::Class::cb_window, checks::Severity::warn);
    const test::Outcome outcome = test::run_session(grid, launch, FiberBackend::boost, checks);
    EXPECT_EQ(outcome.code, 0) << outcome.error;
  }
  EXPECT_EQ(warnings[0], warnings[1]);
  if (test::session().is_host()) {
    EXPECT_GT(warnings[0], 0U);
  }
}

}  // namespace
}  // namespace tilegrid
