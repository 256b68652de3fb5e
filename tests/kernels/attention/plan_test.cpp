// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>
#include <stdexcept>
#include <tuple>

#include "core/error.h"
#include "core/l1.h"
#include "kernels/attention/config.h"
#include "kernels/attention/dealing.h"
#include "kernels/attention/unfused/unfused.h"
#include "tests/support/attention_config.h"
#include "tests/support/names.h"
#include "tests/support/wormhole.h"

namespace tilegrid::attention {
namespace {

const Shape demo_shape{1, 8, 1, 2560, 2560, 128, true};

template <class Function>
std::string refusal(Function&& function) {
  try {
    function();
  } catch (const UsageError& error) {
    EXPECT_EQ(error.message().find('\n'), std::string::npos);
    return error.message();
  }
  return {};
}

std::vector<int> steps_per_core(const Config& config) {
  std::vector<int> steps;
  for (const auto& items : split_work(config)) {
    steps.push_back(std::accumulate(items.begin(), items.end(), 0,
                                    [&](int sum, const WorkItem& item) { return sum + k_chunks_of(config, item.chunk); }));
  }
  return steps;
}

std::uint64_t cb_bytes(const Config& config) {
  std::uint64_t bytes = 0;
  for (const CircularBufferConfig& cb : circular_buffers(config)) bytes += std::uint64_t{cb.pages} * cb.page_bytes;
  return bytes;
}

std::uint64_t l1_needed(const Config& config) { return l1_user_base + cb_bytes(config); }

// --- validate ---------------------------------------------------------------------------------------------------------

TEST(AttentionValidate, AcceptsWhatIsLegal) {
  EXPECT_EQ(refusal([] { validate(make(demo_shape, 0, 0)); }), "");
  EXPECT_EQ(refusal([] { validate(make({1, 1, 1, 1, 1, 32, true}, 32, 512)); }), "");
  EXPECT_EQ(refusal([] { validate(make({2, 6, 3, 77, 1000, 256, false}, 0, 0, {46, 46})); }), "");
  EXPECT_EQ(refusal([] { validate(make({1, 1, 1, 320, 321, 1, true, 33, 0.5}, 0, 0)); }), "");
  Config accurate = make(demo_shape, 128, 128);
  accurate.format = DataFormat::fp32;
  accurate.compute = {Fidelity::hifi4, true, false};
  EXPECT_EQ(refusal([&] { validate(accurate); }), "");
}

TEST(AttentionValidate, NamesFlagValueAndRule) {
  const auto message = [](auto change) {
    Config config = make({2, 8, 2, 320, 320, 64, false}, 0, 0);
    change(config);
    return refusal([&] { validate(config); });
  };
  EXPECT_EQ(message([](Config& c) { c.shape.dim = 0; }), "`dim` 0: must be from 1 to 256");
  EXPECT_EQ(message([](Config& c) { c.shape.dim = 257; }), "`dim` 257: must be from 1 to 256");
  EXPECT_EQ(message([](Config& c) { c.shape.v_dim = -1; }), "`v_dim` -1: must be from 1 to 256");
  EXPECT_EQ(message([](Config& c) { c.shape.v_dim = 288; }), "`v_dim` 288: must be from 1 to 256");
  for (const double scale : {0.0, -0.5, 1e-60, 1e60, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_TRUE(test::names(message([&](Config& c) { c.shape.scale = scale; }), {"`scale`", "positive"})) << scale;
  }
  EXPECT_EQ(message([](Config& c) { c.shape.batch = 0; }), "`batch` 0: must be from 1 to 65536");
  EXPECT_EQ(message([](Config& c) { c.shape.heads = -1; }), "`heads` -1: must be from 1 to 65536");
  EXPECT_EQ(message([](Config& c) { c.shape.kv_heads = 0; }), "`kv_heads` 0: must be from 1 to 65536");
  EXPECT_EQ(message([](Config& c) { c.shape.seq_q = 0; }), "`seq_q` 0: must be from 1 to 1048576");
  EXPECT_EQ(message([](Config& c) { c.shape.seq_kv = -5; }), "`seq_kv` -5: must be from 1 to 1048576");
  EXPECT_EQ(message([](Config& c) { c.shape.kv_heads = 3; }), "`kv_heads` 3: must divide the number of heads (8)");
  EXPECT_EQ(message([](Config& c) { c.shape.kv_heads = 16; }), "`kv_heads` 16: must divide the number of heads (8)");
  const std::string chunk_rule = ": chunks are multiples of 32 from 32 to 512, or 0 to choose";
  EXPECT_EQ(message([](Config& c) { c.q_chunk = 48; }), "`q_chunk` 48" + chunk_rule);
  EXPECT_EQ(message([](Config& c) { c.q_chunk = -32; }), "`q_chunk` -32" + chunk_rule);
  EXPECT_EQ(message([](Config& c) { c.k_chunk = 544; }), "`k_chunk` 544" + chunk_rule);
  EXPECT_EQ(message([](Config& c) { c.grid = {0, 4}; }), "`grid` 0x4: grids are 1x1 to 46x46");
  EXPECT_EQ(message([](Config& c) { c.grid = {8, 47}; }), "`grid` 8x47: grids are 1x1 to 46x46");
  EXPECT_EQ(message([](Config& c) { c.format = DataFormat::int32; }), "`format` int32: attention takes no integers");
  EXPECT_EQ(message([](Config& c) { c.format = DataFormat::fp16; }), "");
  EXPECT_EQ(
      message([](Config& c) { c.format.q = DataFormat::fp16; }),
      "`format` q=fp16,k=bf16,v=bf16: the matrix unit takes fp16 with nothing but fp16, so q and kv are both of it or none");
}

TEST(AttentionValidate, RefusesSizesThatWouldOverflow) {
  constexpr int large = std::numeric_limits<int>::max();
  EXPECT_NE(refusal([] { validate(make({1, 1, 1, large, large, 128, true}, 0, 0)); }), "");
  EXPECT_NE(refusal([] { validate(make({large, large, large, 1, 1, 32, false}, 0, 0)); }), "");
  EXPECT_NE(refusal([] { validate(make({1, 1, 1, 1, 1, 32, false}, 0, 0, {large, large})); }), "");
  EXPECT_TRUE(test::names(refusal([] {
                            validate(make({65536, 17, 1, 1, 1, 32, false}, 0, 0));
                          }),
                          {"`batch`", "65536", "`heads`", "17", "1048576"}));
  EXPECT_EQ(refusal([] { validate(make({1, 32, 1, 1 << 20, 1 << 20, 128, true}, 0, 0)); }), "");
  EXPECT_TRUE(test::names(refusal([] {
                            validate(make({1, 32, 1, 1 << 20, 1 << 20, 160, true}, 0, 0));
                          }),
                          {"1x32x1048576x160", "5368709120", "4294967296", "2", "32"}));
  EXPECT_NE(refusal([] {
              validate(make({1, 64, 64, 1, 1 << 20, 128, false}, 0, 0));
            }).find("K of 1x64x1048576x128"),
            std::string::npos);
}

// --- split_work -------------------------------------------------------------------------------------------------------

TEST(SplitWork, DemoGivesEveryCoreALightAndAHeavyChunk) {
  const auto split = split_work(make(demo_shape, 128, 512));
  ASSERT_EQ(split.size(), 80U);
  for (int core = 0; core < 80; ++core) {
    const std::vector<WorkItem> expected{{0, core / 10, core % 10}, {0, core / 10, 19 - core % 10}};
    EXPECT_EQ(split[static_cast<std::size_t>(core)], expected) << core;
  }
}

TEST(SplitWork, DemoIsExactlyBalanced) {
  for (const auto& [k_chunk, steps] : {std::pair{32, 84}, {64, 42}, {128, 21}, {256, 11}, {512, 6}}) {
    EXPECT_EQ(steps_per_core(make(demo_shape, 128, k_chunk)), std::vector<int>(80, steps)) << k_chunk;
  }
}

TEST(SplitWork, ContiguousCausalIsNot) {
  Config config = make(demo_shape, 128, 128);
  config.balance = Balance::contiguous;
  const auto split = split_work(config);
  EXPECT_EQ(split[0], (std::vector<WorkItem>{{0, 0, 0}, {0, 0, 1}}));
  EXPECT_EQ(split[9], (std::vector<WorkItem>{{0, 0, 18}, {0, 0, 19}}));
  const std::vector<int> steps = steps_per_core(config);
  EXPECT_EQ(*std::min_element(steps.begin(), steps.end()), 3);
  EXPECT_EQ(*std::max_element(steps.begin(), steps.end()), 39);
}

TEST(SplitWork, OddCountsAreDealtOneByOneInZigzagOrder) {
  const auto split = split_work(make({1, 1, 1, 160, 160, 32, true}, 32, 32, {2, 1}));
  ASSERT_EQ(split.size(), 2U);
  EXPECT_EQ(split[0], (std::vector<WorkItem>{{0, 0, 0}, {0, 0, 4}, {0, 0, 1}}));
  EXPECT_EQ(split[1], (std::vector<WorkItem>{{0, 0, 3}, {0, 0, 2}}));
}

TEST(SplitWork, PairsThatDoNotDivideGoToTheFirstCores) {
  const auto split = split_work(make({1, 1, 1, 320, 320, 32, true}, 32, 32, {2, 2}));  // 5 pairs on 4 cores
  EXPECT_EQ(split[0], (std::vector<WorkItem>{{0, 0, 0}, {0, 0, 9}, {0, 0, 1}, {0, 0, 8}}));
  EXPECT_EQ(split[3], (std::vector<WorkItem>{{0, 0, 4}, {0, 0, 5}}));
}

TEST(SplitWork, MoreCoresThanWorkLeavesTheLastOnesIdle) {
  const auto split = split_work(make({1, 3, 1, 50, 90, 32, false}, 64, 32));
  ASSERT_EQ(split.size(), 80U);
  for (std::size_t core = 0; core < 80; ++core) EXPECT_EQ(split[core].size(), core < 3 ? 1U : 0U);
  EXPECT_EQ(split[2].front(), (WorkItem{0, 2, 0}));
}

TEST(SplitWork, EveryItemOnceAndCountsWithinOneUnit) {
  for (const auto& [batch, heads, seq, causal, balance, grid] :
       {std::tuple{1, 8, 2560, true, Balance::zigzag, GridSize{8, 10}},
        {3, 5, 1000, true, Balance::zigzag, {8, 10}},
        {2, 3, 991, true, Balance::zigzag, {7, 3}},
        {2, 4, 960, true, Balance::contiguous, {4, 2}},
        {5, 2, 33, false, Balance::zigzag, {3, 3}},
        {1, 1, 1, true, Balance::zigzag, {1, 1}},
        {4, 1, 640, true, Balance::zigzag, {64, 64}}}) {
    for (const int q_chunk : {32, 64, 160}) {
      Config config = make({batch, heads, 1, seq, seq, 32, causal}, q_chunk, 32, grid);
      config.balance = balance;
      const int chunks = (seq + q_chunk - 1) / q_chunk;
      const bool pairs = causal && balance == Balance::zigzag && chunks % 2 == 0;
      std::set<std::tuple<int, int, int>> seen;
      std::size_t least = std::numeric_limits<std::size_t>::max();
      std::size_t most = 0;
      std::size_t previous = most - 1;
      for (const auto& items : split_work(config)) {
        for (const WorkItem& item : items) {
          EXPECT_TRUE(seen.insert({item.batch, item.head, item.chunk}).second);
          EXPECT_TRUE(item.batch >= 0 && item.batch < batch && item.head >= 0 && item.head < heads);
          EXPECT_TRUE(item.chunk >= 0 && item.chunk < chunks);
        }
        EXPECT_LE(items.size(), previous) << "the first cores get the remainder";
        previous = items.size();
        least = std::min(least, items.size());
        most = std::max(most, items.size());
        if (pairs) {
          EXPECT_EQ(items.size() % 2, 0U);
        }
      }
      EXPECT_EQ(seen.size(), static_cast<std::size_t>(batch * heads * chunks));
      EXPECT_LE(most - least, pairs ? 2U : 1U);
    }
  }
}

TEST(SplitWork, NeedsChunks) {
  EXPECT_THROW(static_cast<void>(split_work(make(demo_shape, 0, 128))), std::logic_error);
  EXPECT_THROW(static_cast<void>(k_chunks_of(make(demo_shape, 128, 0), 0)), std::logic_error);
  EXPECT_THROW(static_cast<void>(needs_mask(make(demo_shape, 128, 0))), std::logic_error);
}

TEST(KChunks, CountsThoseThatBeginAtOrBeforeTheLastRow) {
  for (const bool causal : {true, false}) {
    for (const int seq : {1, 31, 32, 33, 64, 65, 100, 500, 512}) {
      for (const int q_chunk : {32, 64, 96, 512}) {
        for (const int k_chunk : {32, 64, 160, 512}) {
          const Config config = make({1, 1, 1, seq, seq, 32, causal}, q_chunk, k_chunk);
          for (int chunk = 0; chunk * q_chunk < seq; ++chunk) {
            const int last_row = std::min((chunk + 1) * q_chunk, seq) - 1;
            int expected = 0;
            for (int begin = 0; begin < seq; begin += k_chunk) expected += !causal || begin <= last_row ? 1 : 0;
            EXPECT_EQ(k_chunks_of(config, chunk), expected) << seq << ' ' << q_chunk << ' ' << k_chunk << ' ' << chunk;
          }
        }
      }
    }
  }
  EXPECT_EQ(k_chunks_of(make({1, 1, 1, 32, 1000, 32, false}, 32, 128), 0), 8);
}

// --- DST and buffers --------------------------------------------------------------------------------------------------

TEST(DstUse, Slots) {
  EXPECT_EQ(dst_slots(wormhole(), {Fidelity::hifi2, false, false}), 8);
  EXPECT_EQ(dst_slots(wormhole(), {Fidelity::hifi2, true, false}), 4);
  EXPECT_EQ(dst_slots(wormhole(), {Fidelity::hifi2, false, true}), 16);
  EXPECT_EQ(dst_slots(wormhole(), {Fidelity::hifi2, true, true}), 8);
}

TEST(DstUse, Subblocks) {
  EXPECT_EQ(sdpa_subblock(4, 16, 8), (Subblock{2, 4}));
  EXPECT_EQ(sdpa_subblock(4, 16, 16), (Subblock{2, 4}));
  EXPECT_EQ(sdpa_subblock(4, 16, 4), (Subblock{2, 2}));
  EXPECT_EQ(sdpa_subblock(4, 2, 8), (Subblock{4, 2}));
  EXPECT_EQ(sdpa_subblock(1, 16, 8), (Subblock{1, 8}));
  EXPECT_EQ(sdpa_subblock(16, 1, 8), (Subblock{8, 1}));
  EXPECT_EQ(sdpa_subblock(7, 7, 8), (Subblock{1, 7}));
  EXPECT_EQ(sdpa_subblock(2, 3, 8), (Subblock{2, 3}));
  EXPECT_EQ(sdpa_subblock(11, 13, 8), (Subblock{1, 1}));
  for (int rows = 1; rows <= 16; ++rows) {
    for (int columns = 1; columns <= 16; ++columns) {
      for (const int slots : {4, 8, 16}) {
        const Subblock s = sdpa_subblock(rows, columns, slots);
        EXPECT_LE(s.h * s.w, slots);
        EXPECT_EQ(rows % s.h, 0);
        EXPECT_EQ(columns % s.w, 0);
      }
    }
  }
  EXPECT_THROW(static_cast<void>(sdpa_subblock(0, 1, 8)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(sdpa_subblock(1, 1, 0)), std::invalid_argument);
}

TEST(DstUse, LargestDivisor) {
  EXPECT_EQ(largest_divisor(64, 8), 8);
  EXPECT_EQ(largest_divisor(12, 8), 6);
  EXPECT_EQ(largest_divisor(13, 8), 1);
  EXPECT_EQ(largest_divisor(3, 8), 3);
  EXPECT_THROW(static_cast<void>(largest_divisor(0, 8)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(largest_divisor(8, 0)), std::invalid_argument);
}

// The bytes that attention.md 1.5 gives for causal bf16 with two Q slots come out exactly. Two Q slots need more than one
// item on a core, so the sequence is long.
TEST(CircularBuffers, BytesOfThePublishedBudget) {
  const auto bytes = [](int q_chunk, int k_chunk, int dim) {
    return cb_bytes(make({1, 8, 1, 1 << 17, 1 << 17, dim, true}, q_chunk, k_chunk));
  };
  EXPECT_EQ(bytes(128, 128, 128), 391'168U);
  EXPECT_EQ(bytes(128, 256, 128), 573'440U);
  EXPECT_EQ(bytes(256, 256, 128), 880'640U);
  EXPECT_EQ(bytes(256, 512, 128), 1'347'584U);
  EXPECT_EQ(bytes(512, 512, 128), 2'166'784U);
  EXPECT_EQ(bytes(256, 512, 64), 921'600U);
  Config bfp8 = make({1, 8, 1, 1 << 17, 1 << 17, 128, true}, 256, 512);
  bfp8.format = DataFormat::bfp8_b;
  EXPECT_EQ(cb_bytes(bfp8), 1'009'664U);
}

TEST(CircularBuffers, TableOfTheKernel) {
  const Config config = make(demo_shape, 128, 256);
  const std::vector<std::tuple<int, std::uint32_t, std::uint32_t, DataFormat>> expected{
      {0, 32, 2048, DataFormat::bf16},  {1, 64, 2048, DataFormat::bf16},  {2, 64, 2048, DataFormat::bf16},
      {3, 64, 576, DataFormat::bfp4_b}, {5, 1, 2048, DataFormat::bf16},   {7, 1, 2048, DataFormat::bf16},
      {16, 16, 2048, DataFormat::bf16}, {24, 32, 2048, DataFormat::bf16}, {25, 16, 2048, DataFormat::bf16},
      {26, 16, 2048, DataFormat::bf16}, {27, 4, 2048, DataFormat::bf16},  {28, 4, 2048, DataFormat::bf16},
      {29, 4, 2048, DataFormat::bf16},  {30, 4, 2048, DataFormat::bf16},  {31, 4, 2048, DataFormat::bf16}};
  std::vector<std::tuple<int, std::uint32_t, std::uint32_t, DataFormat>> actual;
  for (const auto& cb : circular_buffers(config)) actual.emplace_back(cb.id, cb.pages, cb.page_bytes, cb.format);
  EXPECT_EQ(actual, expected);
  Program program;
  program.grid = config.grid;
  program.circular_buffers = circular_buffers(config);
  EXPECT_NO_THROW(validate(program));
}

const CircularBufferConfig* find(const std::vector<CircularBufferConfig>& buffers, int id) {
  const auto it = std::find_if(buffers.begin(), buffers.end(), [=](const auto& cb) { return cb.id == id; });
  return it == buffers.end() ? nullptr : &*it;
}

TEST(CircularBuffers, OneQSlotForOneItemAndMaskOnlyWhenNeeded) {
  Config config = make({1, 1, 1, 256, 256, 64, false}, 64, 64, {2, 2});
  EXPECT_FALSE(needs_mask(config));
  EXPECT_EQ(find(circular_buffers(config), 3), nullptr);
  EXPECT_EQ(find(circular_buffers(config), 0)->pages, 4U);
  config.grid = {3, 1};
  EXPECT_EQ(find(circular_buffers(config), 0)->pages, 8U);
  config.shape.seq_kv = 255;
  EXPECT_TRUE(needs_mask(config));
  EXPECT_EQ(find(circular_buffers(config), 3)->pages, 8U);
  config.shape.seq_kv = 320;
  EXPECT_FALSE(needs_mask(config));
  config.shape.seq_kv = 288;  // whole tiles, but not whole chunks
  EXPECT_TRUE(needs_mask(config));
}

TEST(CircularBuffers, IntermediatesAreWideOnlyWithWideDataAndWideDst) {
  Config config = make(demo_shape, 64, 64);
  config.format = DataFormat::fp32;
  const auto formats = [&](int id) { return find(circular_buffers(config), id)->format; };
  EXPECT_EQ(formats(0), DataFormat::fp32);
  EXPECT_EQ(formats(16), DataFormat::fp32);
  for (const int id : {24, 25, 26, 27, 28, 29, 30, 31}) EXPECT_EQ(formats(id), DataFormat::bf16) << id;
  config.compute.dst_fp32 = true;
  for (const int id : {24, 25, 26, 27, 28, 29, 30, 31}) EXPECT_EQ(formats(id), DataFormat::fp32) << id;
  EXPECT_EQ(formats(3), DataFormat::bfp4_b);
  config.format = DataFormat::bf16;
  for (const int id : {0, 1, 2, 16, 24, 31}) EXPECT_EQ(formats(id), DataFormat::bf16) << id;
  for (const bool dst_fp32 : {true, false}) {
    config.format = DataFormat::bfp8_b;
    config.compute.dst_fp32 = dst_fp32;
    for (const int id : {0, 1, 2, 16}) EXPECT_EQ(formats(id), DataFormat::bfp8_b) << id;
    for (const int id : {24, 25, 26, 27, 28, 29, 30, 31}) EXPECT_EQ(formats(id), DataFormat::bf16) << id;
  }
}

TEST(CircularBuffers, UnfusedScoresHaveTheFormatOfTheOutput) {
  Config config = make(demo_shape, 64, 128);
  config.kernel = Kernel::unfused;
  config.format = DataFormat::bfp8_b;
  // Scores out and in, mask, softmax's result, P; what it works on is bf16 (kernels/attention/unfused/arguments.h).
  for (const int id : {2, 3, 4, 11, 12}) EXPECT_EQ(find(circular_buffers(config), id)->format, DataFormat::bfp8_b) << id;
  for (const int id : {5, 9, 10, 14}) EXPECT_EQ(find(circular_buffers(config), id)->format, DataFormat::bf16) << id;
  const std::uint64_t tiles = std::uint64_t{8} * 80 * 80;
  EXPECT_EQ(unfused::score_bytes(config), tiles * 1088);
}

// --- with_chunks ------------------------------------------------------------------------------------------------------

TEST(WithChunks, WhereComputingBindsTheDemoGetsTwoChunksOnEachCoreThatWorks) {
  Config open = make(demo_shape, 0, 0);
  open.compute.fidelity = Fidelity::hifi4;
  const Config config = with_chunks(open);
  // On 64 cores 160 rows take 550 thousand cycles of device time, on 80 cores 128 rows 607 thousand.
  EXPECT_EQ(config.q_chunk, 160);
  EXPECT_LE(l1_needed(config), l1_bytes);
  std::set<int> different;
  int working = 0;
  const std::vector<int> steps = steps_per_core(config);
  for (std::size_t core = 0; core < steps.size(); ++core) {
    if (steps[core] == 0) continue;
    ++working;
    different.insert(steps[core]);
    EXPECT_EQ(split_work(config)[core].size(), 2U);
  }
  EXPECT_EQ(working, 64);
  EXPECT_EQ(different.size(), 1U);
}

TEST(WithChunks, WhereReadingBindsQChunksAreLarger) {
  EXPECT_GT(with_chunks(make(demo_shape, 0, 0)).q_chunk, 128);
  Config shared = make(demo_shape, 0, 0);
  shared.kv = KvDelivery::multicast_grid;
  EXPECT_LE(with_chunks(shared).q_chunk, 128);
}

TEST(WithChunks, ForAllDeliveriesAreThoseOfTheQuickest) {
  const Config dram = make(demo_shape, 0, 0);
  Config row = dram;
  row.kv = KvDelivery::multicast_row;
  const Config quickest = with_chunks(row);
  for (const Config& open : {dram, row}) {
    const Config config = with_chunks_for_all(open);
    EXPECT_EQ(config.q_chunk, quickest.q_chunk);
    EXPECT_EQ(config.k_chunk, quickest.k_chunk);
    EXPECT_EQ(config.delivery, open.kv);
  }
}

/// The estimate as the documentation of the choice has it, over the listed items: computing, but no faster than a core can
/// read, after half a chunk pair at a core's share of what all can; nor than all can.
std::int64_t estimate(const Config& config) {
  const TrafficRates& rates = config.chip.rates();
  const int sk = config.k_chunk / 32;
  const int dim = config.shape.dim / 32;
  const std::int64_t step = cycles_of_step(config);
  const std::vector<int> steps = steps_per_core(config);
  const double pair = 2.0 * sk * dim * tile_bytes(config.format.k);
  const auto readers = static_cast<double>(std::count_if(steps.begin(), steps.end(), [](int count) { return count > 0; }));
  const double slowest =
      std::max(static_cast<double>(step), pair / rates.reader) * *std::max_element(steps.begin(), steps.end());
  const double together = pair * std::accumulate(steps.begin(), steps.end(), 0) / rates.dram_crowd;
  return static_cast<std::int64_t>(
      std::max(slowest + pair / std::min(rates.reader, rates.dram_crowd / readers) / 2, together));
}

TEST(WithChunks, AStepTakesWhatTheChipSays) {
  // 84.4 thousand cycles measured for 8x16 tiles of scores at d 128 (attention.md 2.3).
  Config config = make({1, 1, 1, 16384, 16384, 128, false}, 256, 512);
  EXPECT_NEAR(static_cast<double>(cycles_of_step(config)), 84'400, 84'400 * 0.12);
  const std::int64_t before = cycles_of_step(config);
  config.chip.set("reduce_row_max_cycles=197.9");  // 100 more for each of 128 tiles
  EXPECT_NEAR(static_cast<double>(cycles_of_step(config) - before), 12'800, 1);
  config.exp_accurate = true;
  EXPECT_GT(cycles_of_step(config), before + 12'800 + 128 * 1000);
}

TEST(WithChunks, IsTheBestOfAllPairsByListing) {
  Config lofi = make({2, 3, 1, 700, 700, 96, true}, 0, 0, {4, 3});
  lofi.compute.fidelity = Fidelity::lofi;
  Config wide = make({1, 4, 4, 1500, 600, 256, false}, 0, 0, {3, 3});
  wide.format = DataFormat::fp32;
  wide.compute = {Fidelity::hifi4, true, false};
  Config contiguous = make({1, 2, 1, 2000, 2000, 64, true}, 0, 0, {5, 2});
  contiguous.balance = Balance::contiguous;
  for (const Config& open : {make(demo_shape, 0, 0), lofi, wide, contiguous, make({1, 1, 1, 40, 40, 32, true}, 0, 0)}) {
    Config best;
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (int q = std::min(16, (open.shape.seq_q + 31) / 32); q >= 1; --q) {
      for (int k = std::min(16, (open.shape.seq_kv + 31) / 32); k >= 1; --k) {
        Config tried = open;
        tried.q_chunk = 32 * q;
        tried.k_chunk = 32 * k;
        if (l1_needed(tried) > l1_bytes || estimate(tried) >= least) continue;
        least = estimate(tried);
        best = tried;
      }
    }
    const Config chosen = with_chunks(open);
    EXPECT_EQ(estimate(chosen), least) << open.shape.seq_q << ": " << chosen.q_chunk << "x" << chosen.k_chunk << ", listed "
                                       << best.q_chunk << "x" << best.k_chunk;
    EXPECT_EQ(chosen.q_chunk, best.q_chunk);
    EXPECT_EQ(chosen.k_chunk, best.k_chunk);
  }
}

TEST(WithChunks, KeepsWhatIsGiven) {
  const Config both = with_chunks(make(demo_shape, 96, 224));
  EXPECT_EQ(both.q_chunk, 96);
  EXPECT_EQ(both.k_chunk, 224);
  const Config q_only = with_chunks(make(demo_shape, 256, 0));
  EXPECT_EQ(q_only.q_chunk, 256);
  EXPECT_GT(q_only.k_chunk, 0);
  const Config k_only = with_chunks(make(demo_shape, 0, 64));
  EXPECT_EQ(k_only.k_chunk, 64);
  EXPECT_GT(k_only.q_chunk, 0);
  const Config padded = with_chunks(make({1, 1, 1, 8, 8, 32, false}, 512, 512));  // larger than the sequence: legal
  EXPECT_EQ(padded.q_chunk, 512);
}

TEST(WithChunks, ChoosesNoLargerThanTheSequence) {
  const Config config = with_chunks(make({1, 1, 1, 40, 70, 32, false}, 0, 0, {1, 1}));
  EXPECT_LE(config.q_chunk, 64);
  EXPECT_LE(config.k_chunk, 96);
}

TEST(WithChunks, SaysWhatWouldFit) {
  const Shape shape{1, 8, 1, 16384, 16384, 128, true};
  const std::string message = refusal([&] { static_cast<void>(with_chunks(make(shape, 512, 512))); });
  EXPECT_EQ(
      message,
      "`q_chunk` 512 `k_chunk` 512: asked 2270208 bytes of L1, available 1499136; largest `q_chunk` with `k_chunk` 512: "
      "256; largest `k_chunk` with `q_chunk` 512: 192; largest equal pair: 352");
  EXPECT_EQ(refusal([&] { static_cast<void>(with_chunks(make(shape, 256, 512))); }), "");
  EXPECT_EQ(refusal([&] { static_cast<void>(with_chunks(make(shape, 512, 192))); }), "");
  EXPECT_NE(refusal([&] { static_cast<void>(with_chunks(make(shape, 288, 512))); }), "");
  EXPECT_NE(refusal([&] { static_cast<void>(with_chunks(make(shape, 512, 224))); }), "");
}

TEST(WithChunks, SaysWhenTheGivenChunkAloneIsTooLarge) {
  Config config = make({1, 8, 1, 1 << 17, 1 << 17, 256, true}, 512, 0);
  config.format = DataFormat::fp32;
  config.compute.dst_fp32 = true;
  const std::string message = refusal([&] { static_cast<void>(with_chunks(config)); });
  EXPECT_NE(message.find("`q_chunk` 512 `k_chunk` 32: asked "), std::string::npos) << message;
  EXPECT_NE(message.find("no `k_chunk` fits with `q_chunk` 512"), std::string::npos) << message;
}

TEST(WithChunks, ValidatesFirst) {
  EXPECT_TRUE(test::names(refusal([] {
                            static_cast<void>(with_chunks(make({1, 1, 1, 64, 64, 300, false}, 0, 0)));
                          }),
                          {"`dim`", "300", "1", "256"}));
}

// A millisecond or less in a release build; the bound leaves room for sanitizers and busy hosts and still catches a search
// that lists items.
TEST(WithChunks, ChoosesForLongSequencesAndManyHeads) {
  for (const Shape shape : {Shape{1, 8, 1, 131072, 131072, 128, true}, {4096, 64, 64, 512, 512, 32, true}}) {
    const Config config = with_chunks(make(shape, 0, 0));
    EXPECT_GT(config.q_chunk, 0);
    EXPECT_GT(config.k_chunk, 0);
  }
}

}  // namespace
}  // namespace tilegrid::attention
