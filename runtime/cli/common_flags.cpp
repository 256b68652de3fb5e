// SPDX-License-Identifier: Apache-2.0
#include "runtime/cli/common_flags.h"

#include <fmt/format.h>

#include <CLI/Error.hpp>
#include <algorithm>
#include <vector>

#include "core/error.h"
#include "runtime/cli/arguments.h"
#include "runtime/report/metrics.h"

namespace tilegrid::cli {

void add_compute_flags(CLI::App& app, ComputeTexts& texts) {
  const char* group = "Device";
  app.add_option("--fidelity", texts.fidelity, "Matrix unit passes: lofi, hifi2, hifi3, hifi4 [hifi2]")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--dst", texts.dst, "Format of the DST registers: bf16, fp32 (half the slots) [bf16]")
      ->type_name("FORMAT")
      ->group(group);
  app.add_option("--sync", texts.sync, "DST in two halves or in one section: half, full [half]")
      ->type_name("NAME")
      ->group(group);
}

void add_output_flags(CLI::App& app, OutputTexts& texts) {
  const char* group = "Report";
  app.add_option("--json", texts.json, "Write everything that is printed there; - for standard output alone [none]")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--log", texts.log, "Save the event log there, see `tilegrid log` [none]")->type_name("FILE")->group(group);
  app.add_option(
         "--view", texts.view,
         fmt::format("Grid view of a figure by core, or none; `tilegrid attention --help` lists\nthem [{}]", texts.view))
      ->type_name("METRIC")
      ->group(group);
  app.add_flag("--no-progress", texts.no_progress, "No progress line on a terminal [off]")
      ->disable_flag_override()
      ->group(group);
}

void parse_all(CLI::App& app, const std::vector<std::string>& arguments) {
  app.allow_extras();
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
  refuse_leftovers(app);
}

std::pair<int, int> parse_tiles(std::string_view flag, const std::string& text) {
  std::pair<int, int> tiles;
  const auto refuse = [&] {
    throw UsageError(fmt::format("{} {}: rows and columns in tiles are expected, as in 4x2", flag, text));
  };
  const std::size_t at = text.find('x');
  if (at == std::string::npos) refuse();
  try {
    tiles = {parse_int("", text.substr(0, at)), parse_int("", text.substr(at + 1))};
  } catch (const UsageError&) {
    refuse();
  }
  if (tiles.first < 1 || tiles.second < 1) refuse();
  return tiles;
}

ComputeConfig parse_compute(const ComputeTexts& texts) {
  ComputeConfig compute;
  compute.fidelity =
      static_cast<Fidelity>(1 + parse_word("--fidelity", texts.fidelity, {"lofi", "hifi2", "hifi3", "hifi4"}));
  compute.dst_fp32 = parse_word("--dst", texts.dst, {"bf16", "fp32"}) == 1;
  compute.full_sync = parse_word("--sync", texts.sync, {"half", "full"}) == 1;
  return compute;
}

std::string parse_view(const std::string& text, bool device_time) {
  std::vector<std::string> views = metric_names();
  views.emplace_back("none");
  std::string view = views[parse_word("--view", text, views)];
  const std::vector<std::string> replayed = device_metric_names();
  if (!device_time && std::find(replayed.begin(), replayed.end(), view) != replayed.end()) {
    throw UsageError(fmt::format("--view {}: does not go with --no-device-time", view));
  }
  return view;
}

VerifyRequest parse_verify(const std::string& text) {
  constexpr std::string_view sample = "sample:";
  if (text.empty()) return {};
  if (text == "full") return {VerifyMode::full};
  if (text == "off") return {VerifyMode::off};
  if (!text.starts_with(sample)) {
    throw UsageError(fmt::format("--verify {}: full, sample:N or off is expected", text));
  }
  const std::uint64_t rows = parse_unsigned("--verify sample:N, N =", text.substr(sample.size()));
  if (rows == 0) throw UsageError("--verify sample:0: a sample has at least one row");
  return {VerifyMode::sample, rows};
}

}  // namespace tilegrid::cli
