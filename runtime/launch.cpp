// SPDX-License-Identifier: Apache-2.0
#include "runtime/launch.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "core/error.h"
#include "runtime/program_run.h"

namespace tilegrid {
namespace {

CoreSetup setup_of(const Program& program, LogicalCore core) {
  const ComputeConfig& compute = compute_of(program, core);
  CoreSetup setup{compute.dst_fp32, compute.full_sync, {}, semaphores_of(program, core)};
  for (const CircularBufferConfig& cb : program.circular_buffers) {
    if (cb.on(core)) setup.buffers.push_back({cb.id, cb.pages, cb.page_bytes, cb.format});
  }
  return setup;
}

/// What a replay must know of the program, without the logs.
LaunchLog log_of(const Program& program) {
  LaunchLog log{.name = program.name, .cores = {}, .setups = {}};
  for (int core = 0; core < program.grid.cores(); ++core) {
    CoreSetup setup = setup_of(program, program.grid.core(core));
    const auto found = std::find(log.setups.begin(), log.setups.end(), setup);
    log.setup_numbers.push_back(static_cast<std::uint32_t>(found - log.setups.begin()));
    if (found == log.setups.end()) log.setups.push_back(std::move(setup));
  }
  if (log.setups.size() == 1) log.setup_numbers.clear();
  log.phases = program.phases;
  log.chip = program.chip.name();
  log.geometry = program.chip.geometry();
  return log;
}

/// One list of what every rank has in `part`.
template <class T>
std::vector<T> joined(const std::vector<RankResult>& results, std::vector<T> RankResult::*part) {
  std::vector<T> all;
  for (const RankResult& result : results) all.insert(all.end(), (result.*part).begin(), (result.*part).end());
  return all;
}

/// Ranks hold cores of any numbers.
template <class T>
void sort_by_core(std::vector<T>& of_cores) {
  std::stable_sort(of_cores.begin(), of_cores.end(), [](const T& a, const T& b) { return a.core < b.core; });
}

}  // namespace

EndReason Launch::run(const HostHooks& hooks) {
  send_launch(control_, command_);
  ProgramRun own(control_, command_, hooks);
  const EndReason reason = own.run();
  results_ = gather_results(control_, own.take_result());
  control_.discard();
  return reason;
}

std::string Launch::take_output() {
  std::vector<Printed> printed;
  for (RankResult& result : results_.ranks) {
    std::move(result.printed.begin(), result.printed.end(), std::back_inserter(printed));
    result.printed.clear();
  }
  std::sort(printed.begin(), printed.end(),
            [](const Printed& a, const Printed& b) { return std::tie(a.core, a.risc) < std::tie(b.core, b.risc); });
  std::string text;
  for (const Printed& one : printed) {
    for (const std::string& lines : one.lines) text += lines;
  }
  return text;
}

std::vector<checks::Finding> Launch::take_findings() {
  std::vector<checks::Finding> findings;
  for (RankResult& result : results_.ranks) {
    std::move(result.findings.begin(), result.findings.end(), std::back_inserter(findings));
  }
  sort_by_core(findings);
  return findings;
}

ErrorReport Launch::first_error() const {
  const std::vector<ErrorReport> errors = joined(results_.ranks, &RankResult::errors);
  if (errors.empty()) throw std::logic_error("a program failed without an error");
  return *std::min_element(errors.begin(), errors.end(),
                           [](const ErrorReport& a, const ErrorReport& b) { return a.core < b.core; });
}

void Launch::throw_first_error(const std::vector<checks::Finding>& warnings) const {
  const ErrorReport first = first_error();
  const auto code = static_cast<ExitCode>(first.exit_code);
  if (code == ExitCode::usage) throw UsageError(first.text);
  if (code == ExitCode::kernel) {
    std::vector<checks::Finding> findings = first.findings;
    if (!findings.empty()) findings.insert(findings.end(), warnings.begin(), warnings.end());
    throw checks::FoundError(first.text, std::move(findings));
  }
  throw Error(code, first.text);
}

std::vector<BlockedReport> Launch::blocked() const {
  std::vector<BlockedReport> blocked = joined(results_.ranks, &RankResult::blocked);
  sort_by_core(blocked);
  return blocked;
}

RunResult Launch::take_result() {
  RunResult result;
  result.log = log_of(command_.program);
  result.chip = control_.node().chip();
  // Logs come by rank, each rank's cores in order.
  std::vector<std::size_t> first_log{0};
  first_log.reserve(results_.ranks.size() + 1);
  result.ranks.reserve(results_.ranks.size());
  for (const RankResult& rank : results_.ranks) {
    first_log.push_back(first_log.back() + rank.cores.size());
    result.ranks.push_back(rank.host);
  }
  std::vector<EventLog>& logs = results_.logs.cores;
  const noc::Placement& placement = control_.node().placement();
  for (int index = 0; index < placement.grid.cores(); ++index) {
    const std::size_t rank = placement.rank_of_core(index);
    const std::size_t place = placement.place_of(index);
    const CoreResult& core = results_.ranks[rank].cores[place];
    result.cores.push_back(core.counters);
    result.core_hosts.push_back(core.host);
    if (!logs.empty()) result.log.cores.push_back(std::move(logs[first_log[rank] + place]));
  }
  share_blocks(result.log.cores);
  ScopeNames scopes;
  for (const RankResult& rank : results_.ranks) scopes.add(rank.scopes);
  result.log.scopes = scopes.list();
  return result;
}

}  // namespace tilegrid
