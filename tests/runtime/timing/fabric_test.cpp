// SPDX-License-Identifier: Apache-2.0
// Wormhole switching, semaphores, transaction ids and what is under way at the end: times worked out by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/error.h"
#include "runtime/timing/agenda.h"
#include "runtime/timing/microbenchmarks.h"
#include "tests/runtime/timing/support.h"
#include "tests/support/wormhole_grid.h"

namespace tilegrid::timing {
namespace {

TEST(ReplayAgenda, ComesInOrderOfTimeThenKeyThenStep) {
  Agenda agenda;
  // In one cycle, further than one list a cycle reaches, and for the past.
  agenda.add(10.5, 2, 0, Step::issue);
  agenda.add(1e6, 0, 1, Step::issue);
  agenda.add(10.25, 3, 2, Step::issue);
  agenda.add(10.5, 1, 3, Step::land);
  agenda.add(10.5, 1, 4, Step::issue);
  agenda.add(5000, 0, 5, Step::issue);
  const auto next = [&] { return agenda.next().index; };
  EXPECT_EQ(next(), 2U);
  EXPECT_EQ(next(), 4U);
  agenda.add(3, 9, 6, Step::issue);
  agenda.add(10.75, 0, 7, Step::issue);
  EXPECT_EQ(next(), 6U);
  EXPECT_EQ(next(), 3U);
  EXPECT_EQ(next(), 0U);
  EXPECT_EQ(next(), 7U);
  EXPECT_EQ(next(), 5U);
  EXPECT_EQ(next(), 1U);
  EXPECT_TRUE(agenda.empty());
}

TEST(ReplayAgenda, HeadsComeInOrderAmongTheOthers) {
  Agenda agenda;
  // More than the queue of heads begins with, backwards, and some in between and at the same times.
  constexpr std::uint32_t heads = 200;
  for (std::uint32_t i = heads; i > 0; --i) agenda.add_head(i, 5, i);
  agenda.add(7, 4, 1000, Step::wake);
  agenda.add(7, 6, 1001, Step::issue);
  agenda.add(7, 5, 1002, Step::serve);
  agenda.add(7, 5, 1003, Step::front);
  agenda.add(7.5, 0, 1004, Step::issue);
  std::vector<std::uint32_t> order;
  while (!agenda.empty()) order.push_back(agenda.next().index);
  std::vector<std::uint32_t> expected;
  for (std::uint32_t i = 1; i <= heads; ++i) {
    if (i == 7) expected.insert(expected.end(), {1000, 1002, 7, 1003, 1001, 1004});
    if (i != 7) expected.push_back(i);
  }
  EXPECT_EQ(order, expected);
}

TEST(ReplayAgenda, WhatComesLateLiesBeforeWhatIsFarAway) {
  Agenda agenda;
  agenda.add(1e6, 0, 1, Step::issue);
  agenda.add(3000, 0, 2, Step::issue);
  agenda.add_head(10, 0, 3);
  const auto next = [&] { return agenda.next().index; };
  EXPECT_EQ(next(), 3U);
  agenda.add_head(6000, 0, 4);
  agenda.add(20, 0, 5, Step::wake);
  agenda.add(12, 0, 6, Step::front);
  for (const std::uint32_t expected : {6U, 5U, 2U}) EXPECT_EQ(next(), expected);
  agenda.add(6000, 1, 7, Step::issue);
  agenda.add(999'990, 0, 8, Step::issue);
  agenda.add_head(999'980, 0, 9);
  for (const std::uint32_t expected : {4U, 7U, 9U, 8U, 1U}) EXPECT_EQ(next(), expected);
  EXPECT_TRUE(agenda.empty());
}

TEST(ReplayFabric, APacketThatStandsKeepsThePortsBehindIt) {
  // Core 1 sends 65 flits to core 2, over the link that is core 0's second, from 5 to 70. Core 0's packet for core 2 stands
  // from 14 to 70 with 10 flits in the router, takes the link until 135, and has left core 0 at 115, the first link at 125.
  // Its next, for core 1, enters at 115, takes the first link at 125, must wait behind the other in the router until 135
  // though nobody uses its own way, is in the NIU from 140 to 205 and answered after 9 hops.
  HandLog log;
  log.kernel(0, Risc::brisc, {write(worker(2, 0), 2048), wait_left, write(worker(1, 0), 2048), wait_writes});
  log.kernel(1, Risc::brisc, {write(worker(2, 0), 2048), wait_writes});
  const DeviceTime time = replay(log.run, free_machine({"noc_buffer_flits=10"}));
  EXPECT_NEAR(lane(time, Lane::brisc, 1).end, 19 + 65 + 91, tiny);
  EXPECT_NEAR(lane(time, Lane::brisc, 0).end, 205 + 91, tiny);
  EXPECT_NEAR(stalled(lane(time, Lane::brisc, 0), Stall::noc), 115 + 6, tiny);
}

TEST(ReplayFabric, BuffersThatHoldAPacketFreeThePortsBehindIt) {
  // As above with 80 flits to a router: the first packet leaves core 0 at 65, the second follows at once and is in the
  // router at 79, behind the other's tail at 135 as before.
  HandLog log;
  log.kernel(0, Risc::brisc, {write(worker(2, 0), 2048), wait_left});
  log.kernel(1, Risc::brisc, {write(worker(2, 0), 2048), wait_writes});
  const DeviceTime time = replay(log.run, free_machine({"noc_buffer_flits=80"}));
  EXPECT_NEAR(lane(time, Lane::brisc, 0).end, 65, tiny);
}

TEST(ReplayFabric, FullRingsDoNotLockUp) {
  const Chip machine = free_machine({"noc_buffer_flits=1"});
  EXPECT_GT(replay(Microbenchmarks().all_to_all({8, 10}, 8192), machine).cycles, 79.0 * 257);
}

TEST(ReplayFabric, TransactionIdsHaveBarriersOfTheirOwn) {
  // The first write is answered at 175. The second leaves at 65, 3 hops there and 7 back: 65 + 37 + 65 + 73.
  const std::vector<Event> writes{write(worker(1, 0), 2048, 1), write(worker(3, 0), 2048, 2)};
  const auto end = [&](const Event& barrier) {
    HandLog log;
    log.kernel(0, Risc::brisc, {writes[0], writes[1], barrier});
    return lane(replay(log.run, free_machine({})), Lane::brisc).end;
  };
  EXPECT_NEAR(end(events::WriteBarrier{.trid = 1}), 175, tiny);
  EXPECT_NEAR(end(events::WriteBarrier{.trid = 2}), 240, tiny);
  EXPECT_NEAR(end(wait_writes), 240, tiny);
  EXPECT_NEAR(end(events::WriteBarrier{.trid = 0}), 65, tiny) << "nothing has id 0";
  EXPECT_NEAR(end(events::WritesFlushed{.trid = 1}), 65, tiny);
  EXPECT_NEAR(end(wait_left), 130, tiny);
}

TEST(ReplayFabric, ALaunchEndsWhenWhatItsKernelsLeftIsOver) {
  HandLog log;
  log.kernel(0, Risc::brisc, {write(worker(1, 0), 2048)});
  const DeviceTime time = replay(log.run, free_machine({}));
  EXPECT_NEAR(lane(time, Lane::brisc).end, 0, tiny);
  EXPECT_NEAR(time.cycles, 19 + 65 + 91, tiny);
  HandLog atomic;
  atomic.kernel(0, Risc::brisc, {events::SemaphoreInc{.delta = 1, .peer = worker(1, 0), .offset = 65536}});
  EXPECT_NEAR(replay(atomic.run, free_machine({})).cycles, 19 + 2 + 91, tiny);
}

TEST(ReplayFabric, StatefulTransfersAreIssuedFaster) {
  const auto busy = [](TransferForm form) {
    HandLog log;
    for (const int bank : {0, 1, 2}) {
      log.launch().cores[0].append(Risc::ncrisc,
                                   events::NocRead{.form = form, .bytes = 64, .peer = noc::dram_endpoint(bank)});
    }
    const auto machine =
        free_machine({"noc_read_issue_cycles=20", "noc_stateful_issue_cycles=12", "noc_new_target_cycles=5"});
    return lane(replay(log.run, machine), Lane::ncrisc).busy;
  };
  EXPECT_NEAR(busy(TransferForm::full), 20 + 25 + 25, tiny);
  EXPECT_NEAR(busy(TransferForm::stateful), 3 * 12, tiny);
}

TEST(ReplayFabric, WaitsAreOverAtTheValueThatAWriteBrings) {
  // Two flags of 4 bytes, 2 flits each: the first lands at 19 + 2, the second leaves behind it and lands at 23.
  const auto end = [](bool at_least, std::uint32_t value) {
    HandLog log({2, 1});
    const auto flag = [](std::uint32_t word) {
      return events::NocWrite{.bytes = 4, .peer = worker(1, 0), .offset = 65552, .word = word};
    };
    log.kernel(0, Risc::brisc, {flag(5), flag(0x01020304)});
    log.kernel(1, Risc::ncrisc,
               {events::SemaphoreWait{.at_least = at_least, .value = value, .node = worker(1, 0), .offset = 65552}});
    return lane(replay(log.run, free_machine({})), Lane::ncrisc, 1).end;
  };
  EXPECT_NEAR(end(false, 5), 21, tiny);
  EXPECT_NEAR(end(false, 0x01020304), 23, tiny);
  EXPECT_NEAR(end(true, 4), 21, tiny);
  EXPECT_NEAR(end(true, 6), 23, tiny);
  EXPECT_THROW((void)end(true, 0x01020305), UsageError);
}

TEST(ReplayFabric, AMulticastBringsItsValueToAll) {
  HandLog log({4, 1});
  log.kernel(0, Risc::brisc,
             {events::NocMulticast{.bytes = 4, .first = worker(1, 0), .last = worker(3, 0), .offset = 70000, .word = 7}});
  for (int core = 1; core < 4; ++core) {
    log.kernel(core, Risc::ncrisc, {events::SemaphoreWait{.value = 7, .node = worker(core, 0), .offset = 70000}});
  }
  const DeviceTime time = replay(log.run, free_machine({}));
  // The path of 3 hops is reserved first.
  for (int core = 1; core < 4; ++core) {
    EXPECT_NEAR(lane(time, Lane::ncrisc, static_cast<std::size_t>(core)).end, 27 + 10 + 9 * core + 2, tiny);
  }
}

TEST(ReplayFabric, ResponsesThatWaitTravelTogether) {
  // Three cores read 12 pages each from one bank. However they are grouped, each byte crosses the port of the bank's NIU
  // once, and the last page comes when the NIU has sent all.
  HandLog log;
  for (const int core : {0, 1, 2}) {
    std::vector<Event> events(12, read(noc::dram_endpoint(1), 2048));
    events.push_back(wait_reads);
    log.kernel(core, Risc::ncrisc, events);
  }
  const DeviceTime time = replay(log.run, free_machine({}));
  const double last =
      std::max({lane(time, Lane::ncrisc, 0).end, lane(time, Lane::ncrisc, 1).end, lane(time, Lane::ncrisc, 2).end});
  // The first request is 8 hops away (core 2, at x 3, asks over 7); its data go 1, 2 or 3 hops back.
  EXPECT_GE(last, 7 * 9 + 10 + 36 * 65 + 10 + 9);
  EXPECT_LE(last, 9 * 9 + 10 + 36 * 65 + 10 + 3 * 9);
  EXPECT_EQ(time.launches.front().links.front().bytes, 36U * 2048);
}

}  // namespace
}  // namespace tilegrid::timing
