// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace tilegrid::checks {

/// Memory that nobody has written is recognised by what is in it: 16 bytes that no data has by chance, one pattern for L1
/// and one for DRAM. A RISC that fills L1 by ordinary stores needs no hook then, and what a transfer copies stays marked.
struct Poison {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};
inline constexpr Poison l1_poison{0x9E37'B5C1'4A7D'E80B, 0xD1B5'4A32'D192'ED03};
inline constexpr Poison dram_poison{0xA24B'AED4'963E'E407, 0x9FB2'1C65'1E98'DF25};
inline constexpr std::size_t poison_bytes = 16;

/// `bytes` is cut down to a multiple of 16.
void fill(Poison poison, std::byte* memory, std::size_t bytes);
/// Offset of the first 16 bytes at a multiple of 16 that hold the pattern. `memory` is aligned to 16.
[[nodiscard]] std::optional<std::size_t> find(Poison poison, const std::byte* memory, std::size_t bytes);
/// Makes the pattern zeros: what memory holds when it is not checked.
void clear(Poison poison, std::byte* memory, std::size_t bytes);

}  // namespace tilegrid::checks
