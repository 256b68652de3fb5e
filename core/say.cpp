// SPDX-License-Identifier: Apache-2.0
#include "core/say.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "core/error.h"

namespace tilegrid {
namespace {

constexpr std::size_t longest_word = 300;
constexpr std::size_t longest_line = 2000;

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }  // of UTF-8

/// Begin, length and end of a text that is too long.
std::string cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  std::size_t head = most * 2 / 3;
  std::size_t tail = text.size() - most / 5;
  while (head > 0 && continues_character(text[head])) --head;
  while (tail < text.size() && continues_character(text[tail])) ++tail;
  return fmt::format("{}...[{} characters]...{}", text.substr(0, head), text.size(), text.substr(tail));
}

std::string cut_words(std::string_view line) {
  std::string result;
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t word = std::min(line.find_first_not_of(' ', at), line.size());
    const std::size_t end = std::min(line.find(' ', word), line.size());
    result += line.substr(at, word - at);
    result += cut(line.substr(word, end - word), longest_word);
    at = end;
  }
  return cut(result, longest_line);
}

bool output_failed = false;

void check_output(bool good) {
  if (good || output_failed) return;
  output_failed = true;  // and what follows is dropped
  if (errno != EPIPE) throw UsageError(fmt::format("standard output can't be written: {}", std::strerror(errno)));
}

bool is_control(char c) { return (c >= '\0' && c < ' ' && c != '\t') || c == '\x7F'; }

/// Writes what it can.
void write_all(std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(written);
  }
}

}  // namespace

std::string readable_line(std::string_view message) {
  std::string line(message);
  for (char& c : line) {
    if (is_control(c)) c = '?';
  }
  return cut_words(line);
}

std::string readable(std::string_view message) {
  std::string text;
  for (std::size_t at = 0; at <= message.size();) {
    const std::size_t end = std::min(message.find('\n', at), message.size());
    if (at > 0) text += '\n';
    text += readable_line(message.substr(at, end - at));
    at = end + 1;
  }
  return text;
}

void say_error(std::string_view message) noexcept {
  try {
    // In one piece, so that the words of several ranks do not mix.
    write_all(fmt::format("tilegrid: {}\n", readable(message)));
  } catch (...) {  // no memory for it
    write_all("tilegrid: ");
    write_all(message);
    write_all("\n");
  }
}

void put(std::string_view text) {
  if (output_failed || text.empty()) return;
  check_output(std::fwrite(text.data(), 1, text.size(), stdout) == text.size());
}

void flush_output() { check_output(std::fflush(stdout) == 0); }

bool output_is_gone() { return output_failed; }

void wait_until_read() noexcept {
  constexpr timespec nap{0, 1'000'000};
  constexpr int most_naps = 10'000;  // a reader may be kept waiting for a processor for seconds
  for (int naps = 0; naps < most_naps; ++naps) {
    int left = 0;
    for (const int file : {STDOUT_FILENO, STDERR_FILENO}) {
      struct stat status {};
      int unread = 0;
      if (fstat(file, &status) == 0 && S_ISFIFO(status.st_mode) && ioctl(file, FIONREAD, &unread) == 0) left += unread;
    }
    if (left == 0) return;
    nanosleep(&nap, nullptr);
  }
}

void keep_standard_files() noexcept {
  for (int file = 0; file <= STDERR_FILENO; ++file) {
    if (fcntl(file, F_GETFD) >= 0) continue;
    // The lowest number that is free is this one. Opened the wrong way round, so that its use remains an error.
    static_cast<void>(open("/dev/null", file == STDIN_FILENO ? O_WRONLY : O_RDONLY));
  }
}

}  // namespace tilegrid
