// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <random>
#include <string>
#include <vector>

#include "core/error.h"

/// Fuzzing that a test suite can bear: a fixed number of mutants of valid inputs from a fixed seed. A reader may take a
/// mutant or refuse it with a UsageError of one line; anything else (another exception, a crash, a sanitizer's word) fails
/// the test.
namespace tilegrid::test {

/// Mutants of each seed text; TILEGRID_FUZZ_ROUNDS asks for more of them.
inline int fuzz_rounds(int usual) {
  const char* const asked = std::getenv("TILEGRID_FUZZ_ROUNDS");
  const int rounds = asked == nullptr ? 0 : std::atoi(asked);
  return rounds > 0 ? rounds : usual;
}

/// Changes texts in the ways that break readers: flipped bits, other bytes, cuts, repeats, large numbers, pieces of another
/// text, words that mean something to the reader.
class Mutator {
 public:
  Mutator(std::uint32_t seed, std::vector<std::string> words) : random_(seed), words_(std::move(words)) {}

  [[nodiscard]] std::string mutant(std::string text, const std::string& other) {
    const int changes = 1 + below(4);
    for (int i = 0; i < changes; ++i) change(text, other);
    return text;
  }
  /// From 0 to count - 1; 0 for no count.
  [[nodiscard]] int below(std::size_t count) {
    return count == 0 ? 0 : static_cast<int>(std::uniform_int_distribution<std::size_t>(0, count - 1)(random_));
  }

 private:
  void change(std::string& text, const std::string& other) {
    const auto at = static_cast<std::size_t>(below(text.size() + 1));
    const auto length = std::min<std::size_t>(text.size() - at, static_cast<std::size_t>(1 + below(16)));
    switch (below(8)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        break;
      case 1:
        if (at < text.size()) text[at] = static_cast<char>(below(256));
        break;
      case 2:
        text.erase(at, length);
        break;
      case 3:
        text.insert(at, text.substr(at, length));
        break;
      case 4:
        text.resize(at);
        break;
      case 5:
        text.replace(at, length, words_[static_cast<std::size_t>(below(words_.size()))]);
        break;
      case 6:
        text.insert(at, words_[static_cast<std::size_t>(below(words_.size()))]);
        break;
      default: {
        const auto from = static_cast<std::size_t>(below(other.size() + 1));
        text.replace(at, length, other.substr(from, static_cast<std::size_t>(below(64))));
      }
    }
  }

  std::mt19937 random_;
  std::vector<std::string> words_;
};

/// Runs `read` on mutants of the seeds. Refusals must be one line of readable length.
template <class Read>
void fuzz(const std::vector<std::string>& seeds, const std::vector<std::string>& words, int rounds, const Read& read) {
  constexpr std::size_t longest_message = 1000;
  Mutator mutator(20'26, words);
  int taken = 0;
  for (int round = 0; round < fuzz_rounds(rounds); ++round) {
    for (const std::string& seed : seeds) {
      const std::string& other = seeds[static_cast<std::size_t>(mutator.below(seeds.size()))];
      const std::string text = mutator.mutant(seed, other);
      try {
        read(text);
        ++taken;
      } catch (const UsageError& error) {
        EXPECT_EQ(error.message().find('\n'), std::string::npos) << testing::PrintToString(text) << "\n" << error.message();
        EXPECT_LT(error.message().size(), longest_message) << testing::PrintToString(text);
      } catch (const std::exception& error) {
        ADD_FAILURE() << error.what() << " for " << testing::PrintToString(text);
      }
      if (testing::Test::HasFailure()) return;
    }
  }
  // Mutants that are all refused at the first byte would test nothing.
  EXPECT_GT(taken, 0);
}

}  // namespace tilegrid::test
