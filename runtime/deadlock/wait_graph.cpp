// SPDX-License-Identifier: Apache-2.0
#include "runtime/deadlock/wait_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <set>

#include "core/l1.h"

namespace tilegrid {
namespace {

const BlockedBuffer* buffer_of(const WaitGraph::Kernel& kernel) {
  for (const BlockedBuffer& buffer : kernel.report->buffers) {
    if (buffer.id == static_cast<int>(kernel.state->id)) return &buffer;
  }
  return nullptr;
}

/// The kernels that have pushed, popped or written the object so far, as core * risc_count + RISC.
std::vector<int> named(const WaitGraph::Kernel& kernel) {
  std::vector<int> issuers;
  const BlockReason reason = kernel.state->reason;
  if (reason == BlockReason::semaphore) {
    for (const BlockedSemaphore& semaphore : kernel.report->semaphores) {
      if (semaphore.offset == kernel.state->id) issuers = semaphore.writers;
    }
    // The waiting kernel's own writes do not count: it only clears the semaphore.
    std::erase(issuers, kernel.core * risc_count + to_underlying(kernel.state->risc));
    return issuers;
  }
  const BlockedBuffer* buffer = buffer_of(kernel);
  if (buffer == nullptr || (reason != BlockReason::cb_empty && reason != BlockReason::cb_full)) return issuers;
  const unsigned mask = reason == BlockReason::cb_empty ? buffer->pushed_by : buffer->popped_by;
  for (int risc = 0; risc < risc_count; ++risc) {
    if ((mask >> risc & 1U) != 0) issuers.push_back(kernel.core * risc_count + risc);
  }
  return issuers;
}

}  // namespace

std::string object_of(const WaitGraph::Kernel& kernel) {
  const std::uint32_t id = kernel.state->id;
  if (id == loop_over_memory) return "a loop over memory";
  switch (kernel.state->reason) {
    case BlockReason::cb_empty:
    case BlockReason::cb_full: {
      const BlockedBuffer* buffer = buffer_of(kernel);
      return fmt::format("CB {} '{}'", id, buffer == nullptr ? "" : buffer->role);
    }
    case BlockReason::semaphore:
      if (const auto semaphore = semaphore_at(id)) return fmt::format("semaphore {}", *semaphore);
      return fmt::format("the word at L1 {}", id);
    default:
      return fmt::format("NoC {}", id);
  }
}

std::string wait_of(const WaitGraph::Kernel& kernel) {
  const BlockedKernel& state = *kernel.state;
  const auto pages = [&] { return fmt::format("{} page{}", state.needed, state.needed == 1 ? "" : "s"); };
  switch (state.reason) {
    case BlockReason::cb_empty:
      return fmt::format("{} of {} ({} there)", pages(), object_of(kernel), state.present);
    case BlockReason::cb_full:
      return fmt::format("room for {} in {} ({} free)", pages(), object_of(kernel), state.present);
    case BlockReason::semaphore:
      return fmt::format("{} to reach {} (it is {})", object_of(kernel), state.needed, state.present);
    default:
      return fmt::format("{} on {} ({} outstanding)", name_of(state.reason), object_of(kernel), state.needed);
  }
}

WaitGraph::WaitGraph(const std::vector<BlockedReport>& reports) {
  for (const BlockedReport& report : reports) {
    for (const BlockedKernel& state : report.kernels) {
      by_issuer_[report.core * risc_count + to_underlying(state.risc)] = kernels_.size();
      kernels_.push_back({report.core, &state, &report, {}, false});
    }
  }
  for (Kernel& kernel : kernels_) {
    if (!kernel.state->finished) connect(kernel);
  }
}

void WaitGraph::connect(Kernel& kernel) const {
  for (const int issuer : named(kernel)) {
    const auto found = by_issuer_.find(issuer);
    if (found != by_issuer_.end()) kernel.from.push_back(found->second);
  }
  kernel.known = !kernel.from.empty();
  if (kernel.known || (kernel.state->reason != BlockReason::cb_empty && kernel.state->reason != BlockReason::cb_full))
    return;
  for (const Risc risc : each<Risc>) {
    const auto found = by_issuer_.find(kernel.core * risc_count + to_underlying(risc));
    if (found != by_issuer_.end() && risc != kernel.state->risc) kernel.from.push_back(found->second);
  }
}

WaitGraph::Cycle WaitGraph::shortest(std::size_t start, bool guess) const {
  std::map<std::size_t, std::size_t> before;  // by kernel: who waits for it on the way from the start
  std::deque<std::size_t> reached{start};
  while (!reached.empty()) {
    const std::size_t at = reached.front();
    reached.pop_front();
    if (!kernels_[at].known && !guess) continue;
    for (const std::size_t next : kernels_[at].from) {
      if (kernels_[next].state->finished || before.contains(next)) continue;
      before[next] = at;
      if (next != start) {
        reached.push_back(next);
        continue;
      }
      Cycle cycle;
      for (std::size_t step = at; step != start; step = before.at(step)) cycle.push_back(step);
      cycle.push_back(start);
      std::reverse(cycle.begin(), cycle.end());
      return cycle;
    }
  }
  return {};
}

std::vector<WaitGraph::Cycle> WaitGraph::cycles() const {
  std::vector<Cycle> found;
  for (const bool guess : {false, true}) {
    std::set<std::size_t> in_one;
    for (std::size_t kernel = 0; kernel < kernels_.size(); ++kernel) {
      if (kernels_[kernel].state->finished || in_one.contains(kernel)) continue;
      Cycle cycle = shortest(kernel, guess);
      if (cycle.empty()) continue;
      in_one.insert(cycle.begin(), cycle.end());
      found.push_back(std::move(cycle));
    }
    if (!found.empty()) break;
  }
  return found;
}

}  // namespace tilegrid
