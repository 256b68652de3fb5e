// SPDX-License-Identifier: Apache-2.0
#include "runtime/flags/flags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "core/atomic_file.h"
#include "core/edit_distance.h"
#include "core/error.h"
#include "noc/address.h"
#include "runtime/page/report_page.h"
#include "runtime/report/table.h"

namespace tilegrid {
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

bool same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  if (std::filesystem::equivalent(a, b, error)) return true;
  return std::filesystem::weakly_canonical(std::filesystem::absolute(a), error) ==
         std::filesystem::weakly_canonical(std::filesystem::absolute(b), error);
}

/// A word or a number, to be compared; empty for what is neither, or has no value yet.
std::string text_of_fact(const Flag& flag) {
  const report::Value value = flag.fact ? flag.fact() : report::Value();
  if (value.is_text()) return value.text();
  const bool single = !value.is_null() && !value.is_object() && value.list().empty();
  return single ? fmt::format("{}", value.number()) : std::string();
}

struct NamedPath {
  std::string flag, path;
  bool page = false;  ///< a folder with index.html and report.json

  [[nodiscard]] std::vector<std::string> files() const {
    return page ? page::files_of(path) : std::vector<std::string>{path};
  }
  /// Whether one of the files is one of the other's.
  [[nodiscard]] bool shares_with(const NamedPath& other) const {
    for (const std::string& own : files()) {
      for (const std::string& file : other.files()) {
        if (same_file(own, file)) return true;
      }
    }
    return false;
  }
};
std::vector<NamedPath> paths_of(const std::deque<Flag>& flags, bool Flag::*kind) {
  std::vector<NamedPath> paths;
  for (const Flag& flag : flags) {
    if (!(flag.*kind)) continue;
    const report::Value value = flag.fact();
    // A JSON report that goes to standard output.
    if (value.is_text() && value.text() != "-") paths.push_back({flag.name, value.text(), flag.page});
    for (const report::Member& file : value.members()) {
      paths.push_back({fmt::format("{} {}{}", flag.name, file.name, flag.output ? ":" : ""), file.value.text()});
    }
  }
  return paths;
}

}  // namespace

void Given::refuse(const std::string& why) const { throw UsageError(fmt::format("{} {}: {}", flag, text, why)); }

int parse_int(std::string_view flag, const std::string& text) {
  int value = 0;
  if (!to_number(text, value)) throw UsageError(fmt::format("{} {}: a whole number is expected", flag, text));
  return value;
}

int parse_int(std::string_view flag, const std::string& text, int least, int most) {
  const int value = parse_int(flag, text);
  if (value < least || value > most) throw UsageError(fmt::format("{} {}: from {} to {}", flag, text, least, most));
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

std::optional<std::pair<int, int>> parse_pair(std::string_view text) {
  std::pair<int, int> pair;
  if (!to_pair(text, 'x', pair.first, pair.second) || pair.first < 1 || pair.second < 1) return std::nullopt;
  return pair;
}

void refuse_word(std::string_view flag, const std::string& text, const std::vector<std::string>& words) {
  if (words.size() <= 8) {
    throw UsageError(fmt::format("{} {}: one of {} is expected", flag, text, fmt::join(words, ", ")));
  }
  const std::string near = nearest_word(text, words);
  throw UsageError(fmt::format("{} {}: unknown{}; --help lists what there is", flag, text,
                               near.empty() ? "" : fmt::format(", did you mean {}", near)));
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

const EnumNames<DataFormat>& tensor_formats() {
  static const EnumNames<DataFormat> names{{"bf16", DataFormat::bf16},
                                           {"fp32", DataFormat::fp32},
                                           {"fp16", DataFormat::fp16},
                                           {"tf32", DataFormat::tf32},
                                           {name_of(DataFormat::bfp8_b), DataFormat::bfp8_b},
                                           {"bfp8", DataFormat::bfp8_b},
                                           {name_of(DataFormat::bfp4_b), DataFormat::bfp4_b},
                                           {"bfp4", DataFormat::bfp4_b},
                                           {name_of(DataFormat::bfp2_b), DataFormat::bfp2_b},
                                           {"bfp2", DataFormat::bfp2_b}};
  return names;
}

Flags& Flags::in(std::string group) {
  group_ = std::move(group);
  return *this;
}

Flag& Flags::add(const std::string& name, std::string type, std::string help, std::function<void(const std::string&)> set) {
  Flag& flag = flags_.emplace_back();
  flag.name = name;
  flag.type = std::move(type);
  flag.help = std::move(help);
  flag.group = group_;
  flag.set = std::move(set);
  flag.sweeps = group_ != "Data" && group_ != "Report" && group_ != "Checks";
  flag.key = name.substr(std::min(name.find_first_not_of('-'), name.size()));
  std::replace(flag.key.begin(), flag.key.end(), '-', '_');
  flag.field = flag.key;
  return flag;
}

Flag& Flags::add_switch(const std::string& name, const std::string& help, bool& member, bool to) {
  Flag& flag = add(name, "", help + " [off]", [&member, to](const std::string&) { member = to; });
  return flag.is([&member] { return member; });
}

const Flag* Flags::find(std::string_view name) const {
  const auto found = std::find_if(flags_.begin(), flags_.end(), [=](const Flag& flag) { return flag.name == name; });
  return found != flags_.end() ? &*found : nullptr;
}

bool Flags::given(std::string_view name) const {
  const Flag* flag = find(name);
  return flag != nullptr && flag->given > 0;
}

bool Flags::changes(std::string_view name) const {
  const Flag* flag = find(name);
  if (flag == nullptr || flag->given == 0) return false;
  return !flag->fact || flag->usual.empty() || text_of_fact(*flag) != flag->usual;
}

void Flags::refuse(const std::vector<std::string>& names, const std::string& why,
                   const std::vector<std::string>& unless) const {
  for (const std::string& name : names) {
    if (!changes(name)) continue;
    const std::vector<std::string>& texts = find(name)->texts;
    const auto asks_no_more = [&](const std::string& text) {
      return std::find(unless.begin(), unless.end(), text) != unless.end();
    };
    if (!texts.empty() && std::all_of(texts.begin(), texts.end(), asks_no_more)) continue;
    throw UsageError(fmt::format("{}: {}", name, why));
  }
}

void Flags::apply() {
  for (const Flag& flag : flags_) {
    for (const std::string& text : flag.texts) {
      if (text.empty() && !flag.is_switch()) throw UsageError(fmt::format("{}: its value is empty", flag.name));
    }
  }
  for (Flag& flag : flags_) {
    if (flag.usual.empty()) flag.usual = text_of_fact(flag);
  }
  for (const Flag& flag : flags_) {
    for (const std::string& text : flag.texts) flag.set(text);
  }
}

report::Value Flags::facts() const {
  report::Object facts;
  for (const Flag& flag : flags_) {
    if (!flag.key.empty() && flag.fact) facts.push_back({flag.key, flag.fact()});
  }
  return facts;
}

std::string Flags::with_flags(const std::string& message) const {
  std::string text;
  for (std::size_t at = 0; at < message.size();) {
    const std::size_t begin = std::min(message.find('`', at), message.size());
    const std::size_t end = message.find('`', begin + 1);
    text += message.substr(at, begin - at);
    if (end == std::string::npos) return text + message.substr(begin);
    const std::string field = message.substr(begin + 1, end - begin - 1);
    const auto flag = std::find_if(flags_.begin(), flags_.end(), [&](const Flag& one) { return one.field == field; });
    text += flag != flags_.end() ? flag->name : message.substr(begin, end + 1 - begin);
    at = end + 1;
  }
  return text;
}

void Flags::check_paths(const std::vector<const Flags*>& others) const {
  const std::vector<NamedPath> outputs = paths_of(flags_, &Flag::output);
  std::vector<NamedPath> inputs = paths_of(flags_, &Flag::input);
  for (const Flags* other : others) {
    const std::vector<NamedPath> more = paths_of(other->flags_, &Flag::input);
    inputs.insert(inputs.end(), more.begin(), more.end());
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto& [flag, path, page] = outputs[i];
    if (const std::string why = page ? page::why_not(path) : why_not_writable(path); !why.empty()) {
      throw UsageError(fmt::format("{} {}: {}", flag, path, why));
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (!outputs[i].shares_with(outputs[j])) continue;
      throw UsageError(fmt::format("{} {}: is the file of {}, too", flag, path, outputs[j].flag));
    }
    for (const NamedPath& input : inputs) {
      if (!outputs[i].shares_with(input)) continue;
      throw UsageError(fmt::format("{} {}: would overwrite the input of {}", flag, path, input.flag));
    }
  }
}

void Flags::assign(const std::string& flag, const std::string& text, NamedFiles& member) {
  const std::size_t at = text.find('=');
  if (at == std::string::npos || at == 0 || at + 1 == text.size()) {
    throw UsageError(fmt::format("{} {}: NAME=FILE is expected", flag, text));
  }
  if (!member.emplace(text.substr(0, at), text.substr(at + 1)).second) {
    throw UsageError(fmt::format("{} {}: '{}' is given twice", flag, text, text.substr(0, at)));
  }
}

report::Value Flags::value_of(const GridSize& member) { return report::text_of(member); }

report::Value Flags::value_of(const NamedFiles& member) {
  report::Object files;
  for (const auto& [name, path] : member) files.push_back({name, path});
  return files;
}

Flag& Flags::with_default(Flag& flag) {
  const std::size_t at = flag.help.find('$');
  if (at == std::string::npos) return flag;
  const report::Value value = flag.fact();
  std::string text = value.text();
  if (!value.is_text()) text = value.is_null() ? "none" : fmt::format("{}", value.number());
  flag.help.replace(at, 1, text);
  return flag;
}

}  // namespace tilegrid
