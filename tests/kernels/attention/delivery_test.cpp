// SPDX-License-Identifier: Apache-2.0
// What the host decides about deliveries of K and V; runs are in runtime/attention_end_to_end_test.cpp, their device time in
// runtime/delivery_time_test.cpp.
#include "kernels/attention/delivery.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <tuple>

#include "core/error.h"
#include "kernels/attention/dealing.h"
#include "kernels/attention/kernel_args.h"
#include "noc/grid.h"
#include "tests/support/attention_config.h"
#include "tests/support/names.h"
#include "tests/support/wormhole_grid.h"

namespace tilegrid::attention {
namespace {

constexpr std::array<KvDelivery, 3> with_teams{KvDelivery::chain, KvDelivery::multicast_row, KvDelivery::multicast_grid};

Config make(Shape shape, int q_chunk, int k_chunk, KvDelivery kv, GridSize grid = {8, 10}) {
  Config config = make(shape, q_chunk, k_chunk, grid);
  config.kv = kv;
  return config;
}

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const UsageError& error) {
    EXPECT_EQ(error.message().find('\n'), std::string::npos);
    return error.message();
  }
  return {};
}

/// K and V that are read from DRAM, each core for itself.
std::int64_t bytes_without(Config config) {
  config.kv = KvDelivery::dram;
  config.kv_cores = 0;
  return estimate(with_chunks(config)).kv_bytes;
}

TEST(Slices, HaveEveryItemOnceAndTheHeaviestFirst) {
  for (const bool zigzag : {false, true}) {
    for (const auto& [heads, chunks, lanes] :
         {std::tuple{8U, 20U, 8U}, {1U, 20U, 8U}, {3U, 7U, 4U}, {1U, 5U, 5U}, {2U, 3U, 7U}, {1U, 1U, 2U}, {4U, 9U, 80U}}) {
      const Slices slices{heads, chunks, lanes, zigzag};
      std::set<std::pair<std::uint32_t, std::uint32_t>> seen;
      for (std::uint32_t place = 0; place < slices.count(); ++place) {
        ASSERT_TRUE(slices.heaviest(place).exists);
        std::uint32_t missing = 0;
        std::uint32_t before = chunks;
        for (std::uint32_t i = 0; i < lanes; ++i) {
          const auto item = slices.item_at(place, slices.descending(place) ? i : lanes - 1 - i);
          if (!item.exists) {
            ++missing;
            continue;
          }
          EXPECT_EQ(missing, 0U) << "lanes without an item are the last in the chain";
          EXPECT_LE(item.chunk, before);
          before = item.chunk;
          EXPECT_LT(item.head, heads);
          EXPECT_TRUE(seen.insert({item.head, item.chunk}).second);
        }
        EXPECT_TRUE(missing == 0 || place == 0) << "the slice with the fewest visits lacks items, no other";
      }
      EXPECT_EQ(seen.size(), slices.items());
    }
  }
}

TEST(Deliveries, DealEveryItemOnce) {
  for (const KvDelivery kv : with_teams) {
    for (const auto& [batch, heads, kv_heads, seq, causal, balance, grid] :
         {std::tuple{1, 8, 1, 2560, true, Balance::zigzag, GridSize{8, 10}},
          {3, 4, 2, 1000, true, Balance::zigzag, {8, 10}},
          {2, 3, 3, 991, true, Balance::zigzag, {7, 3}},
          {2, 4, 1, 960, true, Balance::contiguous, {4, 2}},
          {5, 2, 2, 100, false, Balance::zigzag, {3, 3}},
          {1, 1, 1, 1, true, Balance::zigzag, {1, 1}},
          {1, 3, 1, 200, false, Balance::zigzag, {1, 5}}}) {
      Config config = make({batch, heads, kv_heads, seq, seq, 32, causal}, 64, 32, kv, grid);
      config.balance = balance;
      config = with_chunks(config);
      std::set<std::tuple<int, int, int>> seen;
      for (const auto& items : split_work(config)) {
        for (const WorkItem& item : items) {
          EXPECT_TRUE(seen.insert({item.batch, item.head, item.chunk}).second);
          EXPECT_TRUE(item.batch < batch && item.head < heads);
        }
      }
      EXPECT_EQ(seen.size(), static_cast<std::size_t>(batch * heads * ((seq + 63) / 64)));
    }
  }
}

TEST(Deliveries, OfEightHeadsThatShareReadAtMostAnEighth) {
  for (const KvDelivery kv : with_teams) {
    for (const auto& [q_chunk, k_chunk] : {std::pair{0, 0}, {32, 128}, {64, 64}, {128, 512}, {256, 512}}) {
      const Config config = with_chunks(make({1, 8, 1, 2560, 2560, 128, false}, q_chunk, k_chunk, kv));
      EXPECT_EQ(config.delivery, kv);
      EXPECT_EQ(fallback_reason(config), "");
      EXPECT_LE(estimate(config).kv_bytes * 8, bytes_without(config)) << name_of(kv) << " " << q_chunk;
    }
  }
}

TEST(Deliveries, OfACausalChainGiveNobodyMoreStepsThanReadingDoes) {
  // A core has a light and a heavy chunk, and their chains run in opposite directions.
  const Config chain = with_chunks(make({1, 4, 4, 2560, 2560, 64, true}, 64, 64, KvDelivery::chain));
  Config dram = chain;
  dram.kv = KvDelivery::dram;
  EXPECT_GT(chain.team.cores(), 1);
  EXPECT_EQ(estimate(chain).steps, estimate(with_chunks(dram)).steps);
  // Those of a multicast wait for the one that visits most.
  Config row = make({1, 4, 4, 2560, 2560, 64, true}, 64, 64, KvDelivery::multicast_row);
  row.kv_cores = 8;
  row = with_chunks(row);
  EXPECT_GT(estimate(row).steps, estimate(chain).steps);
  EXPECT_GT(dropped_chunks(row), 0);
  EXPECT_EQ(dropped_chunks(chain), 0);
}

TEST(Deliveries, OfHeadsThatShareDropNothingWhenALevelIsATeam) {
  Config row = make({1, 8, 1, 2560, 2560, 128, true}, 128, 128, KvDelivery::multicast_row);
  row.kv_cores = 8;  // the eight heads' chunks of one level
  row = with_chunks(row);
  EXPECT_EQ(dropped_chunks(row), 0);
  Config dram = row;
  dram.kv = KvDelivery::dram;
  dram.kv_cores = 0;
  EXPECT_EQ(estimate(row).steps, estimate(with_chunks(dram)).steps);
}

TEST(Deliveries, PlaceEachCoreOnceAndInjectorsInColumnsOfTheirOwn) {
  for (const KvDelivery kv : with_teams) {
    Config config = make({1, 10, 10, 1024, 1024, 64, false}, 128, 128, kv);
    config.kv_cores = 8;
    config = with_chunks(config);
    ASSERT_EQ(team_count(config), 10) << name_of(kv);
    std::set<int> cores;
    std::vector<int> columns;
    for (const Place& place : places(config)) {
      EXPECT_TRUE(cores.insert(place.core).second);
      if (kv == KvDelivery::chain) {
        EXPECT_EQ(place.injector, place.lane == 0);
      }
      if (place.injector) columns.push_back(noc::physical_of(config.grid.core(place.core)).x);
    }
    EXPECT_EQ(cores.size(), 80U);
    ASSERT_EQ(columns.size(), 10U);
    for (int x = 0; x < noc::noc_size.x; ++x) EXPECT_LE(std::count(columns.begin(), columns.end(), x), 2) << x;
    EXPECT_EQ(std::abs(columns[1] - columns[0]), 8) << "the second is as far from the first as can be";
  }
}

TEST(Deliveries, FallBackWithAReason) {
  const auto fallback = [](Config config) {
    config = with_chunks(config);
    return std::string(name_of(config.delivery)) + ": " + fallback_reason(config);
  };
  const Shape shape{1, 4, 1, 256, 256, 64, false};
  EXPECT_EQ(fallback(make(shape, 64, 64, KvDelivery::multicast_row, {1, 8})),
            "chain: a 1x8 grid has no row of several cores");
  EXPECT_EQ(fallback(make(shape, 64, 64, KvDelivery::chain, {1, 1})), "dram: there is one core");
  EXPECT_EQ(fallback(make({1, 4, 4, 64, 64, 64, false}, 64, 64, KvDelivery::multicast_grid)),
            "dram: a K/V head has one Q chunk only: nobody shares its K and V");
  Config seven = make(shape, 64, 64, KvDelivery::multicast_grid, {4, 2});
  seven.kv_cores = 7;
  EXPECT_EQ(fallback(seven), "chain: 7 cores form no rectangle of a 4x2 grid");
  seven.kv = KvDelivery::multicast_row;
  EXPECT_EQ(fallback(seven), "chain: 7 cores form no row of a 4x2 grid");
  seven.kv = KvDelivery::chain;
  EXPECT_EQ(fallback(seven), "chain: ");
}

TEST(Deliveries, AreRefusedWhereThereAreNone) {
  Config config = make({1, 4, 1, 256, 256, 64, false}, 64, 64, KvDelivery::chain, {4, 2});
  for (const auto& [kernel, name] :
       {std::pair{Kernel::planned, "planned"}, {Kernel::multipass, "multipass"}, {Kernel::unfused, "unfused"}}) {
    config.kernel = kernel;
    EXPECT_EQ(refusal([&] { validate(config); }),
              std::string("`kv` chain: the ") + name +
                  " kernel reads K and V from DRAM on every core; other deliveries go with the hand-written one");
  }
  config.kernel = Kernel::hand_written;
  config.kv_cores = 9;
  EXPECT_TRUE(
      test::names(refusal([&] { static_cast<void>(with_chunks(config)); }), {"`kv_cores`", "9", "2", "8", "4x2", "0"}));
  config.kv_cores = 1;
  EXPECT_NE(refusal([&] { static_cast<void>(with_chunks(config)); }), "");
  config.kv = KvDelivery::dram;
  EXPECT_TRUE(test::names(refusal([&] { validate(config); }), {"`kv_cores`", "1"}));
  config = make({1, 4, 1, 256, 256, 64, false}, 64, 64, KvDelivery::chain, {9, 2});
  EXPECT_NE(refusal([&] { validate(config); }).find("at most 8x10 cores can send to each other"), std::string::npos);
}

TEST(Deliveries, GiveEveryKernelTheSameTurns) {
  // Lanes of a multicast get as many chunks as the one with most; those of a chain what they visit.
  for (const KvDelivery kv : with_teams) {
    Config config = make({1, 2, 1, 448, 448, 64, true}, 64, 32, kv, {4, 2});
    config.kv_cores = 4;
    config = with_chunks(config);
    const KernelArgs args = KernelArgs::from(config, {});
    const Dealing dealing(config);
    for (std::int64_t position = 0; position < dealing.items(); ++position) {
      std::uint32_t most = 0;
      for (std::uint32_t lane = 0; lane < 4; ++lane) {
        most = std::max(most, args.turn_at(static_cast<std::uint32_t>(position), {lane, 0}).visits);
      }
      for (std::uint32_t lane = 0; lane < 4; ++lane) {
        const Turn turn = args.turn_at(static_cast<std::uint32_t>(position), {lane, 0});
        EXPECT_EQ(turn.chunks, kv == KvDelivery::chain ? turn.visits : most);
        EXPECT_EQ(turn.has_item, turn.visits > 0);
      }
    }
  }
}

}  // namespace
}  // namespace tilegrid::attention
