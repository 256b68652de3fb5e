// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tilegrid::attention {

enum class Distribution : std::uint8_t { normal, outlier };

/// `count` samples, from sample `first` on, of stream `stream` (0 Q, 1 K, 2 V) of a seed. Counter based: sample i depends on
/// seed, stream and i only. normal is N(0,1); outlier is N(0,1) + 10 N(0,1) with probability 0.001 (attention.md 5).
[[nodiscard]] std::vector<float> random_samples(std::uint64_t seed, int stream, std::size_t count, Distribution distribution,
                                                std::uint64_t first = 0);

}  // namespace tilegrid::attention
