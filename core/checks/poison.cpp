// SPDX-License-Identifier: Apache-2.0
#include "core/checks/poison.h"

#include <cstring>

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
  constexpr std::size_t block = 16 * poison_bytes;
  std::size_t at = 0;
  // Without branches inside of a block, so that the compiler may use vectors.
  for (; at + block <= bytes; at += block) {
    bool any = false;
    for (std::size_t i = 0; i < block; i += poison_bytes) any |= word_at(memory + at + i) == poison.low;
    if (any) break;
  }
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
