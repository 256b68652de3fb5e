// SPDX-License-Identifier: Apache-2.0
#include "runtime/deadlock/deadlock_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <tuple>

#include "kernels/metalium/foreign_kernel.h"
#include "noc/core_ranges.h"
#include "runtime/deadlock/suspects.h"
#include "runtime/deadlock/wait_graph.h"
#include "runtime/jit/loader.h"

namespace tilegrid {
namespace {

/// Different states of cores, cycles and suspects that the text shows; JSON has all.
constexpr std::size_t most_states = 20;
constexpr std::size_t most_cycles = 3;
constexpr std::size_t most_suspects = 8;
/// Of a long cycle only so many steps are shown at its beginning and at its end.
constexpr std::size_t steps_at_an_end = 4;

std::uint32_t word_at(const Core& core, std::uint32_t offset) {
  std::uint32_t value = 0;
  std::memcpy(&value, l1_pointer(core.l1_base + offset), sizeof value);
  return value;
}

std::uint64_t present(const Core& core, const WaitFor& wait) {
  switch (wait.reason) {
    case BlockReason::cb_empty:
      return core.cbs[wait.id].held();
    case BlockReason::cb_full:
      return core.cbs[wait.id].pages() - core.cbs[wait.id].held();
    case BlockReason::semaphore:
      return word_at(core, wait.id);
    default:
      return 0;
  }
}

BlockedReport state_of(const Core& core, std::size_t semaphores) {
  BlockedReport report;
  report.core = core.index;
  report.products = core.counters.tiles[TileOp::matmul];
  for (const CircularBuffer& cb : core.cbs) {
    if (!cb.configured()) continue;
    report.buffers.push_back({cb.id(), cb.role(), cb.pages(), cb.received(), cb.acked(), cb.pushed_by, cb.popped_by});
  }
  for (std::uint32_t id = 0; id < semaphores; ++id) {
    const std::uint32_t offset = l1_semaphore_base + id * semaphore_bytes;
    BlockedSemaphore& semaphore = report.semaphores.emplace_back();
    semaphore.offset = offset;
    semaphore.value = word_at(core, offset);
    for (const Issuer writer : core.semaphore_sources.at(id).writers) {
      semaphore.writers.push_back(writer.core * risc_count + to_underlying(writer.risc));
    }
    std::sort(semaphore.writers.begin(), semaphore.writers.end());
  }
  return report;
}

/// A kernel that looks at memory again and again: where, as far as it is known, not at what.
void set_loop(BlockedKernel& state, const KernelContext& kernel) {
  state.reason = BlockReason::semaphore;
  state.id = loop_over_memory;
  if (kernel.foreign == nullptr || kernel.foreign->spins_at == nullptr) return;
  const std::string place = jit::line_of_code(kernel.foreign->spins_at);
  const std::size_t colon = place.rfind(':');
  if (colon == std::string::npos) return;
  state.file = place.substr(0, colon);
  state.line = static_cast<unsigned>(std::strtoul(place.c_str() + colon + 1, nullptr, 10));
}

/// Adds a word of L1 that a kernel waits for and that is no semaphore of the program.
void add_word(BlockedReport& report, const Core& core, std::uint32_t offset) {
  const auto same = [offset](const BlockedSemaphore& semaphore) { return semaphore.offset == offset; };
  if (std::any_of(report.semaphores.begin(), report.semaphores.end(), same)) return;
  report.semaphores.push_back({offset, word_at(core, offset), {}});
}

}  // namespace

std::vector<BlockedReport> states_of_kernels(const noc::Node& node, const Program& program) {
  std::map<int, BlockedReport> by_core;
  for (const auto& fiber : node.scheduler().fibers()) {
    const KernelContext& kernel = kernel_of(*fiber);
    const Core& core = *kernel.core;
    const auto report = by_core.try_emplace(core.index).first;
    if (report->second.kernels.empty()) report->second = state_of(core, semaphores_of(program).size());
    BlockedKernel& state = report->second.kernels.emplace_back();
    state.risc = kernel.risc;
    state.name = kernel.kernel_name;
    state.finished = fiber->finished();
    if (state.finished) continue;
    state.waypoint = kernel.waypoint;
    state.running = !fiber->blocked();
    const WaitFor& wait = fiber->waits_for();
    state.file = kernel.where.file;
    state.line = kernel.where.line;
    if (state.running) continue;
    state.reason = wait.reason;
    state.id = wait.id;
    state.needed = wait.needed;
    if (fiber->spinning()) {
      set_loop(state, kernel);
      continue;
    }
    state.present = present(core, wait);
    if (wait.reason == BlockReason::semaphore) add_word(report->second, core, wait.id);
  }
  std::vector<BlockedReport> reports;
  for (auto& [core, report] : by_core) {
    std::sort(report.kernels.begin(), report.kernels.end(),
              [](const BlockedKernel& a, const BlockedKernel& b) { return a.risc < b.risc; });
    reports.push_back(std::move(report));
  }
  return reports;
}

namespace {

using Kernels = std::vector<WaitGraph::Kernel>;

std::string call_of(BlockReason reason) {
  switch (reason) {
    case BlockReason::cb_empty:
      return "cb_wait_front: ";
    case BlockReason::cb_full:
      return "cb_reserve_back: ";
    case BlockReason::semaphore:
      return "noc_semaphore_wait: ";
    default:
      return "";
  }
}

std::string needs_of(const WaitGraph::Kernel& kernel) {
  const BlockedKernel& state = *kernel.state;
  if (state.id == loop_over_memory) return "a loop over memory, which nothing changes any more";
  switch (state.reason) {
    case BlockReason::cb_empty:
      return fmt::format("{} needs {} pages, has {}", object_of(kernel), state.needed, state.present);
    case BlockReason::cb_full:
      return fmt::format("{} needs {} free pages, has {}", object_of(kernel), state.needed, state.present);
    case BlockReason::semaphore:
      return fmt::format("{} needs {}, has {}", object_of(kernel), state.needed, state.present);
    default:
      return fmt::format("{} on {}: {} outstanding", name_of(state.reason), object_of(kernel), state.needed);
  }
}

/// The whole state of a core without its coordinates, so that cores with equal states can be merged.
std::vector<std::string> state_lines(const BlockedReport& report) {
  std::vector<std::string> lines;
  for (const BlockedKernel& state : report.kernels) {
    if (state.finished) {
      lines.push_back(fmt::format("{} {} has finished", name_of(state.risc), state.name));
      continue;
    }
    const WaitGraph::Kernel kernel{report.core, &state, &report, {}, false};
    const std::string waits =
        fmt::format("waits in {}{}", state.id == loop_over_memory ? "" : call_of(state.reason), needs_of(kernel));
    lines.push_back(fmt::format("{} {} at {}:{}{} {}", name_of(state.risc), state.name, state.file, state.line,
                                state.waypoint.empty() ? "" : fmt::format(" (waypoint {})", state.waypoint),
                                state.running ? "runs" : waits));
  }
  std::vector<std::string> buffers;
  for (const BlockedBuffer& cb : report.buffers) {
    buffers.push_back(fmt::format("{} '{}' {}/{} (pushed {}, popped {})", cb.id, cb.role, cb.pushed - cb.popped, cb.pages,
                                  cb.pushed, cb.popped));
  }
  if (!buffers.empty()) lines.push_back(fmt::format("CBs: {}", fmt::join(buffers, "; ")));
  std::vector<std::string> semaphores;
  for (const BlockedSemaphore& semaphore : report.semaphores) {
    constexpr std::uint32_t end = l1_semaphore_base + max_semaphores * semaphore_bytes;
    if (semaphore.offset < l1_semaphore_base || semaphore.offset >= end) continue;
    semaphores.push_back(fmt::format("{}={}", (semaphore.offset - l1_semaphore_base) / semaphore_bytes, semaphore.value));
  }
  if (!semaphores.empty()) lines.push_back(fmt::format("semaphores: {}", fmt::join(semaphores, ", ")));
  return lines;
}

bool is_blocked(const BlockedReport& report) {
  return std::any_of(report.kernels.begin(), report.kernels.end(), [](const auto& kernel) { return !kernel.finished; });
}

std::string with_noun(const std::vector<int>& cores, GridSize grid) {
  const std::string where = describe_cores(cores, grid);
  return (where.front() != '(' ? "" : cores.size() == 1 ? "core " : "cores ") + where;
}

std::string states_text(const std::vector<BlockedReport>& reports, GridSize grid) {
  std::map<std::vector<std::string>, std::vector<int>> cores_by_state;
  for (const BlockedReport& report : reports) {
    if (is_blocked(report)) cores_by_state[state_lines(report)].push_back(report.core);
  }
  std::vector<std::pair<std::vector<int>, std::vector<std::string>>> entries;
  entries.reserve(cores_by_state.size());
  for (const auto& [state, cores] : cores_by_state) entries.emplace_back(cores, state);
  std::sort(entries.begin(), entries.end());
  std::string text;
  std::vector<int> rest;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& [cores, state] = entries[i];
    if (i >= most_states) {
      rest.insert(rest.end(), cores.begin(), cores.end());
      continue;
    }
    text += fmt::format("\n  {}:", with_noun(cores, grid));
    for (const std::string& line : state) text += "\n    " + line;
  }
  if (rest.empty()) return text;
  return text + fmt::format("\n  {} in {} more states", with_noun(rest, grid), entries.size() - most_states);
}

/// The kernel's name, with its core's coordinates unless it is on the core `seen_from`.
std::string kernel_name(const Kernels& kernels, std::size_t index, int seen_from, GridSize grid) {
  const WaitGraph::Kernel& kernel = kernels[index];
  const LogicalCore at = grid.core(kernel.core);
  const std::string core = kernel.core == seen_from ? "" : fmt::format("({},{}) ", at.x, at.y);
  return fmt::format("{}{} {}", core, name_of(kernel.state->risc), kernel.state->name);
}

std::string step_text(const Kernels& kernels, std::size_t at, std::size_t next, int seen_from, GridSize grid) {
  const WaitGraph::Kernel& kernel = kernels[at];
  std::string text = fmt::format("waits for {} from {}", wait_of(kernel), kernel_name(kernels, next, seen_from, grid));
  if (!kernel.known) {
    text += kernel.state->reason == BlockReason::cb_empty ? " (nobody has pushed any)" : " (nobody has popped any)";
  }
  return text;
}

bool on_one_core(const Kernels& kernels, const WaitGraph::Cycle& cycle) {
  return std::all_of(cycle.begin(), cycle.end(),
                     [&](std::size_t kernel) { return kernels[kernel].core == kernels[cycle.front()].core; });
}

/// `seen_from`: a core whose coordinates are left out, -1 for none.
std::string cycle_text(const Kernels& kernels, const WaitGraph::Cycle& cycle, int seen_from, GridSize grid) {
  std::string text = kernel_name(kernels, cycle.front(), seen_from, grid) + " ";
  for (std::size_t i = 0; i < cycle.size(); ++i) {
    if (i == steps_at_an_end && cycle.size() > 2 * steps_at_an_end) {
      i = cycle.size() - steps_at_an_end;
      text += fmt::format(",\n    and so on over {} kernels", i - steps_at_an_end);
    }
    if (i != 0) text += ",\n    which ";
    text += step_text(kernels, cycle[i], cycle[(i + 1) % cycle.size()], seen_from, grid);
  }
  return text;
}

/// A cycle without its coordinates: equal for cycles that are the same but for where they are.
std::vector<std::tuple<int, int, std::string, std::string>> shape_of(const Kernels& kernels, const WaitGraph::Cycle& cycle,
                                                                     GridSize grid) {
  std::vector<std::tuple<int, int, std::string, std::string>> shape;
  const LogicalCore first = grid.core(kernels[cycle.front()].core);
  for (const std::size_t kernel : cycle) {
    const LogicalCore at = grid.core(kernels[kernel].core);
    shape.emplace_back(at.x - first.x, at.y - first.y, kernel_name(kernels, kernel, kernels[kernel].core, grid),
                       wait_of(kernels[kernel]));
  }
  return shape;
}

std::string cycles_text(const WaitGraph& graph, GridSize grid) {
  std::map<std::vector<std::tuple<int, int, std::string, std::string>>, std::vector<WaitGraph::Cycle>> by_shape;
  for (const WaitGraph::Cycle& cycle : graph.cycles()) by_shape[shape_of(graph.kernels(), cycle, grid)].push_back(cycle);
  std::vector<std::vector<WaitGraph::Cycle>> groups;
  groups.reserve(by_shape.size());
  for (auto& [shape, cycles] : by_shape) groups.push_back(std::move(cycles));
  std::sort(groups.begin(), groups.end());
  std::string text;
  for (std::size_t i = 0; i < std::min(groups.size(), most_cycles); ++i) {
    const WaitGraph::Cycle& first = groups[i].front();
    std::vector<int> cores;
    for (const WaitGraph::Cycle& cycle : groups[i]) cores.push_back(graph.kernels()[cycle.front()].core);
    if (on_one_core(graph.kernels(), first)) {
      text += fmt::format("\n  cycle on {}: {}", with_noun(cores, grid),
                          cycle_text(graph.kernels(), first, cores.front(), grid));
      continue;
    }
    text += "\n  cycle: " + cycle_text(graph.kernels(), first, -1, grid);
    if (cores.size() > 1) {
      text += fmt::format("\n    {} such cycles, from {}", cores.size(), describe_cores(cores, grid));
    }
  }
  if (groups.size() > most_cycles) text += fmt::format("\n  {} more cycles", groups.size() - most_cycles);
  return text;
}

std::string suspects_text(const WaitGraph& graph, GridSize grid) {
  std::string text;
  const std::vector<Suspicion> suspicions = suspicions_of(graph);
  for (std::size_t i = 0; i < std::min(suspicions.size(), most_suspects); ++i) {
    text += "\n  suspect: " + suspicion_text(suspicions[i], grid);
  }
  if (suspicions.size() > most_suspects) text += fmt::format("\n  {} more suspects", suspicions.size() - most_suspects);
  return text;
}

}  // namespace

std::string deadlock_headline(const std::vector<BlockedReport>& reports) {
  std::size_t kernels = 0;
  for (const BlockedReport& report : reports) {
    kernels +=
        std::count_if(report.kernels.begin(), report.kernels.end(), [](const auto& kernel) { return !kernel.finished; });
  }
  return fmt::format("deadlock · {} kernels on {} cores are blocked: no kernel can run and no message is under way", kernels,
                     std::count_if(reports.begin(), reports.end(), is_blocked));
}

std::string deadlock_text(const std::vector<BlockedReport>& reports, GridSize grid) {
  const WaitGraph graph(reports);
  return deadlock_headline(reports) + cycles_text(graph, grid) + suspects_text(graph, grid) + states_text(reports, grid);
}

}  // namespace tilegrid
