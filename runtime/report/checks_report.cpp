// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/checks_report.h"

#include <fmt/format.h>

#include "core/checks/classes.h"
#include "runtime/checks/findings.h"
#include "runtime/report/table.h"

namespace tilegrid::report {
namespace {

/// Which classes a dry run leaves out.
std::string dry_runs_text() {
  std::vector<std::string> names;
  for (const bool data : {true, false}) {
    for (const checks::ClassRow& one : checks::class_rows) {
      if (one.left_out_of_dry_runs() && one.needs_data == data) names.emplace_back(one.name);
    }
  }
  names.front() = "data tell, nor for what the logs tell: " + names.front();
  return "A dry run moves no data and is not checked for what the\n" + wrapped(names, ",", " ", "", 115) + ".\n";
}

}  // namespace

Value check_classes() {
  Array list;
  for (const checks::ClassRow& one : checks::class_rows) {
    list.push_back({{"class", one.name}, {"default", name_of(one.severity)}, {"summary", one.summary}});
  }
  return list;
}

std::string checks_text() {
  const Table table({{"class", -20}, {"default", -9}, {"what it finds", 0}});
  std::string text = table.head();
  for (const checks::ClassRow& one : checks::class_rows) text += table.row({one.name, name_of(one.severity), one.summary});
  return text +
         "\nerror ends the run with exit code 2, warn prints what was found at its end. Capacities, addresses and shapes\n"
         "are no classes: what exceeds them is always an error. " +
         dry_runs_text();
}

Value faults_of(const KnownFaults& faults) {
  Array list;
  for (const KnownFault* fault : faults) {
    list.push_back({{"id", fault->id},
                    {"chip", fault->chip},
                    {"message", fault->summary},
                    {"advice", fault->advice},
                    {"source", fault->source}});
  }
  return list;
}

namespace {

KnownFaults all_faults() {
  KnownFaults all;
  for (const KnownFault& fault : tilegrid::known_faults()) all.push_back(&fault);
  return all;
}

}  // namespace

std::string faults_text(const KnownFaults& faults) {
  std::string text;
  for (const KnownFault* fault : faults) {
    text += fmt::format("  {:<11}{}: {}\n{:<13}on {}; {} ({})\n", "warning", fault->id, fault->summary, "", fault->chip,
                        fault->advice, fault->source);
  }
  return text;
}

Value known_faults() { return faults_of(all_faults()); }

std::string known_faults_text() {
  std::string text = "Known faults of silicon, of which a run that relies on one warns:\n";
  for (const KnownFault* fault : all_faults()) {
    text += fmt::format("{:<20}{}: {};\n{:<20}{} ({})\n", fault->id, fault->chip, fault->summary, "", fault->advice,
                        fault->source);
  }
  return text;
}

Value findings_of(const std::vector<checks::Finding>& findings, GridSize grid) {
  Array list;
  for (const MergedFinding& one : merge_findings(findings)) {
    Array cores;
    for (const int core : one.cores) cores.push_back(Array{grid.core(core).x, grid.core(core).y});
    const checks::Finding& finding = one.finding;
    const bool placed = finding.line != 0;
    list.push_back({{"class", finding.error_class},
                    {"severity", name_of(finding.severity)},
                    {"count", finding.count},
                    {"cores", cores},
                    {"risc", placed ? Value(finding.risc) : Value()},
                    {"kernel", placed ? Value(finding.kernel) : Value()},
                    {"file", placed ? Value(finding.file) : Value()},
                    {"line", placed ? Value(finding.line) : Value()},
                    {"message", finding.message}});
  }
  return list;
}

}  // namespace tilegrid::report
