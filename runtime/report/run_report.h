// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/chip/known_faults.h"
#include "core/rounding_bound.h"
#include "core/types.h"
#include "kernels/program.h"
#include "runtime/device.h"
#include "runtime/report/device_report.h"
#include "runtime/report/value.h"

namespace tilegrid::report {

/// Inputs whose values are not as they stand in their files.
struct Conversion {
  std::string input;  ///< flag and file
  std::string what;   ///< "float64, rounded to float32"
};
using Conversions = std::vector<Conversion>;
[[nodiscard]] Value conversions_of(const Conversions& conversions);
/// A line for each, as below a table.
[[nodiscard]] std::string conversions_text(const Conversions& conversions);

/// What is known when a run is over, whatever ran.
struct RunOutcome {
  GridSize grid;
  std::vector<CircularBufferConfig> circular_buffers;
  std::uint64_t expected_matmul_tiles = 0;
  int ranks = 1;
  std::optional<std::uint64_t> shake;
  bool diagnostics = false;  ///< counters have what became of numbers
  std::string transport;
  RunResult result;                     ///< of all launches together; the log of the last one
  std::vector<LaunchLog> earlier_logs;  ///< of the launches before, when they are kept
  KnownFaults known_faults;             ///< that the run relies on
  NumericsUse numerics;
  Conversions conversions;
  std::optional<DeviceReport> device;    ///< none when it was not wanted
  Value timeline;                        ///< of the page, when one is wanted
  std::optional<double> verify_seconds;  ///< none when the output was not verified
  double total_seconds = 0;              ///< on the host, from the first look at the data until the report
};

/// A line of a report's header: what, and its value.
struct Fact {
  std::string name, text;
  bool detail = false;  ///< not on the first screen
};

/// One report: text and JSON are drawn from it.
struct Document {
  void add(std::string name, std::string text, bool detail = false) {
    facts.push_back({std::move(name), std::move(text), detail});
  }

  std::string title;              ///< what ran
  std::vector<Fact> facts;        ///< lines of the header
  std::string plan;               ///< text below the header
  std::string verification;       ///< text, with the verdict
  std::string verdict;            ///< for the first screen: what speaks for a pass; empty: that has all of the text
  std::string details, appendix;  ///< text before the counts, and at the end
  std::string more;               ///< a line that says where the rest of the first screen is
  /// JSON: config and verify by who ran, then those of run_figures().
  Value figures;
};

/// Figures of every run: host (seconds, MPI), cores and totals (device counts), device (null without device time), checks.
/// Sizes are in bytes, times in seconds. `work` says what a core had to do, by its index; `view` is the figure of the grid
/// view, or "none".
[[nodiscard]] Value run_figures(const RunOutcome& outcome, const std::string& view,
                                const std::function<Value(int core)>& work);

/// Everything that a run prints with --verbose.
[[nodiscard]] std::string text_of(const Document& document);
/// What a newcomer looks for, on one screen: what ran, whether its numbers are right, device time and what bounds it, the
/// grid view, where the rest is; and what was asked for: plans, splits, what became of numbers.
[[nodiscard]] std::string first_screen_of(const Document& document);
/// A grid view of device time alone; nothing for "none".
[[nodiscard]] std::string device_view_text(const DeviceReport& report, const std::string& metric);

/// Largest of a figure over cores.
[[nodiscard]] std::uint64_t most_l1_bytes(const RunOutcome& outcome);
/// Bytes of one kind of transfer, of all cores.
[[nodiscard]] std::uint64_t bytes_of(const RunOutcome& outcome, TransferKind kind);

}  // namespace tilegrid::report
