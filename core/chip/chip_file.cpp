// SPDX-License-Identifier: Apache-2.0
#include "core/chip/chip_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/chip/built_in.h"
#include "core/edit_distance.h"
#include "core/error.h"
#include "core/l1.h"

namespace tilegrid {
namespace {

using nlohmann::json;

struct Range {
  double low = 0;
  double high = 0;
  double step = 0;  ///< a multiple of this; 0: any number
};

/// What a value can be. Most are cycles, which may be 0; what something is divided by may not.
Range range_of(std::string_view name) {
  if (name == "l1_bytes") return {262'144, l1_slot_bytes, 4096};  // pages of the host
  if (name == "dram_bank_bytes") return {1 << 20, 4294967296.0, 4096};
  if (name == "dram_alignment_bytes") return {16, 256, 16};
  if (name == "dst_tiles") return {4, 16, 4};
  if (name == "circular_buffers") return {1, 32, 1};
  if (name == "clock_hz") return {1e6, 1e12};
  if (name == "noc_packet_bytes") return {64, 1 << 24};
  if (name == "noc_flit_bytes") return {1, 4096};
  if (name == "noc_buffer_flits") return {1, 1 << 20};
  if (name == "noc_response_channels") return {1, 3};
  if (name == "matmul_phase_cycles") return {0.01, 1e9};
  if (name.ends_with("_per_cycle") || name.ends_with("_flit_cycles")) return {0.001, 1e9};
  if (name == "dram_achieved_share" || name == "dram_crowd_share") return {0.01, 1};
  return {0, 1e9};
}

/// The entries that every chip has, by section: those of the first built-in file.
struct Known {
  std::vector<std::string> geometry, memory, parameters;
};
const Known& known() {
  static const Known names = [] {
    Known all;
    const json root = json::parse(built_in_files().front().json);
    for (const auto& [name, entry] : root.at("geometry").items()) all.geometry.push_back(name);
    for (const auto& [name, entry] : root.at("memory").items()) all.memory.push_back(name);
    for (const auto& [name, entry] : root.at("parameters").items()) all.parameters.push_back(name);
    return all;
  }();
  return names;
}

bool is_among(const std::string& name, const std::vector<std::string>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string nearest(std::string_view name, const std::vector<std::string>& names) {
  return *std::min_element(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    return edit_distance(name, a) < edit_distance(name, b);
  });
}

[[noreturn]] void unknown(const std::string& where, const std::string& name, const std::vector<std::string>& names) {
  throw UsageError(fmt::format("{}: no parameter is called '{}', the nearest is '{}'", where, name, nearest(name, names)));
}

/// "FILE:LINE:COLUMN" of a byte.
std::string place_of(std::string_view text, std::size_t byte, const std::string& where) {
  const std::string_view before = text.substr(0, byte);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const auto last_end = before.rfind('\n');
  const auto column = before.size() - (last_end == std::string_view::npos ? 0 : last_end + 1) + 1;
  return fmt::format("{}:{}:{}", where, line, column);
}

json parse_json(std::string_view text, const std::string& where) {
  try {
    return json::parse(text);
  } catch (const json::parse_error& error) {
    throw UsageError(fmt::format("{}: not JSON", place_of(text, error.byte == 0 ? 0 : error.byte - 1, where)));
  } catch (const json::exception& error) {
    // A number that no double holds; its digits stand in the library's words, between quotes.
    const std::string_view words = error.what();
    const std::size_t begin = words.find('\'') + 1;
    const std::string_view number = words.substr(begin, words.rfind('\'') - begin);
    const std::size_t at = begin == 0 ? std::string_view::npos : text.find(number);
    throw UsageError(fmt::format("{}: a number of {} characters is larger than 1.8e308, more than can be read",
                                 at == std::string_view::npos ? where : place_of(text, at, where), number.size()));
  }
}

std::string text_in(const json& entry, const char* key, const std::string& where, const std::string& name) {
  const auto found = entry.find(key);
  if (found == entry.end() || !found->is_string() || found->get_ref<const std::string&>().empty()) {
    throw UsageError(fmt::format("{}: {} has no {}", where, name, key));
  }
  return found->get<std::string>();
}

/// The reader of one file: all errors begin with where it is from.
class Reader {
 public:
  explicit Reader(const std::string& where) : where_(where) {}

  /// A section, all of whose entries are known and whole, and none is missing.
  const json& section(const json& root, const char* title, const std::vector<std::string>& names) const {
    const auto found = root.find(title);
    if (found == root.end() || !found->is_object()) {
      throw UsageError(fmt::format(
          "{}: no {}: a chip is an object with a name, geometry, memory and parameters, as `tilegrid arch --json` "
          "prints",
          where_, title));
    }
    for (const auto& [name, entry] : found->items()) {
      if (!is_among(name, names)) unknown(where_, name, names);
      check_entry(name, entry);
    }
    for (const std::string& name : names) {
      if (!found->contains(name)) throw UsageError(fmt::format("{}: {} is missing", where_, name));
    }
    return *found;
  }

  Parameter number(const json& entries, const std::string& name) const {
    const json& entry = entries.at(name);
    if (!entry["value"].is_number()) throw UsageError(fmt::format("{}: {} has no number as value", where_, name));
    Parameter result{entry["value"].get<double>(), entry["unit"].get<std::string>(), entry["source"].get<std::string>()};
    ChipFile::check_value(where_, name, result.value);
    return result;
  }

  Geometry geometry(const json& entries) const {
    const auto numbers = [&](const char* name) {
      return list(entries, name, "a list of whole numbers", [](const json& one) { return one.is_number_integer(); });
    };
    const auto is_pair = [](const json& one) {
      return one.is_array() && one.size() == 2 && one[0].is_number_integer() && one[1].is_number_integer();
    };
    Geometry geometry;
    const json& die = numbers("die");
    if (die.size() != 2) throw UsageError(fmt::format("{}: die must be [columns, rows]", where_));
    geometry.die = {integer("die", die[0]), integer("die", die[1])};
    const auto fill = [&](std::vector<int>& out, const char* name) {
      for (const json& one : numbers(name)) out.push_back(integer(name, one));
    };
    fill(geometry.all_columns, "worker_columns");
    fill(geometry.all_rows, "worker_rows");
    fill(geometry.harvested_columns, "harvested_columns");
    fill(geometry.harvested_rows, "harvested_rows");
    for (const json& one : list(entries, "dram_endpoints", "a list of [column, row]", is_pair)) {
      geometry.dram.push_back({integer("dram_endpoints", one[0]), integer("dram_endpoints", one[1])});
    }
    const json& larger = entries.at("larger_grids")["value"];
    if (!larger.is_boolean()) throw UsageError(fmt::format("{}: larger_grids must be true or false", where_));
    geometry.larger_grids = larger.get<bool>();
    return geometry;
  }

 private:
  void check_entry(const std::string& name, const json& entry) const {
    if (!entry.is_object()) throw UsageError(fmt::format("{}: {} must have a value, a unit and a source", where_, name));
    for (const auto& [key, unused] : entry.items()) {
      if (key != "value" && key != "unit" && key != "source") {
        throw UsageError(fmt::format("{}: {} has a '{}': only value, unit and source are known", where_, name, key));
      }
    }
    if (!entry.contains("value")) throw UsageError(fmt::format("{}: {} has no value", where_, name));
    static_cast<void>(text_in(entry, "unit", where_, name));
    static_cast<void>(text_in(entry, "source", where_, name));
  }
  template <class Is>
  const json& list(const json& entries, const char* name, const char* what, Is is) const {
    const json& value = entries.at(name)["value"];
    constexpr std::size_t most = 256;
    if (value.is_array() && value.size() <= most && std::all_of(value.begin(), value.end(), is)) return value;
    throw UsageError(fmt::format("{}: {} must be {}, at most {} of them", where_, name, what, most));
  }
  int integer(const char* name, const json& value) const {
    const auto number = value.get<std::int64_t>();
    if (number >= 0 && number <= max_die_side) return static_cast<int>(number);
    throw UsageError(fmt::format("{}: {}: {} must be from 0 to {}", where_, name, value.dump(), max_die_side));
  }

  const std::string& where_;
};

}  // namespace

void ChipFile::require_known(const std::string& where, const std::string& name) {
  std::vector<std::string> names = known().parameters;
  names.insert(names.end(), known().memory.begin(), known().memory.end());
  if (!is_among(name, names)) unknown(where, name, names);
}

void ChipFile::check_value(const std::string& where, const std::string& name, double value) {
  const Range range = range_of(name);
  if (!std::isfinite(value) || value < range.low || value > range.high) {
    throw UsageError(fmt::format("{}: {} is {}, it must be from {} to {}", where, name, value, range.low, range.high));
  }
  if (range.step > 0 && std::fmod(value, range.step) != 0) {
    throw UsageError(fmt::format("{}: {} is {}, it must be a multiple of {}", where, name, value, range.step));
  }
}

Chip ChipFile::read(const std::string& text, const std::string& where) {
  const json root = parse_json(text, where);
  if (!root.is_object()) {
    throw UsageError(fmt::format("{}: a chip is an object with a name, geometry, memory and parameters", where));
  }
  for (const auto& [key, unused] : root.items()) {
    const std::vector<std::string> entries{"name", "geometry", "memory", "parameters"};
    if (!is_among(key, entries)) {
      throw UsageError(fmt::format("{}: unknown entry '{}', the nearest is '{}'", where, key, nearest(key, entries)));
    }
  }
  auto data = std::make_shared<Chip::Data>();
  data->name = text_in(root, "name", where, "the chip");
  const Reader reader(where);
  const json& geometry = reader.section(root, "geometry", known().geometry);
  data->geometry = reader.geometry(geometry);
  for (const auto& [name, entry] : geometry.items()) {
    data->geometry_notes[name] = {entry["unit"].get<std::string>(), entry["source"].get<std::string>()};
  }
  const json& memory = reader.section(root, "memory", known().memory);
  for (const std::string& name : known().memory) data->parameters[name] = reader.number(memory, name);
  const json& parameters = reader.section(root, "parameters", known().parameters);
  for (const std::string& name : known().parameters) data->parameters[name] = reader.number(parameters, name);
  data->complete(where);
  return Chip(std::move(data));
}

std::string ChipFile::text_of(const Chip& chip) {
  using Json = nlohmann::ordered_json;
  const Geometry& g = chip.geometry();
  Json endpoints = Json::array();
  for (const PhysicalCore at : g.dram) endpoints.push_back({at.x, at.y});
  const std::map<std::string, Json> values{{"die", {g.die.x, g.die.y}},          {"worker_columns", g.all_columns},
                                           {"worker_rows", g.all_rows},          {"harvested_columns", g.harvested_columns},
                                           {"harvested_rows", g.harvested_rows}, {"dram_endpoints", endpoints},
                                           {"larger_grids", g.larger_grids}};
  Json geometry = Json::object();
  for (const std::string& name : known().geometry) {
    const auto& [unit, source] = chip.data_->geometry_notes.at(name);
    geometry[name] = {{"value", values.at(name)}, {"unit", unit}, {"source", source}};
  }
  const auto numbers = [&](const std::vector<std::string>& names) {
    Json entries = Json::object();
    for (const std::string& name : names) {
      const Parameter& p = chip.parameters().at(name);
      entries[name] = {{"value", p.value}, {"unit", p.unit}, {"source", p.source}};
    }
    return entries;
  };
  return Json{{"name", chip.name()},
              {"geometry", geometry},
              {"memory", numbers(known().memory)},
              {"parameters", numbers(known().parameters)}}
             .dump(2) +
         "\n";
}

}  // namespace tilegrid
