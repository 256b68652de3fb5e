// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "kernels/program.h"
#include "runtime/cli/verify.h"

namespace tilegrid::cli {

/// Values of flags that several commands have. All throw UsageError with a line that names flag and value.

/// Rows and columns in tiles, from 1 on: "4x2"
[[nodiscard]] std::pair<int, int> parse_tiles(std::string_view flag, const std::string& text);
/// What --fidelity, --dst and --sync say.
[[nodiscard]] ComputeConfig parse_compute(const std::string& fidelity, const std::string& dst, const std::string& sync);
/// The value of --verify: full, sample:N or off; nothing is `choose`.
[[nodiscard]] VerifyRequest parse_verify(const std::string& text);
/// The figure of --view, or "none"; those of the replay only with device time.
[[nodiscard]] std::string parse_view(const std::string& text, bool device_time);

}  // namespace tilegrid::cli
