// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/chip/chip.h"
#include "core/events/event_log.h"
#include "runtime/timing/observer.h"

/// Timelines of a run in formats that other tools open. All are made of one replay, while it goes on.
namespace tilegrid::traces {

/// What is wanted of a run; files that are empty are not.
struct Options {
  std::string trace{};               ///< Chrome trace events, for Perfetto
  std::string noc_trace{};           ///< NoC events, for tt-npe
  std::string npeviz{};              ///< a timeline for ttnn-visualizer
  std::string profiler_csv{};        ///< as the device profiler logs
  std::vector<std::string> cores{};  ///< "0,0" or "0,0-3,1" each: those that `trace` shows; none: all
  [[nodiscard]] bool any() const { return !trace.empty() || !noc_trace.empty() || !npeviz.empty() || !profiler_csv.empty(); }
};

/// Cores by index that the texts name; all without any. Throws UsageError that begins with `flag`: no core or rectangle,
/// outside the grid.
[[nodiscard]] std::vector<bool> chosen_cores(const std::vector<std::string>& texts, GridSize grid,
                                             std::string_view flag = "--trace-cores");

/// What can be said before anything runs. Throws UsageError: as chosen_cores(), or for standard output.
void check(const Options& options, GridSize grid);

/// A file that is made of a replay.
class Writer : public timing::Observer {
 public:
  /// Puts the file in its place. Throws UsageError when it can't be written.
  virtual void finish() = 0;
};

/// All that are wanted of one run.
class Traces {
 public:
  /// Begins the files. Throws UsageError as check().
  Traces(const Options& options, const RunLog& log);
  /// For the replay; null when nothing is wanted.
  [[nodiscard]] timing::Observer* observer() { return writers_.empty() ? nullptr : &observers_; }
  /// Finishes each file: `save` calls what it gets, which throws UsageError when a file can't be written, and may go on.
  void finish(const std::function<void(const std::function<void()>&)>& save);
  /// Finishes all of them. Returns what is wrong with the first that can't be written; empty when none is.
  [[nodiscard]] std::string finish();

 private:
  std::vector<std::unique_ptr<Writer>> writers_;
  timing::Observers observers_;
};

}  // namespace tilegrid::traces
