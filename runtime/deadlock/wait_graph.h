// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/deadlock/blocked_report.h"

namespace tilegrid {

/// Who waits for whom in a program that has deadlocked.
///
/// Who could end a wait? For a circular buffer the RISCs of the core that have pushed to it (popped from it) so far; for a
/// semaphore those of any core that have written it so far. When none has: for a buffer any other kernel of the core may be
/// meant; for a semaphore nobody is known, as its address can be in anybody's arguments.
class WaitGraph {
 public:
  struct Kernel {
    int core = 0;
    const BlockedKernel* state = nullptr;
    const BlockedReport* report = nullptr;
    std::vector<std::size_t> from;  ///< kernels that could end this one's wait, blocked or finished
    bool known = false;             ///< those have done it before; else they are a guess
  };
  /// A kernel of each step waits for the one of the next, and the last for the first.
  using Cycle = std::vector<std::size_t>;

  /// `reports` in the order of cores; must outlive the graph.
  explicit WaitGraph(const std::vector<BlockedReport>& reports);

  [[nodiscard]] const std::vector<Kernel>& kernels() const { return kernels_; }
  /// For every kernel that waits in a circle and is in none of the cycles listed before, a shortest one through it; each
  /// begins with its first kernel. Guesses about who could end a wait are used only when there is no cycle without them.
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
