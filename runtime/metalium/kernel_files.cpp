// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <system_error>
#include <vector>

#include "core/error.h"
#include "runtime/metalium/program_parts.h"

namespace tilegrid::metalium {
namespace {

namespace fs = std::filesystem;

fs::path& root_directory() {
  static fs::path directory;
  return directory;
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

/// Folders that the program's user can name.
std::vector<fs::path> chosen_folders() {
  std::error_code ignored;
  std::vector<fs::path> folders{fs::current_path(ignored)};
  if (!root_directory().empty()) folders.push_back(root_directory());
  for (const char* variable : {"TT_METAL_KERNEL_PATH", "TT_METAL_HOME"}) {
    if (const char* folder = std::getenv(variable); folder != nullptr && *folder != '\0') folders.emplace_back(folder);
  }
  return folders;
}

}  // namespace

void set_root_directory(const fs::path& directory) { root_directory() = directory; }

fs::path find_kernel_file(const fs::path& path, const fs::path& caller) {
  if (path.is_absolute() && is_file(path)) return path;
  std::vector<fs::path> folders = chosen_folders();
  for (const fs::path& folder : folders) {
    if (is_file(folder / path.relative_path())) return folder / path.relative_path();
  }
  const std::size_t named = folders.size();
  std::error_code ignored;
  fs::path above = fs::absolute(caller, ignored).lexically_normal().parent_path();
  while (!caller.empty() && above.has_relative_path()) {
    folders.push_back(above);
    above = above.parent_path();
  }
  const fs::path relative = path.relative_path();
  const std::vector<fs::path> parts(relative.begin(), relative.end());
  for (std::size_t first = 0; first < parts.size(); ++first) {
    fs::path tail;
    for (std::size_t i = first; i < parts.size(); ++i) tail /= parts[i];
    for (const fs::path& folder : folders) {
      if (is_file(folder / tail)) return folder / tail;
    }
  }
  std::vector<std::string> searched;
  for (std::size_t i = 0; i < named; ++i) searched.push_back(folders[i].string());
  throw UsageError(fmt::format(
      "kernel file {}: it is not there. Searched: {}; and for its last parts there and above {}. Set TT_METAL_KERNEL_PATH "
      "or TT_METAL_HOME to the folder that the path begins in",
      path.string(), fmt::join(searched, ", "), caller.empty() ? std::string("the host's source") : caller.string()));
}

}  // namespace tilegrid::metalium
