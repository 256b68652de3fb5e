// SPDX-License-Identifier: Apache-2.0
#include "runtime/cli/many_runs.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "core/error.h"
#include "runtime/progress.h"

namespace tilegrid::cli {
namespace {

/// Numbers of runs that can share a session, which has one grid of one chip.
std::vector<std::vector<std::size_t>> groups_of(const std::vector<SessionOptions>& sessions) {
  std::vector<std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    const auto same = [&](const std::vector<std::size_t>& group) {
      const SessionOptions& first = sessions[group.front()];
      return first.grid == sessions[i].grid && first.chip.same_as(sessions[i].chip);
    };
    const auto found = std::find_if(groups.begin(), groups.end(), same);
    (found != groups.end() ? *found : groups.emplace_back()).push_back(i);
  }
  return groups;
}

}  // namespace

int run_all(Session& session, const ManyRuns& runs) {
  const GridSize grid = runs.sessions.front().grid;
  int code = session.run({.grid = grid}, [&](Device&) { return runs.own->check_paths(runs.asked), 0; });
  {
    Progress line(runs.command, runs.sessions.size(), runs.progress && session.is_host(), runs.unit);
    std::uint64_t done = 0;
    for (const std::vector<std::size_t>& group : groups_of(runs.sessions)) {
      if (code != 0) break;
      code = session.run(runs.sessions[group.front()], [&](Device& device) {
        for (const std::size_t i : group) {
          runs.run(device, i);
          line.update(++done);
        }
        return 0;
      });
    }
  }
  if (code != 0) return code;
  // The other ranks have no figures: what the host finds must be their exit code, too.
  return session.run({.grid = grid}, [&](Device&) { return runs.report(); });
}

std::unique_ptr<workloads::Workload> settled(const workloads::Maker& make, const std::vector<std::string>& arguments) {
  std::unique_ptr<workloads::Workload> workload = make();
  parse_flags(workload->flags(), arguments);
  workload->options.progress = false;
  workload->settle();
  return workload;
}

void settle_as(workloads::Workload& run, const workloads::Workload& asked, const std::function<void()>& change) {
  ask_as(run.flags(), asked.flags());
  change();
  run.options.progress = false;
  run.settle();
}

Command of_each_workload(Command parent, const std::string& question,
                         const std::function<Command(const workloads::Maker&)>& command_of) {
  std::vector<std::string> names;
  for (const workloads::Maker& make : workloads::all()) {
    Command& child = parent.commands.emplace_back(command_of(make));
    child.takes_rest = true;
    names.push_back(child.name);
  }
  parent.run = [question, names](Session&, const std::vector<std::string>&) -> int {
    throw UsageError(fmt::format("{}: {}", question, fmt::join(names, " or ")));
  };
  return parent;
}

void refuse_arguments(const std::vector<std::string>& arguments, const std::vector<std::string>& unfit,
                      const char* command) {
  for (const std::string& argument : arguments) {
    const std::string name = argument.substr(0, argument.find('='));
    if (std::find(unfit.begin(), unfit.end(), name) == unfit.end()) continue;
    throw UsageError(name + ": does not go with " + command);
  }
}

}  // namespace tilegrid::cli
