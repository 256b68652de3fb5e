// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/checks/classes.h"
#include "kernels/program.h"
#include "runtime/data/tensors.h"
#include "runtime/device.h"
#include "runtime/flags/flags.h"
#include "runtime/flags/kernel_flags.h"
#include "runtime/flags/print_flags.h"
#include "runtime/report/run_report.h"
#include "runtime/session.h"
#include "runtime/traces/traces.h"

/// Workloads: what can be run on the grid from the command line, by a sweep or a comparison, or by a program of one's own.
/// A workload says what is its own; the driver does what all have in common.
namespace tilegrid::workloads {

/// What the flags say that all workloads have.
struct RunOptions {
  GridSize grid;  ///< 0x0: all of the chip, which settle() fills in
  std::optional<std::uint64_t> shake;
  noc::TransportChoice transport = noc::TransportChoice::automatic;
  std::string arch = "wormhole_b0";
  Chip chip{};                                             ///< of the two, that the run is on
  std::vector<std::string> sets;                           ///< KEY=VALUE
  bool device_time = true;                                 ///< replay the log
  std::optional<report::ChosenArchitecture> architecture;  ///< the same for device time; none without
  std::vector<std::string> check;                          ///< lists of CLASS=WHAT, or "help"
  checks::Config checks;                                   ///< what they say
  std::string json, log;                                   ///< files; "-" for JSON: standard output alone
  std::string report;                                      ///< folder of the page
  traces::Options traces;
  std::string view = "matmul-tiles";  ///< a figure of report::metrics(), or none
  bool verbose = false;               ///< print all of the report, not its first screen alone
  bool dry_run = false;               ///< control flow alone: no data, no numbers
  bool diagnostics = false;           ///< look at what becomes of numbers
  bool progress = true;
  PrintOptions print{};  ///< whose output is shown, and where
  /// The session that they ask for; who has seen to the chip and the grid (Workload::settle) can run it.
  [[nodiscard]] SessionOptions session() const;
};

/// What --help says of a workload.
struct About {
  std::string name, summary;
  std::string examples{};        ///< what its --help ends with
  std::string sweep_examples{};  ///< that of `tilegrid sweep`
};

/// What a run has chosen itself: a column of a sweep's table, and a value of its JSON.
struct Choice {
  std::string column, key;
  report::Value value;
};

/// How far a verified output is from double precision.
struct Accuracy {
  double correlation = 0, rmse = 0;
  double relative_l2 = 0;  ///< |output - reference| / |reference|
  double worst_row = 0;    ///< the same of the row where it is largest
};

/// One that is run once. The steps that the driver takes stand in their order; all but the first two on rank 0 only.
class Workload {
 public:
  Workload() = default;
  virtual ~Workload() = default;
  Workload(const Workload&) = delete;  // flags know where the members are
  Workload& operator=(const Workload&) = delete;
  RunOptions options;

  [[nodiscard]] virtual About about() const = 0;
  [[nodiscard]] std::string name() const { return about().name; }
  /// Makes kernels and tasks known, on every rank, where the program's start has not done so.
  virtual void register_kernels() const {}
  /// Throws UsageError for flags that do not go together.
  virtual void check() {}
  /// Reads files, completes the configuration, makes buffers for all tensors: when DRAM is too small nothing has been done.
  virtual void prepare(Device& device) = 0;
  /// What is launched, one after the other.
  virtual std::vector<Program> programs(Device& device) = 0;
  /// Writes the inputs; not of a dry run.
  virtual void upload(Device& device) = 0;
  /// Gets the output, verifies and saves it as far as it is wanted; not of a dry run. Sets `passed`, and what of the outcome
  /// verification adds.
  virtual void finish(Device& device, report::RunOutcome& outcome) = 0;
  /// Verdict of the verification; none without one.
  std::optional<bool> passed;
  std::string mismatch;  ///< what did not pass, in a line
  /// The verdict on a result that has no bounds of its own for each element: its distance from `expected` as a part of that
  /// one's length, which has to be below `gate`. Sets the above; the report has it as `verify`.
  void judge(std::span<const double> expected, std::span<const float> result, double gate);
  std::optional<Accuracy> accuracy;  ///< set by finish() of what verifies its output
  report::Value judgement;           ///< null where judge() was not asked

  /// What ran, in a line, for the header of the log; by default its name and the facts of its own flags.
  [[nodiscard]] virtual std::string line() const;
  /// Operations that the result takes; 0: those of the tile products.
  [[nodiscard]] virtual double useful_flops() const { return 0; }
  /// Tile products of the run, for the progress line; 0: unknown.
  [[nodiscard]] virtual std::uint64_t matmul_tiles() const { return 0; }
  /// Title, header and verification of the report; `figures` has "config" with the facts of all flags already. By default
  /// line() says it all.
  virtual void describe(report::Document& document) const;
  /// What a core had to do.
  [[nodiscard]] virtual report::Value work_of(int core) const;
  [[nodiscard]] virtual std::vector<Choice> choices() const { return {}; }

  /// Its own flags, then those of all.
  [[nodiscard]] Flags& flags();
  [[nodiscard]] const Flags& flags() const { return const_cast<Workload*>(this)->flags(); }
  /// check(), and what goes for all: chip, grid, what a dry run does not have. Throws UsageError, which names flags. The
  /// driver calls it.
  void settle();
  /// Saves a result, or keeps the error until the report is out.
  void save(const std::function<void()>& write);
  [[nodiscard]] const std::string& save_failure() const { return failure_; }
  /// The same for a tensor as a NumPy file; where the path is empty nothing is saved.
  void save_tensor(const std::string& path, const std::vector<std::int64_t>& shape, std::span<const float> values);
  /// load_input(), which the report tells of where values are not as they stand in the file.
  [[nodiscard]] NpyArray load(const std::string& flag, const std::string& path, const DimensionRule& rule);
  /// The same of a matrix, with its size.
  [[nodiscard]] std::vector<float> load_matrix(const std::string& flag, const std::string& path, int& rows, int& columns);
  [[nodiscard]] const report::Conversions& conversions() const { return conversions_; }

 protected:
  virtual void declare(Flags& flags) = 0;

 private:
  void settle_options();

  Flags flags_;
  std::size_t own_flags_ = 0;  ///< of them, the first ones
  std::string failure_;
  report::Conversions conversions_;
};
using Maker = std::function<std::unique_ptr<Workload>()>;
template <class W>
[[nodiscard]] Maker maker() {
  return [] { return std::make_unique<W>(); };
}

}  // namespace tilegrid::workloads
