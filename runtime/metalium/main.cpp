// SPDX-License-Identifier: Apache-2.0
// main and exit of a host program, wrapped by the linker (--wrap): ranks other than 0 serve before main begins, and how it
// ends becomes the exit code. Handlers of exit would come too late: what the session needs is destroyed before them.
// A program that uses MPI itself, as those for several boards do, finds it begun where the session has it.
#include <fmt/format.h>
#include <mpi.h>

#include <cstdio>
#include <exception>

#include "core/error.h"
#include "runtime/metalium/board.h"

// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming): names that the linker makes
extern "C" int __real_main(int argc, char** argv, char** environment);
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" [[noreturn]] void __real_exit(int code);

// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" int __real_MPI_Init(int* argc, char*** argv);
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" int __real_MPI_Init_thread(int* argc, char*** argv, int required, int* provided);
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" int __real_MPI_Finalize();

namespace {

/// While the program's main runs, and the session has MPI.
bool sessions_mpi = false;

int end_with(int code) {
  sessions_mpi = false;
  return tilegrid::metalium::Board::end(code);
}

/// Its ranks would be ours, which do not enter main.
void require_one_rank() {
  int ranks = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  if (ranks == 1) return;
  fmt::print(stderr, "tilegrid: the program uses MPI itself, as the emulator does on several ranks: run it on one\n");
  __real_exit(end_with(1));
}

int ended_with(const std::exception& error) {
  std::fflush(stdout);
  const auto* known = dynamic_cast<const tilegrid::Error*>(&error);
  if (known != nullptr) return static_cast<int>(known->code());  // printed where it happened
  fmt::print(stderr, "terminate: {}\n", error.what());
  return 1;
}

}  // namespace

// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" int __wrap_main(int argc, char** argv, char** environment) {
  using tilegrid::metalium::Board;
  Board::before_main(&argc, &argv);
  int code = 1;
  int begun = 0;
  MPI_Initialized(&begun);
  sessions_mpi = begun != 0;
  try {
    code = __real_main(argc, argv, environment);
  } catch (const std::exception& error) {
    code = ended_with(error);
  }
  return end_with(code);
}

// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" void __wrap_exit(int code) { __real_exit(end_with(code)); }

// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" int __wrap_MPI_Init(int* argc, char*** argv) {
  if (!sessions_mpi) return __real_MPI_Init(argc, argv);
  require_one_rank();
  return MPI_SUCCESS;
}

// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" int __wrap_MPI_Init_thread(int* argc, char*** argv, int required, int* provided) {
  if (!sessions_mpi) return __real_MPI_Init_thread(argc, argv, required, provided);
  require_one_rank();
  return MPI_Query_thread(provided);
}

// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" int __wrap_MPI_Finalize() { return sessions_mpi ? MPI_SUCCESS : __real_MPI_Finalize(); }
