// SPDX-License-Identifier: Apache-2.0
#include "runtime/flags/format_flag.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

namespace tilegrid {
namespace {

std::vector<std::string> parts_of(std::string text) {
  std::replace(text.begin(), text.end(), '+', ',');
  return split(text);
}

std::vector<std::string> names_of(const FormatTargets& targets) {
  std::vector<std::string> names;
  names.reserve(targets.size());
  for (const FormatTarget& target : targets) names.push_back(target.name);
  return names;
}

DataFormat format_named(const Given& part, const std::string& name) {
  if (const auto format = tensor_formats().find(name)) return *format;
  part.refuse(fmt::format("one of {} is expected", fmt::join(tensor_formats().names(), ", ")));
}

const FormatTarget& target_named(const FormatTargets& targets, const Given& part, const std::string& name) {
  const auto found = std::find_if(targets.begin(), targets.end(), [&](const auto& target) { return target.name == name; });
  if (found != targets.end()) return *found;
  part.refuse(fmt::format("there is no tensor '{}', one of {} is expected", name, fmt::join(names_of(targets), ", ")));
}

void set_formats(const FormatTargets& targets, const Given& given) {
  const std::vector<std::string> parts = parts_of(given.text);
  std::set<const DataFormat*> named;
  for (const std::string& part : parts) {
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos) {
      if (&part != &parts.front()) {
        given.refuse(fmt::format("{} is of no tensor; TENSOR=NAME is expected, with TENSOR one of {}",
                                 part.empty() ? "an empty part" : part, fmt::join(names_of(targets), ", ")));
      }
      const DataFormat format = format_named({given.flag, part}, part);
      for (const FormatTarget& target : targets) {
        for (DataFormat* member : target.members) *member = format;
      }
      continue;
    }
    const FormatTarget& target = target_named(targets, {given.flag, part}, part.substr(0, equals));
    const DataFormat format = format_named({given.flag, part}, part.substr(equals + 1));
    for (DataFormat* member : target.members) {
      if (!named.insert(member).second) {
        given.refuse(fmt::format("the format of '{}' is given twice", target.name));
      }
      *member = format;
    }
  }
}

}  // namespace

Flag& add_format_flag(Flags& flags, const std::string& help, FormatTargets targets) {
  const std::string usual = formats_text(targets);
  Flag& flag = flags.add(std::string(format_flag), "NAME|LIST", fmt::format("{} [{}]", help, usual),
                         [targets](const Given& given) { set_formats(targets, given); });
  return flag.is([targets = std::move(targets)] { return report::Value(formats_text(targets)); });
}

std::string formats_text(const FormatTargets& targets) {
  std::set<const DataFormat*> told;
  std::set<DataFormat> formats;
  std::vector<std::string> list;
  for (const FormatTarget& target : targets) {
    const DataFormat format = *target.members.front();
    const auto is_told = [&](const DataFormat* member) { return told.contains(member); };
    for (const DataFormat* member : target.members) formats.insert(*member);
    const bool same = std::all_of(target.members.begin(), target.members.end(),
                                  [=](const DataFormat* member) { return *member == format; });
    if (!same || std::all_of(target.members.begin(), target.members.end(), is_told)) continue;
    told.insert(target.members.begin(), target.members.end());
    list.push_back(fmt::format("{}={}", target.name, name_of(format)));
  }
  return formats.size() == 1 ? name_of(*formats.begin()) : fmt::format("{}", fmt::join(list, ","));
}

}  // namespace tilegrid
