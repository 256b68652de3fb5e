// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "runtime/flags/command_line.h"
#include "runtime/workloads/attention.h"

/// The commands of `tilegrid`. Each is thin: flags, and calls of workloads and report.
namespace tilegrid::cli {

[[nodiscard]] Command info_command();
[[nodiscard]] Command estimate_command();
[[nodiscard]] Command log_command();
[[nodiscard]] Command plan_command();
[[nodiscard]] Command retime_command();
[[nodiscard]] Command sweep_command();
[[nodiscard]] Command precision_command();
[[nodiscard]] Command compare_kv_command();
[[nodiscard]] Command compare_partitions_command();
[[nodiscard]] Command arch_command();
[[nodiscard]] Command checks_command();
/// The command of a workload, and compare_kernels_flag where that is attention.
[[nodiscard]] Command workload_command(const workloads::Maker& make);

inline constexpr const char* compare_kernels_flag = "--compare-kernels";
/// The table of attention's kernels, and of those of others that are in `folder` (empty: of none). Runs on rank 0; returns
/// the exit code.
int compare_kernels(const Session& session, Device& device, const workloads::Attention& asked, const std::string& folder);

/// Prints on the host.
void say(const Session& session, const std::string& text);

/// A command with members that its flags set: State has `Flags flags`, declares them when it is made, and has
/// run(session, rest).
template <class State>
[[nodiscard]] Command command(const std::string& name, const std::string& summary, const std::string& footer = {}) {
  auto state = std::make_shared<State>();
  Command made{name, summary, footer, &state->flags, nullptr, false, {}, state};
  made.run = [own = state.get()](Session& session, const std::vector<std::string>& rest) { return own->run(session, rest); };
  return made;
}

}  // namespace tilegrid::cli
