// SPDX-License-Identifier: Apache-2.0
#include "runtime/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/say.h"
#include "noc/node.h"
#include "runtime/checks/findings.h"
#include "runtime/control_tree.h"
#include "runtime/look_signal.h"
#include "runtime/program_run.h"
#include "runtime/task.h"

namespace tilegrid {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

/// Of an error without words somebody else has told. A mistake of the user is one line, whatever the user's words are.
void say(ExitCode code, const std::string& message) {
  if (!message.empty()) say_error(code == ExitCode::usage ? readable_line(message) : message);
}

void put_json(const std::string& path, const std::string& json) {
  if (path.empty()) return;
  if (path != "-") {
    try {
      write_file(path, json);
    } catch (const UsageError& error) {
      say_error(error.message());
    }
  } else if (std::fwrite(json.data(), 1, json.size(), stdout) != json.size() || std::fflush(stdout) != 0) {
    say_error(fmt::format("standard output can't be written: {}", std::strerror(errno)));
  }
}

/// Code and words of what was thrown and is neither a kernel's nor a user's mistake.
Error failure_of(const std::exception& error) {
  if (const auto* known = dynamic_cast<const Error*>(&error)) return *known;
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return {ExitCode::usage, "out of memory"};
  return {ExitCode::lost_rank, error.what()};
}

/// Why no run is possible with these options on so many ranks; empty when one is.
std::string why_not(const SessionOptions& options, int ranks) {
  const GridSize grid = options.grid;
  if (grid.x < 1 || grid.y < 1 || grid.x > noc::max_grid_side || grid.y > noc::max_grid_side) {
    return fmt::format("a grid of {}x{}: each side is 1 to {}", grid.x, grid.y, noc::max_grid_side);
  }
  try {
    options.chip.check_grid(grid, "a grid of");
  } catch (const UsageError& error) {
    return error.message();
  }
  if (ranks <= grid.cores()) return {};
  return fmt::format("{} ranks for the {} cores of a {}x{} grid: start at most one rank a core", ranks, grid.cores(), grid.x,
                     grid.y);
}

/// Until nothing waits to be sent any more.
void send_all(noc::Node& node) {
  while (!node.transport().sends_done()) node.poll();
}

/// What ranks have to have in common.
Statement run_statement(const SessionOptions& options) {
  Statement statement;
  statement.text = fmt::format("a run on {}x{} cores of the chip {}", options.grid.x, options.grid.y, options.chip.name());
  std::string settings = fmt::format("{} {}", to_underlying(options.fibers), options.shake.value_or(0));
  for (const checks::ClassRow& row : checks::class_rows) {
    settings += fmt::format(" {}", to_underlying(options.checks.of(row.id)));
  }
  for (const auto& [name, parameter] : options.chip.parameters()) settings += fmt::format(" {}", parameter.value);
  statement.settings = fmt::format("{:016x}", fingerprint(settings));
  return statement;
}

}  // namespace

Session::Session(int* argc, char*** argv) {
  install_look_signal();
  if (noc::launched_by_mpi()) {
    mpi_ = std::make_unique<noc::MpiEnvironment>(argc, argv);
    info_ = mpi_->info();
  } else {
    noc::refuse_copies();
    info_.host = host_name();
  }
}

Session::~Session() = default;

bool Session::agree(Statement statement, std::string* payload) {
  exit_code_.reset();
  Verdict verdict{statement.code, statement.text};
  if (statement.kind != Statement::Kind::fail) verdict = {};
  if (mpi_ && info_.size > 1) {
    statement.host = info_.host;
    const std::string full = statement.text;
    const std::string answer =
        mpi_->ask_host(to_text(std::move(statement)), statement_bytes, [&](const std::vector<std::string>& texts) {
          std::vector<Statement> statements;
          statements.reserve(texts.size());
          for (const std::string& text : texts) statements.push_back(statement_of(text));
          statements.front().text = full;  // which may have been cut
          verdict = judge(statements);
          return fmt::format("{} {}", to_underlying(verdict.code), payload != nullptr ? *payload : std::string());
        });
    verdict.code = static_cast<ExitCode>(answer.front() - '0');
    if (payload != nullptr) *payload = answer.substr(2);
  }
  if (verdict.code == ExitCode::ok) return true;
  if (is_host()) say(verdict.code, verdict.message);
  exit_code_ = to_underlying(verdict.code);
  return false;
}

int Session::fail(ExitCode code, const std::string& message) {
  if (exit_code_) return *exit_code_;  // all know, and go
  if (running_) {                      // the others wait for what the host's function returns
    say(code, message);
    return to_underlying(code);
  }
  static_cast<void>(agree({.kind = Statement::Kind::fail, .code = code, .text = message}));
  return exit_code_.value_or(to_underlying(code));
}

int Session::leave(int code) {
  if (!exit_code_ && !agree({.kind = Statement::Kind::leave})) code = *exit_code_;
  if (code != 0 && is_host() && info_.size > 1) wait_until_read();
  return code;
}

Chip Session::load_chip(const std::string& name_or_path) {
  const std::vector<std::string> built_in = Chip::built_in();
  if (std::find(built_in.begin(), built_in.end(), name_or_path) != built_in.end()) return Chip::load(name_or_path);
  std::string told;  // the file's text after a '+', or what was wrong after a '-'
  if (is_host()) {
    try {
      told = '+' + Chip::text_of_file(name_or_path);
    } catch (const UsageError& error) {
      told = '-' + error.message();
    }
  }
  if (!agree({.text = "the chip " + name_or_path}, &told)) throw Error(static_cast<ExitCode>(*exit_code_), {});
  if (told.front() == '-') throw UsageError(told.substr(1));
  Chip::provide(name_or_path, told.substr(1));
  return Chip::load(name_or_path);
}

std::string Session::broadcast(std::string text) {
  if (!agree({.text = "a text of rank 0"}, &text)) throw Error(static_cast<ExitCode>(*exit_code_), {});
  return text;
}

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

/// What leaves `body` is neither a kernel's nor a user's mistake: this rank can't go on, and the others would wait for it,
/// so the whole job ends.
int Session::guarded(const std::function<int()>& body) {
  try {
    return body();
  } catch (const std::exception& error) {
    const Error failure = failure_of(error);
    const int code = to_underlying(failure.code());
    const bool several = mpi_ && info_.size > 1;
    say_error(fmt::format("{}: {}", several ? name_of_rank(info_.rank, info_.host) : fmt::format("rank {}", info_.rank),
                          failure.message()));
    if (several) {
      wait_until_read();
      mpi_->abort(code);
    }
    running_.reset();
    exit_code_ = code;
    return code;
  }
}

std::optional<int> Session::refused(const SessionOptions& options) {
  exit_code_.reset();
  if (const std::string why = why_not(options, info_.size); !why.empty()) return fail(ExitCode::usage, why);
  if (!agree(run_statement(options))) return exit_code_;
  return std::nullopt;
}

void Session::report_sharing(noc::TransportChoice asked, const std::string& failure) const {
  if (failure.empty()) return;
  const std::string what = fmt::format("the ranks of {} can't share memory: {}", info_.host, failure);
  if (asked == noc::TransportChoice::windows) throw UsageError("`transport` windows: " + what);
  if (is_host()) say_error(what + "; DRAM travels as messages instead, which takes longer and changes nothing else");
}

void Session::make_device(const SessionOptions& options) {
  std::unique_ptr<noc::Transport> transport;
  if (mpi_) {
    transport = mpi_->make_transport(options.transport != noc::TransportChoice::messages);
    report_sharing(options.transport, transport->sharing_failure());
  } else {
    transport = std::make_unique<noc::InProcessTransport>();
  }
  running_ =
      std::make_unique<Running>(options, std::move(transport), noc::best_bank_owners(info_.size, info_.hosts, info_.cores));
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
    for (const std::string& line : warning_lines(device.warnings(), device.grid(), device.chip())) say_error(line);
    running_->control.broadcast(ControlTag::shutdown, to_bytes(code));
    send_all(running_->node);
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

int Session::run_alone(const std::function<int()>& host) {
  if (!agree({.text = "what rank 0 does alone"})) return *exit_code_;
  std::string told;  // the exit code, for which the others wait asleep
  if (is_host()) {
    const int code = guarded([&] {
      try {
        return host();
      } catch (const Error& error) {
        say(error.code(), error.message());
        return to_underlying(error.code());
      }
    });
    told = std::to_string(code);
  }
  if (exit_code_ || !agree({.text = "an exit code"}, &told)) return *exit_code_;
  return std::atoi(told.c_str());
}

int Session::run_host(const SessionOptions& options, const std::function<int(Device&)>& host) {
  int code = 0;
  try {
    code = host(running_->device);
  } catch (const Error& error) {
    say(error.code(), error.message());
    code = to_underlying(error.code());
    if (const auto* deadlock = dynamic_cast<const DeadlockError*>(&error)) put_json(options.deadlock_json, deadlock->json());
  }
  return end(code);
}

int Session::serve(ControlChannel& control) {
  const noc::Transport& transport = control.node().transport();
  const int parent = ControlTree{transport.rank(), transport.size()}.parent();
  while (true) {
    const ControlMessage message = control.wait_next();
    switch (message.tag) {
      case ControlTag::shutdown:
        control.hand_on(message);
        send_all(control.node());
        return from_bytes<int>(message.bytes);
      case ControlTag::launch: {
        const auto command = from_bytes<LaunchCommand>(message.bytes);
        send_launch(control, command);
        ProgramRun run(control, command);
        run.run();
        control.send_value(parent, ControlTag::result, gather_results(control, run.take_result()));
        break;
      }
      case ControlTag::task: {
        const auto command = from_bytes<TaskCommand>(message.bytes);
        control.send(0, ControlTag::task_result, find_task(command.name)(command.input));
        break;
      }
      case ControlTag::end:
      case ControlTag::probe:
      case ControlTag::look:
        break;  // belongs to a program that has already ended on this rank
      default:
        throw std::logic_error("an unexpected control message arrived between programs");
    }
  }
}

int guarded(Session& session, const std::function<int()>& body) {
  try {
    return body();
  } catch (const std::exception& error) {
    const Error failure = failure_of(error);
    return session.fail(failure.code(), failure.message());
  }
}

int run_program(int argc, char** argv, const std::function<int(Session&)>& body) {
  keep_standard_files();
  try {
    Session session(&argc, &argv);
    return session.leave(guarded(session, [&] { return body(session); }));
  } catch (const std::exception& error) {
    say_error(error.what());
  }
  return to_underlying(ExitCode::lost_rank);
}

}  // namespace tilegrid
