// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/chip/known_faults.h"
#include "runtime/flags/command_line.h"
#include "runtime/session.h"
#include "runtime/workloads/all.h"

namespace tilegrid::cli {

/// Many runs with one report at the end. All ranks call run_all(); the host alone has figures. Before the first run the
/// files that the flags name are looked at.
struct ManyRuns {
  const char* command;  ///< of the progress line
  const char* unit;     ///< what is counted there
  bool progress = true;
  std::vector<SessionOptions> sessions;           ///< of each run; those of one grid and chip share the first one's
  const Flags* own;                               ///< the command's
  std::vector<const Flags*> asked;                ///< of the runs, until the first one begins
  std::function<void(Device&, std::size_t)> run;  ///< the run of that number, on the host
  std::function<int()> report;                    ///< once, on the host; the exit code

  /// One more, of a workload that has settled; its flags must stay where they are.
  void add(const workloads::Workload& workload) {
    sessions.push_back(workload.options.session());
    asked.push_back(&workload.flags());
  }
};
/// Returns the exit code, the same on all ranks.
int run_all(Session& session, const ManyRuns& runs);

/// A settled workload with flags from these arguments. Throws UsageError.
[[nodiscard]] std::unique_ptr<workloads::Workload> settled(const workloads::Maker& make,
                                                           const std::vector<std::string>& arguments);
/// Sets the flags of `run` as those of `asked`, then what `change` changes, and settles it.
void settle_as(workloads::Workload& run, const workloads::Workload& asked, const std::function<void()>& change);

/// `parent` with a command for each workload; by itself it asks `question` and names them.
[[nodiscard]] Command of_each_workload(Command parent, const std::string& question,
                                       const std::function<Command(const workloads::Maker&)>& command_of);

/// Throws UsageError for the first argument that is one of the flags `unfit`, which the command sets itself or has no use
/// for.
void refuse_arguments(const std::vector<std::string>& arguments, const std::vector<std::string>& unfit, const char* command);

/// What the runs of a list rely on, each fault once.
template <class Run>
[[nodiscard]] KnownFaults faults_of(const std::vector<Run>& runs) {
  KnownFaults all;
  for (const Run& run : runs) add(all, run.known_faults);
  return all;
}

}  // namespace tilegrid::cli
