// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/checks/finding.h"
#include "core/types.h"
#include "runtime/session.h"

namespace tilegrid::cli {

/// What --check was given, one entry each time.
struct CheckTexts {
  std::vector<std::string> checks;
  /// --check help: the table instead of a run.
  [[nodiscard]] bool ask_for_help() const;
};
void add_check_flags(CLI::App& app, CheckTexts& texts);
/// Lists of CLASS=off|warn|error over the defaults, later ones over earlier ones; the class `all` is all of them. Throws
/// UsageError with the nearest name, or all of them.
[[nodiscard]] checks::Config checks_from(const CheckTexts& texts);

/// Name, default and summary of every class.
[[nodiscard]] std::string checks_text();
[[nodiscard]] nlohmann::ordered_json checks_json();

/// Prints checks_text() on the host; returns the exit code.
int print_checks(const Session& session);

/// The list `checks` of a report: findings merged over cores.
[[nodiscard]] nlohmann::ordered_json findings_json(const std::vector<checks::Finding>& findings, GridSize grid);

/// Runs `body`; when it throws a kernel's error, its JSON twin goes where the report would have gone: `path`, standard
/// output for "-", nowhere when empty. The error passes on.
int with_json_twin(const std::string& path, GridSize grid, const std::function<int()>& body);

}  // namespace tilegrid::cli
