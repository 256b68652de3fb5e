// SPDX-License-Identifier: Apache-2.0
#include "runtime/metalium/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/fidelity_name.h"
#include "runtime/flags/flags.h"

namespace tilegrid::metalium {
namespace {

std::string trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return std::string(text);
}

std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) {
    if (!trimmed(part).empty()) parts.push_back(trimmed(part));
  }
  return parts;
}

constexpr std::array names{"grid",     "arch",         "set",       "check",       "report",      "log",        "shake",
                           "numerics", "known_faults", "time",      "print_cores", "print_riscs", "print_file", "watch",
                           "trace",    "trace_cores",  "noc_trace", "npeviz",      "profiler_csv"};

std::string variable_of(std::string_view name) {
  std::string variable = fmt::format("TILEGRID_{}", name);
  for (char& letter : variable) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  return variable;
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

/// Where a setting is a file to write, and nothing else: it is kept in this member.
std::string* file_of(Settings& settings, const std::string& name) {
  if (name == "log") return &settings.log;
  if (name == "trace") return &settings.traces.trace;
  if (name == "noc_trace") return &settings.traces.noc_trace;
  if (name == "npeviz") return &settings.traces.npeviz;
  if (name == "profiler_csv") return &settings.traces.profiler_csv;
  return nullptr;
}

/// Before anything runs: what can't be written, and what two settings name. What kernels print may go to a terminal, too.
void check_files(Settings settings) {
  Flags files;
  for (const char* name : names) {
    std::string* file = file_of(settings, name);
    const bool report = std::string_view(name) == "report" && settings.report != "summary" && settings.report != "off";
    if (report && settings.report != "-") file = &settings.report;
    if (file == nullptr || file->empty()) continue;
    const std::string variable = variable_of(name);
    if (*file == "-") throw UsageError(fmt::format("{} -: it goes to a file only", variable));
    files.add(variable, "FILE", "", *file).writes();
  }
  std::error_code none;
  const auto there = std::filesystem::status(settings.print_file, none).type();
  if (!settings.print_file.empty() &&
      (there == std::filesystem::file_type::not_found || there == std::filesystem::file_type::regular)) {
    files.add(variable_of("print_file"), "FILE", "", settings.print_file).writes();
  }
  files.check_paths();
}

bool is_on(const std::string& value, const std::string& where) {
  if (value != "on" && value != "off") throw UsageError(fmt::format("{}: \"{}\" is neither on nor off", where, value));
  return value == "on";
}

Numerics numerics_of(const std::string& value, const std::string& where) {
  for (const Numerics numerics : each<Numerics>) {
    if (value == name_of(numerics)) return numerics;
  }
  throw UsageError(fmt::format("{}: \"{}\" is none of exact, rounded, fast", where, value));
}
/// The vendor's variables that say the same.
constexpr std::array<std::pair<const char*, const char*>, 3> vendors_names{{{"TT_METAL_DPRINT_CORES", "print_cores"},
                                                                            {"TT_METAL_DPRINT_RISCVS", "print_riscs"},
                                                                            {"TT_METAL_DPRINT_FILE", "print_file"}}};

void assign(Settings& settings, const std::string& name, const std::string& value, const std::string& where) {
  if (std::string* file = file_of(settings, name)) {
    *file = value;
  } else if (name == "trace_cores") {
    settings.traces.cores = words_of(value);
  } else if (name == "grid") {
    settings.grid = value;
  } else if (name == "arch") {
    settings.arch = value;
  } else if (name == "set") {
    settings.set = parts_of(value);
  } else if (name == "check") {
    settings.check = value;
  } else if (name == "report") {
    settings.report = value.empty() ? "summary" : value;
  } else if (name == "shake") {
    settings.shake = value;
  } else if (name == "print_cores") {
    settings.print_cores = value.empty() ? "all" : value;
  } else if (name == "print_riscs") {
    settings.print_riscs = value.empty() ? "all" : value;
  } else if (name == "print_file") {
    settings.print_file = value;
  } else if (name == "watch") {
    settings.watch = value;
  } else if (name == "time") {
    settings.time = is_on(value, where);
  } else if (name == "numerics") {
    settings.numerics = numerics_of(value, where);
  } else if (name == "known_faults") {
    settings.known_faults = is_on(value, where);
  } else {
    throw UsageError(fmt::format("{}: there is no setting {}; there are {}", where, name, fmt::join(names, ", ")));
  }
}

void read_lines(Settings& settings, std::istream& lines, const std::string& where) {
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    line = trimmed(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    const std::string place = fmt::format("{}:{}", where, number);
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) throw UsageError(fmt::format("{}: \"{}\" is no \"name = value\"", place, line));
    assign(settings, trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1)), place);
  }
}

}  // namespace

std::string Settings::to_text() const {
  return fmt::format("grid={}\narch={}\nset={}\ncheck={}\nreport={}\nlog={}\nshake={}\ntime={}\n", grid, arch,
                     fmt::join(set, ","), check, report, log, shake, time ? "on" : "off") +
         fmt::format("numerics={}\nknown_faults={}\n", name_of(numerics), known_faults ? "on" : "off") +
         fmt::format("print_cores={}\nprint_riscs={}\nprint_file={}\nwatch={}\n", print_cores, print_riscs, print_file,
                     watch) +
         fmt::format("trace={}\ntrace_cores={}\nnoc_trace={}\nnpeviz={}\nprofiler_csv={}\n", traces.trace,
                     fmt::join(traces.cores, " "), traces.noc_trace, traces.npeviz, traces.profiler_csv);
}

Settings Settings::from_text(const std::string& text, const std::string& where) {
  Settings settings;
  std::istringstream lines(text);
  read_lines(settings, lines, where);
  return settings;
}

Settings settings_of_environment() {
  Settings settings;
  for (const auto& [variable, name] : vendors_names) {
    if (const char* value = std::getenv(variable)) assign(settings, name, value, variable);
  }
  if (const char* path = std::getenv("TILEGRID_SETTINGS"); path != nullptr && *path != '\0') {
    std::ifstream file(path);
    if (!file) throw UsageError(fmt::format("TILEGRID_SETTINGS: {}: can't be read", path));
    read_lines(settings, file, path);
  }
  for (const char* name : names) {
    const std::string variable = variable_of(name);
    if (const char* value = std::getenv(variable.c_str())) assign(settings, name, value, variable);
  }
  check_files(settings);
  return settings;
}

}  // namespace tilegrid::metalium
