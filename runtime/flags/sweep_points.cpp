// SPDX-License-Identifier: Apache-2.0
#include "runtime/flags/sweep_points.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/error.h"
#include "runtime/flags/format_flag.h"
#include "runtime/flags/kernel_flags.h"

namespace tilegrid {
namespace {

/// What a flag contributes to the arguments, by value.
struct Axis {
  std::string name;
  std::vector<std::string> values;
  std::string prefix;  ///< "KEY=" of --set KEY=1,2
  bool is_switch = false;
  [[nodiscard]] bool varies() const { return values.size() > 1; }
};

[[noreturn]] void refuse(const std::string& name) {
  throw UsageError(fmt::format("{}: does not go with a sweep, whose dry runs have no numbers", name));
}

/// Whether a flag that makes no difference to a dry run asks for what happens anyway.
bool asks_no_more(const Axis& axis, const Flag& flag) {
  if (axis.name == dry_run_flag) return axis.values == std::vector<std::string>{"on"};
  if (axis.name == verify_flag) return axis.values == std::vector<std::string>{"off"};
  if (!flag.fact || axis.varies()) return false;
  const std::string usual = report::to_json_line(flag.fact());
  return usual == axis.values.front() || usual == fmt::format("\"{}\"", axis.values.front());
}

const Flag& flag_of(const std::string& command, const Flags& flags, const std::string& argument, const std::string& name) {
  if (!argument.starts_with("--")) {
    throw UsageError(
        fmt::format("unexpected argument {}: flags of {} are expected, lists without spaces", argument, command));
  }
  const Flag* flag = flags.find(name);
  if (name == "--help") refuse(name);
  if (flag != nullptr) return *flag;
  const std::string near = nearest_word(name, flags.names());
  throw UsageError(
      fmt::format("unknown flag {}: {}", name,
                  near.empty() ? fmt::format("see `tilegrid {} --help`", command) : fmt::format("did you mean {}?", near)));
}

/// The tensors that formats like q=bf16+kv=bfp8 name.
std::vector<std::string> tensors_of(std::string formats) {
  std::replace(formats.begin(), formats.end(), '+', ',');
  std::vector<std::string> tensors;
  for (const std::string& part : split(formats)) {
    const std::size_t equals = part.find('=');
    if (equals != std::string::npos) tensors.push_back(part.substr(0, equals));
  }
  return tensors;
}

/// One configuration's formats with commas look like several, each of other tensors.
void check_formats(const Axis& axis, const std::string& text) {
  for (std::size_t i = 1; i < axis.values.size(); ++i) {
    const auto before = tensors_of(axis.values[i - 1]);
    const auto here = tensors_of(axis.values[i]);
    const auto again = std::find_first_of(here.begin(), here.end(), before.begin(), before.end());
    if (here.empty() || before.empty() || again != here.end()) continue;
    std::string joined = text;
    std::replace(joined.begin(), joined.end(), ',', '+');
    throw UsageError(fmt::format("{} {}: here commas are between configurations; for one of all its parts write {}",
                                 axis.name, text, joined));
  }
}

/// Takes the value apart.
void fill(Axis& axis, std::string value) {
  static const EnumNames<bool> on_or_off{{"on", true}, {"off", false}};
  if (axis.name == set_flag) {
    const std::size_t equals = value.find('=');
    if (equals != std::string::npos) {
      axis.prefix = value.substr(0, equals + 1);
      value.erase(0, equals + 1);
    }
  }
  axis.values = split(value);
  if (axis.name == format_flag) check_formats(axis, value);
  for (const std::string& one : axis.values) {
    if (one.empty()) throw UsageError(fmt::format("{} {}{}: one of its values is empty", axis.name, axis.prefix, value));
    if (std::count(axis.values.begin(), axis.values.end(), one) > 1) {
      throw UsageError(fmt::format("{} {}{}: {} is there twice", axis.name, axis.prefix, value, one));
    }
    if (axis.is_switch) static_cast<void>(parse_word(axis.name, one, on_or_off));
  }
}

std::vector<Axis> axes_of(const std::string& command, const Flags& flags, const std::vector<std::string>& arguments,
                          bool dry) {
  std::vector<Axis> axes;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    const std::size_t equals = argument.find('=');
    Axis axis;
    axis.name = argument.substr(0, equals);
    const Flag& flag = flag_of(command, flags, argument, axis.name);
    axis.is_switch = flag.is_switch();
    if (equals != std::string::npos) {
      fill(axis, argument.substr(equals + 1));
    } else if (axis.is_switch) {
      axis.values = {"on"};
    } else if (i + 1 == arguments.size()) {
      throw UsageError(fmt::format("{}: needs a value", axis.name));
    } else {
      fill(axis, arguments[++i]);
    }
    if (dry && !flag.sweeps) {
      if (!asks_no_more(axis, flag)) refuse(axis.name);
      continue;
    }
    const auto same = [&](const Axis& other) { return other.name == axis.name && other.prefix == axis.prefix; };
    if (std::any_of(axes.begin(), axes.end(), same)) throw UsageError(fmt::format("{}: given more than once", axis.name));
    axes.push_back(std::move(axis));
  }
  return axes;
}

void add(SweepPoint& point, const Axis& axis, const std::string& value) {
  if (axis.is_switch) {
    if (value == "on") point.arguments.push_back(axis.name);
  } else {
    point.arguments.push_back(fmt::format("{}={}{}", axis.name, axis.prefix, value));
  }
  if (axis.varies()) {
    const std::string key = axis.prefix.substr(0, axis.prefix.empty() ? 0 : axis.prefix.size() - 1);
    return point.varied.push_back({key.empty() ? axis.name : key, value});
  }
  point.fixed.push_back(axis.is_switch ? fmt::format("{}{}", axis.name, value == "on" ? "" : "=off")
                                       : fmt::format("{} {}{}", axis.name, axis.prefix, value));
}

}  // namespace

std::string SweepPoint::varied_text() const {
  std::vector<std::string> words;
  for (const Flag& flag : varied) words.push_back(fmt::format("{} {}", flag.name, flag.value));
  return words.empty() ? "these flags" : fmt::format("{}", fmt::join(words, " "));
}

report::Value SweepPoint::varied_figures() const {
  report::Object figures;
  for (const Flag& flag : varied) figures.push_back({flag.name, flag.value});
  return figures;
}

std::vector<SweepPoint> sweep_points(const std::string& command, const Flags& flags,
                                     const std::vector<std::string>& arguments, bool dry) {
  const std::vector<Axis> axes = axes_of(command, flags, arguments, dry);
  std::size_t count = 1;
  for (const Axis& axis : axes) {
    count *= axis.values.size();
    if (count > most_sweep_points) {
      throw UsageError(fmt::format("a sweep of more than {} configurations: shorten the lists", most_sweep_points));
    }
  }
  std::vector<SweepPoint> points(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t period = count;
    for (const Axis& axis : axes) {
      period /= axis.values.size();
      add(points[i], axis, axis.values[i / period % axis.values.size()]);
    }
    if (dry) points[i].arguments.emplace_back(dry_run_flag);
  }
  return points;
}

}  // namespace tilegrid
