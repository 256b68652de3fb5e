// SPDX-License-Identifier: Apache-2.0
#include "runtime/deadlock/suspects.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "core/l1.h"
#include "noc/core_ranges.h"
#include "runtime/deadlock/deadlock_report.h"

namespace tilegrid {
namespace {

bool on_buffer(const WaitGraph::Kernel& kernel) {
  return kernel.state->reason == BlockReason::cb_empty || kernel.state->reason == BlockReason::cb_full;
}

bool on_semaphore(const WaitGraph::Kernel& kernel) {
  return kernel.state->reason == BlockReason::semaphore && semaphore_at(kernel.state->id).has_value();
}

/// The finished kernels that should have ended the wait of `kernel`, or that may be meant.
std::vector<const WaitGraph::Kernel*> finished_for(const WaitGraph& graph, const WaitGraph::Kernel& kernel) {
  std::vector<const WaitGraph::Kernel*> finished;
  if (!kernel.known && !on_buffer(kernel)) {  // a semaphore nobody has written: any finished kernel may be meant
    for (const WaitGraph::Kernel& other : graph.kernels()) {
      if (other.state->finished) finished.push_back(&other);
    }
    return finished;
  }
  for (const std::size_t other : kernel.from) {
    if (graph.kernels()[other].state->finished) finished.push_back(&graph.kernels()[other]);
  }
  return finished;
}

/// Whether a kernel that could end the wait is still running.
bool has_hope(const WaitGraph& graph, const WaitGraph::Kernel& kernel) {
  return std::any_of(kernel.from.begin(), kernel.from.end(),
                     [&](std::size_t other) { return !graph.kernels()[other].state->finished; });
}

/// What nobody has done to the object; empty when somebody has.
std::string never_done(const WaitGraph::Kernel& kernel) {
  if (kernel.known) return "";
  switch (kernel.state->reason) {
    case BlockReason::cb_empty:
      return "pushed by another kernel";
    case BlockReason::cb_full:
      return "popped by another kernel";
    default:
      return "written by another kernel";
  }
}

using Key = std::tuple<Risc, std::string, std::string, std::string, bool>;

struct Cores {
  std::vector<int> waiting;
  std::map<std::pair<Risc, std::string>, std::vector<int>> finished;
};

void add_core(std::vector<int>& cores, int core) {
  const auto at = std::lower_bound(cores.begin(), cores.end(), core);
  if (at == cores.end() || *at != core) cores.insert(at, core);
}

std::string group_text(const KernelGroup& group, GridSize grid) {
  return fmt::format("{} {} on {}", name_of(group.risc), group.name, describe_cores(group.cores, grid));
}

}  // namespace

std::vector<Suspicion> suspicions_of(const WaitGraph& graph) {
  std::map<Key, Cores> by_key;
  for (const WaitGraph::Kernel& kernel : graph.kernels()) {
    // Words that are no semaphores are left out: it is not recorded who writes them.
    const bool waits = !kernel.state->finished && (on_buffer(kernel) || on_semaphore(kernel));
    if (!waits || has_hope(graph, kernel)) continue;
    const auto finished = finished_for(graph, kernel);
    Cores& cores = by_key[{kernel.state->risc, kernel.state->name, object_of(kernel), never_done(kernel), finished.empty()}];
    add_core(cores.waiting, kernel.core);
    for (const WaitGraph::Kernel* other : finished) {
      add_core(cores.finished[{other->state->risc, other->state->name}], other->core);
    }
  }
  std::vector<Suspicion> suspicions;
  for (const auto& [key, cores] : by_key) {
    const auto& [risc, name, object, never, none] = key;
    Suspicion& suspicion = suspicions.emplace_back(Suspicion{{risc, name, cores.waiting}, object, never, {}});
    for (const auto& [kernel, at] : cores.finished) suspicion.finished.push_back({kernel.first, kernel.second, at});
  }
  std::stable_sort(suspicions.begin(), suspicions.end(),
                   [](const Suspicion& a, const Suspicion& b) { return a.waiting.cores < b.waiting.cores; });
  return suspicions;
}

std::string suspicion_text(const Suspicion& suspicion, GridSize grid) {
  constexpr std::size_t most_groups = 4;
  std::vector<std::string> finished;
  for (const KernelGroup& group : suspicion.finished) finished.push_back(group_text(group, grid));
  if (finished.size() > most_groups) {
    const std::size_t more = finished.size() - most_groups;
    finished.resize(most_groups);
    finished.push_back(fmt::format("{} more", more));
  }
  const std::string who = fmt::format("{}", fmt::join(finished, ", "));
  const std::string waiting = group_text(suspicion.waiting, grid);
  if (suspicion.never.empty()) return fmt::format("{} has finished; {} needs {} from it", who, waiting, suspicion.object);
  const std::string never = fmt::format("{} that {} needs was never {}", suspicion.object, waiting, suspicion.never);
  if (!finished.empty()) return fmt::format("{}; finished: {}", never, who);
  return never + (suspicion.object.starts_with("CB") ? "; no other kernel runs there" : "; no kernel has finished");
}

}  // namespace tilegrid
