// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

namespace tilegrid {

/// The content of a file that a user names, of `most` bytes at most. A pipe is read, too, as `<(...)` of a shell makes one;
/// one into which nobody writes is given up after some seconds. Throws UsageError, "path: why": a folder, a device, a
/// socket, missing, unreadable, larger.
[[nodiscard]] std::string read_input(const std::string& path, std::size_t most);

/// Throws UsageError, "path: why", for what has no size to check anything against, or is not there: all but regular files.
void require_regular_file(const std::string& path);

}  // namespace tilegrid
