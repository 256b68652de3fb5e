// SPDX-License-Identifier: Apache-2.0
#include "runtime/jit/compiler.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <system_error>
#include <thread>

#include "core/error.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): not declared everywhere

namespace tilegrid::jit {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// A program by its name, as a shell finds it; empty when there is none.
fs::path in_path(const std::string& name) {
  if (name.find('/') != std::string::npos) return access(name.c_str(), X_OK) == 0 ? fs::path(name) : fs::path();
  std::istringstream folders(environment("PATH"));
  for (std::string folder; std::getline(folders, folder, ':');) {
    fs::path candidate = fs::path(folder) / name;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

std::string identity_of(const fs::path& program) {
  struct stat facts {};
  std::string target = fs::weakly_canonical(program).string();
  if (stat(target.c_str(), &facts) != 0) return target;
  return fmt::format("{} {} {}", target, facts.st_size, facts.st_mtime);
}

/// A command under way: the output of both its streams goes into a file that has no name.
struct Running {
  pid_t process = -1;
  int file = -1;
};

Running start(const std::vector<std::string>& command) {
  Running running;
  std::string name = (scratch_folder() / "tilegrid-output-XXXXXX").string();
  running.file = mkostemp(name.data(), O_CLOEXEC);
  if (running.file < 0)
    throw UsageError(fmt::format("{}: cannot be written: {}", name, std::generic_category().message(errno)));
  unlink(name.c_str());
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, running.file, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, running.file, STDERR_FILENO);
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));  // NOLINT
  arguments.push_back(nullptr);
  if (posix_spawn(&running.process, command.front().c_str(), &actions, nullptr, arguments.data(), environ) != 0) {
    running.process = -1;
  }
  posix_spawn_file_actions_destroy(&actions);
  return running;
}

Finished finish(const Running& running) {
  Finished finished{-1, {}};
  int status = 0;
  if (running.process > 0 && waitpid(running.process, &status, 0) == running.process && WIFEXITED(status)) {
    finished.status = WEXITSTATUS(status);
  }
  lseek(running.file, 0, SEEK_SET);
  std::array<char, 4096> part{};
  for (ssize_t got = 0; (got = read(running.file, part.data(), part.size())) > 0;) {
    finished.output.append(part.data(), got);
  }
  close(running.file);
  return finished;
}

}  // namespace

fs::path scratch_folder() {
  std::error_code failed;
  fs::path folder = fs::temp_directory_path(failed);
  if (!failed) return folder;
  throw UsageError(fmt::format("kernels from files need a folder to be compiled in: TMPDIR names {}, which is none",
                               environment("TMPDIR")));
}

Compiler find_compiler() {
  const std::string chosen = environment("TILEGRID_CXX");
  const std::vector<std::string> names = chosen.empty() ? std::vector<std::string>{"g++", "clang++"} : std::vector{chosen};
  for (const std::string& name : names) {
    const fs::path path = in_path(name);
    if (path.empty()) continue;
    const std::string target = fs::weakly_canonical(path).filename().string();
    return {path, target.find("clang") != std::string::npos, identity_of(path)};
  }
  throw UsageError(chosen.empty()
                       ? "kernels from files need a C++ compiler: neither g++ nor clang++ is in the PATH; set TILEGRID_CXX"
                       : fmt::format("TILEGRID_CXX names {}, which is no program", chosen));
}

fs::path device_headers() {
  std::vector<fs::path> places;
  const std::string chosen = environment("TILEGRID_DEVICE_HEADERS");
  if (!chosen.empty()) {
    places = {chosen};
  } else {
    std::error_code ignored;
    const fs::path program = fs::read_symlink("/proc/self/exe", ignored).parent_path();
    places = {TILEGRID_TREE_HEADERS, TILEGRID_INSTALLED_HEADERS,
              program.parent_path() / "include/tilegrid/kernels/metalium/include"};
  }
  std::string tried;
  for (const fs::path& place : places) {
    if (fs::exists(place / "tilegrid/device.h")) return place;
    tried += (tried.empty() ? "" : ", ") + place.string();
  }
  throw UsageError(fmt::format("no device headers (tilegrid/device.h) in {}; set TILEGRID_DEVICE_HEADERS", tried));
}

std::vector<Finished> run_commands(const std::vector<std::vector<std::string>>& commands) {
  const std::size_t most = std::max(1U, std::thread::hardware_concurrency());
  std::vector<Running> running;
  running.reserve(commands.size());
  std::vector<Finished> finished;
  finished.reserve(commands.size());
  for (const auto& command : commands) {
    if (running.size() - finished.size() >= most) finished.push_back(finish(running[finished.size()]));
    running.push_back(start(command));
  }
  while (finished.size() < running.size()) finished.push_back(finish(running[finished.size()]));
  return finished;
}

}  // namespace tilegrid::jit
