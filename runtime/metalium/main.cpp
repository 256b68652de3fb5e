// SPDX-License-Identifier: Apache-2.0
// main and exit of a host program, wrapped by the linker (--wrap): ranks other than 0 serve before main begins, and how it
// ends becomes the exit code. Handlers of exit would come too late: what the session needs is destroyed before them.
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "core/error.h"
#include "runtime/metalium/board.h"

// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming): names that the linker makes
extern "C" int __real_main(int argc, char** argv, char** environment);
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" [[noreturn]] void __real_exit(int code);

namespace {

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
  try {
    code = __real_main(argc, argv, environment);
  } catch (const std::exception& error) {
    code = ended_with(error);
  }
  return Board::end(code);
}

// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" void __wrap_exit(int code) { __real_exit(tilegrid::metalium::Board::end(code)); }
