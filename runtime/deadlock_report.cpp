// SPDX-License-Identifier: Apache-2.0
#include "runtime/deadlock_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "kernels/api/context.h"

namespace tilegrid {
namespace {

std::uint32_t semaphore_value(const Core& core, std::uint32_t offset) {
  std::uint32_t value = 0;
  std::memcpy(&value, l1_pointer(core.l1_base + offset), sizeof value);
  return value;
}

std::string semaphore_name(std::uint32_t offset) {
  if (offset < l1_semaphore_base || offset >= l1_semaphore_base + max_semaphores * semaphore_bytes) {
    return fmt::format("the word at L1 {}", offset);
  }
  return fmt::format("semaphore {}", (offset - l1_semaphore_base) / semaphore_bytes);
}

std::string waited_for(const Core& core, const Fiber& fiber) {
  const WaitFor& wait = fiber.waits_for();
  switch (wait.reason) {
    case BlockReason::cb_empty: {
      const CircularBuffer& cb = core.cbs[wait.id];
      return fmt::format("cb_wait_front: CB {} '{}' needs {} pages, has {}", cb.id(), cb.role(), wait.needed, cb.held());
    }
    case BlockReason::cb_full: {
      const CircularBuffer& cb = core.cbs[wait.id];
      return fmt::format("cb_reserve_back: CB {} '{}' needs {} free pages, has {}", cb.id(), cb.role(), wait.needed,
                         cb.pages() - cb.held());
    }
    case BlockReason::semaphore:
      return fmt::format("noc_semaphore_wait: {} needs {}, has {}", semaphore_name(wait.id), wait.needed,
                         semaphore_value(core, wait.id));
    default:
      return fmt::format("{} on NoC {}: {} outstanding", name_of(wait.reason), wait.id, wait.needed);
  }
}

}  // namespace

std::vector<BlockedReport> blocked_kernels(const noc::Node& node, const Program& program) {
  std::vector<BlockedReport> reports;
  std::set<int> cores_with_blocked;
  for (const auto& fiber : node.scheduler().fibers()) {
    if (fiber->finished() || !fiber->blocked()) continue;
    const auto& kernel = *static_cast<const KernelContext*>(fiber->local());
    reports.push_back({fiber->core(), static_cast<int>(fiber->risc()),
                       fmt::format("{} {} at {}:{} waits in {}", name_of(fiber->risc()), kernel.kernel_name,
                                   kernel.where.file, kernel.where.line, waited_for(*kernel.core, *fiber))});
    cores_with_blocked.insert(fiber->core());
  }
  for (const auto& core : node.cores()) {
    if (!cores_with_blocked.contains(core->index)) continue;
    std::string buffers;
    for (const CircularBuffer& cb : core->cbs) {
      if (!cb.configured()) continue;
      buffers += fmt::format("{}{} '{}' {}/{} (pushed {}, popped {})", buffers.empty() ? "" : "; ", cb.id(), cb.role(),
                             cb.held(), cb.pages(), cb.received(), cb.acked());
    }
    if (!buffers.empty()) reports.push_back({core->index, risc_count, "CBs: " + buffers});
    std::string semaphores;
    for (std::uint32_t i = 0; i < program.semaphores.size(); ++i) {
      semaphores += fmt::format("{}{}={}", semaphores.empty() ? "" : ", ", i,
                                semaphore_value(*core, l1_semaphore_base + i * semaphore_bytes));
    }
    if (!semaphores.empty()) reports.push_back({core->index, risc_count + 1, "semaphores: " + semaphores});
  }
  return reports;
}

std::string describe_cores(std::vector<int> cores, GridSize grid) {
  if (static_cast<int>(cores.size()) == grid.cores() && cores.size() > 1) return "all cores";
  std::set<int> left(cores.begin(), cores.end());
  std::string text;
  while (!left.empty()) {
    // Greedy: the widest run in the first row, then as many rows as hold the same run.
    const LogicalCore first = grid.core(*left.begin());
    LogicalCore last = first;
    while (last.x + 1 < grid.x && left.contains(grid.index({last.x + 1, first.y}))) ++last.x;
    const auto row_full = [&](int y) {
      for (int x = first.x; x <= last.x; ++x) {
        if (!left.contains(grid.index({x, y}))) return false;
      }
      return true;
    };
    while (last.y + 1 < grid.y && row_full(last.y + 1)) ++last.y;
    for (int y = first.y; y <= last.y; ++y) {
      for (int x = first.x; x <= last.x; ++x) left.erase(grid.index({x, y}));
    }
    if (!text.empty()) text += ", ";
    text += first == last ? fmt::format("({},{})", first.x, first.y)
                          : fmt::format("({},{})-({},{})", first.x, first.y, last.x, last.y);
  }
  return text;
}

std::string deadlock_text(const std::vector<BlockedReport>& blocked, GridSize grid) {
  // Cores whose whole state reads the same are one entry.
  std::map<int, std::vector<std::string>> state_of_core;
  std::vector<BlockedReport> sorted = blocked;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return std::pair(a.core, a.order) < std::pair(b.core, b.order); });
  std::size_t kernels = 0;
  for (const BlockedReport& report : sorted) {
    state_of_core[report.core].push_back(report.text);
    if (report.order < risc_count) ++kernels;
  }
  std::map<std::vector<std::string>, std::vector<int>> cores_by_state;
  for (const auto& [core, state] : state_of_core) cores_by_state[state].push_back(core);
  std::vector<std::pair<std::vector<int>, std::vector<std::string>>> entries;
  entries.reserve(cores_by_state.size());
  for (const auto& [state, cores] : cores_by_state) entries.emplace_back(cores, state);
  std::sort(entries.begin(), entries.end());

  std::string text =
      fmt::format("deadlock · {} kernels on {} cores are blocked: no kernel can run and no message is under way", kernels,
                  state_of_core.size());
  for (const auto& [cores, state] : entries) {
    const std::string where = describe_cores(cores, grid);
    const char* noun = where.front() != '(' ? "" : cores.size() == 1 ? "core " : "cores ";
    text += fmt::format("\n  {}{}:", noun, where);
    for (const std::string& line : state) text += "\n    " + line;
  }
  return text;
}

}  // namespace tilegrid
