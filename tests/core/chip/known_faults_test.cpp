// SPDX-License-Identifier: Apache-2.0
#include "core/chip/known_faults.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace tilegrid {
namespace {

std::vector<std::string> relied_on(const Chip& chip, const ComputeUse& use) {
  std::vector<std::string> ids;
  for (const KnownFault* fault : faults_relied_on(chip, use)) ids.emplace_back(fault->id);
  return ids;
}

TEST(KnownFaults, HaveAnIdOfTheirOwnAChipAndASource) {
  std::set<std::string> ids;
  for (const KnownFault& fault : known_faults()) {
    EXPECT_TRUE(ids.insert(fault.id).second) << fault.id;
    EXPECT_NE(std::string(fault.source).find('#'), std::string::npos) << fault.id;
    EXPECT_NO_THROW(static_cast<void>(Chip::load(fault.chip))) << fault.id;
    EXPECT_FALSE(std::string(fault.summary).empty() || std::string(fault.advice).empty());
  }
  EXPECT_TRUE(ids.contains("hifi4-fp32-dst"));
}

TEST(KnownFaults, WormholesProductsNeedHiFi4And32BitsOfDst) {
  const Chip wormhole = Chip::load("wormhole_b0");
  const Chip blackhole = Chip::load("blackhole");
  for (const Fidelity fidelity : {Fidelity::lofi, Fidelity::hifi2, Fidelity::hifi3, Fidelity::hifi4}) {
    for (const bool fp32 : {false, true}) {
      for (const std::uint64_t products : {0U, 1U}) {
        const ComputeUse use{fidelity, fp32, products, 0};
        const bool struck = fidelity == Fidelity::hifi4 && fp32 && products > 0;
        EXPECT_EQ(relied_on(wormhole, use),
                  struck ? std::vector<std::string>{"hifi4-fp32-dst"} : std::vector<std::string>{});
        EXPECT_EQ(relied_on(blackhole, use), std::vector<std::string>{}) << "mended there";
      }
    }
  }
}

TEST(KnownFaults, OperandsOutOfDstAreWrongWith32Bits) {
  const Chip wormhole = Chip::load("wormhole_b0");
  EXPECT_EQ(relied_on(wormhole, {Fidelity::hifi2, true, 0, 1}), std::vector<std::string>{"dest-reuse-fp32"});
  EXPECT_EQ(relied_on(wormhole, {Fidelity::hifi2, false, 0, 1}), std::vector<std::string>{});
  EXPECT_EQ(relied_on(wormhole, {Fidelity::hifi4, true, 7, 1}),
            (std::vector<std::string>{"hifi4-fp32-dst", "dest-reuse-fp32"}));
  const Chip blackhole = Chip::load("blackhole");
  EXPECT_EQ(relied_on(blackhole, {Fidelity::hifi2, false, 0, 1}), std::vector<std::string>{"dest-reuse-bank"});
  EXPECT_EQ(relied_on(blackhole, {Fidelity::hifi2, false, 1, 0}), std::vector<std::string>{});
}

TEST(KnownFaults, SumsNeedAnFp32ScalerForFp32Tiles) {
  const Chip wormhole = Chip::load("wormhole_b0");
  for (const bool fp32_dst : {false, true}) {
    for (const bool fp32 : {false, true}) {
      for (const bool bf16 : {false, true}) {
        for (const std::uint64_t sums : {0U, 1U}) {
          const ComputeUse use{Fidelity::hifi2, fp32_dst, 0, 0, sums, fp32, bf16};
          EXPECT_EQ(relied_on(wormhole, use).size(), fp32_dst && fp32 && bf16 && sums > 0 ? 1U : 0U);
        }
      }
    }
  }
}

}  // namespace
}  // namespace tilegrid
