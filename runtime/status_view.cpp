// SPDX-License-Identifier: Apache-2.0
#include "runtime/status_view.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "core/l1.h"
#include "noc/core_ranges.h"
#include "runtime/deadlock/wait_graph.h"

namespace tilegrid {
namespace {

/// Different states of cores that are told in words.
constexpr std::size_t most_states = 6;

/// A kernel in a few letters; notes in `used` which sorts there are.
std::string mark_of(const BlockedKernel& kernel, std::set<char>& used) {
  std::string mark;
  if (kernel.finished) {
    mark = "-";
  } else if (kernel.running) {
    mark = "R";
  } else if (kernel.id == loop_over_memory) {
    mark = "~";
  } else {
    switch (kernel.reason) {
      case BlockReason::cb_empty:
        mark = fmt::format("<{}", kernel.id);
        break;
      case BlockReason::cb_full:
        mark = fmt::format(">{}", kernel.id);
        break;
      case BlockReason::semaphore: {
        const std::optional<std::uint32_t> semaphore = semaphore_at(kernel.id);
        mark = semaphore ? fmt::format("s{}", *semaphore) : "w";
        break;
      }
      case BlockReason::read_barrier:
        mark = "r";
        break;
      case BlockReason::write_barrier:
        mark = "W";
        break;
      case BlockReason::atomic_barrier:
        mark = "a";
        break;
      case BlockReason::dst:
        mark = "d";
        break;
    }
  }
  used.insert(mark.front());
  return mark;
}

std::string legend(const std::set<char>& used) {
  static constexpr std::array<std::pair<char, const char*>, 11> meanings{{{'R', "R runs"},
                                                                          {'<', "<N waits for pages of CB N"},
                                                                          {'>', ">N for room in CB N"},
                                                                          {'s', "sN for semaphore N"},
                                                                          {'w', "w for another word"},
                                                                          {'~', "~ looks at memory"},
                                                                          {'r', "r for reads"},
                                                                          {'W', "W for writes"},
                                                                          {'a', "a for atomics"},
                                                                          {'d', "d for DST"},
                                                                          {'-', "- has ended"}}};
  std::string text = "  each core: its kernels on BRISC, NCRISC, TRISC";
  for (const auto& [letter, meaning] : meanings) {
    if (used.contains(letter)) text += fmt::format("; {}", meaning);
  }
  return text + "\n";
}

/// Rows of cells, each as wide as the widest, with the numbers of rows and columns.
std::string grid_text(const std::vector<std::string>& cells, GridSize grid) {
  std::size_t width = 2;
  for (const std::string& cell : cells) width = std::max(width, cell.size());
  std::string text = "    y\\x";
  for (int x = 0; x < grid.x; ++x) text += fmt::format(" {:>{}}", x, width);
  for (int y = 0; y < grid.y; ++y) {
    text += fmt::format("\n  {:>5}", y);
    for (int x = 0; x < grid.x; ++x) text += fmt::format(" {:>{}}", cells[grid.index({x, y})], width);
  }
  return text + "\n";
}

std::string state_of(const BlockedReport& core, const BlockedKernel& kernel) {
  std::string text = fmt::format("{} {}", name_of(kernel.risc), kernel.name);
  if (kernel.finished) return text + " has ended";
  if (!kernel.waypoint.empty()) text += fmt::format(" past {}", kernel.waypoint);
  if (!kernel.file.empty()) text += fmt::format(" at {}:{}", kernel.file, kernel.line);
  if (kernel.running) return text + " runs";
  if (kernel.id == loop_over_memory) return text + " looks at memory again and again";
  return fmt::format("{} waits for {}", text, wait_of({core.core, &kernel, &core, {}, false}));
}

/// The states that most cores are in.
std::string states_text(const std::vector<BlockedReport>& cores, GridSize grid) {
  std::map<std::string, std::vector<int>> by_state;
  for (const BlockedReport& core : cores) {
    std::string state;
    for (const BlockedKernel& kernel : core.kernels) state += fmt::format("\n    {}", state_of(core, kernel));
    by_state[state].push_back(core.core);
  }
  std::vector<std::pair<std::string, std::vector<int>>> states(by_state.begin(), by_state.end());
  std::stable_sort(states.begin(), states.end(), [](const auto& a, const auto& b) {
    return a.second.size() != b.second.size() ? a.second.size() > b.second.size() : a.second < b.second;
  });
  std::string text;
  for (std::size_t i = 0; i < std::min(states.size(), most_states); ++i) {
    text += fmt::format("  {}:{}\n", describe_cores(states[i].second, grid), states[i].first);
  }
  if (states.size() > most_states) text += fmt::format("  {} more states\n", states.size() - most_states);
  return text;
}

std::string products_text(const std::vector<BlockedReport>& cores, GridSize grid) {
  std::vector<std::string> cells(grid.cores(), ".");
  std::uint64_t sum = 0;
  for (const BlockedReport& core : cores) {
    cells.at(core.core) = fmt::format("{}", core.products);
    sum += core.products;
  }
  return sum == 0 ? "" : fmt::format("  tile multiplications so far, {} in all\n{}", sum, grid_text(cells, grid));
}

}  // namespace

std::string status_text(const std::vector<BlockedReport>& cores, GridSize grid, const std::string& program, double seconds) {
  std::size_t ended = 0, running = 0, waiting = 0;
  std::set<char> used;
  std::vector<std::string> cells(grid.cores(), ".");
  for (const BlockedReport& core : cores) {
    std::string cell;
    for (const BlockedKernel& kernel : core.kernels) {
      if (!cell.empty()) cell += '/';
      cell += mark_of(kernel, used);
      ++(kernel.finished ? ended : kernel.running ? running : waiting);
    }
    cells.at(core.core) = cell;
  }
  return fmt::format("tilegrid: {} after {:.1f} s; kernels: {} running, {} waiting, {} ended\n", program, seconds, running,
                     waiting, ended) +
         grid_text(cells, grid) + legend(used) + states_text(cores, grid) + products_text(cores, grid);
}

void StatusView::show(const std::vector<BlockedReport>& cores) {
  clear();
  const std::string text = status_text(cores, grid_, program_, watch_.seconds());
  lines_ = std::count(text.begin(), text.end(), '\n');
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

void StatusView::clear() {
  if (lines_ == 0 || isatty(STDERR_FILENO) != 1) return;
  std::fputs(fmt::format("\x1b[{}A\x1b[J", std::exchange(lines_, 0)).c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace tilegrid
