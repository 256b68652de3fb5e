// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/verify/samples.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "core/ids.h"
#include "core/simd/random_kernels.h"

namespace tilegrid::attention {
namespace {

using Block = std::array<std::uint32_t, 4>;

std::uint32_t low(std::uint64_t word) { return static_cast<std::uint32_t>(word); }
std::uint32_t high(std::uint64_t word) { return low(word >> 32U); }

/// Philox-4x32 with 10 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): a bijection of counters,
/// keyed by the seed, that passes the usual batteries of tests.
Block philox(Block counter, std::uint64_t seed) {
  std::uint32_t key0 = low(seed);
  std::uint32_t key1 = high(seed);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53U} * counter[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57U} * counter[2];
    counter = {high(product1) ^ counter[1] ^ key0, low(product1), high(product0) ^ counter[3] ^ key1, low(product0)};
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  return counter;
}

/// What the numbers of a counter are for: the last word of the counter keeps the purposes apart.
enum class Purpose : std::uint32_t { normal, outlier_choice, outlier_size };

class Generator {
 public:
  Generator(std::uint64_t seed, int stream) : seed_(seed), stream_(stream) {}

  [[nodiscard]] Block words(std::uint64_t index, Purpose purpose) const {
    return philox({low(index), high(index), stream_, to_underlying(purpose)}, seed_);
  }

  /// Two independent samples of N(0,1), by Box and Muller.
  [[nodiscard]] std::array<double, 2> normal_pair(std::uint64_t index, Purpose purpose) const {
    const Block w = words(index, purpose);
    // In (0, 1], so that the logarithm is finite, and in [0, 1): 53 bits each.
    const double u = (static_cast<double>(join(w[0], w[1]) >> 11U) + 1) * 0x1p-53;
    const double v = static_cast<double>(join(w[2], w[3]) >> 11U) * 0x1p-53;
    const double radius = std::sqrt(-2 * std::log(u));
    const double angle = 2 * std::numbers::pi * v;
    return {radius * std::cos(angle), radius * std::sin(angle)};
  }

 private:
  static std::uint64_t join(std::uint32_t high, std::uint32_t low) { return (std::uint64_t{high} << 32U) | low; }

  std::uint64_t seed_;
  std::uint32_t stream_;
};

/// `first`: which sample is the first of them.
void add_outliers(const Generator& generator, std::uint64_t first, std::vector<float>& samples) {
  constexpr auto threshold = static_cast<std::uint32_t>(0.001 * 0x1p32);
  constexpr double outlier_scale = 10;
  Block choice{};
  for (std::size_t at = 0; at < samples.size(); ++at) {
    const std::uint64_t i = first + at;
    if (at == 0 || i % 4 == 0) choice = generator.words(i / 4, Purpose::outlier_choice);
    if (choice[i % 4] >= threshold) continue;
    // From the double, so that the sum is rounded once.
    const double base = generator.normal_pair(i / 2, Purpose::normal)[i % 2];
    samples[at] = static_cast<float>(base + outlier_scale * generator.normal_pair(i, Purpose::outlier_size)[0]);
  }
}

}  // namespace

std::vector<float> random_samples(std::uint64_t seed, int stream, std::size_t count, Distribution distribution,
                                  std::uint64_t first) {
  std::vector<float> samples(count);
  const simd::RandomStream normal{seed, static_cast<std::uint32_t>(stream), to_underlying(Purpose::normal)};
  const auto of_pair = [&](std::uint64_t sample) {
    std::array<float, 2> pair{};
    simd::normal_pairs(normal, sample / 2, 1, pair.data());
    return pair[sample % 2];
  };
  // Samples come in pairs; at both ends there may be one without the other.
  const std::size_t alone = first % 2 != 0 && count > 0 ? 1 : 0;
  if (alone != 0) samples.front() = of_pair(first);
  simd::normal_pairs(normal, (first + alone) / 2, (count - alone) / 2, samples.data() + alone);
  if ((count - alone) % 2 != 0) samples.back() = of_pair(first + count - 1);
  if (distribution == Distribution::outlier) add_outliers(Generator(seed, stream), first, samples);
  return samples;
}

}  // namespace tilegrid::attention
