// SPDX-License-Identifier: Apache-2.0
#include "runtime/traces/traces.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "runtime/traces/chrome_trace.h"
#include "runtime/traces/noc_trace.h"
#include "runtime/traces/npeviz.h"
#include "runtime/traces/profiler_csv.h"

namespace tilegrid::traces {
namespace {

/// "3,4"
std::optional<LogicalCore> core_of(std::string_view text) {
  LogicalCore core;
  const char* end = text.data() + text.size();
  const auto x = std::from_chars(text.data(), end, core.x);
  if (x.ec != std::errc() || x.ptr == end || *x.ptr != ',') return {};
  const auto y = std::from_chars(x.ptr + 1, end, core.y);
  if (y.ec != std::errc() || y.ptr != end) return {};
  return core;
}

}  // namespace

std::vector<bool> chosen_cores(const std::vector<std::string>& texts, GridSize grid, std::string_view flag) {
  std::vector<bool> chosen(grid.cores(), texts.empty());
  for (const std::string& text : texts) {
    const std::size_t dash = text.find('-');
    const auto first = core_of(std::string_view(text).substr(0, dash));
    const auto last = dash == std::string::npos ? first : core_of(std::string_view(text).substr(dash + 1));
    if (!first || !last || last->x < first->x || last->y < first->y) {
      throw UsageError(fmt::format("{} {}: a core X,Y or cores X,Y-X,Y from the upper left to the lower right", flag, text));
    }
    for (const LogicalCore& corner : {*first, *last}) {
      if (grid.contains(corner)) continue;
      throw UsageError(
          fmt::format("{} {}: core ({},{}) is not in the {}x{} grid", flag, text, corner.x, corner.y, grid.x, grid.y));
    }
    for (int y = first->y; y <= last->y; ++y) {
      for (int x = first->x; x <= last->x; ++x) chosen[grid.index({x, y})] = true;
    }
  }
  return chosen;
}

void check(const Options& options, GridSize grid) {
  for (const auto& [flag, path] :
       {std::pair("--trace", &options.trace), std::pair("--noc-trace", &options.noc_trace),
        std::pair("--npeviz", &options.npeviz), std::pair("--profiler-csv", &options.profiler_csv)}) {
    if (*path == "-") throw UsageError(fmt::format("{} -: it goes to a file only", flag));
  }
  static_cast<void>(chosen_cores(options.cores, grid));
}

Traces::Traces(const Options& options, const RunLog& log) {
  check(options, log.grid);
  if (!options.trace.empty()) {
    writers_.push_back(std::make_unique<ChromeTrace>(options.trace, log, chosen_cores(options.cores, log.grid)));
  }
  if (!options.noc_trace.empty()) writers_.push_back(std::make_unique<NocTrace>(options.noc_trace, log));
  if (!options.npeviz.empty()) writers_.push_back(std::make_unique<Npeviz>(options.npeviz, log));
  if (!options.profiler_csv.empty()) writers_.push_back(std::make_unique<ProfilerCsv>(options.profiler_csv, log));
  for (const auto& writer : writers_) observers_.add(*writer);
}

void Traces::finish(const std::function<void(const std::function<void()>&)>& save) {
  for (const auto& writer : writers_) save([&writer] { writer->finish(); });
}

std::string Traces::finish() {
  std::string failure;
  finish([&](const std::function<void()>& write) {
    try {
      write();
    } catch (const UsageError& error) {
      if (failure.empty()) failure = error.message();
    }
  });
  return failure;
}

}  // namespace tilegrid::traces
