// SPDX-License-Identifier: Apache-2.0
#include "runtime/page/report_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <string_view>
#include <system_error>

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/types.h"
#include "runtime/page/page.h"
#include "runtime/report/metrics.h"
#include "runtime/report/print.h"
#include "runtime/report/table.h"

namespace tilegrid::page {
namespace {

using report::Array;
using report::DeviceReport;
using report::Metric;
using report::RunOutcome;
using report::Value;

namespace fs = std::filesystem;

/// More than a page and its data take together.
constexpr std::uintmax_t room_of_page = 8 << 20;

/// Nothing for a measure that is zero everywhere, which would be a picture of nothing.
void add_measure(Array& list, const char* group, const Metric& metric, const std::vector<double>& values) {
  if (std::all_of(values.begin(), values.end(), [](double value) { return value == 0; })) return;
  list.push_back({{"group", group},
                  {"name", metric.name},
                  {"title", metric.title},
                  {"unit", metric.unit},
                  {"values", Array(values.begin(), values.end())}});
}

/// Cycles that a core's lanes waited for pages of a buffer, for each buffer; K and V of attention together, too.
void add_starved(Array& list, const RunOutcome& outcome, const DeviceReport& device) {
  std::vector<double> kv(device.summary.cores.size());
  std::vector<std::uint32_t> seen;
  for (const CircularBufferConfig& config : outcome.circular_buffers) {
    if (std::find(seen.begin(), seen.end(), config.id) != seen.end()) continue;
    seen.push_back(config.id);
    std::vector<double> values;
    values.reserve(kv.size());
    for (const timing::CoreTime& core : device.summary.cores) {
      values.push_back(core.starved.at(config.id));
      if (config.role == "K" || config.role == "V") kv[values.size() - 1] += values.back();
    }
    const std::string title = fmt::format("waits for pages of CB {} {}", config.id, config.role);
    add_measure(list, "Device time: waits for a buffer",
                {fmt::format("starved-cb-{}", config.id), title, "cycles", false, {}, {}}, values);
  }
  add_measure(list, "Device time: waits for a buffer",
              {"kv-stall", "K/V stall: waits for pages of K and V", "cycles", false, {}, {}}, kv);
}

Value measures_of(const RunOutcome& outcome) {
  Array list;
  for (const Metric& metric : report::metrics()) {
    std::vector<double> values;
    if (metric.device_time && outcome.device) {
      const auto& summary = outcome.device->summary;
      for (const timing::CoreTime& core : summary.cores) values.push_back(metric.device_time(core, summary.cycles));
    } else if (metric.value) {
      for (std::size_t i = 0; i < outcome.result.cores.size(); ++i) {
        values.push_back(metric.value(outcome.result.cores[i], outcome.result.core_hosts[i]));
      }
    }
    add_measure(list, metric.host ? "Host cost" : metric.device_time ? "Device time" : "Device counts", metric, values);
  }
  if (outcome.device) add_starved(list, outcome, *outcome.device);
  return list;
}

Value chip_of(const Chip& chip) {
  Array banks;
  for (const PhysicalCore& endpoint : chip.geometry().dram) banks.push_back(Array{endpoint.x, endpoint.y});
  const double operations = 2.0 * tile_side * tile_side * tile_side;
  return {{"name", chip.name()},
          {"die", Array{chip.geometry().die.x, chip.geometry().die.y}},
          {"dram", banks},
          {"clock_hz", chip["clock_hz"]},
          {"flops_per_cycle", operations / chip.cycles().matmul_phase},
          {"dram_bytes_per_cycle", chip["dram_bytes_per_cycle"]},
          {"dram_crowd_share", chip["dram_crowd_share"]}};
}

/// JSON inside of a script element: nothing in it may look like markup.
void write_embedded(std::ostream& stream, std::string_view json) {
  for (std::size_t at = json.find('<'); at != std::string_view::npos; at = json.find('<')) {
    stream << json.substr(0, at) << "\\u003c";
    json.remove_prefix(at + 1);
  }
  stream << json;
}

/// What is there, or the folder in which it would be made.
fs::path nearest_folder(const std::string& folder) {
  fs::path path = fs::absolute(fs::path(folder)).lexically_normal();
  while (!fs::exists(path) && path != path.root_path()) path = path.parent_path();
  return path;
}

}  // namespace

Value of_run(const report::Document& document, const RunOutcome& outcome) {
  Array facts;
  for (const report::Fact& fact : document.facts) facts.push_back(Array{fact.name, fact.text});
  return {{"kind", "run"},
          {"title", document.title},
          {"facts", facts},
          {"plan", document.plan},
          {"details", document.details},
          {"appendix", document.appendix},
          {"report", report::versioned(document.figures)},
          {"measures", measures_of(outcome)},
          {"timeline", outcome.timeline},
          {"chip", outcome.device ? chip_of(outcome.device->architecture.parameters) : Value()}};
}

Value of_log(const DeviceReport& device, const Value& timeline) {
  RunOutcome outcome;
  outcome.device = device;
  const Chip& chip = device.architecture.parameters;
  Array cores;
  for (int index = 0; index < device.grid.cores(); ++index) {
    const LogicalCore core = device.grid.core(index);
    const PhysicalCore at = chip.places().physical_of(core);
    cores.push_back({{"x", core.x}, {"y", core.y}, {"physical", {{"x", at.x}, {"y", at.y}}}, {"cbs", Array()}});
  }
  return {{"kind", "retime"},
          {"title", fmt::format("Log of {}", device.program.substr(0, device.program.find(' ')))},
          {"report", {{"config", {{"grid", report::text_of(device.grid)}}}, {"cores", cores}}},
          {"measures", measures_of(outcome)},
          {"timeline", timeline},
          {"chip", chip_of(chip)}};
}

void write(const std::string& folder, const Value& page) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw UsageError(fmt::format("{}: cannot be made: {}", folder, error.message()));
  const std::string json = report::to_json_line(page);
  const std::vector<std::string> files = files_of(folder);
  write_file(files[0], [&](std::ostream& stream) {
    stream << before_data();
    write_embedded(stream, json);
    stream << after_data();
  });
  write_file(files[1], json + "\n");
}

std::vector<std::string> files_of(const std::string& folder) {
  const fs::path path(folder);
  return {(path / "index.html").string(), (path / "report.json").string()};
}

std::string why_not(const std::string& folder) {
  if (folder.empty()) return "is no folder";
  std::error_code error;
  const fs::path nearest = nearest_folder(folder);
  if (!fs::is_directory(nearest, error)) return "is no folder, but a file";
  const fs::space_info space = fs::space(nearest, error);
  if (!error && space.available < room_of_page) return std::make_error_code(std::errc::no_space_on_device).message();
  if (fs::is_directory(folder, error)) {
    for (const std::string& file : files_of(folder)) {
      if (std::string why = why_not_writable(file); !why.empty()) return why;
    }
    return {};
  }
  return why_not_writable(files_of(nearest.string())[0]);
}

}  // namespace tilegrid::page
