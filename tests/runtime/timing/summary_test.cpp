// SPDX-License-Identifier: Apache-2.0
#include "runtime/timing/summary.h"

#include <gtest/gtest.h>

#include <vector>

namespace tilegrid::timing {
namespace {

LaneTime& lane(CoreTime& core, Lane which) { return core.lanes.at(which); }
double& stalled(CoreTime& core, Lane which, Stall why) { return lane(core, which).stalled.at(why); }

/// Kernels start at 100; math is busy for `math` cycles, the reader for 10 and waits for DRAM and a buffer.
CoreTime core_with(double math, double dram, double end) {
  CoreTime core;
  stalled(core, Lane::math, Stall::launch) = 100;
  lane(core, Lane::math).busy = math;
  lane(core, Lane::ncrisc).busy = 10;
  stalled(core, Lane::ncrisc, Stall::dram) = dram;
  stalled(core, Lane::ncrisc, Stall::cb_full) = 5000;
  core.end = end;
  return core;
}

LaunchTime launch_of(std::vector<CoreTime> cores, double cycles) {
  LaunchTime launch;
  launch.cores = std::move(cores);
  launch.cycles = cycles;
  return launch;
}

const Limit* find(const DeviceSummary& summary, Limit::Kind kind) {
  for (const Limit& limit : summary.limits) {
    if (limit.kind == kind) return &limit;
  }
  return nullptr;
}

TEST(DeviceSummary, LimitsAreMeansOverCoresAndLeaveOutWaitsForBuffers) {
  const std::vector<LaunchTime> launches{launch_of({core_with(500, 200, 700), core_with(700, 300, 900)}, 950)};
  const DeviceSummary summary = summarise(launches);
  EXPECT_EQ(summary.limits[0].kind, Limit::Kind::math);
  EXPECT_DOUBLE_EQ(summary.limits[0].cycles, 600);
  EXPECT_EQ(summary.limits[1].kind, Limit::Kind::reader);
  EXPECT_DOUBLE_EQ(summary.limits[1].cycles, 10 + 250);
  EXPECT_DOUBLE_EQ(summary.margin(), 340.0 / 950);
  EXPECT_DOUBLE_EQ(find(summary, Limit::Kind::imbalance)->cycles, 900 - 800);
  EXPECT_DOUBLE_EQ(find(summary, Limit::Kind::launch)->cycles, 100 + 50);
  EXPECT_EQ(summary.slowest, 1);
}

TEST(DeviceSummary, OneCoreOfFourAtWorkIsImbalance) {
  const std::vector<LaunchTime> launches{launch_of({core_with(800, 0, 1000), {}, {}, {}}, 1000)};
  const DeviceSummary summary = summarise(launches);
  EXPECT_EQ(summary.limits[0].kind, Limit::Kind::imbalance);
  EXPECT_DOUBLE_EQ(summary.limits[0].cycles, 1000 - (1000 + 3 * 100) / 4.0);
}

TEST(DeviceSummary, LaunchesAddUp) {
  LaunchTime first = launch_of({core_with(500, 0, 700)}, 720);
  LaunchTime second = launch_of({core_with(100, 0, 300)}, 340);
  first.operations = {{"pack", {0, 0, 0, 0, 5}}, {"matmul", {0, 0, 0, 10, 0}}};
  second.operations = {{"matmul", {0, 0, 2, 4, 0}}};
  first.links = {{{1, 1}, 0, 0, 30, 64}, {{2, 1}, 0, 0, 20, 32}};
  second.links = {{{2, 1}, 0, 0, 25, 96}, {{2, 1}, 1, 0, 1, 32}};
  first.dram = {{10, 100, 0}, {0, 0, 0}};
  second.dram = {{1, 0, 7}, {2, 3, 0}};
  const DeviceSummary summary = summarise(std::vector<LaunchTime>{first, second});
  EXPECT_DOUBLE_EQ(summary.cycles, 1060);
  EXPECT_DOUBLE_EQ(find(summary, Limit::Kind::math)->cycles, 600);
  EXPECT_DOUBLE_EQ(find(summary, Limit::Kind::launch)->cycles, 120 + 140);
  ASSERT_EQ(summary.operations.size(), 2U);
  EXPECT_EQ(summary.operations[0].name, "matmul");  // the largest first
  EXPECT_DOUBLE_EQ(summary.operations[0].busy[static_cast<std::size_t>(Lane::math)], 14);
  EXPECT_DOUBLE_EQ(summary.operations[0].busy[static_cast<std::size_t>(Lane::unpack)], 2);
  ASSERT_EQ(summary.links.size(), 3U);
  EXPECT_EQ(summary.links[0].from, (PhysicalCore{2, 1}));
  EXPECT_DOUBLE_EQ(summary.links[0].busy, 45);
  EXPECT_EQ(summary.links[0].bytes, 128U);
  EXPECT_DOUBLE_EQ(summary.dram[0].busy, 11);
  EXPECT_EQ(summary.dram[0].bytes_written, 7U);
  EXPECT_EQ(summary.dram[1].bytes_read, 3U);
}

}  // namespace
}  // namespace tilegrid::timing
