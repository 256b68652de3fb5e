// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "runtime/timing/replay.h"

namespace tilegrid::timing {

inline void expect_equal(const LaneTime& a, const LaneTime& b, const std::string& what) {
  EXPECT_EQ(a.busy, b.busy) << what;
  EXPECT_EQ(a.end, b.end) << what;
  EXPECT_EQ(a.stalled, b.stalled) << what;
}

inline void expect_equal(const std::vector<ShareTime>& a, const std::vector<ShareTime>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].name, b[i].name);
    EXPECT_EQ(a[i].busy, b[i].busy) << a[i].name;
  }
}

/// A replay that nobody looks at may add up at once what many steps take. With an observer each step is taken: both say
/// the same to the last bit. Returns what they say.
inline DeviceTime expect_same_step_by_step(const RunLog& log, const Chip& chip) {
  const DeviceTime quick = replay(log, chip);
  Observer nobody;
  DeviceTime plain = replay(log, chip, &nobody);
  EXPECT_EQ(quick.cycles, plain.cycles);
  EXPECT_EQ(quick.peak_share, plain.peak_share);
  for (std::size_t i = 0; i < plain.launches.size(); ++i) {
    const LaunchTime& a = quick.launches.at(i);
    const LaunchTime& b = plain.launches.at(i);
    EXPECT_EQ(a.cycles, b.cycles) << b.name;
    for (std::size_t core = 0; core < b.cores.size(); ++core) {
      for (const Lane lane : each<Lane>) {
        expect_equal(a.cores[core].lanes[lane], b.cores[core].lanes[lane], std::string(name_of(lane)));
      }
      EXPECT_EQ(a.cores[core].starved, b.cores[core].starved);
      EXPECT_EQ(a.cores[core].end, b.cores[core].end);
    }
    expect_equal(a.operations, b.operations);
    expect_equal(a.phases, b.phases);
    EXPECT_EQ(a.matmul_tiles, b.matmul_tiles);
    EXPECT_EQ(a.matmul_tile_phases, b.matmul_tile_phases);
    EXPECT_EQ(a.bytes_times_hops, b.bytes_times_hops);
    EXPECT_EQ(a.links.size(), b.links.size());
    for (std::size_t bank = 0; bank < b.dram.size(); ++bank) EXPECT_EQ(a.dram[bank].busy, b.dram[bank].busy);
  }
  return plain;
}

}  // namespace tilegrid::timing
