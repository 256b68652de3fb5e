// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <set>
#include <vector>

#include "core/simd/random_kernels.h"
#include "tests/core/each_target.h"

namespace tilegrid::simd {
namespace {

/// Philox-4x32-10 and Box and Muller, plainly.
std::array<double, 2> reference_pair(const RandomStream& stream, std::uint64_t index) {
  std::array<std::uint32_t, 4> c{static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32U), stream.stream,
                                 stream.purpose};
  auto key0 = static_cast<std::uint32_t>(stream.seed);
  auto key1 = static_cast<std::uint32_t>(stream.seed >> 32U);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53U} * c[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57U} * c[2];
    c = {static_cast<std::uint32_t>(b >> 32U) ^ c[1] ^ key0, static_cast<std::uint32_t>(b),
         static_cast<std::uint32_t>(a >> 32U) ^ c[3] ^ key1, static_cast<std::uint32_t>(a)};
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  const auto bits = [](std::uint32_t high, std::uint32_t low) {
    return static_cast<double>(((std::uint64_t{high} << 32U) | low) >> 11U);
  };
  const double radius = std::sqrt(-2 * std::log((bits(c[0], c[1]) + 1) * 0x1p-53));
  const double angle = 2 * std::numbers::pi * (bits(c[2], c[3]) * 0x1p-53);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

TEST(Random, PairsAreTheSameOnEveryTargetAndThoseOfTheReference) {
  for (const RandomStream stream : {RandomStream{7, 0, 0}, {0x1234'5678'9ABC'DEF0, 2, 1}, {~std::uint64_t{0}, 1, 2}}) {
    for (const std::uint64_t first : {std::uint64_t{0}, (std::uint64_t{1} << 32U) - 20'000}) {
      constexpr std::size_t count = 40'001;  // with a rest for every width
      std::set<std::vector<float>> results;
      const int targets = testing::for_each_simd_target([&] {
        std::vector<float> samples(2 * count + 1, 99);
        normal_pairs(stream, first, count, samples.data());
        EXPECT_EQ(samples.back(), 99);  // not one too many
        results.insert(std::move(samples));
      });
      EXPECT_GE(targets, 2);
      ASSERT_EQ(results.size(), 1U);
      for (std::size_t i = 0; i < count; ++i) {
        const std::array<double, 2> wanted = reference_pair(stream, first + i);
        for (std::size_t part = 0; part < 2; ++part) {
          // Half a unit of the float, and what double leaves where the cosine goes through zero.
          const double allowed = std::abs(wanted[part]) * 0x1.001p-24 + 1e-14;
          ASSERT_NEAR((*results.begin())[2 * i + part], wanted[part], allowed) << i;
        }
      }
    }
  }
}

TEST(Random, APairDependsOnItsIndexOnly) {
  std::array<float, 64> all{};
  normal_pairs({3, 1, 0}, 100, 32, all.data());
  for (std::size_t i = 0; i < 32; ++i) {
    std::array<float, 2> one{};
    normal_pairs({3, 1, 0}, 100 + i, 1, one.data());
    EXPECT_EQ(one[0], all[2 * i]);
    EXPECT_EQ(one[1], all[2 * i + 1]);
  }
}

}  // namespace
}  // namespace tilegrid::simd
