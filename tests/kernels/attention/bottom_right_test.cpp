// SPDX-License-Identifier: Apache-2.0
// Causal attention with other numbers of queries than keys.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "kernels/attention/config.h"
#include "kernels/attention/kernel_args.h"
#include "tests/support/attention_config.h"

namespace tilegrid::attention {
namespace {

/// Whether a query sees a key: the last one of both are on the diagonal.
bool sees(const Shape& shape, int q, int k) { return k < shape.seq_kv && k - (shape.seq_kv - shape.seq_q) <= q; }

TEST(BottomRight, ShapeCountsWhatQueriesSee) {
  for (const auto& [queries, keys] : {std::pair{1, 1}, {1, 4096}, {70, 330}, {330, 70}, {33, 32}, {64, 64}, {5, 1}}) {
    const Shape shape{1, 1, 1, queries, keys, 64, true};
    std::int64_t pairs = 0;
    int blind = 0;
    for (int q = 0; q < queries; ++q) {
      int seen = 0;
      for (int k = 0; k < keys; ++k) seen += sees(shape, q, k) ? 1 : 0;
      EXPECT_EQ(shape.keys_seen(q), seen) << queries << ' ' << keys << ' ' << q;
      pairs += seen;
      blind += seen == 0 ? 1 : 0;
    }
    EXPECT_EQ(shape.blind_rows(), blind);
    EXPECT_EQ(shape.keys_seen(queries - 1), keys) << "the last query sees all";
    EXPECT_EQ(shape.pairs(), queries == keys ? queries * keys / 2.0 : static_cast<double>(pairs));
  }
  const Shape open{1, 1, 1, 300, 20, 64, false};
  EXPECT_EQ(std::tuple(open.keys_seen(0), open.blind_rows(), open.keys_before(), open.pairs()),
            std::tuple(20, 0, 0, 6000.0));
}

/// What the kernels leave out and mask, against what each pair of query and key says.
void expect_chunks_as_pairs_say(const Config& config) {
  SCOPED_TRACE(testing::Message() << config.shape.seq_q << " queries, " << config.shape.seq_kv << " keys, chunks "
                                  << config.q_chunk << ' ' << config.k_chunk << (config.shape.causal ? " causal" : ""));
  const KernelArgs args = KernelArgs::from(config, {});
  const Shape& shape = config.shape;
  const auto see = [&](int q, int k) { return shape.causal ? sees(shape, q, k) : k < shape.seq_kv; };
  for (int chunk = 0; chunk * config.q_chunk < shape.seq_q; ++chunk) {
    const int first = chunk * config.q_chunk;
    const int end = std::min(first + config.q_chunk, shape.seq_q);
    int visits = 0;
    for (int k_chunk = 0; k_chunk * config.k_chunk < shape.seq_kv; ++k_chunk) {
      bool any = false;
      bool all = true;
      for (int q = first; q < end; ++q) {
        for (int k = k_chunk * config.k_chunk; k < (k_chunk + 1) * config.k_chunk; ++k) {
          any |= see(q, k);
          all &= see(q, k);
          if (k < shape.seq_kv && q >= shape.blind_rows()) {
            EXPECT_EQ(args.open(static_cast<std::uint32_t>(q), static_cast<std::uint32_t>(k)), see(q, k));
          }
        }
      }
      if (!any) continue;
      ++visits;
      EXPECT_EQ(args.masked(static_cast<std::uint32_t>(chunk), static_cast<std::uint32_t>(k_chunk)), !all) << k_chunk;
    }
    const bool blind = chunk < blind_chunks_of(config);
    EXPECT_EQ(blind, visits == 0) << chunk;
    if (blind) continue;
    EXPECT_EQ(k_chunks_of(config, chunk), visits) << chunk;
    EXPECT_EQ(args.visited_chunks(static_cast<std::uint32_t>(chunk)), static_cast<std::uint32_t>(visits)) << chunk;
  }
}

TEST(BottomRight, ChunksAreLeftOutAndMaskedAsPairsSay) {
  for (const bool causal : {true, false}) {
    for (const auto& [queries, keys] :
         {std::pair{1, 300}, {70, 130}, {130, 70}, {96, 160}, {160, 96}, {100, 100}, {97, 3}}) {
      for (const int q_chunk : {32, 64, 96}) {
        for (const int k_chunk : {32, 64, 128}) {
          expect_chunks_as_pairs_say(make({1, 1, 1, queries, keys, 64, causal}, q_chunk, k_chunk));
        }
      }
    }
  }
}

TEST(BottomRight, BlindChunksAreNobodysWorkAndOthersAreBalanced) {
  for (const KvDelivery kv : {KvDelivery::dram, KvDelivery::chain, KvDelivery::multicast_row}) {
    Config config = make({1, 4, 2, 640, 192, 64, true}, 32, 32, {4, 2});  // 14 of a head's 20 chunks see no key
    config.kv = kv;
    config = with_chunks(config);
    ASSERT_EQ(blind_chunks_of(config), 14);
    std::set<std::tuple<int, int>> seen;
    std::vector<int> steps;
    for (const auto& items : split_work(config)) {
      steps.push_back(0);
      for (const WorkItem& item : items) {
        EXPECT_GE(item.chunk, 14);
        EXPECT_TRUE(seen.emplace(item.head, item.chunk).second);
        steps.back() += k_chunks_of(config, item.chunk);
      }
    }
    EXPECT_EQ(seen.size(), 4U * 6);
    if (kv == KvDelivery::dram) {
      EXPECT_EQ(*std::max_element(steps.begin(), steps.end()), 14) << "two pairs of a light and a heavy chunk";
    }
    const Program program = make_program(config, {});
    std::set<std::uint32_t> pages;
    for (const auto& [core, words] : program.kernels[2].runtime_args) {
      for (std::uint32_t i = 0; i < words.at(arg_blind_count); ++i) {
        EXPECT_TRUE(pages.insert(words.at(arg_blind_first) + i).second);
      }
      EXPECT_EQ(words.at(arg_blind_count), 4U * 14 * 2 / 8) << "of all cores as many";
    }
    EXPECT_EQ(pages.size(), 4U * 14 * 2);
    EXPECT_EQ(*pages.rbegin(), 4U * 14 * 2 - 1);
  }
  Config unfused = make({1, 4, 2, 640, 192, 64, true}, 32, 32, {4, 2});
  unfused.kernel = Kernel::unfused;
  EXPECT_EQ(blind_chunks_of(unfused), 0) << "it leaves nothing out";
}

}  // namespace
}  // namespace tilegrid::attention
