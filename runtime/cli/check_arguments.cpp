// SPDX-License-Identifier: Apache-2.0
#include "runtime/cli/check_arguments.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/error.h"
#include "runtime/checks/findings.h"
#include "runtime/cli/arguments.h"
#include "runtime/report/print_report.h"

namespace tilegrid::cli {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> class_names() {
  std::vector<std::string> names;
  for (const checks::ClassRow& one : checks::class_rows) names.emplace_back(one.name);
  names.emplace_back("all");
  return names;
}

void set_class(const std::string& text, checks::Config& config) {
  const std::size_t at = text.find('=');
  if (at == std::string::npos) {
    throw UsageError(fmt::format("--check {}: CLASS=off, CLASS=warn or CLASS=error is expected", text));
  }
  const std::string name = text.substr(0, at);
  const auto severity =
      static_cast<checks::Severity>(parse_word("--check " + name + "=", text.substr(at + 1), {"off", "warn", "error"}));
  const std::vector<std::string> names = class_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    const std::string nearest = nearest_word(name, names);
    throw UsageError(fmt::format("--check {}: no class is called '{}'{}; there are {}", text, name,
                                 nearest.empty() ? "" : fmt::format(", did you mean {}", nearest), fmt::join(names, ", ")));
  }
  if (name == "all") {
    config = checks::Config::all(severity);
  } else {
    config.set(static_cast<checks::Class>(found - names.begin()), severity);
  }
}

/// Which classes a dry run leaves out, in lines of at most 120 characters.
std::string dry_runs_text() {
  std::vector<std::string> names;
  for (const bool data : {true, false}) {
    for (const checks::ClassRow& one : checks::class_rows) {
      if (one.left_out_of_dry_runs() && one.needs_data == data) names.emplace_back(one.name);
    }
  }
  std::string text = "A dry run moves no data and is not checked for what the\ndata tell, nor for what the logs tell:";
  std::size_t column = text.size() - text.find('\n') - 1;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string word = names[i] + (i + 1 < names.size() ? "," : ".");
    const bool fits = column + 1 + word.size() <= 115;
    text += (fits ? " " : "\n") + word;
    column = fits ? column + 1 + word.size() : word.size();
  }
  return text + "\n";
}

}  // namespace

bool CheckTexts::ask_for_help() const { return std::find(checks.begin(), checks.end(), "help") != checks.end(); }

void add_check_flags(CLI::App& app, CheckTexts& texts) {
  app.add_option("--check", texts.checks,
                 "What a check does when it finds something: off, warn, or error, which ends\nthe run; a list, and may be "
                 "repeated; the class all is every class.\n--check help prints the classes [as `tilegrid checks` says]")
      ->type_name("CLASS=WHAT")
      ->allow_extra_args(false)
      ->group("Checks");
}

checks::Config checks_from(const CheckTexts& texts) {
  checks::Config config;
  for (const std::string& list : texts.checks) {
    for (std::size_t first = 0; first <= list.size();) {
      const std::size_t comma = std::min(list.find(',', first), list.size());
      set_class(list.substr(first, comma - first), config);
      first = comma + 1;
    }
  }
  return config;
}

std::string checks_text() {
  std::string text = fmt::format("{:<20}{:<9}what it finds\n", "class", "default");
  for (const checks::ClassRow& one : checks::class_rows) {
    text += fmt::format("{:<20}{:<9}{}\n", one.name, name_of(one.severity), one.summary);
  }
  return text +
         "\nerror ends the run with exit code 2, warn prints what was found at its end. Capacities, addresses and shapes\n"
         "are no classes: what exceeds them is always an error. " +
         dry_runs_text();
}

int print_checks(const Session& session) {
  if (session.is_host()) {
    put(checks_text());
    flush_output();
  }
  return 0;
}

Json checks_json() {
  Json list = Json::array();
  for (const checks::ClassRow& one : checks::class_rows) {
    list.push_back({{"class", one.name}, {"default", name_of(one.severity)}, {"summary", one.summary}});
  }
  return list;
}

Json findings_json(const std::vector<checks::Finding>& findings, GridSize grid) {
  Json list = Json::array();
  for (const MergedFinding& one : merge_findings(findings)) {
    Json cores = Json::array();
    for (const int core : one.cores) cores.push_back({grid.core(core).x, grid.core(core).y});
    const checks::Finding& finding = one.finding;
    const bool placed = finding.line != 0;
    list.push_back({{"class", finding.error_class},
                    {"severity", name_of(finding.severity)},
                    {"count", finding.count},
                    {"cores", cores},
                    {"risc", placed ? Json(finding.risc) : Json()},
                    {"kernel", placed ? Json(finding.kernel) : Json()},
                    {"file", placed ? Json(finding.file) : Json()},
                    {"line", placed ? Json(finding.line) : Json()},
                    {"message", finding.message}});
  }
  return list;
}

int with_json_twin(const std::string& path, GridSize grid, const std::function<int()>& body) {
  try {
    return body();
  } catch (const checks::FoundError& error) {
    if (path.empty() || error.findings().empty()) throw;
    const Json json{{"error", error.message()}, {"checks", findings_json(error.findings(), grid)}};
    print_json(path, json);
    throw;
  }
}

}  // namespace tilegrid::cli
