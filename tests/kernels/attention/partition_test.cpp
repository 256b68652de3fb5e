// SPDX-License-Identifier: Apache-2.0
// Partitions of the work other than the flat one: every Q chunk of every head once, and the kernels find what the host
// dealt.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "core/error.h"
#include "kernels/attention/dealing.h"
#include "kernels/attention/kernel_args.h"
#include "tests/support/wormhole.h"

namespace tilegrid::attention {
namespace {

constexpr std::array divided{Partition::heads_first, Partition::rows, Partition::columns};

Config config_of(Partition partition, int batch, int heads, int seq, GridSize grid, bool causal, int q_chunk) {
  Config config;
  config.shape = {batch, heads, 1, seq, seq, 64, causal};
  config.grid = grid;
  config.q_chunk = q_chunk;
  config.k_chunk = 64;
  config.partition = partition;
  return config;
}

/// Chunks of a core, of all heads.
std::vector<int> chunks_of(const std::vector<WorkItem>& items) {
  std::vector<int> chunks;
  chunks.reserve(items.size());
  for (const WorkItem& item : items) chunks.push_back(item.chunk);
  return chunks;
}

void expect_every_item_once(const Config& config) {
  const int chunks = (config.shape.seq_q + config.q_chunk - 1) / config.q_chunk;
  std::set<std::tuple<int, int, int>> seen;
  std::size_t items = 0;
  for (const std::vector<WorkItem>& core : split_work(config)) {
    for (const WorkItem& item : core) {
      seen.emplace(item.batch, item.head, item.chunk);
      EXPECT_TRUE(item.batch < config.shape.batch && item.head < config.shape.heads && item.chunk < chunks);
    }
    items += core.size();
    EXPECT_LE(std::int64_t(core.size()), most_items(config));
  }
  EXPECT_EQ(seen.size(), items);
  EXPECT_EQ(std::int64_t(items), std::int64_t{config.shape.batch} * config.shape.heads * chunks);
}

/// The kernels count positions from `first`, by runtime arguments.
void expect_kernels_agree(const Config& config) {
  const KernelArgs args = KernelArgs::from(config, {});
  const auto work = split_work(config);
  const Program program = make_program(config, {});
  for (const KernelConfig& kernel : program.kernels) {
    for (const auto& [core, words] : kernel.runtime_args) {
      std::vector<WorkItem> items;
      for (std::uint32_t i = 0; i < words[arg_count]; ++i) items.push_back(args.item_at(words[arg_first] + i));
      EXPECT_EQ(items, work[static_cast<std::size_t>(core)]) << name_of(config.partition) << ", core " << core;
    }
  }
}

TEST(Partition, EveryItemIsDealtOnceAndKernelsAgree) {
  std::mt19937 random(7);
  const auto one_of = [&](int least, int most) { return std::uniform_int_distribution(least, most)(random); };
  for (int i = 0; i < 200; ++i) {
    Config config = config_of(divided.at(static_cast<std::size_t>(one_of(0, 2))), one_of(1, 3), one_of(1, 12),
                              one_of(1, 900), {one_of(1, 8), one_of(1, 10)}, one_of(0, 1) == 1, 32 * one_of(1, 3));
    config.chip = wormhole();
    SCOPED_TRACE(testing::Message() << name_of(config.partition) << " batch " << config.shape.batch << " heads "
                                    << config.shape.heads << " seq " << config.shape.seq_q << " q_chunk " << config.q_chunk
                                    << " grid " << config.grid.x << "x" << config.grid.y);
    expect_every_item_once(config);
    if (i % 10 == 0) expect_kernels_agree(config);
  }
}

TEST(Partition, HeadsFirstDividesAsTheShippedKernelsDid) {
  // 10 heads of 10 chunks over 64 cores: 6 cores a head, two chunks each, so that the last has none; not balanced.
  const auto work = split_work(config_of(Partition::heads_first, 1, 10, 2560, {8, 8}, true, 256));
  EXPECT_EQ(chunks_of(work[0]), (std::vector{0, 1}));
  EXPECT_EQ(chunks_of(work[4]), (std::vector{8, 9}));
  EXPECT_TRUE(work[5].empty());
  EXPECT_EQ(work[6].front().head, 1);
  for (std::size_t core = 60; core < 64; ++core) EXPECT_TRUE(work[core].empty());
}

TEST(Partition, HeadsFirstPairsWhatDividesEvenly) {
  // 8 heads of 16 chunks over 64 cores: two each, from both ends.
  const auto work = split_work(config_of(Partition::heads_first, 1, 8, 1024, {8, 8}, true, 64));
  for (int core = 0; core < 64; ++core) {
    EXPECT_EQ(chunks_of(work[static_cast<std::size_t>(core)]), (std::vector{core % 8, 15 - core % 8}));
  }
  // Without causal all chunks are alike.
  EXPECT_EQ(chunks_of(split_work(config_of(Partition::heads_first, 1, 8, 1024, {8, 8}, false, 64))[0]), (std::vector{0, 1}));
}

TEST(Partition, HeadsStayInTheirLinesOfTheGrid) {
  for (const Partition partition : {Partition::rows, Partition::columns}) {
    for (const auto& [batch, heads] : {std::pair{1, 2}, {2, 2}, {1, 8}, {3, 5}}) {
      const Config config = config_of(partition, batch, heads, 2048, {8, 10}, true, 64);
      std::map<int, std::set<int>> lines;  // of a head
      const auto work = split_work(config);
      for (std::size_t core = 0; core < work.size(); ++core) {
        const auto [x, y] = config.grid.core(static_cast<int>(core));
        for (const WorkItem& item : work[core]) {
          lines[item.batch * heads + item.head].insert(partition == Partition::rows ? y : x);
        }
      }
      const int all = partition == Partition::rows ? 10 : 8;
      const int each = std::max(1, all / (batch * heads));
      std::set<int> taken;
      for (const auto& [head, of_head] : lines) {
        EXPECT_LE(int(of_head.size()), each) << name_of(partition) << " head " << head;
        // Neighbours: nobody's head lies in between.
        EXPECT_EQ(*of_head.rbegin() - *of_head.begin() + 1, int(of_head.size()));
        if (batch * heads <= all) {
          for (const int line : of_head) EXPECT_TRUE(taken.insert(line).second);
        }
      }
    }
  }
}

TEST(Partition, WhatCannotBeDealtSoIsRefused) {
  Config config = config_of(Partition::rows, 1, 8, 512, {8, 10}, true, 64);
  config.chip = wormhole();
  EXPECT_NO_THROW(validate(config));
  config.kv = KvDelivery::chain;
  EXPECT_THROW(validate(config), UsageError);
  config.partition = Partition::contiguous;
  EXPECT_NO_THROW(validate(config));
  EXPECT_EQ(with_chunks(config).balance, Balance::contiguous);
  config.kv = KvDelivery::dram;
  config.kernel = Kernel::unfused;
  EXPECT_THROW(validate(config), UsageError);
}

}  // namespace
}  // namespace tilegrid::attention
