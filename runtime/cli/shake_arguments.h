// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <optional>
#include <string>

namespace tilegrid::cli {

/// --shake SEED of commands that run kernels: LaunchOptions::shake.
void add_shake_flag(CLI::App& app, std::string& text);
/// Throws UsageError; none when the flag was not given.
[[nodiscard]] std::optional<std::uint64_t> shake_from(const std::string& text);

}  // namespace tilegrid::cli
