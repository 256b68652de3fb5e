// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/events/event_log.h"
#include "runtime/device.h"
#include "runtime/jit/compile.h"
#include "runtime/metalium/settings.h"
#include "runtime/report/run_report.h"
#include "runtime/timing/zone_times.h"
#include "runtime/traces/traces.h"

namespace tilegrid::metalium {

/// What is known of a host program's run when it ends: device time and counts of all launches together, what the checks
/// found, compile time apart. Whether its results are right only the program knows.
class Report {
 public:
  Report() = default;
  Report(const Settings& settings, GridSize grid, int ranks, bool mpi, const Chip& chip);

  /// Whether launches are to record their event logs.
  [[nodiscard]] bool wants_log() const { return time_ || keeps_logs(); }
  void compiled(const std::vector<jit::Object>& objects);
  void launched(const Program& program, RunResult result);
  void failed(const Error& error);
  /// Prints the summary to standard error, and writes the files that the settings name: `save` calls what it gets, which
  /// throws UsageError when a file can't be written, and may go on.
  void finish(const Device& device, int code, const std::function<void(const std::function<void()>&)>& save);

 private:
  [[nodiscard]] bool keeps_logs() const { return !log_path_.empty() || traces_.any(); }
  void add_time(const RunLog& log, timing::Observer* observer = nullptr);
  [[nodiscard]] std::string summary(int code) const;
  [[nodiscard]] report::Value document(const Device& device, int code) const;

  std::string kind_ = "off";  ///< summary, off, or a file
  std::string log_path_;
  traces::Options traces_;
  bool time_ = false;
  bool mpi_ = false;
  Numerics numerics_ = default_numerics;
  report::ChosenArchitecture architecture_;
  report::RunOutcome outcome_;
  int launches_ = 0;
  int compiled_ = 0, from_cache_ = 0;
  double compile_seconds_ = 0;
  std::optional<timing::DeviceTime> device_time_;
  double loop_cycles_ = 0;  ///< of the processor that spends most in its own code between calls; summed over launches
  double replay_seconds_ = 0;
  std::unique_ptr<timing::ZoneTimes> zones_ = std::make_unique<timing::ZoneTimes>();  ///< of all launches
  RunLog log_;  ///< of all launches, when a file wants it
  std::string error_;
  std::string deadlock_;  ///< JSON
};

}  // namespace tilegrid::metalium
