// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/program.h"
#include "runtime/workloads/verify.h"

namespace tilegrid::cli {

/// Flags that several commands have, as text; an empty one was not given.
struct ComputeTexts {
  std::string fidelity = "hifi2", dst = "bf16", sync = "half";
};
struct OutputTexts {
  std::string json, log, view;
  bool no_progress = false;
};
void add_compute_flags(CLI::App& app, ComputeTexts& texts);
/// --json, --log, --view and --no-progress; `texts.view` is the default.
void add_output_flags(CLI::App& app, OutputTexts& texts);

/// Parses arguments in their order. Throws UsageError, also for what is left over.
void parse_all(CLI::App& app, const std::vector<std::string>& arguments);

/// Values of flags that several commands have. All throw UsageError with a line that names flag and value.

/// Rows and columns in tiles, from 1 on: "4x2"
[[nodiscard]] std::pair<int, int> parse_tiles(std::string_view flag, const std::string& text);
/// What --fidelity, --dst and --sync say.
[[nodiscard]] ComputeConfig parse_compute(const ComputeTexts& texts);
/// The value of --verify: full, sample:N or off; nothing is `choose`.
[[nodiscard]] VerifyRequest parse_verify(const std::string& text);
/// The figure of --view, or "none"; those of the replay only with device time.
[[nodiscard]] std::string parse_view(const std::string& text, bool device_time);

}  // namespace tilegrid::cli
