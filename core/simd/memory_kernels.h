// SPDX-License-Identifier: Apache-2.0
// Loops over memory as it is, for the checks. The same results on every instruction set.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tilegrid::simd {

/// Whether one of the 64-bit words of `memory` is `word`. `bytes` is a multiple of 64; no alignment is needed.
[[nodiscard]] bool holds_word(std::uint64_t word, const std::byte* memory, std::size_t bytes);

/// Of a run of 64-byte stripes; each stripe counts with its place in the run.
using StripeSums = std::array<std::uint64_t, 8>;
inline constexpr std::size_t stripe_bytes = sizeof(StripeSums);

/// Adds the stripes of `memory` as those with the numbers `first`, `first` + 1, .... `bytes` is a multiple of stripe_bytes;
/// no alignment is needed. A word adds itself, its halves swapped, and the product of its halves after they were xored with
/// a key of their own (as in XXH3): no multiplication waits for another.
void add_stripes(StripeSums& sums, std::uint64_t first, const std::byte* memory, std::size_t bytes);

}  // namespace tilegrid::simd
