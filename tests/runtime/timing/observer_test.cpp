// SPDX-License-Identifier: Apache-2.0
// What an observer of a replay is told, against the sums of device time and against times worked out by hand.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <vector>

#include "runtime/timing/costs.h"
#include "runtime/timing/microbenchmarks.h"
#include "tests/runtime/timing/support.h"

namespace tilegrid::timing {
namespace {

/// Adds up what it is told, and keeps the rest.
class Sums final : public Observer {
 public:
  void started(const Start& launch) override {
    ++launches;
    cores.assign(static_cast<std::size_t>(launch.grid.cores()), {});
    last.assign(cores.size(), {});
  }
  void busy(const BusySpan& span) override {
    follow(span.core, span.lane, span.begin, span.end);
    of(span.core, span.lane).busy += span.end - span.begin;
  }
  void stalled(const StallSpan& span) override {
    follow(span.core, span.lane, span.begin, span.end);
    of(span.core, span.lane).stalled[static_cast<std::size_t>(span.reason)] += span.end - span.begin;
    stalls.push_back(span);
  }
  void called(const Call& call) override { calls.push_back({call.event.kind(), call.begin, call.end}); }
  void pages(const PageChange& change) override { changes.push_back(change); }
  void section(const DstSection& section) override { sections.push_back(section); }
  void moved(const Movement& packet) override {
    moves.push_back({packet.transfer, packet.core, packet.bytes, packet.source, packet.target, packet.bank, packet.receivers,
                     packet.issued, packet.departed, packet.arrived, packet.completed});
  }
  void scope(const ScopePoint& point) override { scopes.push_back(point); }
  void sampled(double time, std::span<const LinkTime> links) override {
    EXPECT_GE(time, next);
    next = time + 1000;
    double sum = 0;
    for (const LinkTime& link : links) sum += link.busy;
    EXPECT_GE(sum, link_busy);
    link_busy = sum;
    ++samples;
  }
  [[nodiscard]] double next_sample() const override { return next; }
  void ended(const LaunchTime& launch) override { end = launch.cycles; }

  /// An Event is only good as long as its log.
  struct Moved {
    Transfer transfer;
    int core;
    std::uint32_t bytes;
    PhysicalCore source, target;
    int bank;
    std::vector<int> receivers;
    double issued, departed, arrived, completed;
  };
  struct Called {
    EventKind kind;
    double begin, end;
  };
  std::vector<std::array<LaneTime, lane_count>> cores;
  std::vector<std::array<double, lane_count>> last;
  std::vector<StallSpan> stalls;
  std::vector<Called> calls;
  std::vector<PageChange> changes;
  std::vector<DstSection> sections;
  std::vector<Moved> moves;
  std::vector<ScopePoint> scopes;
  double next = 0, link_busy = 0, end = 0;
  int launches = 0, samples = 0;

 private:
  LaneTime& of(int core, Lane lane) { return cores[static_cast<std::size_t>(core)][static_cast<std::size_t>(lane)]; }
  /// Spans of a lane follow each other without gaps.
  void follow(int core, Lane lane, double begin, double end_of_span) {
    double& at = last[static_cast<std::size_t>(core)][static_cast<std::size_t>(lane)];
    EXPECT_NEAR(begin, at, 1e-6);
    EXPECT_LT(begin, end_of_span);
    at = end_of_span;
  }
};

void expect_same_lanes(const LaunchTime& launch, const Sums& sums) {
  for (std::size_t core = 0; core < launch.cores.size(); ++core) {
    for (std::size_t lane = 0; lane < lane_count; ++lane) {
      const LaneTime& expected = launch.cores[core].lanes[lane];
      EXPECT_NEAR(sums.cores[core][lane].busy, expected.busy, 1e-3);
      for (std::size_t stall = 0; stall < stall_count; ++stall) {
        EXPECT_NEAR(sums.cores[core][lane].stalled[stall], expected.stalled[stall], 1e-3);
      }
      EXPECT_NEAR(sums.last[core][lane], expected.end, 1e-3);
    }
  }
}

/// Reader, compute and writer of `tiles` copies, tile by tile, through buffers of two pages.
RunLog stream(std::uint32_t tiles, PhysicalCore from, PhysicalCore to) {
  HandLog log;
  log.buffer(0, 2).buffer(16, 2);
  std::vector<Event> reader, compute, writer;
  for (std::uint32_t tile = 0; tile < tiles; ++tile) {
    for (const Event& event : {reserve(0, 1), read(from, 2048), wait_reads, push(0, 1)}) reader.push_back(event);
    for (const Event& event : {wait(0, 1), acquire, copy_from(0, 1), commit, pop(0, 1), reserve(16, 1), wait_dst,
                               pack_to(16, 1), release, push(16, 1)}) {
      compute.push_back(event);
    }
    for (const Event& event : {wait(16, 1), write(to, 2048), wait_writes, pop(16, 1)}) writer.push_back(event);
  }
  log.kernel(1, Risc::ncrisc, reader).kernel(1, Risc::trisc, compute).kernel(1, Risc::brisc, writer);
  return log.run;
}

TEST(Observer, SpansAddUpToDeviceTimeAndNothingChanges) {
  const Chip chip = Chip::load("wormhole_b0");
  const RunLog log = stream(9, chip.places().dram_endpoint(3), chip.places().dram_endpoint(7));
  Sums sums;
  const DeviceTime seen = replay(log, chip, &sums);
  const DeviceTime plain = replay(log, chip);
  EXPECT_EQ(seen.cycles, plain.cycles);
  EXPECT_EQ(sums.end, plain.cycles);
  EXPECT_EQ(sums.launches, 1);
  EXPECT_GT(sums.samples, 1);
  expect_same_lanes(plain.launches.front(), sums);
}

TEST(Observer, TransfersHaveTheirWayAndTimes) {
  const Chip chip = Chip::load("wormhole_b0");
  const PhysicalCore from = chip.places().dram_endpoint(3), to = chip.places().dram_endpoint(7);
  Sums sums;
  (void)replay(stream(5, from, to), chip, &sums);
  ASSERT_EQ(sums.moves.size(), 10U);
  const PhysicalCore own = chip.places().physical_of({1, 0});
  for (const Sums::Moved& move : sums.moves) {
    const bool reads = move.transfer == Transfer::read;
    EXPECT_EQ(move.core, 1);
    EXPECT_EQ(move.bytes, 2048U);
    EXPECT_EQ(move.source, reads ? from : own);
    EXPECT_EQ(move.target, reads ? own : to);
    EXPECT_EQ(move.bank, reads ? 3 : 7);
    EXPECT_EQ(move.receivers, reads ? std::vector<int>{1} : std::vector<int>{});
    EXPECT_LE(move.issued, move.departed);
    EXPECT_LT(move.departed, move.arrived);
    EXPECT_LE(move.arrived, move.completed);
  }
}

TEST(Observer, TransfersBetweenCoresAsWorkedOutByHand) {
  // As in network_test: 3 hops of 9 and two NIUs of 5 to the head's arrival, 64 flits and a header behind it.
  HandLog log;
  log.kernel(0, Risc::brisc, {write(worker(3, 0), 2048), wait_writes});
  Sums sums;
  const DeviceTime time = replay(log.run, free_machine({}), &sums);
  ASSERT_EQ(sums.moves.size(), 1U);
  const Sums::Moved& move = sums.moves.front();
  EXPECT_EQ(move.receivers, std::vector<int>{3});
  EXPECT_NEAR(move.issued, 0, tiny);
  EXPECT_NEAR(move.departed, 0, tiny);
  EXPECT_NEAR(move.arrived, 10 + 3 * 9 + 65, tiny);
  EXPECT_NEAR(move.completed, time.cycles, tiny);
  const std::array kinds{EventKind::kernel_start, EventKind::noc_write, EventKind::write_barrier, EventKind::kernel_end};
  ASSERT_EQ(sums.calls.size(), kinds.size());
  for (std::size_t i = 0; i < kinds.size(); ++i) EXPECT_EQ(sums.calls[i].kind, kinds[i]);
  EXPECT_NEAR(sums.calls[2].end, time.cycles, tiny);
}

TEST(Observer, BuffersAndSectionsAreSeen) {
  Sums sums;
  const Chip chip = Chip::load("wormhole_b0");
  (void)replay(stream(6, chip.places().dram_endpoint(0), chip.places().dram_endpoint(1)), chip, &sums);
  std::multimap<double, std::int64_t> input;
  for (const PageChange& change : sums.changes) {
    if (change.cb == 0) input.emplace(change.time, change.pages);
  }
  EXPECT_EQ(input.size(), 12U);
  std::int64_t level = 0;
  for (const auto& [time, pages] : input) {
    level += pages;
    EXPECT_GE(level, 0);
    EXPECT_LE(level, 2);
  }
  EXPECT_EQ(level, 0);
  ASSERT_EQ(sums.sections.size(), 6U);
  for (std::size_t i = 0; i < sums.sections.size(); ++i) {
    const DstSection& section = sums.sections[i];
    EXPECT_EQ(section.number, static_cast<std::int64_t>(i));
    EXPECT_EQ(section.half, static_cast<int>(i % 2));
    EXPECT_LT(section.acquired, section.committed);
    EXPECT_LE(section.committed, section.packing);
    EXPECT_LT(section.packing, section.released);
    if (i >= 2) {
      EXPECT_GE(section.acquired, sums.sections[i - 2].released);
    }
  }
  bool waits_for_input = false;
  for (const StallSpan& stall : sums.stalls) waits_for_input |= stall.reason == Stall::cb_empty && stall.subject == 0;
  EXPECT_TRUE(waits_for_input);
}

TEST(Observer, NamedZonesArePassedByEachLaneInItsOwnTime) {
  using enum ScopeMark;
  HandLog log;
  log.buffer(0, 4);
  const Event begins = events::Scope{.mark = begin, .name = 7}, ends = events::Scope{.mark = end, .name = 7};
  log.kernel(0, Risc::ncrisc, {begins, push(0, 1), ends});
  log.kernel(0, Risc::trisc, {wait(0, 1), begins, acquire, copy_from(0, 1), commit, ends});
  Sums sums;
  (void)replay(log.run, free_machine({"unpack_bytes_per_cycle=64", "copy_tile_cycles=10"}), &sums);
  std::map<Lane, std::vector<double>> times;
  for (const ScopePoint& point : sums.scopes) {
    EXPECT_EQ(point.scope.name, 7U);
    EXPECT_EQ(point.scope.mark, times[point.lane].empty() ? begin : end);
    times[point.lane].push_back(point.time);
  }
  EXPECT_EQ(times[Lane::unpack], (std::vector<double>{0, 32}));
  EXPECT_EQ(times[Lane::math], (std::vector<double>{0, 42}));
  EXPECT_EQ(times[Lane::pack].size(), 2U);
  EXPECT_EQ(times[Lane::ncrisc].size(), 2U);
  EXPECT_EQ(times.count(Lane::brisc), 0U);
}

TEST(Observer, TrainsAndMulticastsLoseNoPacket) {
  const Chip chip = Chip::load("wormhole_b0");
  const RunLog crowd = Microbenchmarks().all_to_all({8, 10}, 2048);
  Sums sums;
  const DeviceTime time = replay(crowd, chip, &sums);
  EXPECT_EQ(time.cycles, replay(crowd, chip).cycles);
  std::uint64_t calls = 0;
  for (const Sums::Called& call : sums.calls) {
    calls += call.kind == EventKind::noc_read || call.kind == EventKind::noc_write ? 1U : 0U;
  }
  EXPECT_GT(calls, 1000U);
  EXPECT_EQ(sums.moves.size(), calls);
  HandLog log;
  log.kernel(0, Risc::brisc,
             {events::NocMulticast{.bytes = 4096, .first = worker(1, 0), .last = worker(3, 0)}, wait_writes});
  Sums cast;
  (void)replay(log.run, chip, &cast);
  ASSERT_EQ(cast.moves.size(), 1U);
  EXPECT_EQ(cast.moves.front().receivers, (std::vector<int>{1, 2, 3}));
  EXPECT_LT(cast.moves.front().departed, cast.moves.front().arrived);
}

}  // namespace
}  // namespace tilegrid::timing
