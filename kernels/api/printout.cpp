// SPDX-License-Identifier: Apache-2.0
#include "kernels/api/printout.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace tilegrid {
namespace {

constexpr std::uint8_t compute_bits = 0x1C;

/// `thread`: 0 the kernel as a whole, 1 to 3 UNPACK, MATH and PACK.
const char* processor(Risc risc, std::size_t thread) {
  static constexpr EnumArray<Risc, const char*> riscs{"BR", "NC", "TR"};
  static constexpr std::array<const char*, 4> threads{"", "TR0", "TR1", "TR2"};
  return thread == 0 ? riscs[risc] : threads[thread];
}

}  // namespace

std::uint8_t PrintFilter::of(int core, Risc risc) const {
  if (!cores.empty() && !std::binary_search(cores.begin(), cores.end(), core)) return 0;
  const std::uint8_t of_risc = risc == Risc::brisc ? 1U : risc == Risc::ncrisc ? 2U : compute_bits;
  return riscs & of_risc;
}

bool Printout::wants(int thread) const {
  if (thread < 0) return wanted_ != 0;
  return risc_ == Risc::trisc && (wanted_ >> static_cast<unsigned>(thread + 2) & 1U) != 0;
}

bool Printout::empty() const {
  const auto none = [](const std::string& text) { return text.empty(); };
  return std::all_of(lines_.begin(), lines_.end(), none) && std::all_of(open_.begin(), open_.end(), none);
}

void Printout::write_to(int descriptor) const noexcept {
  const auto put = [descriptor](std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(descriptor, text.data(), text.size());
      if (written <= 0) return;
      text.remove_prefix(written);
    }
  };
  for (std::size_t thread = 0; thread < lines_.size(); ++thread) {
    put(lines_[thread]);
    if (open_[thread].empty()) continue;
    std::array<char, 64> start{};
    const int length = std::snprintf(start.data(), start.size(), "0:(%d,%d):%s: ", at_.x, at_.y, processor(risc_, thread));
    put({start.data(), static_cast<std::size_t>(length)});
    put(open_[thread]);
    put("\n");
  }
}

void Printout::end_line(std::size_t thread) {
  std::string& line = open_.at(thread);
  std::string& lines = lines_.at(thread);
  if (lines.size() + line.size() < most_bytes) {
    lines += fmt::format("{}{}\n", prefix(thread), line);
  } else {
    ++lost_.at(thread);
  }
  line.clear();
}

std::string Printout::prefix(std::size_t thread) const {
  return fmt::format("0:({},{}):{}: ", at_.x, at_.y, processor(risc_, thread));
}

void Printout::text(int thread, std::string_view text) {
  const std::size_t of = thread + 1;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    open_.at(of) += text.substr(0, end);
    if (end == std::string_view::npos) return;
    end_line(of);
    text.remove_prefix(end + 1);
  }
}

void Printout::finish() {
  for (std::size_t thread = 0; thread < open_.size(); ++thread) {
    if (!open_.at(thread).empty()) end_line(thread);
    const std::uint64_t lost = std::exchange(lost_.at(thread), 0);
    if (lost == 0) continue;
    lines_.at(thread) +=
        fmt::format("{}[{} more lines, beyond {} MiB, were not kept]\n", prefix(thread), lost, most_bytes >> 20U);
  }
}

}  // namespace tilegrid
