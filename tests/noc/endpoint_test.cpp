// SPDX-License-Identifier: Apache-2.0
#include "noc/endpoint.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "kernels/api/dataflow.h"
#include "kernels/registry.h"
#include "tests/support/grid_of_eight.h"
#include "tests/support/session_support.h"

namespace tilegrid::noc {
namespace {

using namespace api;          // NOLINT(google-build-using-namespace): kernels are written so
using namespace test::eight;  // NOLINT(google-build-using-namespace): as above
using test::put_result;
using test::store_results;

constexpr CoreRange everywhere{{0, 0}, {3, 1}};

class Endpoints : public testing::TestWithParam<NocId> {
 protected:
  /// Sets up and launches a program with a scratch buffer (CB 0) and four semaphores; `check` looks at it on rank 0.
  template <class SetUp, class Check>
  static void run(const SetUp& set_up, const Check& check) {
    const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
      test::TestProgram program(device);
      program.cb(0, 16, 4096).semaphores({0, 0, 0, 0});
      set_up(device, program);
      const RunResult result = program.launch();
      check(program, result);
    });
    EXPECT_EQ(outcome.code, 0) << outcome.error;
  }
  /// The same kernel on all cores; every core must have all of `expected` as its first results.
  static void expect_everywhere(const std::string& kernel, const std::vector<std::uint32_t>& expected,
                                const std::vector<std::uint32_t>& args = {}) {
    run([&](Device&, test::TestProgram& program) { program.kernel(kernel, Risc::brisc, everywhere, args, GetParam()); },
        [&](const test::TestProgram& program, const RunResult&) {
          for (int core = 0; core < grid.cores(); ++core) {
            for (std::size_t i = 0; i < expected.size(); ++i) {
              EXPECT_EQ(program.result(grid.core(core), Risc::brisc, static_cast<std::uint32_t>(i)), expected[i])
                  << "core " << core << " result " << i;
            }
          }
        });
  }
};

INSTANTIATE_TEST_SUITE_P(OnBoth, Endpoints, testing::Values(NocId::noc0, NocId::noc1),
                         [](const auto& instance) { return instance.param == NocId::noc0 ? "noc0" : "noc1"; });

// ---- Reads

const auto reads_dram =
    register_kernel("endpoint/reads_dram", [] {  // address of 12 pages of 1024 bytes, word i of page p is p
      const InterleavedAddrGen buffer{get_compile_time_arg_val(0), 1024};
      const std::uint32_t to = get_write_ptr(0);
      fill(to, 12 * 256, 0xAAAA);
      for (std::uint32_t page = 0; page < 12; ++page) noc_async_read_page(page, buffer, to + page * 1024);
      meet(0);  // much happens before the barrier
      put_result(0, count_equal(to, 12 * 256, 0xAAAA));
      noc_async_read_barrier();
      std::uint32_t right = 0;
      for (std::uint32_t page = 0; page < 12; ++page) right += count_equal(to + page * 1024, 256, page + 1);
      put_result(1, right);
      store_results();
    });

TEST_P(Endpoints, ReadsOfDramLandAtTheBarrier) {
  run(
      [](Device& device, test::TestProgram& program) {
        std::vector<std::uint32_t> data(12 * 256);
        for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint32_t>(i / 256 + 1);
        const Buffer buffer = device.create_buffer(data.size() * 4, 1024);
        device.write(buffer, data);
        program.kernel(reads_dram, Risc::brisc, everywhere, {buffer.address}, GetParam());
      },
      [](const test::TestProgram& program, const RunResult&) {
        for (int core = 0; core < grid.cores(); ++core) {
          EXPECT_EQ(program.result(grid.core(core), Risc::brisc, 0), 12U * 256) << "read before its barrier, core " << core;
          EXPECT_EQ(program.result(grid.core(core), Risc::brisc, 1), 12U * 256) << "core " << core;
        }
      });
}

const auto reads_neighbours = register_kernel("endpoint/reads_neighbours", [] {
  const std::uint32_t mine = get_write_ptr(0);
  const std::uint32_t to = mine + 4096;
  fill(mine, 1024, my_index() + 1);
  fill(to, 8 * 1024, 0xAAAA);
  meet(0);
  for (std::uint32_t core = 0; core < 8; ++core) noc_async_read(on_core(core, mine), to + core * 4096, 4096);
  meet(1);
  put_result(0, count_equal(to, 8 * 1024, 0xAAAA));
  noc_async_read_barrier();
  std::uint32_t right = 0;
  for (std::uint32_t core = 0; core < 8; ++core) right += count_equal(to + core * 4096, 1024, core + 1);
  put_result(1, right);
  meet(2);  // nobody ends while others read from him: not needed, but what a kernel would do
  store_results();
});

TEST_P(Endpoints, ReadsOfCoresLandAtTheBarrier) { expect_everywhere(reads_neighbours, {8 * 1024, 8 * 1024}); }

const auto reads_twice = register_kernel("endpoint/reads_twice", [] {  // two NoCs, one barrier each
  const std::uint32_t mine = get_write_ptr(0);
  const std::uint32_t to = mine + 4096;
  const std::uint32_t next = (my_index() + 1) % 8;
  fill(mine, 16, 7);
  meet(0);
  noc_async_read(on_core(next, mine), to, 64, 0);
  noc_async_read(on_core(next, mine), to + 64, 64, 1);
  noc_async_read_barrier(1);
  put_result(0, words(to)[0]);
  put_result(1, words(to)[16]);
  noc_async_read_barrier(0);
  put_result(2, words(to)[0]);
  store_results();
});

TEST_P(Endpoints, ABarrierIsForItsNoc) { expect_everywhere(reads_twice, {0, 7, 7}); }

const auto reads_odd_sizes = register_kernel("endpoint/reads_odd_sizes", [] {
  const std::uint32_t mine = get_write_ptr(0);
  const std::uint32_t to = mine + 8192;
  const std::uint32_t next = (my_index() + 5) % 8;
  for (std::uint32_t i = 0; i < 2048; ++i) words(mine)[i] = my_index() << 16U | i;
  meet(0);
  noc_async_read(on_core(next, mine + 4), to + 4, 4);
  noc_async_read(on_core(next, mine + 32), to + 32, 1);
  noc_async_read(on_core(next, mine + 64), to + 64, 8130);
  noc_async_read(on_core(next, mine), to + 16384, 0);
  noc_async_read_barrier();
  put_result(0, words(to)[0]);
  put_result(1, words(to)[1] == (next << 16U | 1U));
  put_result(2, words(to)[2]);
  put_result(3, words(to)[8] == ((next << 16U | 8U) & 0xFFU));
  std::uint32_t right = 0;
  for (std::uint32_t i = 16; i < 2048; ++i) right += words(to)[i] == (next << 16U | i) ? 1 : 0;
  put_result(4, right);
  store_results();
});

TEST_P(Endpoints, ReadsOfAnySizeTakeNoByteMore) { expect_everywhere(reads_odd_sizes, {0, 1, 0, 1, 2032}); }

// ---- Writes

const auto writes_and_reuses = register_kernel("endpoint/writes_and_reuses", [] {
  const std::uint32_t mine = get_write_ptr(0);
  const std::uint32_t to = mine + 8192;
  const std::uint32_t next = (my_index() + 3) % 8;
  fill(mine, 16, 1);
  noc_async_write(mine, on_core(next, to), 64);
  fill(mine, 16, 2);  // before the flush: the new bytes are sent
  noc_async_writes_flushed();
  fill(mine, 16, 3);  // after it: they are not
  noc_async_write_barrier();
  meet(0);
  put_result(0, count_equal(to, 16, 2));
  put_result(1, count_equal(to + 64, 16, 0));
  store_results();
});

TEST_P(Endpoints, TheSourceOfAWriteIsReadAtTheFlush) { expect_everywhere(writes_and_reuses, {16, 16}); }

const auto writes_to_itself = register_kernel("endpoint/writes_to_itself", [] {
  const std::uint32_t mine = get_write_ptr(0);
  fill(mine, 16, 5);
  noc_async_write(mine, get_noc_addr(mine + 64), 64);
  noc_async_write_barrier();
  noc_semaphore_inc(get_noc_addr(get_semaphore(3)), 2);
  noc_async_atomic_barrier();
  put_result(0, count_equal(mine + 64, 16, 5));
  put_result(1, *semaphore(3));
  store_results();
});

TEST_P(Endpoints, ACoreMayWriteToItself) { expect_everywhere(writes_to_itself, {16, 2}); }

const auto moves_by_a_little = register_kernel("endpoint/moves_by_a_little", [] {  // source and destination overlap
  const std::uint32_t mine = get_write_ptr(0);
  for (std::uint32_t i = 0; i < 1024; ++i) words(mine)[i] = i;
  noc_async_write(mine, get_noc_addr(mine + 64), 4096);
  noc_async_write_barrier();
  std::uint32_t right = 0;
  for (std::uint32_t i = 0; i < 1024; ++i) right += words(mine + 64)[i] == i ? 1 : 0;
  noc_async_read(get_noc_addr(mine + 64), mine, 4096);
  noc_async_read_barrier();
  for (std::uint32_t i = 0; i < 1024; ++i) right += words(mine)[i] == i ? 1 : 0;
  put_result(0, right);
  store_results();
});

TEST_P(Endpoints, ACoreMayMoveItsOwnBytesByLessThanTheirLength) { expect_everywhere(moves_by_a_little, {2048}); }

const auto leaves_without_barrier = register_kernel("endpoint/leaves_without_barrier", [] {
  put_result(0, 11);
  const InterleavedAddrGen buffer{get_common_arg_val<std::uint32_t>(0), 1024};
  noc_async_write_page(my_index() * 3, buffer, get_write_ptr(test::results_cb));
});

TEST_P(Endpoints, TheEndOfAKernelCompletesItsWrites) { expect_everywhere(leaves_without_barrier, {11}); }

const auto writes_in_order = register_kernel("endpoint/writes_in_order", [] {  // rounds, bytes
  const std::uint32_t mine = get_write_ptr(0);
  const std::uint32_t to = mine + 32768;
  const std::uint32_t next = (my_index() + 1) % 8;
  const std::uint32_t previous = (my_index() + 7) % 8;
  const std::uint32_t bytes = get_compile_time_arg_val(1);
  std::uint32_t right = 0;
  for (std::uint32_t round = 1; round <= get_compile_time_arg_val(0); ++round) {
    fill(mine, bytes / 4, round);
    noc_async_write(mine, on_core(next, to), bytes);
    noc_semaphore_inc(on_core(next, get_semaphore(0)), 1);  // no barrier: it comes after the data
    noc_semaphore_wait_min(semaphore(0), round);
    right += count_equal(to, bytes / 4, round) == bytes / 4 ? 1 : 0;
    noc_semaphore_inc(on_core(previous, get_semaphore(1)), 1);
    noc_semaphore_wait_min(semaphore(1), round);
  }
  put_result(0, right);
  store_results();
});

TEST_P(Endpoints, ASemaphoreComesAfterTheDataBeforeIt) {
  expect_everywhere(writes_in_order, {200}, {200, 64});
  expect_everywhere(writes_in_order, {20}, {20, 32768});
}

const auto sets_after_data = register_kernel("endpoint/sets_after_data", [] {  // rounds
  const std::uint32_t mine = get_write_ptr(0);
  const std::uint32_t to = mine + 8192;
  const std::uint32_t flag = mine + 4096;
  std::uint32_t right = 0;
  const std::uint32_t rounds = get_compile_time_arg_val(0);
  for (std::uint32_t round = 1; round <= rounds; ++round) {
    if (my_index() == round % 8) {  // the sender of this round
      fill(mine, 256, round);
      words(flag)[0] = round;
      noc_async_write_multicast_loopback_src(mine, on_all_cores(to), 1024, 8);
      noc_semaphore_set_multicast_loopback_src(flag, on_all_cores(get_semaphore(0)), 8);
    }
    noc_semaphore_wait(semaphore(0), round);
    right += count_equal(to, 256, round) == 256 ? 1 : 0;
    for (std::uint32_t core = 0; core < 8; ++core) noc_semaphore_inc(on_core(core, get_semaphore(1)), 1);
    noc_semaphore_wait_min(semaphore(1), 8 * round);
  }
  put_result(0, right);
  store_results();
});

TEST_P(Endpoints, AMulticastFlagComesAfterTheMulticastData) { expect_everywhere(sets_after_data, {40}, {40}); }

// ---- Multicast and semaphores

const auto multicasts = register_kernel("endpoint/multicasts", [] {  // loopback
  const std::uint32_t from = get_write_ptr(0);
  const std::uint32_t to = from + 4096;
  if (my_index() == 5) {
    fill(from, 16, 9);
    if (get_compile_time_arg_val(0) != 0) {
      noc_async_write_multicast_loopback_src(from, on_all_cores(to), 64, 8);
    } else {
      noc_async_write_multicast(from, on_all_cores(to), 64, 7);
    }
    noc_async_write_barrier();
  }
  meet(0);
  put_result(0, count_equal(to, 16, 9));
  store_results();
});

TEST_P(Endpoints, AMulticastReachesTheSenderOnlyWithLoopback) {
  for (const std::uint32_t loopback : {0U, 1U}) {
    run([&](Device&,
            test::TestProgram& program) { program.kernel(multicasts, Risc::brisc, everywhere, {loopback}, GetParam()); },
        [&](const test::TestProgram& program, const RunResult&) {
          for (int core = 0; core < 8; ++core) {
            EXPECT_EQ(program.result(grid.core(core), Risc::brisc, 0), core != 5 || loopback != 0 ? 16U : 0U) << core;
          }
        });
  }
}

const auto multicasts_to_some = register_kernel("endpoint/multicasts_to_some", [] {
  const std::uint32_t from = get_write_ptr(0);
  const std::uint32_t to = from + 4096;
  if (my_index() == 0) {
    fill(from, 16, 9);
    // The rectangle (1,0)-(2,1), on each NoC from the corner where it begins; the sender is outside, so that loopback adds
    // nothing.
    noc_async_write_multicast(from, get_noc_multicast_addr(19, 18, 20, 19, to), 32, 4, false, 0);
    noc_async_write_multicast_loopback_src(from, get_noc_multicast_addr(20, 19, 19, 18, to + 32), 32, 4, false, 1);
    noc_async_write_barrier(0);
    noc_async_write_barrier(1);
  }
  meet(0);
  put_result(0, count_equal(to, 16, 9));
  store_results();
});

TEST_P(Endpoints, AMulticastReachesItsRectangle) {
  run([](Device&,
         test::TestProgram& program) { program.kernel(multicasts_to_some, Risc::brisc, everywhere, {}, GetParam()); },
      [](const test::TestProgram& program, const RunResult&) {
        for (int core = 0; core < 8; ++core) {
          const bool inside = core % 4 == 1 || core % 4 == 2;
          EXPECT_EQ(program.result(grid.core(core), Risc::brisc, 0), inside ? 16U : 0U) << core;
        }
      });
}

const auto uses_semaphores = register_kernel("endpoint/uses_semaphores", [] {
  const std::uint32_t next = (my_index() + 1) % 8;
  const std::uint32_t scratch = get_write_ptr(0);
  put_result(0, *semaphore(3));  // the initial value
  noc_semaphore_set(semaphore(3), 5);
  noc_semaphore_wait(semaphore(3), 5);
  noc_semaphore_wait_min(semaphore(3), 4);
  words(scratch)[0] = 77;
  noc_semaphore_set_remote(scratch, on_core(next, get_semaphore(2)));
  noc_semaphore_wait(semaphore(2), 77);
  put_result(1, *semaphore(2));
  noc_semaphore_inc(on_core(next, get_semaphore(1)), 40);
  noc_semaphore_inc(on_core(next, get_semaphore(1)), 2);
  noc_semaphore_wait(semaphore(1), 42);
  put_result(2, *semaphore(1));
  meet(0);                                                         // an exact wait must not miss its value
  noc_semaphore_inc(on_core(next, get_semaphore(1)), 0xFFFFFFFF);  // wraps: one less
  noc_semaphore_wait(semaphore(1), 41);
  put_result(3, *semaphore(1));
  store_results();
});

TEST_P(Endpoints, SemaphoresSetAddAndWait) {
  run(
      [](Device&, test::TestProgram& program) {
        program.semaphores({0, 0, 0, 123}).kernel(uses_semaphores, Risc::brisc, everywhere, {}, GetParam());
      },
      [](const test::TestProgram& program, const RunResult& result) {
        for (int core = 0; core < 8; ++core) {
          constexpr std::uint32_t expected[] = {123, 77, 42, 41};
          for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(program.result(grid.core(core), Risc::brisc, i), expected[i]);
          EXPECT_EQ(result.cores[static_cast<std::size_t>(core)].ambiguous_waits, 0U);
        }
      });
}

const auto increments = register_kernel("endpoint/increments", [] {  // receiver
  const std::uint32_t receiver = get_compile_time_arg_val(0);
  noc_semaphore_inc(on_core(receiver, get_semaphore(0)), 1);
  noc_async_atomic_barrier();
  noc_semaphore_inc(on_core(receiver, get_semaphore(1)), 1);
});
const auto waits_for_one = register_kernel("endpoint/waits_for_one", [] {  // senders
  noc_semaphore_wait(semaphore(1), get_compile_time_arg_val(0));           // all increments of semaphore 0 are there
  noc_semaphore_wait_min(semaphore(0), 1);
  noc_semaphore_set(semaphore(0), 3);
  noc_semaphore_wait_min(semaphore(0), 2);  // more than needed, but by the core's own hand
});

TEST_P(Endpoints, AWaitThatFindsMoreThanItNeedsFromSeveralSourcesIsCounted) {
  for (const int senders : {1, 2, 3}) {
    run(
        [&](Device&, test::TestProgram& program) {
          program.kernel(increments, Risc::brisc, {{0, 0}, {senders - 1, 0}}, {7}, GetParam());
          program.kernel(waits_for_one, Risc::brisc, test::only({3, 1}), {static_cast<std::uint32_t>(senders)}, GetParam());
        },
        [&](const test::TestProgram&, const RunResult& result) {
          EXPECT_EQ(result.cores[7].ambiguous_waits, senders > 1 ? 1U : 0U) << senders << " senders";
          EXPECT_EQ(result.cores[0].ambiguous_waits, 0U);
        });
  }
}

// ---- Addresses, counters, sizes

const auto asks_for_pages = register_kernel("endpoint/asks_for_pages", [] {
  const InterleavedAddrGen buffer{32000, 64};
  // Bank 1 is at NoC 0 node 0-1, bank 5 at 5-11 (tensix.md 4.2).
  put_result(0, buffer.get_noc_addr(13) == make_address(0, 1, 32000 + 64) ? 1 : 0);
  put_result(1, buffer.get_noc_addr(5) == make_address(5, 11, 32000) ? 1 : 0);
  put_result(2, buffer.get_noc_addr(12 * 1000) == make_address(0, 11, 32000 + 64000) ? 1 : 0);
  // A bank is larger than 32 bits of page number times page size.
  const InterleavedAddrGen large{0, 1U << 20U};
  put_result(3, large.get_noc_addr(12 * 1023) == make_address(0, 11, std::uint64_t{1023} << 20U) ? 1 : 0);
  store_results();
});

TEST_P(Endpoints, PagesGoRoundTheBanks) { expect_everywhere(asks_for_pages, {1, 1, 1, 1}); }

const auto moves_this_and_that = register_kernel("endpoint/moves_this_and_that", [] {  // address of 12 pages of 2048 bytes
  const InterleavedAddrGen buffer{get_compile_time_arg_val(0), 2048};
  const std::uint32_t l1 = get_write_ptr(0);
  noc_async_read_page(0, buffer, l1, 0);
  noc_async_read_page(1, buffer, l1 + 2048, 0);
  noc_async_read(on_core(1, l1), l1 + 8192, 1024, 0);
  noc_async_read_barrier(0);
  noc_async_write_page(2, buffer, l1, 1);
  noc_async_write(l1, on_core(7, l1), 256, 0);
  noc_async_write_multicast(l1, on_all_cores(l1 + 16384, 0), 512, 7, false, 0);
  noc_async_write_barrier(0);
  noc_async_write_barrier(1);
  noc_semaphore_inc(on_core(2, get_semaphore(0)), 1, 0);
  noc_async_atomic_barrier(0);
});

void expect_transfers(const CoreCounters& counters, NocId noc, TransferKind kind, const TransferCounters& expected) {
  const TransferCounters& c = counters.transfers[static_cast<std::size_t>(noc)][static_cast<std::size_t>(kind)];
  EXPECT_EQ(c.transactions, expected.transactions) << tilegrid::name_of(kind);
  EXPECT_EQ(c.bytes, expected.bytes) << tilegrid::name_of(kind);
  EXPECT_EQ(c.hops, expected.hops) << tilegrid::name_of(kind);
  EXPECT_EQ(c.byte_hops, expected.byte_hops) << tilegrid::name_of(kind);
}

TEST_P(Endpoints, CountTransactionsBytesAndHops) {
  run(
      [](Device& device, test::TestProgram& program) {
        const Buffer buffer = device.create_buffer(12 * 2048, 2048);
        program.kernel(moves_this_and_that, Risc::ncrisc, test::only({0, 0}), {buffer.address}, GetParam());
      },
      [](const test::TestProgram&, const RunResult& result) {
        // Core (0,0) is node 1-1. NoC 0 goes east and south on 10 x 12 nodes, NoC 1 north and west.
        const CoreCounters& c = result.cores[0];
        // Bank 0 at 0-11: 1 east, 2 south round the edge; bank 1 at 0-1: 1 east.
        expect_transfers(c, NocId::noc0, TransferKind::dram_read, {2, 4096, 4, 2048 * 3 + 2048});
        // From core (1,0) at 2-1: 9 east round the edge.
        expect_transfers(c, NocId::noc0, TransferKind::l1_read, {1, 1024, 9, 9216});
        // To bank 2 at 0-5: 8 north round the edge, 1 west.
        expect_transfers(c, NocId::noc1, TransferKind::dram_write, {1, 2048, 9, 18432});
        // To core (3,1) at 4-2: 3 east, 1 south. A multicast counts the way to the farthest, the same one.
        expect_transfers(c, NocId::noc0, TransferKind::l1_write, {1, 256, 4, 1024});
        expect_transfers(c, NocId::noc0, TransferKind::multicast, {1, 512, 4, 2048});
        // To core (2,0) at 3-1.
        expect_transfers(c, NocId::noc0, TransferKind::semaphore, {1, 4, 2, 8});
        expect_transfers(c, NocId::noc1, TransferKind::dram_read, {});
        expect_transfers(c, NocId::noc1, TransferKind::l1_write, {});
        for (const auto& noc : result.cores[1].transfers) {
          for (const TransferCounters& other : noc) EXPECT_EQ(other.transactions, 0U) << "the target of a transfer counted";
        }
      });
}

constexpr std::uint32_t large_page = 32768;
const auto copies_much = register_kernel("endpoint/copies_much", [] {  // from, to, pages a core, pages a barrier
  const InterleavedAddrGen from{get_compile_time_arg_val(0), large_page};
  const InterleavedAddrGen to{get_compile_time_arg_val(1), large_page};
  const std::uint32_t pages = get_compile_time_arg_val(2);
  const std::uint32_t at_once = get_compile_time_arg_val(3);
  const std::uint32_t l1 = get_write_ptr(1);
  for (std::uint32_t first = 0; first < pages; first += at_once) {
    for (std::uint32_t i = 0; i < at_once; ++i) {
      noc_async_read_page(my_index() * pages + first + i, from, l1 + i * large_page);
    }
    noc_async_read_barrier();
    for (std::uint32_t i = 0; i < at_once; ++i) {
      noc_async_write_page(my_index() * pages + first + i, to, l1 + i * large_page);
    }
    noc_async_write_barrier();
  }
  // And all of it at once to a neighbour, beyond any window.
  noc_async_write(l1, on_core((my_index() + 3) % 8, l1 + at_once * large_page), at_once * large_page);
  noc_async_write_barrier();
});

TEST_P(Endpoints, LargeTransfersGoThroughTheirWindows) {
  constexpr std::uint32_t pages = 40;
  constexpr std::uint32_t at_once = 20;  // 640 KiB
  std::vector<std::uint32_t> data(std::size_t{8} * pages * large_page / 4);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint32_t>(i * 2654435761U);
  const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
    const Buffer from = device.create_buffer(data.size() * 4, large_page);
    const Buffer to = device.create_buffer(data.size() * 4, large_page);
    device.write(from, data);
    test::TestProgram program(device);
    program.cb(1, 2 * at_once, large_page);
    program.kernel(copies_much, Risc::brisc, everywhere, {from.address, to.address, pages, at_once}, GetParam());
    program.launch();
    std::vector<std::uint32_t> copy(data.size());
    device.read(to, copy);
    EXPECT_TRUE(copy == data);
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

const auto multicasts_much = register_kernel("endpoint/multicasts_much", [] {  // times
  const std::uint32_t l1 = get_write_ptr(0);
  if (my_index() == 0) {
    for (std::uint32_t i = 1; i <= get_compile_time_arg_val(0); ++i) {
      fill(l1, 8192, i);
      noc_async_write_multicast(l1, on_all_cores(l1 + 32768), 32768, 7);
      noc_async_writes_flushed();
    }
    noc_async_write_barrier();
  }
  meet(0);
  put_result(0, my_index() == 0 ? 8192 : count_equal(l1 + 32768, 8192, get_compile_time_arg_val(0)));
  store_results();
});

TEST_P(Endpoints, ManyMulticastsKeepTheirOrder) { expect_everywhere(multicasts_much, {8192}, {50}); }

}  // namespace
}  // namespace tilegrid::noc
