// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace tilegrid::jit {

/// The host's C++ compiler.
struct Compiler {
  std::filesystem::path path;
  bool clang = false;
  std::string identity;  ///< other compilers, and other versions, have another one
};

/// TILEGRID_CXX, else g++, else clang++ of the PATH. Throws UsageError.
[[nodiscard]] Compiler find_compiler();

/// The folder of the device headers: TILEGRID_DEVICE_HEADERS, else the source tree's, else the installed one. Throws
/// UsageError that names what was tried.
[[nodiscard]] std::filesystem::path device_headers();

/// The folder for what is written while kernels are compiled (TMPDIR, else /tmp). Throws UsageError when there is none.
[[nodiscard]] std::filesystem::path scratch_folder();

/// What a command printed, and how it ended.
struct Finished {
  int status = 0;  ///< exit status; -1: ended by a signal, or not started
  std::string output;
};
/// Runs commands side by side, as many at a time as the host has CPUs, their output collected.
[[nodiscard]] std::vector<Finished> run_commands(const std::vector<std::vector<std::string>>& commands);

}  // namespace tilegrid::jit
