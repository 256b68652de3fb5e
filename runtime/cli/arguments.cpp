// SPDX-License-Identifier: Apache-2.0
#include "runtime/cli/arguments.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "core/edit_distance.h"
#include "core/error.h"
#include "noc/address.h"

namespace tilegrid::cli {
namespace {

/// The whole text as a number, or nothing.
template <class T>
bool to_number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

/// Two numbers with a separator.
bool to_pair(std::string_view text, char separator, int& first, int& second) {
  const std::size_t at = text.find(separator);
  return at != std::string_view::npos && to_number(text.substr(0, at), first) && to_number(text.substr(at + 1), second);
}

std::vector<std::string> words_of(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  }
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    words.push_back(command->get_name());
  }
  return words;
}

bool output_failed = false;

void check_output(bool good) {
  if (good || output_failed) return;
  output_failed = true;  // and what follows is dropped
  if (errno != EPIPE) throw UsageError(fmt::format("standard output can't be written: {}", std::strerror(errno)));
}

}  // namespace

int parse_int(std::string_view flag, const std::string& text) {
  int value = 0;
  if (!to_number(text, value)) throw UsageError(fmt::format("{} {}: a whole number is expected", flag, text));
  return value;
}

std::uint64_t parse_unsigned(std::string_view flag, const std::string& text) {
  std::uint64_t value = 0;
  if (!to_number(text, value)) {
    throw UsageError(fmt::format("{} {}: a whole number from 0 to 2^64-1 is expected", flag, text));
  }
  return value;
}

double parse_number(std::string_view flag, const std::string& text) {
  double value = 0;
  if (!to_number(text, value) || !std::isfinite(value)) {
    throw UsageError(fmt::format("{} {}: a number is expected", flag, text));
  }
  return value;
}

GridSize parse_grid(std::string_view flag, const std::string& text) {
  GridSize grid;
  if (!to_pair(text, 'x', grid.x, grid.y)) {
    throw UsageError(fmt::format("{} {}: columns and rows are expected, as in 8x10", flag, text));
  }
  if (grid.x < 1 || grid.y < 1 || grid.x > noc::max_grid_side || grid.y > noc::max_grid_side) {
    throw UsageError(fmt::format("{} {}: each side is from 1 to {}", flag, text, noc::max_grid_side));
  }
  return grid;
}

LogicalCore parse_core(std::string_view flag, const std::string& text) {
  LogicalCore core;
  if (!to_pair(text, ',', core.x, core.y)) {
    throw UsageError(fmt::format("{} {}: column and row are expected, as in 3,4", flag, text));
  }
  return core;
}

std::size_t parse_word(std::string_view flag, const std::string& text, const std::vector<std::string>& words) {
  const auto found = std::find(words.begin(), words.end(), text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  if (words.size() > 8) {
    const std::string near = nearest_word(text, words);
    throw UsageError(fmt::format("{} {}: unknown{}; --help lists what there is", flag, text,
                                 near.empty() ? "" : fmt::format(", did you mean {}", near)));
  }
  throw UsageError(fmt::format("{} {}: one of {} is expected", flag, text, fmt::join(words, ", ")));
}

DataFormat parse_tensor_format(std::string_view flag, const std::string& text) {
  constexpr std::array formats{DataFormat::bf16, DataFormat::fp32, DataFormat::bfp8_b, DataFormat::bfp8_b};
  return formats.at(parse_word(flag, text, {"bf16", "fp32", "bfp8", name_of(DataFormat::bfp8_b)}));
}

std::string nearest_word(const std::string& text, const std::vector<std::string>& words) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, text.size() / 3) + 1;
  for (const std::string& word : words) {
    // What was cut short, or has something behind it, is near as well.
    const bool part = text.size() > 3 && (word.starts_with(text) || text.starts_with(word + "="));
    const std::size_t distance = part ? 1 : edit_distance(text, word);
    if (distance < best_distance) {
      best_distance = distance;
      best = word;
    }
  }
  return best;
}

void refuse_leftovers(const CLI::App& app) {
  const std::vector<std::string> rest = app.remaining();
  if (rest.empty()) return;
  const std::string word = rest.front().substr(0, rest.front().find('='));
  const std::string near = nearest_word(word, words_of(app));
  const bool has_commands = !app.get_subcommands([](const CLI::App*) { return true; }).empty();
  const char* what = "unexpected argument";
  if (word.starts_with("-")) what = "unknown flag";
  if (!word.starts_with("-") && has_commands) what = "unknown command";
  const std::string advice = near.empty() || near == word ? "see --help" : fmt::format("did you mean {}?", near);
  throw UsageError(fmt::format("{} {}: {}", what, word, advice));
}

void refuse_empty_values(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_items_expected_min() == 0) continue;
    for (const std::string& value : option->results()) {
      if (value.empty()) throw UsageError(fmt::format("{}: its value is empty", option->get_name()));
    }
  }
}

void check_output_path(std::string_view flag, const std::string& path) {
  const auto refuse = [&](const char* why) { throw UsageError(fmt::format("{} {}: {}", flag, path, why)); };
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(path, ignored);
  if (std::filesystem::is_directory(status)) refuse("is a directory");
  // The file is written beside it and then takes its place, which must not happen to a device.
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) refuse("is not a regular file");
  if (std::filesystem::exists(status) && access(path.c_str(), W_OK) != 0) refuse(std::strerror(errno));
  const std::string probe = fmt::format("{}.{}.part", path, getpid());
  const int file = open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) refuse(std::strerror(errno));
  close(file);
  unlink(probe.c_str());
}

bool same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  if (std::filesystem::equivalent(a, b, error)) return true;
  return std::filesystem::weakly_canonical(std::filesystem::absolute(a), error) ==
         std::filesystem::weakly_canonical(std::filesystem::absolute(b), error);
}

void check_output_files(const std::vector<NamedPath>& outputs, const std::vector<NamedPath>& inputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    check_output_path(outputs[i].flag, outputs[i].path);
    for (std::size_t j = 0; j < i; ++j) {
      if (same_file(outputs[i].path, outputs[j].path)) {
        throw UsageError(fmt::format("{} {}: is the file of {}, too", outputs[i].flag, outputs[i].path, outputs[j].flag));
      }
    }
    for (const NamedPath& input : inputs) {
      if (same_file(outputs[i].path, input.path)) {
        throw UsageError(
            fmt::format("{} {}: would overwrite the input of {}", outputs[i].flag, outputs[i].path, input.flag));
      }
    }
  }
}

void put(std::string_view text) {
  if (output_failed || text.empty()) return;
  check_output(std::fwrite(text.data(), 1, text.size(), stdout) == text.size());
}

void flush_output() { check_output(std::fflush(stdout) == 0); }

}  // namespace tilegrid::cli
