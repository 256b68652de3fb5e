// SPDX-License-Identifier: Apache-2.0
#include "runtime/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <exception>
#include <fstream>
#include <utility>
#include <vector>

#include "core/error.h"
#include "noc/node.h"
#include "runtime/checks/findings.h"
#include "runtime/program_run.h"
#include "runtime/task.h"

namespace tilegrid {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

void print_error(const std::string& message) { fmt::print(stderr, "tilegrid: {}\n", message); }

void put_json(const std::string& path, const std::string& json) {
  if (path.empty()) return;
  if (path == "-") {
    fmt::print("{}", json);
    return;
  }
  std::ofstream file(path, std::ios::trunc);
  if (!(file << json).flush()) print_error(fmt::format("{}: can't be written", path));
}

}  // namespace

Session::Session(int* argc, char*** argv) {
  if (noc::launched_by_mpi()) {
    mpi_ = std::make_unique<noc::MpiEnvironment>(argc, argv);
    info_ = mpi_->info();
  } else {
    noc::refuse_copies();
    info_.host = host_name();
  }
}

Session::~Session() = default;

Chip Session::load_chip(const std::string& name_or_path) const {
  const std::vector<std::string> built_in = Chip::built_in();
  if (!mpi_ || std::find(built_in.begin(), built_in.end(), name_or_path) != built_in.end()) return Chip::load(name_or_path);
  std::string told;  // the file's text after a '+', or what was wrong after a '-'
  if (is_host()) {
    try {
      told = '+' + Chip::text_of_file(name_or_path);
    } catch (const UsageError& error) {
      told = '-' + error.message();
    }
  }
  told = mpi_->broadcast(std::move(told));
  if (told.front() == '-') throw UsageError(told.substr(1));
  Chip::provide(name_or_path, told.substr(1));
  return Chip::load(name_or_path);
}

int Session::run(const SessionOptions& options, const std::function<int(Device&)>& host) {
  const GridSize grid = options.grid;
  if (grid.x < 1 || grid.y < 1 || grid.x > noc::max_grid_side || grid.y > noc::max_grid_side) {
    if (is_host()) print_error(fmt::format("a grid of {}x{}: each side is 1 to {}", grid.x, grid.y, noc::max_grid_side));
    return to_underlying(ExitCode::usage);
  }
  try {
    options.chip.check_grid(grid, "a grid of");
  } catch (const UsageError& error) {
    if (is_host()) print_error(error.message());
    return static_cast<int>(error.code());
  }
  if (info_.size > grid.cores()) {
    if (is_host()) {
      print_error(fmt::format("{} ranks for the {} cores of a {}x{} grid: start at most one rank a core", info_.size,
                              grid.cores(), grid.x, grid.y));
    }
    return to_underlying(ExitCode::usage);
  }
  try {
    std::unique_ptr<noc::Transport> transport;
    if (mpi_) {
      transport = mpi_->make_transport();
    } else {
      transport = std::make_unique<noc::InProcessTransport>();
    }
    noc::Node node(grid, *transport, options.fibers, info_.cores, options.chip);
    node.set_checks(options.checks);
    ControlChannel control(node);
    return is_host() ? run_host(control, options, host) : serve(control);
  } catch (const std::exception& error) {
    // Neither a kernel's nor a user's mistake: this rank can't go on, and the others would wait for it, so the whole job
    // ends.
    print_error(fmt::format("rank {}: {}", info_.rank, error.what()));
    const auto* known = dynamic_cast<const Error*>(&error);
    const int code = to_underlying(known != nullptr ? known->code() : ExitCode::lost_rank);
    if (mpi_ && info_.size > 1) mpi_->abort(code);
    return code;
  }
}

int Session::run_host(ControlChannel& control, const SessionOptions& options,
                      const std::function<int(Device&)>& host) const {
  int code = 0;
  Device device(control);
  try {
    device.set_shake(options.shake);
    code = host(device);
  } catch (const Error& error) {
    if (!error.message().empty()) print_error(error.message());
    code = to_underlying(error.code());
    if (const auto* deadlock = dynamic_cast<const DeadlockError*>(&error)) put_json(options.deadlock_json, deadlock->json());
  }
  for (const std::string& line : warning_lines(device.warnings(), device.grid(), device.chip())) print_error(line);
  for (int rank = 1; rank < info_.size; ++rank) control.send_value(rank, ControlTag::shutdown, code);
  noc::Transport& transport = control.node().transport();
  while (!transport.sends_done()) control.node().poll();
  return code;
}

int Session::serve(ControlChannel& control) {
  while (true) {
    const ControlMessage message = control.wait_next();
    switch (message.tag) {
      case ControlTag::shutdown:
        return from_bytes<int>(message.bytes);
      case ControlTag::launch: {
        const auto command = from_bytes<LaunchCommand>(message.bytes);
        ProgramRun run(control, command);
        run.run();
        control.send_value(0, ControlTag::result, run.take_result());
        break;
      }
      case ControlTag::task: {
        const auto command = from_bytes<TaskCommand>(message.bytes);
        control.send(0, ControlTag::task_result, find_task(command.name)(command.input));
        break;
      }
      case ControlTag::end:
      case ControlTag::probe:
        break;  // belongs to a program that has already ended on this rank
      default:
        throw std::logic_error("an unexpected control message arrived between programs");
    }
  }
}

}  // namespace tilegrid
