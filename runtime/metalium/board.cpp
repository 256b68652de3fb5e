// SPDX-License-Identifier: Apache-2.0
#include "runtime/metalium/board.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <utility>

#include "core/error.h"
#include "core/l1.h"
#include "runtime/flags/check_flag.h"
#include "runtime/flags/flags.h"
#include "runtime/jit/compile.h"
#include "runtime/metalium/program_parts.h"

namespace tilegrid::metalium {
namespace {

void print_line(const std::string& message) {
  std::cout.flush();
  std::fflush(stdout);  // in the order of the program
  std::fputs(fmt::format("tilegrid: {}\n", message).c_str(), stderr);
}

/// The board of this process. It is never destroyed: buffers of global variables may outlive everything else.
std::unique_ptr<Board>& the_board() {
  static auto* board = new std::unique_ptr<Board>;  // NOLINT(cppcoreguidelines-owning-memory)
  return *board;
}

SessionOptions options_of(Session& session, const Settings& settings) {
  SessionOptions options;
  if (!settings.arch.empty()) options.chip = session.load_chip(settings.arch);
  for (const std::string& assignment : settings.set) options.chip.set(assignment);
  options.grid = settings.grid.empty() ? options.chip.workers() : parse_grid("TILEGRID_GRID", settings.grid);
  static_cast<void>(traces::chosen_cores(settings.traces.cores, options.grid, "TILEGRID_TRACE_CORES"));
  set_checks("TILEGRID_CHECK", settings.check, options.checks);
  if (!settings.shake.empty()) options.shake = parse_unsigned("TILEGRID_SHAKE", settings.shake);
  return options;
}

}  // namespace

/// What rank 0 finds in its environment goes to all: ranks of other hosts may not have it.
Board::Board(int* argc, char*** argv) : session_(std::make_unique<Session>(argc, argv)) {
  std::string told;  // the settings after a '+', or what was wrong after a '-'
  if (session_->is_host()) {
    try {
      told = '+' + settings_of_environment().to_text();
    } catch (const UsageError& error) {
      told = '-' + error.message();
    }
  }
  told = session_->broadcast(std::move(told));
  int code = 0;
  try {
    if (told.front() == '-') throw UsageError(told.substr(1));
    settings_ = Settings::from_text(told.substr(1), "settings");
    const SessionOptions options = options_of(*session_, settings_);
    const PrintOptions print{settings_.print_cores, settings_.print_riscs, settings_.print_file, !settings_.watch.empty()};
    PrintFilter filter = print_filter(print, options.grid, true);
    const double between_looks = print.watch ? watch_seconds(settings_.watch.c_str()) : 0;
    if (session_->is_host()) print_target_ = std::make_unique<PrintTarget>(print, settings_.report == "-");
    all_of_dram_ = !options.checks.on(checks::Class::uninitialised_dram);
    device_ = session_->begin(options);
    if (device_ != nullptr) {
      device_->set_output(std::move(filter), [this](std::string_view text) {
        std::cout.flush();
        print_target_->put(text);
      });
      device_->set_watch(between_looks);
    }
  } catch (const Error& error) {
    code = session_->fail(error.code(), error.message());
  }
  if (device_ == nullptr) {
    // A rank that has served, or a session that can't be had: nothing is left to do in this process.
    if (code == 0) code = session_->leave(session_->end(0));
    session_.reset();
    std::exit(code);  // NOLINT(concurrency-mt-unsafe): there is one thread
  }
  const ChipMemory& memory = chip().memory();
  constexpr std::uint64_t first_dram = 1024;  // no buffer at 0, which programs take for none
  dram_ = Heap(first_dram, memory.dram_bank_bytes, memory.dram_alignment);
  l1_ = Heap(l1_user_base, memory.l1_bytes, memory.dram_alignment);
  heaps_changed();
  report_ = Report(settings_, grid(), device_->ranks(), session_->uses_mpi(), chip());
}

Board& Board::get() {
  if (!the_board()) {
    static int argc = 0;
    static char** argv = nullptr;
    before_main(&argc, &argv);
    the_board().reset(new Board(&argc, &argv));
  }
  return *the_board();
}

void Board::before_main(int* argc, char*** argv) {
  if (!the_board() && noc::launched_by_mpi()) the_board().reset(new Board(argc, argv));
}

int Board::end(int code) {
  if (!the_board() || !the_board()->session_) return code;
  Board& board = *the_board();
  if (code == 0) code = board.failed_;
  std::cout.flush();
  std::fflush(stdout);
  if (board.session_->is_host()) {
    // A disk that is full spoils no more than what finds no room on it.
    int failure = 0;
    const auto save = [&](const std::function<void()>& write) {
      try {
        write();
      } catch (const UsageError& error) {
        print_line(error.message());
        failure = static_cast<int>(error.code());
      }
    };
    save([&] { board.print_target_->finish(); });
    board.report_.finish(*board.device_, code, save);
    if (code == 0) code = failure;
  }
  code = board.session_->leave(board.session_->end(code));
  board.device_ = nullptr;
  board.session_.reset();
  return code;
}

/// Kernels may read beyond the buffers, as on silicon; where what nobody wrote is checked, the buffers are what there is.
void Board::heaps_changed() { device_->use_dram(all_of_dram_ ? chip().memory().dram_bank_bytes : dram_.highest()); }

void Board::say_once(const std::string& what) {
  if (std::exchange(said_[what], true)) return;
  print_line(what);
}

/// An error of the device is printed where it happens, as programs may catch it and say less; it becomes the exit code of a
/// program that ends well all the same.
template <class Body>
void Board::reporting(const Body& body) {
  if (device_ == nullptr) throw std::runtime_error("the emulated device is gone: the program has ended");
  try {
    body();
  } catch (const Error& error) {
    if (!error.message().empty()) print_line(error.message());
    if (failed_ == 0) failed_ = static_cast<int>(error.code());
    report_.failed(error);
    throw;
  }
}

void Board::compile(ProgramParts& program) {
  reporting([&] {
    std::vector<jit::KernelSource> sources;
    std::vector<KernelPart*> parts;
    for (KernelPart& part : program.kernels) {
      jit::KernelSource source = source_of(program, part, chip());
      if (part.compiled_from && *part.compiled_from == source) continue;
      sources.push_back(std::move(source));
      parts.push_back(&part);
    }
    if (sources.empty()) return;
    const std::vector<jit::Object> objects = jit::compile_all(sources);
    for (std::size_t i = 0; i < objects.size(); ++i) {
      parts[i]->object = objects[i];
      parts[i]->compiled_from = std::move(sources[i]);
      if (!objects[i].warnings.empty() && warned_.insert(objects[i].key).second) print_line(objects[i].warnings);
    }
    report_.compiled(objects);
  });
}

void Board::launch(ProgramParts& program) {
  compile(program);
  reporting([&] {
    std::cout.flush();
    std::fflush(stdout);
    Program made = program_of(program, grid(), chip(), l1_.lowest());
    for (KernelConfig& kernel : made.kernels) {
      if (!kernel.compute) continue;
      kernel.compute->numerics = settings_.numerics;
      kernel.compute->known_faults = settings_.known_faults;
    }
    LaunchOptions options;
    options.record_log = report_.wants_log();
    report_.launched(made, device_->launch(made, options));
  });
}

}  // namespace tilegrid::metalium
