// SPDX-License-Identifier: Apache-2.0
// Transfers by transaction id, with state and inline; linked multicasts. Every core runs the kernel, with a neighbour as
// peer.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
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

std::uint32_t next_core(std::uint32_t distance = 1) { return (my_index() + distance) % 8; }

class TransferForms : public testing::TestWithParam<NocId> {
 protected:
  static RunResult run(const std::string& kernel, const std::vector<std::uint32_t>& expected,
                       const std::vector<std::uint32_t>& data = {}) {
    RunResult result;
    const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
      std::vector<std::uint32_t> args;
      if (!data.empty()) {
        const Buffer buffer = device.create_buffer(data.size() * 4, 1024);
        device.write(buffer, data);
        args.push_back(buffer.address);
      }
      test::TestProgram program(device);
      program.cb(0, 32, 4096).semaphores({0, 0, 0, 0}).kernel(kernel, Risc::brisc, everywhere, args, GetParam());
      result = program.launch();
      for (int core = 0; core < grid.cores(); ++core) {
        for (std::uint32_t i = 0; i < expected.size(); ++i) {
          EXPECT_EQ(program.result(grid.core(core), Risc::brisc, i), expected[i]) << "core " << core << " result " << i;
        }
      }
      EXPECT_EQ(check_log({grid, "", {result.log}}), std::vector<std::string>{});
    });
    EXPECT_EQ(outcome.code, 0) << outcome.error;
    return result;
  }
  /// The lines of core 0's log that concern transfers, once each, in order of their first occurrence.
  static std::vector<std::string> lines(const RunResult& result, EventKind kind) {
    std::vector<std::string> texts;
    for (const Event& event : result.log.cores.at(0).sequence(Risc::brisc)) {
      if (event.kind() == kind) texts.push_back(to_text(event));
    }
    return texts;
  }
};

INSTANTIATE_TEST_SUITE_P(OnBoth, TransferForms, testing::Values(NocId::noc0, NocId::noc1),
                         [](const auto& instance) { return instance.param == NocId::noc0 ? "noc0" : "noc1"; });

// ---- Transaction ids

const auto reads_by_id = register_kernel("forms/reads_by_id", [] {
  const std::uint32_t mine = get_write_ptr(0);
  const std::uint32_t to = mine + 8192;
  for (std::uint32_t i = 0; i < 4; ++i) fill(mine + i * 256, 64, i + 1);
  fill(to, 4 * 64, 0xAAAA);
  meet(0);
  for (std::uint32_t i = 0; i < 4; ++i) {  // ids 0, 1, 2 and 1 again
    noc_async_read_set_trid(i == 3 ? 1 : i);
    noc_async_read(on_core(next_core(), mine + i * 256), to + i * 256, 256);
  }
  const auto landed = [to] {
    std::uint32_t mask = 0;
    for (std::uint32_t i = 0; i < 4; ++i) mask |= (count_equal(to + i * 256, 64, i + 1) == 64 ? 1U : 0U) << i;
    return mask;
  };
  meet(1);
  put_result(0, landed());
  noc_async_read_barrier_with_trid(2);
  put_result(1, landed());
  noc_async_read_barrier_with_trid(1);
  put_result(2, landed());
  noc_async_read_barrier_with_trid(3);
  put_result(3, landed());
  noc_async_read_barrier();
  put_result(4, landed());
  meet(2);
  store_results();
});

TEST_P(TransferForms, ReadsLandAtTheBarrierOfTheirId) {
  const RunResult result = run(reads_by_id, {0, 4, 14, 14, 15});
  if (!test::session().is_host()) return;
  const std::string noc = GetParam() == NocId::noc0 ? "0" : "1";
  const auto barriers = lines(result, EventKind::read_barrier);
  EXPECT_EQ(barriers, (std::vector<std::string>{"read_barrier noc " + noc + " trid 2", "read_barrier noc " + noc + " trid 1",
                                                "read_barrier noc " + noc + " trid 3", "read_barrier noc " + noc}));
  const auto reads = lines(result, EventKind::noc_read);
  ASSERT_EQ(reads.size(), 4U);
  EXPECT_EQ(reads[0].find(" trid"), std::string::npos) << reads[0];
  EXPECT_NE(reads[2].find(" trid 2"), std::string::npos) << reads[2];
  EXPECT_NE(reads[3].find(" trid 1"), std::string::npos) << reads[3];
}

/// As kernels that keep the next blocks under way do it: two ids in turn.
const auto reads_ahead =
    register_kernel("forms/reads_ahead", [] {  // address of 24 pages of 1024 bytes, all words of page p p + 1
      const InterleavedAddrGen buffer{get_compile_time_arg_val(0), 1024};
      const std::uint32_t to = get_write_ptr(0);
      std::uint32_t right = 0;
      const auto ask = [&](std::uint32_t page) {
        noc_async_read_one_packet_set_state(buffer.get_noc_addr(page), 1024);
        const std::uint32_t trid = page % 2 + 1;
        noc_async_read_one_packet_with_state_with_trid(buffer.bank_base_address, page / 12 * 1024, to + page % 2 * 1024,
                                                       trid);
      };
      ask(0);
      for (std::uint32_t page = 0; page < 24; ++page) {
        if (page + 1 < 24) ask(page + 1);
        noc_async_read_barrier_with_trid(page % 2 + 1);
        right += count_equal(to + page % 2 * 1024, 256, page + 1);
      }
      put_result(0, right);
      noc_async_read_barrier();
      store_results();
    });

TEST_P(TransferForms, TwoIdsInTurnKeepOneReadUnderWay) {
  std::vector<std::uint32_t> data(24 * 256);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint32_t>(i / 256 + 1);
  run(reads_ahead, {24 * 256}, data);
}

const auto writes_by_id = register_kernel("forms/writes_by_id", [] {
  const std::uint32_t mine = get_write_ptr(0);
  const std::uint32_t to = mine + 8192;
  const std::uint32_t back = mine + 16384;
  const std::uint32_t next = next_core(3);
  fill(mine, 3 * 64, 1);
  for (std::uint32_t i = 0; i < 3; ++i) {  // ids 3, 4, 5
    noc_async_write_one_packet_with_trid(mine + i * 256, on_core(next, to + i * 256), 256, i + 3);
  }
  noc_async_write_flushed_with_trid(4);
  fill(mine, 3 * 64, 2);  // 3 went before 4, which has left; 5 need not have
  noc_async_write_barrier_with_trid(3);
  noc_async_write_barrier_with_trid(4);
  noc_async_write_barrier_with_trid(5);
  noc_async_read(on_core(next, to), back, 768);
  noc_async_read_barrier();
  put_result(0, count_equal(back, 128, 1));
  put_result(1, count_equal(back + 512, 64, 2));
  meet(0);
  store_results();
});

TEST_P(TransferForms, SourcesOfWritesAreReadAtTheFlushOfTheirId) { run(writes_by_id, {128, 64}); }

const auto keeps_order = register_kernel("forms/keeps_order", [] {  // writes of many ids to one place, then a flag
  const std::uint32_t mine = get_write_ptr(0);
  const std::uint32_t to = mine + 8192;
  std::uint32_t right = 0;
  for (std::uint32_t round = 1; round <= 30; ++round) {
    for (std::uint32_t i = 0; i < 16; ++i) {
      const std::uint32_t source = mine + i * 256;
      fill(source, 64, round * 16 + i);
      noc_async_write_one_packet_with_trid(source, on_core(next_core(), to), 256, (i * 7) % 16);
    }
    noc_inline_dw_write(on_core(next_core(), get_semaphore(0)), round);
    noc_semaphore_wait(semaphore(0), round);
    right += count_equal(to, 64, round * 16 + 15) == 64 ? 1 : 0;
    noc_async_write_barrier();
    noc_semaphore_inc(on_core(next_core(7), get_semaphore(1)), 1);
    noc_semaphore_wait_min(semaphore(1), round);
  }
  put_result(0, right);
  noc_async_atomic_barrier();
  store_results();
});

TEST_P(TransferForms, WritesOfDifferentIdsKeepTheirOrder) { run(keeps_order, {30}); }

// ---- State

const auto reads_with_state = register_kernel("forms/reads_with_state", [] {
  const std::uint32_t mine = get_write_ptr(0);
  const std::uint32_t to = mine + 32768;
  for (std::uint32_t i = 0; i < 4096; ++i) words(mine)[i] = my_index() << 16U | i;
  meet(0);
  noc_async_read_one_packet_set_state(on_core(next_core(2), mine), 128);
  for (std::uint32_t i = 0; i < 32; ++i) noc_async_read_one_packet_with_state(mine + i * 128, to + i * 128);
  noc_async_read_set_state(on_core(next_core(5), mine));
  noc_async_read_with_state(mine, to + 4096, 12000);
  noc_async_read_with_state(mine, to + 4096, 0);
  noc_async_read_barrier();
  std::uint32_t right = 0;
  for (std::uint32_t i = 0; i < 1024; ++i) right += words(to)[i] == (next_core(2) << 16U | i) ? 1 : 0;
  for (std::uint32_t i = 0; i < 3000; ++i) right += words(to + 4096)[i] == (next_core(5) << 16U | i) ? 1 : 0;
  put_result(0, right);
  put_result(1, words(to + 4096)[3000]);
  meet(1);
  store_results();
});

TEST_P(TransferForms, StatefulReadsGoToTheNodeOfTheState) {
  const RunResult result = run(reads_with_state, {4024, 0});
  if (!test::session().is_host()) return;
  const auto reads = lines(result, EventKind::noc_read);
  ASSERT_EQ(reads.size(), 33U);
  for (const std::string& line : reads) EXPECT_NE(line.find(" stateful"), std::string::npos) << line;
}

const auto writes_with_state = register_kernel("forms/writes_with_state", [] {
  const std::uint32_t mine = get_write_ptr(0);
  const std::uint32_t to = mine + 8192;
  fill(mine, 1024, my_index() + 1);
  noc_async_write_one_packet_set_state(on_core(next_core(), to), 64);
  for (std::uint32_t i = 0; i < 32; ++i) noc_async_write_one_packet_with_state(mine + i * 64, to + i * 64);
  noc_async_write_one_packet_with_trid_set_state(on_core(next_core(6), to));
  noc_async_write_one_packet_with_trid_with_state(mine, to + 2048, 512, 9);
  noc_async_write_one_packet_with_trid_with_state(mine, to + 2048 + 512, 0, 9);
  noc_async_write_barrier_with_trid(9);
  // Semaphores use registers of their own.
  noc_semaphore_set_remote(mine, on_core(next_core(), get_semaphore(2)));
  noc_inline_dw_write(on_core(next_core(), get_semaphore(2)), 5);
  noc_async_write_one_packet_with_trid_with_state(mine, to + 2048 + 512, 512, 10);
  noc_async_write_barrier();
  meet(0);
  put_result(0, count_equal(to, 512, next_core(7) + 1));
  put_result(1, count_equal(to + 2048, 256, next_core(2) + 1));
  put_result(2, *semaphore(2));
  store_results();
});

TEST_P(TransferForms, StatefulWritesGoToTheNodeOfTheState) {
  const RunResult result = run(writes_with_state, {512, 256, 5});
  if (!test::session().is_host()) return;
  const auto writes = lines(result, EventKind::noc_write);
  EXPECT_EQ(std::count_if(writes.begin(), writes.end(),
                          [](const std::string& line) { return line.find(" stateful") != std::string::npos; }),
            34);
  EXPECT_EQ(std::count_if(writes.begin(), writes.end(),
                          [](const std::string& line) { return line.find(" inline value 5") != std::string::npos; }),
            1);
}

// ---- Inline writes

const auto writes_inline = register_kernel("forms/writes_inline", [] {
  const std::uint32_t to = get_write_ptr(0);
  fill(to, 4, 7);
  meet(0);
  for (std::uint32_t i = 0; i < 2; ++i) noc_inline_dw_write(on_core(next_core(), to + 4 + 4 * i), my_index() * 10 + i);
  noc_async_write_barrier();
  meet(1);
  put_result(0, words(to)[0]);
  put_result(1, words(to)[1] - next_core(7) * 10);
  put_result(2, words(to)[2] - next_core(7) * 10);
  put_result(3, words(to)[3]);
  store_results();
});

TEST_P(TransferForms, InlineWritesPutOneWord) {
  const RunResult result = run(writes_inline, {7, 0, 1, 7});
  if (!test::session().is_host()) return;
  const auto& transfers = result.cores.at(0).transfers[static_cast<std::size_t>(GetParam())];
  EXPECT_EQ(transfers[static_cast<std::size_t>(TransferKind::l1_write)].bytes, 8U);
}

// ---- Linked multicasts

const auto links = register_kernel("forms/links", [] {  // data in two parts and a flag on one path; every core in turn
  const std::uint32_t mine = get_write_ptr(0);
  const std::uint32_t to = mine + 40960;
  const std::uint32_t flag = mine + 36864;
  const auto noc = static_cast<NocId>(context(Here::current()).default_noc);
  std::uint32_t right = 0;
  std::uint32_t states = 0;
  for (std::uint32_t round = 1; round <= 16; ++round) {
    const bool loopback = round > 8;
    if (my_index() == round % 8) {
      const Endpoint& endpoint = *context(Here::current()).noc;
      fill(mine, 5100, round);
      words(flag)[0] = round;
      states += endpoint.linked_chain(noc).open ? 100 : 0;
      if (loopback) {
        noc_async_write_multicast_loopback_src(mine, on_all_cores(to), 20000, 8, true);
        noc_async_write_multicast_loopback_src(mine + 20000, on_all_cores(to + 20000), 400, 8, true);
      } else {
        noc_async_write_multicast(mine, on_all_cores(to), 20000, 7, true);
        noc_async_write_multicast_one_packet(mine + 20000, on_all_cores(to + 20000), 400, 7, true);
      }
      states += endpoint.linked_chain(noc).open && endpoint.linked_chain(noc).last == LogicalCore{3, 1} ? 1 : 0;
      states += endpoint.linked_chain(noc == NocId::noc0 ? NocId::noc1 : NocId::noc0).open ? 100 : 0;
      if (loopback) {
        noc_semaphore_set_multicast_loopback_src(flag, on_all_cores(get_semaphore(0)), 8);
      } else {
        noc_semaphore_set_multicast(flag, on_all_cores(get_semaphore(0)), 7);
        noc_semaphore_set(semaphore(0), round);
        fill(to, 5100, round);
      }
      states += endpoint.linked_chain(noc).open ? 100 : 0;
    }
    noc_semaphore_wait(semaphore(0), round);
    right += count_equal(to, 5100, round) == 5100 ? 1 : 0;
    for (std::uint32_t core = 0; core < 8; ++core) noc_semaphore_inc(on_core(core, get_semaphore(1)), 1);
    noc_semaphore_wait_min(semaphore(1), 8 * round);
  }
  put_result(0, right);
  put_result(1, states);
  noc_async_write_barrier();
  noc_async_atomic_barrier();
  store_results();
});

TEST_P(TransferForms, LinkedMulticastsKeepTheirPathUntilTheLast) {
  const RunResult result = run(links, {16, 2});
  if (!test::session().is_host()) return;
  const auto multicasts = lines(result, EventKind::noc_multicast);
  ASSERT_EQ(multicasts.size(), 6U);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(multicasts[i].find(" linked") != std::string::npos, i % 3 != 2) << multicasts[i];
    EXPECT_EQ(multicasts[i].find(" loopback") != std::string::npos, i >= 3) << multicasts[i];
  }
}

// ---- Outstanding packets

const auto fills_an_id = register_kernel("forms/fills_an_id", [] {  // 255 packets are no fault, again after a barrier
  const std::uint32_t l1 = get_write_ptr(0);
  noc_async_read_set_trid(15);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 253; ++i) noc_async_read(on_core(next_core(), l1), l1 + 16384, 32);
    noc_async_read(on_core(next_core(), l1), l1 + 16384, 8193);  // two packets
    noc_async_read_barrier_with_trid(15);
    for (int i = 0; i < 255; ++i) noc_async_write_one_packet_with_trid(l1, on_core(next_core(), l1 + 32768), 32, 15);
    noc_async_write_barrier();
  }
  noc_async_read_set_trid();
  for (int i = 0; i < 1000; ++i) noc_async_read(on_core(next_core(), l1), l1 + 16384, 32);
  noc_async_read_barrier();
  put_result(0, 1);
  store_results();
});

TEST_P(TransferForms, AnIdHas255PacketsOutstanding) { run(fills_an_id, {1}); }

const auto forms_without_data = register_kernel("forms/dry", [] {
  const std::uint32_t l1 = get_write_ptr(0);
  noc_async_read_one_packet_set_state(on_core(next_core(), l1), 2048);
  noc_async_read_set_trid(3);
  noc_async_read_one_packet_with_state(l1, l1 + 4096);
  noc_async_read_barrier_with_trid(3);
  noc_inline_dw_write(on_core(next_core(), get_semaphore(0)), 6);
  noc_async_write_barrier();
  noc_semaphore_wait(semaphore(0), 6);
});

TEST_P(TransferForms, ADryRunSignalsAndLogsTheSame) {
  const test::Outcome outcome = test::run_session(grid, [&](Device& device) {
    Program program;
    program.name = "dry";
    program.grid = grid;
    program.circular_buffers.push_back({0, 4, 4096, DataFormat::bf16, ""});
    program.semaphores = {0};
    program.kernels.push_back({forms_without_data, Risc::ncrisc, GetParam(), everywhere, {}, {}, {}});
    const RunResult full = device.launch(program);
    LaunchOptions without_data;
    without_data.dry = true;
    const RunResult dry = device.launch(program, without_data);
    for (std::size_t core = 0; core < full.log.cores.size(); ++core) {
      EXPECT_TRUE(full.log.cores[core].sequence(Risc::ncrisc) == dry.log.cores[core].sequence(Risc::ncrisc)) << core;
    }
  });
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

}  // namespace
}  // namespace tilegrid::noc
