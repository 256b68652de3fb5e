// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

namespace tilegrid {

/// The structure whose words `word` gives by number.
template <class Args, class Word>
[[nodiscard]] Args from_words(const Word& word) {
  std::array<std::uint32_t, sizeof(Args) / sizeof(std::uint32_t)> words{};
  for (std::uint32_t i = 0; i < words.size(); ++i) words.at(i) = word(i);
  Args args;
  std::memcpy(static_cast<void*>(&args), words.data(), sizeof args);
  return args;
}

}  // namespace tilegrid
