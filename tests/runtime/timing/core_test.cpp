// SPDX-License-Identifier: Apache-2.0
// Times of one core, worked out by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/runtime/timing/support.h"

namespace tilegrid::timing {
namespace {

using enum EventKind;
/// Reader and compute of `tiles` copies in one DST section, packed one by one.
RunLog copies(const std::vector<Event>& copy_events, std::uint32_t tiles) {
  HandLog log;
  log.buffer(0, tiles).buffer(16, tiles);
  log.kernel(0, Risc::ncrisc, {reserve(0, tiles), push(0, tiles)});
  std::vector<Event> compute{wait(0, tiles), acquire};
  compute.insert(compute.end(), copy_events.begin(), copy_events.end());
  for (const Event& event : {commit, reserve(16, tiles), wait_dst, pack_to(16, tiles), release, push(16, tiles)}) {
    compute.push_back(event);
  }
  log.kernel(0, Risc::trisc, compute);
  return log.run;
}

TEST(ReplayCore, UnpackBoundPipelineFillsAndDrains) {
  // Unpack 32 a tile: ends 32, 64, 96, 128. Math 10: ends 42, 74, 106, 138. Pack 32 a tile from 138 on.
  const Chip machine = free_machine({"unpack_bytes_per_cycle=64", "pack_bytes_per_cycle=64", "copy_tile_cycles=10"});
  const DeviceTime time = replay(copies(std::vector<Event>(4, copy_from(0, 1)), 4), machine);
  EXPECT_DOUBLE_EQ(lane(time, Lane::unpack).end, 128);
  EXPECT_DOUBLE_EQ(lane(time, Lane::math).end, 138);
  EXPECT_DOUBLE_EQ(lane(time, Lane::math).busy, 40);
  EXPECT_DOUBLE_EQ(stalled(lane(time, Lane::math), Stall::src), 98);
  EXPECT_DOUBLE_EQ(lane(time, Lane::pack).end, 266);
  EXPECT_DOUBLE_EQ(stalled(lane(time, Lane::pack), Stall::dst), 138);
  EXPECT_DOUBLE_EQ(time.cycles, 266);
}

TEST(ReplayCore, MathBoundPipelineHoldsUnpackAtTwoBanks) {
  // Tile 3 can be unpacked when tile 1 is consumed (132), tile 4 when tile 2 is (232).
  const Chip machine = free_machine({"unpack_bytes_per_cycle=64", "copy_tile_cycles=100"});
  for (const auto& events : {std::vector<Event>(4, copy_from(0, 1)), std::vector<Event>{copy_from(0, 4)},
                             std::vector<Event>{copy_from(0, 1), copy_from(0, 3)}}) {
    const DeviceTime time = replay(copies(events, 4), machine);
    EXPECT_DOUBLE_EQ(lane(time, Lane::math).end, 432);
    EXPECT_DOUBLE_EQ(lane(time, Lane::unpack).end, 264);
    EXPECT_DOUBLE_EQ(stalled(lane(time, Lane::unpack), Stall::src), 136);
  }
}

TEST(ReplayCore, BlockFloatsTakeWhatTheirBytesTake) {
  // tensix.md 3.2: a tile of bfp8 is 17 to unpack, 34 for two operands, and 17 and 10 for the address to pack; set-up apart.
  const Chip machine = free_machine({"unpack_bytes_per_cycle=64", "unpack_joint_bytes_per_cycle=64", "unpack_tile_cycles=5",
                                     "pack_bytes_per_cycle=64", "pack_tile_cycles=4", "pack_block_float_cycles=10"});
  HandLog log;
  log.buffer(0, 2, DataFormat::bfp8_b).buffer(1, 2, DataFormat::bfp8_b).buffer(16, 4, DataFormat::bfp8_b);
  log.kernel(0, Risc::ncrisc, {push(0, 2), push(1, 2)});
  const Event add = events::Eltwise{.cb_a = 0, .cb_b = 1, .tiles = 2, .fidelity = Fidelity::hifi2};
  log.kernel(0, Risc::trisc,
             {wait(0, 2), wait(1, 2), acquire, copy_from(0, 2), add, commit, wait_dst, pack_to(16, 3), release});
  const DeviceTime time = replay(log.run, machine);
  EXPECT_DOUBLE_EQ(lane(time, Lane::unpack).busy, 2 * 22 + 2 * 39);
  EXPECT_DOUBLE_EQ(lane(time, Lane::pack).busy, 3 * 31);
}

TEST(ReplayCore, MathAndPackTakeTurnsInDst) {
  // Math 100, pack 200 a section. Two halves: commits 132, 232, 432 (waits for release 332), packs end 332, 532, 732.
  // One: commits 132, 432, 732, packs end 332, 632, 932.
  const Chip machine = free_machine({"unpack_bytes_per_cycle=64", "pack_bytes_per_cycle=10.24", "copy_tile_cycles=100"});
  for (const bool full : {false, true}) {
    HandLog log;
    log.launch().setups[0].full_sync = full;
    log.buffer(0, 3).buffer(16, 3);
    log.kernel(0, Risc::ncrisc, {push(0, 3)});
    std::vector<Event> compute{wait(0, 3)};
    for (int section = 0; section < 3; ++section) {
      for (const Event& event : {acquire, copy_from(0, 1), commit, wait_dst, pack_to(16, 1), release})
        compute.push_back(event);
    }
    log.kernel(0, Risc::trisc, compute);
    const DeviceTime time = replay(log.run, machine);
    EXPECT_DOUBLE_EQ(lane(time, Lane::math).end, full ? 732 : 432);
    EXPECT_DOUBLE_EQ(lane(time, Lane::pack).end, full ? 932 : 732);
    EXPECT_DOUBLE_EQ(stalled(lane(time, Lane::math), Stall::dst), full ? 400 : 100);
  }
}

TEST(ReplayCore, EachCoreHasItsOwnSetup) {
  // The kernels of MathAndPackTakeTurnsInDst on two cores, whose blocks of events the log has once: the second core has all
  // of DST in one section, and pages of half the size, which take the packer 100.
  const Chip machine = free_machine({"unpack_bytes_per_cycle=64", "pack_bytes_per_cycle=10.24", "copy_tile_cycles=100"});
  HandLog log;
  log.buffer(0, 3).buffer(16, 3);
  CoreSetup other = log.launch().setups[0];
  other.full_sync = true;
  other.buffers[1].page_bytes = 1024;
  log.launch().setups.push_back(other);
  log.launch().setup_numbers = {0, 1, 0, 0};
  for (const int core : {0, 1}) {
    log.kernel(core, Risc::ncrisc, {push(0, 3)});
    std::vector<Event> compute{wait(0, 3)};
    for (int section = 0; section < 3; ++section) {
      for (const Event& event : {acquire, copy_from(0, 1), commit, wait_dst, pack_to(16, 1), release})
        compute.push_back(event);
    }
    log.kernel(core, Risc::trisc, compute);
  }
  share_blocks(log.launch().cores);
  const DeviceTime time = replay(log.run, machine);
  EXPECT_DOUBLE_EQ(lane(time, Lane::pack, 0).end, 732);
  // Commits 132, 332, 532; packs end 232, 432, 632.
  EXPECT_DOUBLE_EQ(lane(time, Lane::pack, 1).end, 632);
  EXPECT_DOUBLE_EQ(stalled(lane(time, Lane::math, 1), Stall::dst), 200);
}

TEST(ReplayCore, FullBuffersHoldTheProducer) {
  // A page takes BRISC 51.2 to make and the unpacker 200; the buffer has two. Pushes 51.2, 102.4, then 251.2 + 51.2 and
  // 451.2 + 51.2, as pops come at 251.2 and 451.2.
  const Chip machine = free_machine({"unpack_bytes_per_cycle=10.24", "risc_store_cycles=0.1"});
  HandLog log;
  log.buffer(0, 2);
  std::vector<Event> writer, compute;
  for (int page = 0; page < 4; ++page) {
    for (const Event& event : {reserve(0, 1), Event(events::Generate{.cb = 0, .bytes = 2048}), push(0, 1)})
      writer.push_back(event);
    for (const Event& event : {wait(0, 1), acquire, copy_from(0, 1), commit, wait_dst, release, pop(0, 1)}) {
      compute.push_back(event);
    }
  }
  log.kernel(0, Risc::brisc, writer).kernel(0, Risc::trisc, compute);
  const DeviceTime time = replay(log.run, machine);
  EXPECT_NEAR(lane(time, Lane::brisc).end, 502.4, 1e-5);
  EXPECT_NEAR(stalled(lane(time, Lane::brisc), Stall::cb_full), 297.6, 1e-5);
  EXPECT_NEAR(lane(time, Lane::unpack).end, 851.2, 1e-5);
  EXPECT_NEAR(stalled(lane(time, Lane::unpack), Stall::cb_empty), 51.2, 1e-5);
}

TEST(ReplayCore, UnpackAndMathGoOnWhilePackIsStuck) {
  // BRISC takes the first output page at 10,240. Pack makes that page by 32 and is then stuck at the second; the input's pop
  // after the second unpack comes at 64 all the same, and lets NCRISC go on.
  const Chip machine = free_machine({"unpack_bytes_per_cycle=64", "risc_store_cycles=20"});
  HandLog log;
  log.buffer(0, 1).buffer(16, 1);
  const std::vector<Event> section{wait(0, 1),     acquire,  copy_from(0, 1), pop(0, 1),   commit,
                                   reserve(16, 1), wait_dst, pack_to(16, 1),  push(16, 1), release};
  std::vector<Event> compute = section;
  compute.insert(compute.end(), section.begin(), section.end());
  log.kernel(0, Risc::trisc, compute);
  log.kernel(0, Risc::ncrisc, {reserve(0, 1), push(0, 1), reserve(0, 1), push(0, 1), reserve(0, 1)});
  log.kernel(0, Risc::brisc, {events::Generate{.cb = 0, .bytes = 2048}, wait(16, 1), pop(16, 1), wait(16, 1), pop(16, 1)});
  const DeviceTime time = replay(log.run, machine);
  EXPECT_DOUBLE_EQ(lane(time, Lane::ncrisc).end, 64);
  EXPECT_DOUBLE_EQ(lane(time, Lane::math).end, 64);
  EXPECT_NEAR(lane(time, Lane::pack).end, 10240, 1e-4);
  EXPECT_NEAR(stalled(lane(time, Lane::pack), Stall::cb_full), 10240 - 32, 1e-4);
}

TEST(ReplayCore, InPlaceUpdateOfAFullBufferEnds) {
  HandLog log;
  log.buffer(24, 4);
  std::vector<Event> compute{acquire, commit, reserve(24, 4), wait_dst, pack_to(24, 4), release, push(24, 4)};
  for (int round = 0; round < 3; ++round) {
    for (const Event& event : {wait(24, 4), pop(24, 4), reserve(24, 4), acquire, copy_from(24, 4), commit, wait_dst,
                               pack_to(24, 4), release, push(24, 4)}) {
      compute.push_back(event);
    }
  }
  log.kernel(0, Risc::trisc, compute);
  // Rounds follow each other: 128 to pack, then three times 128 to unpack and 128 to pack.
  const Chip machine = free_machine({"unpack_bytes_per_cycle=64", "pack_bytes_per_cycle=64"});
  EXPECT_DOUBLE_EQ(replay(log.run, machine).cycles, 7 * 128);
}

TEST(ReplayCore, BlockMatmulUnpacksTheShorterSideOnceAndStreamsTheOther) {
  // 2x4 at HiFi2: 8 products of 32. Held 2 tiles, streamed 4, 32 each: the math thread's 256 bind, after the first 32.
  // 1x1 at LoFi: 16 against 32 of unpack.
  HandLog log;
  log.buffer(0, 1).buffer(1, 1);
  const auto block = [](Fidelity fidelity, std::uint16_t rows, std::uint16_t columns) {
    return events::Matmul{.fidelity = fidelity, .in0 = 0, .in1 = 1, .steps = 1, .rows = rows, .columns = columns};
  };
  const Chip machine = free_machine({"unpack_bytes_per_cycle=64"});
  HandLog large = log, small = log;
  large.kernel(0, Risc::trisc, {acquire, block(Fidelity::hifi2, 2, 4), commit, wait_dst, release});
  const DeviceTime of_large = replay(large.run, machine);
  EXPECT_DOUBLE_EQ(of_large.cycles, 32 + 256);
  EXPECT_DOUBLE_EQ(lane(of_large, Lane::unpack).busy, 128);
  EXPECT_EQ(of_large.launches.front().matmul_tiles, 8U);
  EXPECT_DOUBLE_EQ(of_large.launches.front().matmul_tile_phases, 16);
  EXPECT_DOUBLE_EQ(of_large.flops, 8 * 65536.0);
  EXPECT_DOUBLE_EQ(of_large.peak_share, 16 * 16.0 / (4 * 288));
  small.kernel(0, Risc::trisc,
               {acquire, block(Fidelity::lofi, 1, 1), block(Fidelity::lofi, 1, 1), commit, wait_dst, release});
  EXPECT_DOUBLE_EQ(replay(small.run, machine).cycles, 2 * 32 + 16);
}

TEST(ReplayCore, ZonesCollectWhatFollowsThem) {
  HandLog log;
  log.buffer(0, 1).buffer(16, 1);
  log.launch().phases = {"first", "second"};
  log.kernel(0, Risc::trisc,
             {events::Zone{1}, acquire, copy_from(0, 1), commit, wait_dst, pack_to(16, 1), events::Zone{2}, pack_to(16, 1),
              release});
  const Chip machine = free_machine({"unpack_bytes_per_cycle=64", "pack_bytes_per_cycle=64", "copy_tile_cycles=10"});
  const auto phases = replay(log.run, machine).launches.front().phases;
  ASSERT_EQ(phases.size(), 2U);
  EXPECT_EQ(phases[0].name, "first");
  EXPECT_EQ(phases[0].busy, (EnumArray<Lane, double>{0, 0, 32, 10, 32}));
  EXPECT_EQ(phases[1].name, "second");
  EXPECT_EQ(phases[1].busy, (EnumArray<Lane, double>{0, 0, 0, 0, 32}));
}

TEST(ReplayCore, ALogThatWaitsForEverIsRefused) {
  HandLog log({2, 1});
  log.buffer(0, 1).kernel(1, Risc::trisc, {wait(0, 1)});
  try {
    (void)replay(log.run, Chip::load("wormhole_b0"));
    FAIL() << "replayed";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.message(), ::testing::HasSubstr("core (1,0) waits for ever: TRISC, cb_wait"));
  }
}

}  // namespace
}  // namespace tilegrid::timing
