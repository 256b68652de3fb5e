// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/deadlock/blocked_report.h"

namespace tilegrid {

/// Who waits for whom in a program that has deadlocked.
///
/// Whose part it is: of a buffer the RISCs of the core that have pushed (popped) so far, of a semaphore those that have
/// written it so far, from any core. Where nobody has, of a buffer all other kernels of the core may be meant, and of a
/// semaphore nobody is known: its address can be in anybody's arguments.
class WaitGraph {
 public:
  struct Kernel {
    int core = 0;
    const BlockedKernel* state = nullptr;
    const BlockedReport* report = nullptr;
    std::vector<std::size_t> from;  ///< kernels whose part it is what this one waits for, blocked or finished
    bool known = false;             ///< they have done it before
  };
  /// A kernel of each step waits for the one of the next, and the last for the first.
  using Cycle = std::vector<std::size_t>;

  /// `reports` in the order of cores; must outlive the graph.
  explicit WaitGraph(const std::vector<BlockedReport>& reports);

  [[nodiscard]] const std::vector<Kernel>& kernels() const { return kernels_; }
  /// A shortest cycle through every kernel that is in one and in no other of the list, each from its first kernel on. Only
  /// when there is none do guesses about whose part it is count.
  [[nodiscard]] std::vector<Cycle> cycles() const;

 private:
  void connect(Kernel& kernel) const;
  [[nodiscard]] Cycle shortest(std::size_t start, bool guess) const;

  std::vector<Kernel> kernels_;           ///< by core and RISC
  std::map<int, std::size_t> by_issuer_;  ///< core * risc_count + RISC
};

/// "CB 1 'k'", "semaphore 0", "the word at L1 1234", "NoC 1".
[[nodiscard]] std::string object_of(const WaitGraph::Kernel& kernel);
/// What it waits for, e.g. "2 pages of CB 1 'k' (1 there)".
[[nodiscard]] std::string wait_of(const WaitGraph::Kernel& kernel);

}  // namespace tilegrid
