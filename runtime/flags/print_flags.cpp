// SPDX-License-Identifier: Apache-2.0
#include "runtime/flags/print_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>
#include <utility>

#include "core/error.h"
#include "core/say.h"

namespace tilegrid {
namespace {

/// Reads "x,y" pairs with dashes and any of ",; ()" between them.
class CoreReader {
 public:
  CoreReader(std::string_view flag, const std::string& text, GridSize grid) : flag_(flag), text_(text), grid_(grid) {}

  std::vector<int> read() {
    std::set<int> cores;
    while (!at_end()) {
      const LogicalCore first = core();
      LogicalCore last = first;
      skip(" )");
      if (take('-')) last = core();
      if (last.x < first.x || last.y < first.y) refuse("the first corner of a rectangle is the upper left one");
      for (int y = first.y; y <= last.y; ++y) {
        for (int x = first.x; x <= last.x; ++x) cores.insert(grid_.index({x, y}));
      }
    }
    if (cores.empty()) refuse("cores are expected, as in 0,0-3,1");
    return {cores.begin(), cores.end()};
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const { throw UsageError(fmt::format("{} {}: {}", flag_, text_, why)); }
  void skip(std::string_view letters) {
    while (place_ < text_.size() && letters.find(text_[place_]) != std::string_view::npos) ++place_;
  }
  bool at_end() {
    skip(" ,;()");
    return place_ == text_.size();
  }
  bool take(char letter) {
    if (place_ == text_.size() || text_[place_] != letter) return false;
    ++place_;
    return true;
  }
  int number() {
    std::string digits;
    while (place_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[place_])) != 0) digits += text_[place_++];
    if (digits.empty() || digits.size() > 4) refuse("cores are expected, as in 0,0-3,1, or all, or none");
    return std::stoi(digits);
  }
  LogicalCore core() {
    skip(" (");
    LogicalCore at;
    at.x = number();
    skip(" ");
    if (!take(',')) refuse("a core is its column and its row, as in 3,4");
    skip(" ");
    at.y = number();
    if (!grid_.contains(at)) {
      refuse(fmt::format("there is no core ({},{}) in a grid of {}x{}", at.x, at.y, grid_.x, grid_.y));
    }
    return at;
  }

  std::string_view flag_;
  const std::string& text_;
  GridSize grid_;
  std::size_t place_ = 0;
};

}  // namespace

void add_print_flags(Flags& flags, PrintOptions& options) {
  flags.in("Kernels' output");
  flags
      .add("--print-cores", "CORES",
           "Whose DPRINT output is shown: all, none, or cores and rectangles, as in\n\"0,0 4,2-7,3\" [$]", options.cores)
      .no_fact()
      .no_sweep();
  flags
      .add("--print-riscs", "RISCS", "Of which processors: all, none, or a list of BR, NC, TR0, TR1, TR2, TR [$]",
           options.riscs)
      .no_fact()
      .no_sweep();
  flags.add("--print-file", "FILE", "Write the output there [standard output]", options.file).no_fact().no_sweep().writes();
  flags
      .add_switch(
          "--watch",
          "Show on standard error each second, or as often as TILEGRID_WATCH says, where\nevery core stands; SIGUSR1 "
          "shows it once, without the flag, too",
          options.watch)
      .no_fact()
      .no_sweep();
}

std::vector<int> parse_cores(std::string_view flag, const std::string& text, GridSize grid) {
  std::vector<int> all;
  if (text == "all" || text == "worker") {
    for (int core = 0; core < grid.cores(); ++core) all.push_back(core);
    return all;
  }
  if (text == "none" || text == "dispatch") return {};
  return CoreReader(flag, text, grid).read();
}

std::uint8_t parse_riscs(std::string_view flag, const std::string& text) {
  static constexpr std::array<std::pair<const char*, std::uint8_t>, 18> names{{{"all", 0x1F},
                                                                               {"none", 0},
                                                                               {"BR", 1},
                                                                               {"BRISC", 1},
                                                                               {"NC", 2},
                                                                               {"NCRISC", 2},
                                                                               {"TR", 0x1C},
                                                                               {"TR*", 0x1C},
                                                                               {"TRISC", 0x1C},
                                                                               {"TR0", 4},
                                                                               {"TR1", 8},
                                                                               {"TR2", 16},
                                                                               {"TRISC0", 4},
                                                                               {"TRISC1", 8},
                                                                               {"TRISC2", 16},
                                                                               {"UNPACK", 4},
                                                                               {"MATH", 8},
                                                                               {"PACK", 16}}};
  std::uint8_t bits = 0;
  std::string list = text;
  std::replace(list.begin(), list.end(), '+', ',');
  for (const std::string& part : split(list)) {
    const auto same = [&](const auto& name) {
      return std::equal(part.begin(), part.end(), name.first, name.first + std::strlen(name.first), [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
      });
    };
    const auto found = std::find_if(names.begin(), names.end(), same);
    if (found == names.end()) refuse_word(flag, part, {"all", "none", "BR", "NC", "TR", "TR0", "TR1", "TR2"});
    bits |= found->second;
  }
  return bits;
}

PrintFilter print_filter(const PrintOptions& options, GridSize grid, bool environment) {
  PrintFilter filter;
  filter.riscs = parse_riscs(environment ? "TILEGRID_PRINT_RISCS" : "--print-riscs", options.riscs);
  filter.cores = parse_cores(environment ? "TILEGRID_PRINT_CORES" : "--print-cores", options.cores, grid);
  if (filter.cores.empty()) filter.riscs = 0;
  return filter;
}

double watch_seconds(const char* environment) {
  if (environment == nullptr || *environment == '\0') return 1;
  const double seconds = parse_number("TILEGRID_WATCH", environment);
  if (seconds <= 0) throw UsageError(fmt::format("TILEGRID_WATCH {}: a number of seconds is expected", environment));
  return seconds;
}

PrintTarget::PrintTarget(const PrintOptions& options, bool to_stderr) : path_(options.file), to_stderr_(to_stderr) {
  if (path_.empty()) return;
  file_.open(path_);
  if (!file_) throw UsageError(fmt::format("{}: cannot be written: {}", path_, std::strerror(errno)));
}

void PrintTarget::put(std::string_view text) {
  if (file_.is_open()) {
    file_ << text << std::flush;
  } else if (to_stderr_) {
    std::fwrite(text.data(), 1, text.size(), stderr);
  } else {
    tilegrid::put(text);
    flush_output();
  }
}

void PrintTarget::finish() {
  if (file_.is_open() && !file_.flush()) {
    throw UsageError(fmt::format("{}: what kernels printed could not be written: {}", path_, std::strerror(errno)));
  }
}

}  // namespace tilegrid
