// SPDX-License-Identifier: Apache-2.0
// What the host decides about the multi-pass and the unfused kernel; runs of both are in
// runtime/attention_end_to_end_test.cpp.
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/l1.h"
#include "kernels/attention/kernel_args.h"
#include "kernels/attention/unfused/arguments.h"
#include "kernels/attention/unfused/unfused.h"
#include "tests/support/names.h"
#include "tests/support/wormhole.h"

namespace tilegrid::attention {
namespace {

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const UsageError& error) {
    return error.message();
  }
  return "no error";
}

Config config_of(Kernel kernel, Shape shape) {
  Config config;
  config.shape = shape;
  config.grid = {3, 2};
  config.kernel = kernel;
  return config;
}

TEST(MultipassSteps, AreCountedNamedOrAll) {
  EXPECT_EQ(parse_steps("0"), Steps());
  EXPECT_EQ(parse_steps("none"), Steps());
  EXPECT_EQ(parse_steps("all"), Steps::all());
  EXPECT_EQ(parse_steps("11"), Steps::all());
  Steps three;
  three.add(Step::matmul_sum);
  three.add(Step::fast_alpha);
  three.add(Step::subblocks);
  EXPECT_EQ(parse_steps("3"), three);
  EXPECT_EQ(parse_steps("subblocks,matmul-sum,fast-alpha"), three);
  for (int i = 0; i < step_count; ++i) {
    const auto step = static_cast<Step>(i);
    EXPECT_EQ(text_of(parse_steps(name_of(step))), name_of(step));
    EXPECT_TRUE(Steps::first(i + 1).has(step));
    EXPECT_FALSE(Steps::first(i).has(step));
  }
  EXPECT_EQ(text_of({}), "none");
}

TEST(MultipassSteps, UnknownOnesAreRefused) {
  EXPECT_TRUE(test::names(refusal([] { static_cast<void>(parse_steps("12")); }), {"`steps`", "12", "11"}));
  EXPECT_TRUE(test::names(refusal([] { static_cast<void>(parse_steps("-1")); }), {"`steps`", "-1", "11"}));
  for (const char* text : {"faster", "l1-add,", ",", "3,4", "3x", ""}) {
    EXPECT_NE(refusal([=] { static_cast<void>(parse_steps(text)); }).find("`steps`"), std::string::npos) << text;
  }
}

TEST(MultipassSteps, ChangeSubblocksAndBuffers) {
  Config config = config_of(Kernel::multipass, {1, 1, 1, 512, 512, 128, false});
  config.q_chunk = 128;
  config.k_chunk = 512;
  const auto has_scale = [&] {
    std::set<int> ids;
    for (const CircularBufferConfig& cb : circular_buffers(config)) ids.insert(cb.id);
    return ids.contains(cb_scale);
  };
  KernelArgs args = KernelArgs::from(config, {});
  EXPECT_EQ(args.qk_h, 1U);  // 4 x 16 tiles in rows of 8
  EXPECT_EQ(args.qk_w, 8U);
  EXPECT_EQ(args.pv_h, 2U);  // 4 x 4 tiles: whole rows of 4, two of them
  EXPECT_EQ(args.pv_w, 4U);
  EXPECT_TRUE(has_scale());
  config.steps.add(Step::subblocks);
  config.steps.add(Step::fused_scale);
  args = KernelArgs::from(config, {});
  EXPECT_EQ(args.qk_h, 2U);
  EXPECT_EQ(args.qk_w, 4U);
  EXPECT_FALSE(has_scale());
}

/// 1 over what the fast exponential gives for 0: 32500.8 rounded and shifted up 15 bits, then rounded to DST.
TEST(MultipassSteps, FastAlphaIsCorrectedByTheValueAtZero) {
  Config config = config_of(Kernel::multipass, {1, 1, 1, 64, 64, 64, false});
  config.q_chunk = config.k_chunk = 64;
  EXPECT_FLOAT_EQ(KernelArgs::from(config, {}).alpha_correction(), 1.0F / std::bit_cast<float>(0x3F7B0000U));
  config.compute.dst_fp32 = true;
  EXPECT_FLOAT_EQ(KernelArgs::from(config, {}).alpha_correction(), 1.0F / std::bit_cast<float>(0x3F7A8000U));
}

TEST(UnfusedPrograms, ShareOutBlocksAndRows) {
  Config config = config_of(Kernel::unfused, {2, 3, 1, 200, 300, 64, false});
  config.q_chunk = 64;
  config.k_chunk = 96;
  config = with_chunks(config);
  const auto programs = unfused::make_programs(config, {}, {});
  ASSERT_EQ(programs.size(), 3U);
  // 6 heads: 4 x 4 blocks of scores, 7 tile rows, 4 blocks of the output; on 6 cores.
  const std::uint32_t items[] = {96, 42, 24};
  for (std::size_t i = 0; i < programs.size(); ++i) {
    std::uint32_t next = 0;
    for (const auto& [core, words] : programs[i].kernels[0].runtime_args) {
      EXPECT_EQ(words[0], next) << programs[i].name << " core " << core;
      EXPECT_EQ(words[1], items[i] / 6);
      next += words[1];
    }
    EXPECT_EQ(next, items[i]);
  }
  std::set<int> ids;
  for (const CircularBufferConfig& cb : circular_buffers(config)) EXPECT_TRUE(ids.insert(cb.id).second) << cb.role;
  EXPECT_EQ(k_chunks_of(config, 0), 4);
}

TEST(UnfusedPrograms, LeaveNothingOutAboveTheDiagonal) {
  Config config = config_of(Kernel::unfused, {1, 1, 1, 256, 256, 64, true});
  config.q_chunk = config.k_chunk = 64;
  EXPECT_EQ(k_chunks_of(config, 0), 4);
  EXPECT_EQ(with_chunks(config).balance, Balance::contiguous);
  config.kernel = Kernel::hand_written;
  EXPECT_EQ(k_chunks_of(config, 0), 1);
}

TEST(UnfusedPrograms, CutRowsThatDoNotFit) {
  for (const int keys : {32, 5000, 6000, 100'000}) {
    Config config = config_of(Kernel::unfused, {1, 1, 1, 32, keys, 32, false});
    config.q_chunk = config.k_chunk = 32;
    EXPECT_LE(unfused::l1_bytes_needed(config), l1_bytes) << keys;
    const auto programs = unfused::make_programs(config, {}, {});
    const std::vector<std::uint32_t>& words = programs[1].kernels[0].compile_args;
    unfused::SoftmaxArgs args;
    ASSERT_EQ(words.size() * 4, sizeof args);
    std::memcpy(static_cast<void*>(&args), words.data(), sizeof args);
    EXPECT_EQ(args.columns_t, static_cast<std::uint32_t>((keys + 31) / 32));
    EXPECT_EQ(args.parts == 1, keys <= 5000) << keys;
    std::uint32_t columns = 0;
    for (std::uint32_t part = 0; part < args.parts; ++part) columns += args.columns_of(part);
    EXPECT_EQ(columns, args.columns_t);
  }
}

TEST(UnfusedPrograms, ScoresThatDoNotFitDramAreRefused) {
  Config config = config_of(Kernel::unfused, {1, 32, 32, 8192, 8192, 64, true});
  EXPECT_EQ(unfused::score_bytes(config), std::uint64_t{32} * 8192 * 8192 * 2);
  EXPECT_NO_THROW(unfused::check_dram(config));
  config.shape.batch = 3;
  EXPECT_TRUE(test::names(refusal([&] { unfused::check_dram(config); }),
                          {"`kernel`", "3x32x8192x8192", "12884901888", "536870912", "12", "12884901888"}));
}

}  // namespace
}  // namespace tilegrid::attention
