// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "runtime/flags/command_line.h"
#include "runtime/session.h"
#include "runtime/workloads/workload.h"

namespace tilegrid::workloads {

/// Runs the workload on the device: checks paths, prepares, uploads, launches, saves and replays the log, verifies and saves
/// the output. On rank 0, nothing is printed. With `keep_logs` the outcome has the event logs. Throws Error; those of usage
/// name flags.
[[nodiscard]] report::RunOutcome execute(const Session& session, Device& device, Workload& workload, bool keep_logs = false);

/// The report of a run that execute() has made.
[[nodiscard]] report::Document document_of(const Workload& workload, const report::RunOutcome& outcome);

/// A whole run: settles, registers kernels, runs in a session of its own, prints the report. Collective; all ranks return
/// the same exit code. Errors are printed.
int run(Session& session, Workload& workload);

/// The command that runs a workload; it is kept by the caller.
[[nodiscard]] Command command_of(Workload& workload);

/// main() of a program of one workload: flags from the command line, --help included, then run().
int run_main(int argc, char** argv, const Maker& make);

/// Says on standard error, behind the report, what did not pass; gives the exit code for it.
int mismatch(const Session& session, const std::string& what);

}  // namespace tilegrid::workloads
