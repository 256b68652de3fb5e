// SPDX-License-Identifier: Apache-2.0
// Normal samples by counters. The same bits on every instruction set and with every C library.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tilegrid::simd {

/// Which numbers: the key of Philox-4x32-10 and the two upper words of its counter, the lower two of which are an index.
struct RandomStream {
  std::uint64_t seed = 0;
  std::uint32_t stream = 0;
  std::uint32_t purpose = 0;
};

/// Two samples of N(0,1), by Box and Muller, of each index from `first` to `first` + `count` - 1: 2 * `count` floats. They
/// are computed in double with errors of a few units in the last place, and rounded once.
void normal_pairs(const RandomStream& stream, std::uint64_t first, std::size_t count, float* out);

}  // namespace tilegrid::simd
