// SPDX-License-Identifier: Apache-2.0
#include "runtime/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace tilegrid {
namespace {

constexpr double silent_seconds = 2;

bool somebody_watches() {
  const char* told = std::getenv("TILEGRID_PROGRESS");
  if (told != nullptr && *told != '\0') return std::string_view(told) != "0";
  return isatty(STDERR_FILENO) == 1;
}

/// Where nobody can see it nothing is lost.
void draw(const std::string& text) {
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace

Progress::Progress(std::string command, std::uint64_t expected, bool wanted, std::string unit)
    : command_(std::move(command)), expected_(expected), unit_(std::move(unit)), visible_(wanted && somebody_watches()) {}

void Progress::update(std::uint64_t done) {
  const double elapsed = watch_.seconds();
  if (!visible_ || elapsed < silent_seconds || expected_ == 0) return;
  const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(expected_));
  const std::string rest = part > 0 ? fmt::format(", about {:.0f} s to go", elapsed * (1 - part) / part) : "";
  std::string line = fmt::format("{}: {:.0f}% of {} {}, {:.0f} s{}", command_, 100 * part, expected_, unit_, elapsed, rest);
  const std::size_t width = line.size();
  if (width < width_) line.append(width_ - width, ' ');
  width_ = width;
  draw(fmt::format("\r{}", line));
}

void Progress::clear() {
  if (width_ == 0) return;
  draw(fmt::format("\r{:{}}\r", "", width_));
  width_ = 0;
}

}  // namespace tilegrid
