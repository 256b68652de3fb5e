// SPDX-License-Identifier: Apache-2.0
// The `tilegrid` command. MPI is initialised first where there is a launcher; then every rank reads the same flags, and
// rank 0 alone speaks.
#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/say.h"
#include "runtime/cli/commands.h"
#include "runtime/flags/sweep_points.h"
#include "runtime/report/print.h"
#include "runtime/workloads/all.h"
#include "runtime/workloads/driver.h"

namespace tilegrid::cli {
namespace {

/// A workload, and what only the command adds to it.
struct Run {
  std::unique_ptr<workloads::Workload> workload;
  bool compares_kernels = false;
  std::string foreign;  ///< folder

  int run(Session& session) {
    auto* attention = dynamic_cast<workloads::Attention*>(workload.get());
    if (!compares_kernels || attention == nullptr) {
      if (!foreign.empty()) {
        return guarded(session,
                       []() -> int { throw UsageError(fmt::format("--foreign: it goes with {}", compare_kernels_flag)); });
      }
      return workloads::run(session, *workload);
    }
    workloads::RunOptions& options = attention->options;
    const Flags& flags = attention->flags();
    flags.refuse({std::string(dry_run_flag)}, fmt::format("a dry run has no numbers, {} needs them", compare_kernels_flag));
    flags.refuse(flags.unfit_for(Comparison::kernels), fmt::format("does not go with {}", compare_kernels_flag));
    attention->settle();
    for (const workloads::Maker& make : workloads::all()) make()->register_kernels();
    SessionOptions own = options.session();
    // What silicon forgives is not held against kernels of others.
    if (!foreign.empty() && options.check.empty()) own.checks = checks::Config::wild();
    return session.run(own, [&](Device& device) { return compare_kernels(session, device, *attention, foreign); });
  }
};

}  // namespace

void say(const Session& session, const std::string& text) {
  if (!session.is_host()) return;
  put(text);
  flush_output();
}

Command workload_command(const workloads::Maker& make) {
  auto own = std::make_shared<Run>();
  own->workload = make();
  Command command = workloads::command_of(*own->workload);
  if (dynamic_cast<workloads::Attention*>(own->workload.get()) != nullptr) {
    command.flags->in("Report")
        .add_switch(compare_kernels_flag,
                    "Print one table of this and other kernels instead: the six-operation kernel by\nevery strategy of the "
                    "planner, attention planned and by hand",
                    own->compares_kernels)
        .no_fact();
    command.flags
        ->add("--foreign", "DIR",
              "With it: the vendor's attention kernels, too, from a checkout of its repository or\na folder with their "
              "files (sdpa, December 2025; sdpa_noncausal, September 2024) [none]",
              own->foreign)
        .no_fact();
  }
  command.run = [run = own.get()](Session& session, const std::vector<std::string>&) { return run->run(session); };
  command.owner = own;
  return command;
}

}  // namespace tilegrid::cli

int main(int argc, char** argv) {
  using namespace tilegrid;
  return run_program(argc, argv, [&](Session& session) {
    Command program{"tilegrid",
                    "Emulator of a grid of Tenstorrent Tensix cores. One process holds all cores, or, under "
                    "mpirun, each rank\nholds one or several.\n"};
    for (const workloads::Maker& make : workloads::all()) program.commands.push_back(cli::workload_command(make));
    for (auto* make : {&cli::info_command, &cli::log_command, &cli::plan_command, &cli::retime_command, &cli::sweep_command,
                       &cli::precision_command, &cli::compare_kv_command, &cli::compare_partitions_command,
                       &cli::estimate_command, &cli::arch_command, &cli::checks_command}) {
      program.commands.push_back(make());
    }
    return run_command_line(session, program, argc, argv);
  });
}
