// SPDX-License-Identifier: Apache-2.0
#include "core/chip/architecture.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include "core/chip/built_in.h"
#include "core/edit_distance.h"
#include "core/error.h"

namespace tilegrid::timing {
namespace {

using nlohmann::json;

struct Range {
  double low = 0;
  double high = 0;
};

/// What a parameter can be. Most are cycles, which may be 0; what something is divided by may not.
Range range_of(std::string_view name) {
  if (name == "clock_hz") return {1e6, 1e12};
  if (name == "noc_packet_bytes") return {64, 1 << 24};
  if (name == "noc_flit_bytes") return {1, 4096};
  if (name == "noc_buffer_flits") return {1, 1 << 20};
  if (name == "noc_response_channels") return {1, 3};
  if (name == "matmul_phase_cycles") return {0.01, 1e9};
  if (name.ends_with("_per_cycle") || name.ends_with("_flit_cycles")) return {0.001, 1e9};
  return {0, 1e9};
}

std::string nearest(std::string_view name, const std::vector<std::string>& names) {
  return *std::min_element(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    return edit_distance(name, a) < edit_distance(name, b);
  });
}

/// The parameters that every architecture has: those of the first built-in file.
const std::vector<std::string>& known_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    const json parsed = json::parse(built_in_files().front().json);
    for (const auto& [name, entry] : parsed.at("parameters").items()) all.push_back(name);
    return all;
  }();
  return names;
}

bool is_known(const std::string& name) {
  return std::binary_search(known_names().begin(), known_names().end(), name);  // JSON objects are sorted
}

[[noreturn]] void unknown(const std::string& where, const std::string& name) {
  throw UsageError(
      fmt::format("{}: no parameter is called '{}', the nearest is '{}'", where, name, nearest(name, known_names())));
}

void check_range(const std::string& where, const std::string& name, double value) {
  const Range range = range_of(name);
  if (std::isfinite(value) && value >= range.low && value <= range.high) return;
  throw UsageError(fmt::format("{}: {} is {}, it must be from {} to {}", where, name, value, range.low, range.high));
}

std::string text_of(const json& entry, const char* key, const std::string& where, const std::string& name) {
  const auto found = entry.find(key);
  if (found == entry.end() || !found->is_string() || found->get_ref<const std::string&>().empty()) {
    throw UsageError(fmt::format("{}: {} has no {}", where, name, key));
  }
  return found->get<std::string>();
}

Parameter parameter(const json& entry, const std::string& where, const std::string& name) {
  if (!is_known(name)) unknown(where, name);
  if (!entry.is_object()) throw UsageError(fmt::format("{}: {} must have a value, a unit and a source", where, name));
  for (const auto& [key, unused] : entry.items()) {
    if (key != "value" && key != "unit" && key != "source") {
      throw UsageError(fmt::format("{}: {} has a '{}': only value, unit and source are known", where, name, key));
    }
  }
  const auto value = entry.find("value");
  if (value == entry.end() || !value->is_number())
    throw UsageError(fmt::format("{}: {} has no number as value", where, name));
  Parameter result{value->get<double>(), text_of(entry, "unit", where, name), text_of(entry, "source", where, name)};
  check_range(where, name, result.value);
  return result;
}

json parse(std::string_view text, const std::string& where) {
  try {
    return json::parse(text);
  } catch (const json::parse_error& error) {
    const std::string_view before = text.substr(0, error.byte == 0 ? 0 : error.byte - 1);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const auto last_end = before.rfind('\n');
    const auto column = before.size() - (last_end == std::string_view::npos ? 0 : last_end + 1) + 1;
    throw UsageError(fmt::format("{}:{}:{}: not JSON", where, line, column));
  } catch (const json::exception& error) {
    throw UsageError(fmt::format("{}: {}", where, error.what()));  // a number that no double holds
  }
}

std::string text_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file || !text) {
    throw UsageError(fmt::format("{}: no such architecture and no file that can be read; built in: {}", path,
                                 fmt::join(Architecture::built_in(), ", ")));
  }
  return text.str();
}

}  // namespace

std::vector<std::string> Architecture::built_in() {
  std::vector<std::string> names;
  for (const BuiltInFile& file : built_in_files()) names.emplace_back(file.name);
  return names;
}

Architecture Architecture::load(const std::string& name_or_path) {
  const auto files = built_in_files();
  const auto found = std::find_if(files.begin(), files.end(), [&](const BuiltInFile& f) { return f.name == name_or_path; });
  const json root = parse(found != files.end() ? std::string(found->json) : text_of_file(name_or_path), name_or_path);
  if (!root.is_object() || !root.contains("parameters") || !root["parameters"].is_object()) {
    throw UsageError(fmt::format("{}: an architecture is an object with a name and parameters", name_or_path));
  }
  for (const auto& [key, unused] : root.items()) {
    if (key != "name" && key != "parameters") throw UsageError(fmt::format("{}: unknown entry '{}'", name_or_path, key));
  }
  Architecture architecture;
  architecture.name_ = text_of(root, "name", name_or_path, "the architecture");
  for (const auto& [name, entry] : root["parameters"].items()) {
    architecture.parameters_[name] = parameter(entry, name_or_path, name);
  }
  for (const std::string& name : known_names()) {
    if (!architecture.parameters_.contains(name)) throw UsageError(fmt::format("{}: {} is missing", name_or_path, name));
  }
  return architecture;
}

void Architecture::set(const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw UsageError(fmt::format("--set {}: must be key=value", assignment));
  }
  const std::string where = "--set " + assignment;
  const std::string name = assignment.substr(0, equals);
  const std::string text = assignment.substr(equals + 1);
  const auto found = parameters_.find(name);
  if (found == parameters_.end()) unknown(where, name);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw UsageError(fmt::format("{}: '{}' is not a number", where, text));
  }
  check_range(where, name, value);
  found->second.value = value;
  found->second.source = "--set";
}

double Architecture::operator[](const std::string& name) const {
  const auto found = parameters_.find(name);
  if (found == parameters_.end()) throw std::logic_error("no architecture has a parameter '" + name + "'");
  return found->second.value;
}

}  // namespace tilegrid::timing
