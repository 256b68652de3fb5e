// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/multipass/multipass.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "core/error.h"

namespace tilegrid::attention {
namespace {

constexpr std::array<const char*, step_count> names{"matmul-sum",  "fast-alpha", "subblocks",  "no-positive-check",
                                                    "column-sfpu", "l1-add",     "fused-max",  "fused-scale",
                                                    "packer-sum",  "ping-pong",  "exact-alpha"};

Step step_named(const std::string& name) {
  const auto* found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    throw UsageError(
        fmt::format("`steps` {}: a number from 0 to {}, all, or some of {}", name, step_count, fmt::join(names, ",")));
  }
  return static_cast<Step>(found - names.begin());
}

}  // namespace

const char* name_of(Step step) { return names.at(to_underlying(step)); }

Steps parse_steps(const std::string& text) {
  if (text == "all") return Steps::all();
  if (text == "none") return {};
  int count = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error == std::errc() && end == text.data() + text.size()) {
    if (count < 0 || count > step_count) {
      throw UsageError(fmt::format("`steps` {}: there are {} steps", text, step_count));
    }
    return Steps::first(count);
  }
  Steps steps;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    steps.add(step_named(text.substr(at, comma - at)));
    at = comma + 1;
  }
  return steps;
}

std::string text_of(Steps steps) {
  std::vector<std::string> list;
  for (int i = 0; i < step_count; ++i) {
    if (steps.has(static_cast<Step>(i))) list.emplace_back(names.at(i));
  }
  return list.empty() ? "none" : fmt::format("{}", fmt::join(list, ","));
}

}  // namespace tilegrid::attention
