// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/matrix_unit.h"
#include "core/types.h"
#include "kernels/program.h"
#include "runtime/device.h"
#include "runtime/report/device_report.h"

namespace tilegrid::cli {

/// What is known when a launch is over, whatever ran.
struct RunOutcome {
  GridSize grid;
  std::vector<CircularBufferConfig> circular_buffers;
  std::uint64_t expected_matmul_tiles = 0;
  int ranks = 1;
  std::optional<std::uint64_t> shake;
  std::string transport;
  RunResult result;
  std::optional<DeviceReport> device;    ///< none when it was not wanted
  std::optional<double> verify_seconds;  ///< none when the output was not verified
  double total_seconds = 0;              ///< on the host, from the first look at the data until the report
};

/// Parts of a report: "runs on" of its header; device counts; host cost; the grid view of a metric, or nothing for "none".
/// Device counts are followed by device time where there is one.
[[nodiscard]] std::string place_text(const RunOutcome& outcome);
[[nodiscard]] std::string device_text(const RunOutcome& outcome);
[[nodiscard]] std::string host_text(const RunOutcome& outcome);
[[nodiscard]] std::string view_text(const RunOutcome& outcome, const std::string& name);

/// A count with commas between thousands.
[[nodiscard]] std::string grouped(std::uint64_t value);
[[nodiscard]] std::string grouped(double value);
/// "12.3 KiB"
[[nodiscard]] std::string bytes_text(double bytes);

/// Smallest, largest and mean of a figure over cores.
struct Spread {
  double total = 0;
  double min = 0;
  double mean = 0;
  double max = 0;
};
[[nodiscard]] Spread spread_of(const std::vector<double>& values);
/// Over the cores of a run.
template <class Value>
[[nodiscard]] Spread spread_over_cores(const RunResult& result, const Value& value) {
  std::vector<double> values;
  values.reserve(result.cores.size());
  for (const CoreCounters& core : result.cores) values.push_back(static_cast<double>(value(core)));
  return spread_of(values);
}

[[nodiscard]] const char* text_of(Fidelity fidelity);
/// "8x10"
[[nodiscard]] std::string text_of(GridSize grid);

}  // namespace tilegrid::cli
