// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "runtime/protocol.h"

namespace tilegrid {

/// The ranks as a binomial tree with rank 0 at its top, so that no rank sends or hears more than log2(ranks) messages of
/// what goes to all or comes from all. A rank and what is below it are ranks that follow each other: rank 12 of 16 has 13
/// and 14, and 15 is below 14.
struct ControlTree {
  int rank = 0;
  int ranks = 1;

  /// One past the last rank below this one.
  [[nodiscard]] int end() const { return rank == 0 ? ranks : std::min(ranks, rank + lowest_bit()); }
  [[nodiscard]] int parent() const { return rank - lowest_bit(); }
  /// In order; what they and those below them are is [rank + 1, end()).
  [[nodiscard]] std::vector<int> children() const {
    std::vector<int> list;
    for (int step = 1; rank + step < end(); step *= 2) list.push_back(rank + step);
    return list;
  }

 private:
  [[nodiscard]] int lowest_bit() const { return rank & -rank; }
};

/// How far a rank and those below it are: each tells the rank above the sum.
class ProgressTree {
 public:
  void hear(int child, std::uint64_t done) { below_[child] = done; }
  [[nodiscard]] std::uint64_t sum(std::uint64_t own) const;

 private:
  std::map<int, std::uint64_t> below_;
};

/// Where the cores of a rank and of those below it stand: gathered on the way up, so that each rank sends one answer.
class LookTree {
 public:
  explicit LookTree(std::size_t children) : children_(children) {}
  /// The host has asked. Answers to earlier questions that are still missing are no longer waited for.
  void ask(std::uint32_t question, std::vector<BlockedReport> own);
  void hear(LookAnswer answer);
  /// The answer of all of them, once, when it is whole.
  [[nodiscard]] std::optional<LookAnswer> take();

 private:
  std::size_t children_;
  std::size_t missing_ = 0;
  bool asked_ = false;
  LookAnswer gathered_;
};

/// What a rank and those below it hand in. Logs are put together on the way: a block of events that many cores have
/// travels once.
struct GatheredResults {
  std::vector<RankResult> ranks;  ///< by rank; their logs are in `logs`
  RankLogs logs;                  ///< of all their cores
  /// Behind what is there come the results of the rank or subtree that follows.
  void append(RankResult result);
  void append(GatheredResults results);
  template <class Archive>
  void serialize(Archive& archive) {
    archive(ranks, logs);
  }
};

/// Sends each rank below this one its part of the launch, by way of this one's children.
void send_launch(ControlChannel& control, const LaunchCommand& command);

/// The results of this rank and all below it; blocks, serving, until they are there.
[[nodiscard]] GatheredResults gather_results(ControlChannel& control, RankResult own);

}  // namespace tilegrid
