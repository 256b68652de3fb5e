// SPDX-License-Identifier: Apache-2.0
#include "core/checks/poison.h"

#include <cstring>

#include "core/simd/memory_kernels.h"

namespace tilegrid::checks {
namespace {

std::uint64_t word_at(const std::byte* memory) {
  std::uint64_t word = 0;
  std::memcpy(&word, memory, sizeof word);
  return word;
}

bool holds(Poison poison, const std::byte* memory) {
  return word_at(memory) == poison.low && word_at(memory + sizeof(std::uint64_t)) == poison.high;
}

}  // namespace

void fill(Poison poison, std::byte* memory, std::size_t bytes) {
  for (std::size_t at = 0; at + poison_bytes <= bytes; at += poison_bytes) {
    std::memcpy(memory + at, &poison.low, sizeof poison.low);
    std::memcpy(memory + at + sizeof poison.low, &poison.high, sizeof poison.high);
  }
}

std::optional<std::size_t> find(Poison poison, const std::byte* memory, std::size_t bytes) {
  // Nearly always there is none: then only the end that has no whole 64 bytes is left to look at.
  const std::size_t whole = bytes / 64 * 64;
  std::size_t at = simd::holds_word(poison.low, memory, whole) ? 0 : whole;
  for (; at + poison_bytes <= bytes; at += poison_bytes) {
    if (holds(poison, memory + at)) return at;
  }
  return std::nullopt;
}

void clear(Poison poison, std::byte* memory, std::size_t bytes) {
  for (std::size_t at = 0; at + poison_bytes <= bytes; at += poison_bytes) {
    if (holds(poison, memory + at)) std::memset(memory + at, 0, poison_bytes);
  }
}

}  // namespace tilegrid::checks
