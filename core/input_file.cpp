// SPDX-License-Identifier: Apache-2.0
#include "core/input_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/error.h"

namespace tilegrid {
namespace {

constexpr int patience_ms = 10'000;  ///< with a pipe that brings nothing
constexpr int step_ms = 50;

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw UsageError(fmt::format("{}: {}", path, why));
}

/// What can't be read as a file; null for files and pipes.
const char* why_unfit(mode_t mode) {
  if (S_ISDIR(mode)) return "is a directory";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "is a device";
  return S_ISREG(mode) || S_ISFIFO(mode) ? nullptr : "is no file";
}

struct stat status_of(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) refuse(path, fmt::format("can't be read: {}", std::strerror(errno)));
  return status;
}

class InputFile {
 public:
  explicit InputFile(const std::string& path) : path_(path) {
    if (const char* why = why_unfit(status_of(path).st_mode)) refuse(path, why);
    // Without O_NONBLOCK the opening of a pipe waits for a writer.
    file_ = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (file_ < 0) refuse(path, fmt::format("can't be read: {}", std::strerror(errno)));
  }
  ~InputFile() { close(file_); }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  /// Appends the next piece; false at the end.
  bool append_to(std::string& text) {
    for (int waited = 0;; waited += step_ms) {
      const ssize_t got = read(file_, piece_.data(), piece_.size());
      if (got > 0) {
        text.append(piece_.data(), got);
        return true;
      }
      // A named pipe whose writer has not come yet reads as one that has ended.
      struct stat status {};
      const bool pipe = fstat(file_, &status) == 0 && S_ISFIFO(status.st_mode);
      if (got == 0 && (!pipe || !text.empty())) return false;
      if (got < 0 && errno != EAGAIN && errno != EINTR)
        refuse(path_, fmt::format("can't be read: {}", std::strerror(errno)));
      if (waited >= patience_ms) refuse(path_, "is a pipe into which nobody writes");
      wait(got == 0);
    }
  }

 private:
  void wait(bool ended) const {
    pollfd one{file_, POLLIN, 0};
    // An ended pipe is always "ready".
    static_cast<void>(poll(&one, ended ? 0 : 1, step_ms));
  }

  const std::string& path_;
  int file_ = -1;
  std::array<char, 65536> piece_{};
};

}  // namespace

std::string read_input(const std::string& path, std::size_t most) {
  InputFile file(path);
  std::string text;
  while (file.append_to(text)) {
    if (text.size() > most) refuse(path, fmt::format("is larger than {} bytes", most));
  }
  return text;
}

void require_regular_file(const std::string& path) {
  const mode_t mode = status_of(path).st_mode;
  if (const char* why = why_unfit(mode)) refuse(path, why);
  if (!S_ISREG(mode)) refuse(path, "is a pipe: a regular file is needed");
}

}  // namespace tilegrid
