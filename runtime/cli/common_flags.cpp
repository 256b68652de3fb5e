// SPDX-License-Identifier: Apache-2.0
#include "runtime/cli/common_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "runtime/cli/arguments.h"
#include "runtime/cli/metrics.h"

namespace tilegrid::cli {

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

ComputeConfig parse_compute(const std::string& fidelity, const std::string& dst, const std::string& sync) {
  ComputeConfig compute;
  compute.fidelity = static_cast<Fidelity>(1 + parse_word("--fidelity", fidelity, {"lofi", "hifi2", "hifi3", "hifi4"}));
  compute.dst_fp32 = parse_word("--dst", dst, {"bf16", "fp32"}) == 1;
  compute.full_sync = parse_word("--sync", sync, {"half", "full"}) == 1;
  return compute;
}

std::string parse_view(const std::string& text, bool device_time) {
  std::vector<std::string> views = metric_names();
  views.emplace_back("none");
  const std::string view = views[parse_word("--view", text, views)];
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
