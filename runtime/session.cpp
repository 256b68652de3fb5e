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

std::string Session::broadcast(std::string text) const { return mpi_ ? mpi_->broadcast(std::move(text)) : text; }

/// What lives as long as the device does.
struct Session::Running {
  Running(const SessionOptions& options, std::unique_ptr<noc::Transport> way, int bank_owners)
      : transport(std::move(way)), node(options.grid, *transport, options.fibers, bank_owners, options.chip), control(node) {
    node.set_checks(options.checks);
    device.set_shake(options.shake);
  }
  std::unique_ptr<noc::Transport> transport;
  noc::Node node;
  ControlChannel control;
  Device device{control};
};

/// The exit code when the options can't be had; the host has printed why.
std::optional<int> Session::refused(const SessionOptions& options) const {
  const GridSize grid = options.grid;
  try {
    if (grid.x < 1 || grid.y < 1 || grid.x > noc::max_grid_side || grid.y > noc::max_grid_side) {
      throw UsageError(fmt::format("a grid of {}x{}: each side is 1 to {}", grid.x, grid.y, noc::max_grid_side));
    }
    options.chip.check_grid(grid, "a grid of");
    if (info_.size > grid.cores()) {
      throw UsageError(fmt::format("{} ranks for the {} cores of a {}x{} grid: start at most one rank a core", info_.size,
                                   grid.cores(), grid.x, grid.y));
    }
  } catch (const UsageError& error) {
    if (is_host()) print_error(error.message());
    return static_cast<int>(error.code());
  }
  return std::nullopt;
}

/// What leaves `body` is neither a kernel's nor a user's mistake: this rank can't go on, and the others would wait for it,
/// so the whole job ends.
int Session::guarded(const std::function<int()>& body) {
  try {
    return body();
  } catch (const std::exception& error) {
    print_error(fmt::format("rank {}: {}", info_.rank, error.what()));
    const auto* known = dynamic_cast<const Error*>(&error);
    const int code = to_underlying(known != nullptr ? known->code() : ExitCode::lost_rank);
    if (mpi_ && info_.size > 1) mpi_->abort(code);
    return code;
  }
}

void Session::make_device(const SessionOptions& options) {
  std::unique_ptr<noc::Transport> transport;
  if (mpi_) {
    transport = mpi_->make_transport();
  } else {
    transport = std::make_unique<noc::InProcessTransport>();
  }
  running_ = std::make_unique<Running>(options, std::move(transport), info_.cores);
}

Device* Session::begin(const SessionOptions& options) {
  if (running_) throw std::logic_error("Session::begin: it has begun");
  if (const std::optional<int> code = refused(options)) {
    code_ = *code;
    return nullptr;
  }
  code_ = guarded([&] {
    make_device(options);
    if (is_host()) return 0;
    const int code = serve(running_->control);
    running_.reset();
    return code;
  });
  return running_ ? &running_->device : nullptr;
}

int Session::end(int code) {
  if (!running_) return code_;
  code_ = guarded([&] {
    const Device& device = running_->device;
    for (const std::string& line : warning_lines(device.warnings(), device.grid(), device.chip())) print_error(line);
    for (int rank = 1; rank < info_.size; ++rank) running_->control.send_value(rank, ControlTag::shutdown, code);
    while (!running_->transport->sends_done()) running_->node.poll();
    return code;
  });
  running_.reset();
  return code_;
}

int Session::run(const SessionOptions& options, const std::function<int(Device&)>& host) {
  if (const std::optional<int> code = refused(options)) return *code;
  return guarded([&] {
    make_device(options);
    const int code = is_host() ? run_host(options, host) : serve(running_->control);
    running_.reset();
    return code;
  });
}

int Session::run_host(const SessionOptions& options, const std::function<int(Device&)>& host) {
  int code = 0;
  try {
    code = host(running_->device);
  } catch (const Error& error) {
    if (!error.message().empty()) print_error(error.message());
    code = to_underlying(error.code());
    if (const auto* deadlock = dynamic_cast<const DeadlockError*>(&error)) put_json(options.deadlock_json, deadlock->json());
  }
  return end(code);
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
