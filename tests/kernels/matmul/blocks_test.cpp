// SPDX-License-Identifier: Apache-2.0
// The choice of blocks, what is refused, and the program that comes of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "core/error.h"
#include "core/l1.h"
#include "kernels/matmul/matmul.h"
#include "tests/support/names.h"
#include "tests/support/wormhole.h"

namespace tilegrid::matmul {
namespace {

Config config_of(int m, int k, int n, GridSize grid = {8, 8}) {
  Config config;
  config.shape = {1, m, k, n, false};
  config.grid = grid;
  return config;
}

std::string refusal(const Config& config) {
  try {
    static_cast<void>(with_blocks(config));
  } catch (const UsageError& error) {
    return error.message();
  }
  return "";
}

TEST(MatmulBlocks, AreThoseOfTheShippedHeuristic) {
  const Config small = with_blocks(config_of(2048, 2048, 2048));
  EXPECT_EQ(small.per_core, (Extent{8, 8}));
  EXPECT_EQ(small.out_block, (Extent{8, 8}));
  EXPECT_EQ(small.k_block, 8) << "2 x 8 x 16 + 64 = 320; 16 would make 576";
  EXPECT_EQ(small.sub, (Subblock{4, 2}));
  const Config large = with_blocks(config_of(4096, 4096, 4096));
  EXPECT_EQ(large.out_block, (Extent{16, 16}));
  EXPECT_EQ(large.k_block, 2) << "2 x 2 x 32 + 256 = 384";
  const Config narrow = with_blocks(config_of(2048, 2048, 512));
  EXPECT_EQ(narrow.per_core, (Extent{8, 2}));
  EXPECT_EQ(narrow.k_block, 16) << "2 x 16 x 10 + 16 = 336";
}

TEST(MatmulBlocks, SplitAShareThatLeavesNoRoomForK) {
  const Config config = with_blocks(config_of(8192, 1024, 8192));
  EXPECT_EQ(config.per_core, (Extent{32, 32}));
  EXPECT_EQ(config.out_block, (Extent{16, 16}));
  EXPECT_EQ(config.k_block, 2);
  EXPECT_EQ(blocks_of_core(config), (Extent{2, 2}));
}

TEST(MatmulBlocks, TakeTheSubblockThatDivides) {
  Config config = config_of(7 * 32 * 8, 64, 5 * 32 * 8);
  EXPECT_EQ(with_blocks(config).sub, (Subblock{7, 1}));
  config.compute.dst_fp32 = true;
  EXPECT_EQ(with_blocks(config).sub, (Subblock{1, 1})) << "four slots";
  config = config_of(1024, 1024, 1024);
  config.sub = {1, 3};
  const Config given = with_blocks(config);
  EXPECT_EQ(given.out_block.columns % 3, 0);
  EXPECT_EQ(given.sub, (Subblock{1, 3}));
}

TEST(MatmulBlocks, KeepWhatIsGiven) {
  Config config = config_of(4096, 4096, 4096);
  config.k_block = 4;
  EXPECT_EQ(with_blocks(config).out_block, (Extent{16, 16})) << "L1 has room, whatever the heuristic says";
  config.out_block = {8, 16};
  EXPECT_EQ(with_blocks(config).k_block, 4);
  config.per_core = {32, 32};
  EXPECT_EQ(cores_used(with_blocks(config)), (GridSize{4, 4}));
}

TEST(MatmulBlocks, AreRefusedWithTheReason) {
  Config config = config_of(4096, 4096, 4096);
  config.out_block = {16, 16};
  config.k_block = 16;
  EXPECT_NE(
      refusal(config).find("`out_block` 16x16 `k_block` 16: asked 2757632 bytes of L1, available 1499136; `out_block` 16x16 "
                           "`k_block` 2 would fit"),
      std::string::npos)
      << refusal(config);
  config = config_of(4096, 4096, 4096);
  config.per_core = {16, 8};
  EXPECT_NE(
      refusal(config).find("`per_core` 16x8: the output has 128x128 tiles, which makes 8 rows and 16 columns of cores"),
      std::string::npos)
      << refusal(config);
  config = config_of(256, 256, 256);
  config.k_block = 9;
  EXPECT_TRUE(test::names(refusal(config), {"`k_block`", "9", "8"}));
  config = config_of(256, 256, 256);
  config.out_block = {2, 1};
  EXPECT_TRUE(test::names(refusal(config), {"`out_block`", "2x1", "1x1"}));
  config = config_of(2048, 256, 2048);
  config.sub = {3, 3};
  EXPECT_TRUE(test::names(refusal(config), {"`sub`", "3x3", "9", "8"}));
  config.sub = {3, 1};
  config.out_block = {8, 8};
  EXPECT_TRUE(test::names(refusal(config), {"`sub`", "3x1", "8x8"}));
  EXPECT_TRUE(test::names(refusal(config_of(0, 32, 32)), {"`m`", "0", "1", "1048576"}));
  EXPECT_TRUE(test::names(refusal(config_of(32, 1 << 21, 32)), {"`k`", "2097152", "1", "1048576"}));
}

/// Whatever the shape: blocks cover the output, fit L1 and DST, and make a valid program.
TEST(MatmulBlocks, MakeAProgramOfAnyShape) {
  std::mt19937 random(7);
  const auto between = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  for (int i = 0; i < 150; ++i) {
    Config config = config_of(between(1, 5000), between(1, 5000), between(1, 5000), {between(1, 9), between(1, 9)});
    config.shape.batch = between(1, 3);
    config.shape.shared_b = between(0, 1) == 1;
    config.compute.dst_fp32 = between(0, 1) == 1;
    config.compute.full_sync = between(0, 1) == 1;
    if (between(0, 1) == 1) config.format = DataFormat::fp32;
    if (between(0, 3) == 0) config.delivery = Delivery::dram;
    const Config chosen = with_blocks(config);
    const GridSize used = cores_used(chosen);
    const Extent blocks = blocks_of_core(chosen);
    ASSERT_LE(used.x, config.grid.x);
    ASSERT_LE(used.y, config.grid.y);
    ASSERT_GE(used.y * chosen.per_core.rows * 32, config.shape.m);
    ASSERT_GE(used.x * chosen.per_core.columns * 32, config.shape.n);
    ASSERT_GE(blocks.rows * chosen.out_block.rows, chosen.per_core.rows);
    ASSERT_GE(k_blocks(chosen) * chosen.k_block * 32, config.shape.k);
    ASSERT_EQ(chosen.out_block.rows % chosen.sub.h, 0);
    ASSERT_EQ(chosen.out_block.columns % chosen.sub.w, 0);
    ASSERT_LE(chosen.sub.h * chosen.sub.w, dst_slots(config.chip, config.compute));
    const Program program = make_program(chosen, {});
    ASSERT_LE(l1_bytes_needed(program), l1_bytes);
    EXPECT_EQ(with_blocks(chosen).out_block, chosen.out_block) << "a choice is its own";
  }
}

TEST(MatmulProgram, ChangesNoCsInTheRightHalf) {
  const Program program = make_program(with_blocks(config_of(2048, 2048, 2048)), {});
  const auto noc_of = [&](Risc risc, LogicalCore core) {
    for (const KernelConfig& kernel : program.kernels) {
      if (kernel.risc == risc && kernel.cores.contains(core)) return kernel.noc;
    }
    ADD_FAILURE() << "no kernel";
    return NocId::noc0;
  };
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 8; ++x) {
      const bool other = x > 4 && y > 0;
      EXPECT_EQ(noc_of(Risc::ncrisc, {x, y}), other ? NocId::noc0 : NocId::noc1) << x << "," << y;
      EXPECT_EQ(noc_of(Risc::brisc, {x, y}), other ? NocId::noc1 : NocId::noc0) << x << "," << y;
    }
  }
}

}  // namespace
}  // namespace tilegrid::matmul
