// SPDX-License-Identifier: Apache-2.0
// Partitions of the work other than the flat one: every Q chunk of every head once, and the kernels find what the host
// dealt.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <tuple>

#include "core/error.h"
#include "kernels/attention/dealing.h"
#include "kernels/attention/delivery.h"
#include "kernels/attention/kernel_args.h"
#include "kernels/attention/paging.h"
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

TEST(Partition, KPartsCoverWhatIsVisitedAndKeepTheDiagonalTogether) {
  for (std::uint32_t visits = 1; visits <= 40; ++visits) {
    for (std::uint32_t together = 1; together <= visits; ++together) {
      for (const std::uint32_t parts : {1U, 2U, 3U, 7U, 16U, 64U}) {
        const KParts all{visits, together, parts};
        std::uint32_t next = 0;
        for (std::uint32_t part = 0; part < all.active(); ++part) {
          const KParts::Range range = all.of(part);
          EXPECT_EQ(range.begin, next);
          EXPECT_GT(range.end, range.begin) << visits << " in " << parts << ", " << together << " together, part " << part;
          next = range.end;
        }
        EXPECT_EQ(next, visits);
        EXPECT_LE(all.of(all.active() - 1).begin, visits - together);
        for (std::uint32_t part = all.active(); part < parts; ++part) EXPECT_EQ(all.of(part).count(), 0U);
        // No part has more than its share, unless it has the diagonal.
        EXPECT_LE(all.longest(), std::max(together, (visits + all.active() - 1) / all.active()));
      }
    }
  }
}

TEST(Partition, EveryPartIsMergedOnceAndInLogarithmicallyManyRounds) {
  for (std::uint32_t active = 1; active <= MergeTree::max_parts; ++active) {
    std::vector<int> sent(active);
    std::uint32_t most = 0;
    for (std::uint32_t part = 0; part < active; ++part) {
      const std::uint32_t children = MergeTree::children(part, active);
      most = std::max(most, children);
      for (std::uint32_t i = 0; i < children; ++i) {
        const std::uint32_t child = part + (1U << i);
        EXPECT_EQ(MergeTree::parent(child), part);
        EXPECT_EQ(MergeTree::round(child), i);
        ++sent.at(child);
      }
    }
    EXPECT_EQ(most, static_cast<std::uint32_t>(std::bit_width(active - 1)));
    EXPECT_EQ(std::count(sent.begin() + 1, sent.end(), 1), active - 1);
  }
}

TEST(Partition, SplitKGivesEveryKChunkToOneCoreAndKernelsAgree) {
  std::mt19937 random(11);
  const auto one_of = [&](int least, int most) { return std::uniform_int_distribution(least, most)(random); };
  for (int i = 0; i < 100; ++i) {
    Config config = config_of(Partition::split_k, one_of(1, 2), one_of(1, 4), one_of(1, 700), {one_of(1, 8), one_of(1, 8)},
                              one_of(0, 1) == 1, 32 * one_of(1, 3));
    config.chip = wormhole();
    config.shape.seq_kv = one_of(1, 900);
    config.k_chunk = 32 * one_of(1, 3);
    config.k_parts = one_of(0, std::min(config.grid.cores(), 20));
    SCOPED_TRACE(testing::Message() << "seq " << config.shape.seq_q << " kv " << config.shape.seq_kv << " causal "
                                    << config.shape.causal << " chunks " << config.q_chunk << " " << config.k_chunk << " on "
                                    << config.grid.cores() << " in " << config.k_parts);
    config = with_chunks(config);
    const KernelArgs args = KernelArgs::from(config, {});
    std::map<std::tuple<int, int, int>, std::vector<KParts::Range>> ranges;
    const auto work = split_work(config);
    for (std::size_t core = 0; core < work.size(); ++core) {
      for (const WorkItem& item : work[core]) {
        EXPECT_EQ(item.part, static_cast<int>(core) % config.parts);
        const auto chunk = static_cast<std::uint32_t>(item.chunk);
        const auto part = static_cast<std::uint32_t>(item.part);
        const KParts::Range range = k_parts_of(config, item.chunk).of(part);
        if (args.parts > 1) {
          EXPECT_EQ(range.begin, args.k_parts({chunk, chunk}).of(part).begin);
          EXPECT_EQ(range.end, args.k_parts({chunk, chunk}).of(part).end);
        }
        ranges[{item.batch, item.head, item.chunk}].push_back(range);
      }
    }
    const int blind = blind_chunks_of(config);
    const int chunks = (config.shape.seq_q + config.q_chunk - 1) / config.q_chunk - blind;
    EXPECT_EQ(ranges.size(), static_cast<std::size_t>(config.shape.batch * config.shape.heads * chunks));
    for (const auto& [item, parts] : ranges) {
      std::uint32_t next = 0;
      for (const KParts::Range& range : parts) {
        EXPECT_EQ(range.begin, next);
        next = range.end;
      }
      EXPECT_EQ(static_cast<int>(next), k_chunks_of(config, std::get<2>(item)));
    }
  }
}

TEST(Partition, DeliveredHeadsStayInTheirLinesOfTheGrid) {
  for (const auto& [partition, kv] : {std::pair{Partition::rows, KvDelivery::multicast_row},
                                      {Partition::rows, KvDelivery::chain},
                                      {Partition::columns, KvDelivery::multicast_grid}}) {
    for (const auto& [batch, kv_heads] : {std::pair{1, 2}, {2, 2}, {1, 8}, {3, 5}, {1, 1}}) {
      Config config = config_of(partition, batch, 2 * kv_heads, 1100, {8, 10}, true, 64);
      config.shape.kv_heads = kv_heads;
      config.chip = wormhole();
      config.kv = kv;
      config = with_chunks(config);
      EXPECT_EQ(fallback_reason(config), "");
      expect_every_item_once(config);
      std::map<int, std::set<int>> lines;  // of a K/V head
      const auto work = split_work(config);
      for (std::size_t core = 0; core < work.size(); ++core) {
        const auto [x, y] = config.grid.core(static_cast<int>(core));
        for (const WorkItem& item : work[core]) {
          lines[item.batch * kv_heads + item.head / 2].insert(partition == Partition::rows ? y : x);
        }
      }
      const int all = partition == Partition::rows ? 10 : 8;
      for (const auto& [head, of_head] : lines) EXPECT_LE(int(of_head.size()), std::max(1, all / (batch * kv_heads)));
    }
  }
}

/// Of a team at one of its positions: all get the same stretch of K, from its begin on. Along a chain nobody needs more than
/// the one before, but for those at its head that have nothing to do.
void expect_deliverable(const KernelArgs& args, std::uint32_t position, std::uint32_t part) {
  std::uint32_t before = ~0U;
  const Turn first = args.turn_at(position, {0, part});
  for (std::uint32_t i = 0; i < args.lanes; ++i) {
    const Turn turn = args.turn_at(position, {first.descending ? i : args.lanes - 1 - i, part});
    EXPECT_EQ(turn.first, first.first);
    EXPECT_EQ(turn.kv_head, first.kv_head);
    EXPECT_EQ(turn.active, first.active);
    EXPECT_EQ(turn.descending, first.descending);
    EXPECT_LE(turn.visits, before);
    EXPECT_EQ(turn.chunks, args.multicast != 0 ? first.chunks : turn.visits);
    EXPECT_GE(turn.chunks, turn.visits);
    if (turn.visits > 0) before = turn.visits;
  }
}

TEST(Partition, WhatIsDeliveredIsVisitedOnceAndKernelsAgree) {
  std::mt19937 random(13);
  const auto one_of = [&](int least, int most) { return std::uniform_int_distribution(least, most)(random); };
  constexpr std::array deliveries{KvDelivery::chain, KvDelivery::multicast_row, KvDelivery::multicast_grid};
  int delivered = 0;
  for (int i = 0; i < 200; ++i) {
    const Partition partition = i % 2 == 0 ? Partition::heads_first : Partition::split_k;
    Config config = config_of(partition, one_of(1, 3), 1, one_of(1, 700), {one_of(1, 8), one_of(1, 10)}, one_of(0, 1) == 1,
                              32 * one_of(1, 3));
    config.shape.kv_heads = one_of(1, 4);
    config.shape.heads = config.shape.kv_heads * one_of(1, 6);
    config.shape.seq_kv = one_of(1, 900);
    config.k_chunk = 32 * one_of(1, 3);
    config.kv = deliveries.at(static_cast<std::size_t>(one_of(0, 2)));
    if (one_of(0, 2) == 0) config.balance = Balance::contiguous;
    if (partition == Partition::split_k) config.k_parts = one_of(0, std::min(config.grid.cores(), 9));
    config.chip = wormhole();
    SCOPED_TRACE(testing::Message() << name_of(partition) << ' ' << name_of(config.kv) << ' ' << shape_text(config.shape)
                                    << " causal " << config.shape.causal << " chunks " << config.q_chunk << ' '
                                    << config.k_chunk << " on " << config.grid.x << 'x' << config.grid.y << " in "
                                    << config.k_parts);
    try {
      config = with_chunks(config);
    } catch (const UsageError&) {
      continue;  // nobody shares
    }
    ++delivered;
    const KernelArgs args = KernelArgs::from(config, {});
    std::map<std::tuple<int, int, int>, int> visits;
    const auto work = split_work(config);
    const Program program = make_program(config, {});
    for (const auto& [core, words] : program.kernels[0].runtime_args) {
      const Seat seat = args.seat_of(words[arg_seat]);
      std::vector<WorkItem> items;
      for (std::uint32_t p = words[arg_first]; p < words[arg_first] + words[arg_count]; ++p) {
        if (seat.lane == 0) expect_deliverable(args, p, seat.part);
        const Turn turn = args.turn_at(p, seat);
        if (turn.visits == 0) continue;
        items.push_back(turn.item);
        items.back().part = static_cast<int>(seat.part);
        EXPECT_EQ(k_steps_of(config, items.back()), static_cast<int>(turn.visits));
        visits[{turn.item.batch, turn.item.head, turn.item.chunk}] += static_cast<int>(turn.visits);
      }
      EXPECT_EQ(items, work[static_cast<std::size_t>(core)]) << "core " << core;
      EXPECT_LE(std::int64_t(items.size()), most_items(config));
    }
    const int chunks = (config.shape.seq_q + config.q_chunk - 1) / config.q_chunk - blind_chunks_of(config);
    EXPECT_EQ(visits.size(), static_cast<std::size_t>(config.shape.batch * config.shape.heads * chunks));
    for (const auto& [item, count] : visits) EXPECT_EQ(count, k_chunks_of(config, std::get<2>(item)));
  }
  EXPECT_GT(delivered, 80);
}

TEST(Partition, DeliveriesThatNobodySharesAreRefused) {
  const auto refusal = [](Partition partition, const Shape& shape, GridSize grid, KvDelivery kv, int parts) -> std::string {
    Config config = config_of(partition, 1, 1, 64, grid, false, 32);
    config.shape = shape;
    config.kv = kv;
    config.k_parts = parts;
    config.chip = wormhole();
    try {
      config = with_chunks(config);
    } catch (const UsageError& error) {
      return error.message();
    }
    return fallback_reason(config);
  };
  const Shape decode{1, 8, 8, 1, 512, 64, false};
  EXPECT_EQ(refusal(Partition::split_k, decode, {4, 2}, KvDelivery::chain, 4),
            "`partition` split-k: `kv` chain: a K/V head has one Q chunk only: nobody shares its K and V");
  const Shape prefill{1, 8, 8, 256, 512, 64, false};
  EXPECT_EQ(refusal(Partition::heads_first, prefill, {4, 2}, KvDelivery::multicast_row, 0),
            "`partition` heads-first: `kv` multicast-row: a K/V head is with one core: nobody shares its K and V");
  EXPECT_EQ(refusal(Partition::split_k, prefill, {4, 2}, KvDelivery::chain, 5),
            "`partition` split-k: `kv` chain: a 4x2 grid has no room for 5 teams of several cores, one for each part");
  EXPECT_EQ(refusal(Partition::split_k, prefill, {1, 8}, KvDelivery::multicast_row, 4),
            "a 1x8 grid has no room for 4 rows of several cores, one for each part");
  EXPECT_EQ(refusal(Partition::heads_first, {1, 2, 2, 256, 512, 64, false}, {3, 4}, KvDelivery::multicast_row, 0),
            "the teams of 6 cores each that the K/V heads have are no rows of a 3x4 grid");
  EXPECT_EQ(refusal(Partition::heads_first, {1, 2, 2, 256, 512, 64, false}, {3, 4}, KvDelivery::multicast_grid, 0), "");
}

TEST(Paging, TablesAreReadAndRefused) {
  Config config = config_of(Partition::flat, 2, 2, 100, {2, 2}, false, 32);
  config.kv_page = 64;
  EXPECT_EQ(parse_page_table("[[3, 0], [1, 2]]", "t", config), (std::vector<std::uint32_t>{3, 0, 1, 2}));
  const auto refused = [&](const std::string& text) -> std::string {
    try {
      (void)parse_page_table(text, "t", config);
    } catch (const UsageError& error) {
      return error.message();
    }
    return "taken";
  };
  EXPECT_EQ(refused("[[3, 0], [1, 4]]"), "t: batch 1, entry 1: 4 is no page: there are 0 to 3");
  EXPECT_EQ(refused("[[3, 0], [1, -2]]"), "t: batch 1, entry 1: -2 is no page: there are 0 to 3");
  EXPECT_EQ(refused("[[3, 0], [1, 1.5]]"), "t: batch 1, entry 1: 1.5 is no page: there are 0 to 3");
  EXPECT_EQ(refused("[[3, 0], [1, \"x\"]]"), "t: batch 1, entry 1: no number is no page: there are 0 to 3");
  EXPECT_EQ(refused("[[3, 0], [1, 3]]"), "t: batch 1, entry 1: page 3 is there twice");
  EXPECT_EQ(refused("[[3, 0], [1]]"),
            "t: batch 1: 2 pages of 64 rows hold 100 keys: a list of as many numbers is expected, not 1");
  EXPECT_EQ(refused("[[3, 0]]"), "t: a list of 2 lists is expected, one for each batch, not 1");
  EXPECT_EQ(refused("{}"), "t: a list of 2 lists is expected, one for each batch");
  EXPECT_EQ(refused("[[3,"), "t: not JSON; a list of page numbers for each batch is expected: [[1, 0], [2, 3]]");
}

TEST(Paging, SequencesOfTheirOwnLengthHaveThePagesTheyNeed) {
  Config config = config_of(Partition::flat, 3, 2, 200, {2, 2}, false, 32);
  config.shape.seq_kv = 130;
  config.kv_page = 64;
  config.kv_lengths = std::make_shared<const std::vector<std::uint32_t>>(std::vector<std::uint32_t>{64, 130, 1});
  EXPECT_EQ(page_count(config), 5);
  EXPECT_EQ(parse_page_table("[[4], [1, 0, 2], [3]]", "t", config), (std::vector<std::uint32_t>{4, 0, 0, 1, 0, 2, 3, 0, 0}));
  EXPECT_THROW(static_cast<void>(parse_page_table("[[4], [1, 0, 2], [3, 5]]", "t", config)), UsageError);
  EXPECT_THROW(static_cast<void>(parse_page_table("[[4], [1, 0, 5], [3]]", "t", config)), UsageError);
  const std::vector<std::uint32_t> table = shuffled_page_table(config, 3);
  ASSERT_EQ(table.size(), 9U);
  EXPECT_EQ((std::set{table[0], table[3], table[4], table[5], table[6]}), (std::set<std::uint32_t>{0, 1, 2, 3, 4}));
  // Keys of batch 1 go to its pages; nobody's are where no entry leads.
  config.page_table = std::make_shared<const std::vector<std::uint32_t>>(table);
  std::vector<float> keys(std::size_t{3} * 130, -1);
  for (std::size_t i = 0; i < 130; ++i) keys[130 + i] = static_cast<float>(i);
  config.shape.kv_heads = 1;
  const std::vector<float> paged = in_pages(keys, config, 1);
  ASSERT_EQ(paged.size(), 5U * 64);
  for (std::size_t i = 0; i < 130; ++i) EXPECT_EQ(paged[table[3 + i / 64] * 64 + i % 64], static_cast<float>(i));
}

TEST(Partition, WorkCountsTheKeysThatABatchHas) {
  for (const Partition partition : {Partition::flat, Partition::heads_first, Partition::rows, Partition::split_k}) {
    Config config = config_of(partition, 3, 4, 100, {4, 2}, false, 32);
    config.shape.seq_kv = 500;
    config.chip = wormhole();
    config.kv_lengths = std::make_shared<const std::vector<std::uint32_t>>(std::vector<std::uint32_t>{64, 500, 1});
    config = with_chunks(config);
    int steps = 0;
    for (const std::vector<WorkItem>& core : split_work(config)) {
      for (const WorkItem& item : core) steps += k_steps_of(config, item);
    }
    EXPECT_EQ(steps, 4 * 4 * (1 + 8 + 1)) << name_of(partition);
    EXPECT_DOUBLE_EQ(useful_flops(config), 4.0 * 4 * 100 * (64 + 500 + 1) * 64);
    // Half of it is half of what is read.
    const std::int64_t all = estimate(config).kv_bytes;
    config.kv_lengths = nullptr;
    EXPECT_EQ(estimate(config).kv_bytes * 10, all * 24) << name_of(partition);
  }
}

TEST(Paging, ShuffledTablesArePermutationsOfTheirOwn) {
  Config config = config_of(Partition::flat, 3, 2, 4000, {2, 2}, false, 32);
  config.kv_page = 32;
  std::vector<std::uint32_t> table = shuffled_page_table(config, 1);
  EXPECT_EQ(table, shuffled_page_table(config, 1));
  EXPECT_NE(table, shuffled_page_table(config, 2));
  std::sort(table.begin(), table.end());
  ASSERT_EQ(table.size(), 375U);
  for (std::uint32_t i = 0; i < table.size(); ++i) EXPECT_EQ(table[i], i);
}

TEST(Packing, OneQueryAHeadBecomesRowsOfAMatrix) {
  const Shape decode{2, 8, 2, 1, 500, 64, true};
  const Shape packed = packed_heads(decode);
  EXPECT_EQ(packed, (Shape{2, 2, 2, 4, 500, 64, false}));
  EXPECT_DOUBLE_EQ(packed.useful_flops(), decode.useful_flops());
  const Shape prefill{2, 8, 2, 2, 500, 64, true};
  EXPECT_EQ(packed_heads(prefill), prefill);
}

TEST(Partition, WhatCannotBeDealtSoIsRefused) {
  Config config = config_of(Partition::rows, 1, 8, 512, {8, 10}, true, 64);
  config.chip = wormhole();
  EXPECT_NO_THROW(validate(config));
  config.kv = KvDelivery::chain;
  EXPECT_NO_THROW(validate(config));
  config.kv_cores = 4;
  EXPECT_THROW(validate(config), UsageError);
  config.kv_cores = 0;
  config.partition = Partition::columns;
  EXPECT_THROW(validate(config), UsageError);
  config.kv = KvDelivery::multicast_grid;
  EXPECT_NO_THROW(validate(config));
  config.partition = Partition::heads_first;
  EXPECT_NO_THROW(validate(config));
  config.kv_cores = 4;
  EXPECT_THROW(validate(config), UsageError);
  config.partition = Partition::split_k;
  EXPECT_NO_THROW(validate(config));
  config.kv_cores = 0;
  config.kv = KvDelivery::dram;
  config.k_parts = 64;
  EXPECT_NO_THROW(validate(config));
  config.k_parts = 65;
  EXPECT_THROW(validate(config), UsageError);
  config.k_parts = 4;
  config.kernel = Kernel::planned;
  EXPECT_THROW(validate(config), UsageError);
  config.kernel = Kernel::hand_written;
  config.kv = KvDelivery::chain;
  config.partition = Partition::contiguous;
  EXPECT_THROW(validate(config), UsageError);
  config.k_parts = 0;
  EXPECT_NO_THROW(validate(config));
  EXPECT_EQ(with_chunks(config).balance, Balance::contiguous);
  config.kv = KvDelivery::dram;
  config.kernel = Kernel::unfused;
  EXPECT_THROW(validate(config), UsageError);
}

}  // namespace
}  // namespace tilegrid::attention
