// SPDX-License-Identifier: Apache-2.0
#include "runtime/workloads/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "runtime/flags/check_flag.h"
#include "runtime/flags/sweep_points.h"
#include "runtime/flags/trace_flags.h"
#include "runtime/report/metrics.h"

namespace tilegrid::workloads {
namespace {

const EnumNames<noc::TransportChoice>& transport_names() {
  using noc::TransportChoice;
  static const EnumNames<TransportChoice> names{
      {"auto", TransportChoice::automatic}, {"messages", TransportChoice::messages}, {"windows", TransportChoice::windows}};
  return names;
}

void add_common_flags(Flags& flags, RunOptions& options) {
  flags.in("Device").add("--grid", "XxY", "Cores: columns x rows [all of the chip]", options.grid);
  flags
      .add("--shake", "SEED",
           "Run fibers and traffic in another order that the hardware allows: the same\nresults, or a kernel has a race "
           "[off]",
           options.shake)
      .no_sweep();
  flags
      .add("--transport", "How bytes move between ranks of one host: auto, messages or windows (shared memory) [$]",
           options.transport, transport_names())
      .no_fact()
      .no_sweep();
  add_arch_flags(flags, options.arch, options.sets);
  flags.add_switch("--no-device-time", "Do not replay the run into device time", options.device_time, false)
      .no_fact()
      .no_sweep()
      .of_one_run();
  Flag& check = flags.in("Checks").add(
      "--check", "CLASS=WHAT",
      "What a check does when it finds something: off, warn, or error, which ends\nthe run; a list, and may be "
      "repeated; the class all is every class, wild what silicon forgives.\n--check help prints the classes [as `tilegrid "
      "checks` says]",
      [&](const Given& given) {
        options.check.push_back(given.text);
        if (given.text != "help") set_checks(given.flag, given.text, options.checks);
      });
  check.repeats = true;
  flags
      .add_switch("--diagnostics",
                  "Count infinities, NaNs, denormals that count as 0, saturated values and sums that\nhave stopped growing, "
                  "by core and operation, and where each is first; takes several\ntimes as long",
                  options.diagnostics)
      .of_data();
  flags.in("Report")
      .add_switch(std::string(dry_run_flag),
                  "Run the kernels' control flow alone, for counts, logs and device time of\nshapes that are too large to "
                  "compute: no data, no numbers",
                  options.dry_run)
      .unfit_for({Comparison::precision});
  add_report_flags(
      flags, options.json, "Write all figures there; - for standard output alone [none]", options.report,
      "Write a page there that shows the run, for any browser (index.html), and its data\n(report.json) [none]");
  flags.add("--log", "FILE", "Save the event log there, see `tilegrid log` [none]", options.log).writes().of_one_run();
  add_trace_flags(flags, options.traces);
  add_view_flag(
      flags, options.view,
      fmt::format("Grid view of a figure by core, or none; `tilegrid attention --help` lists\nthem [{}]", options.view),
      false)
      .unfit_for({Comparison::kernels, Comparison::precision});
  flags.add_switch("--verbose", "Print all figures, not the first screen alone", options.verbose)
      .no_fact()
      .no_sweep()
      .of_one_run();
  add_print_flags(flags, options.print);
  flags.in("Report").add_switch("--no-progress", "No progress line on a terminal", options.progress, false).no_fact();
}

}  // namespace

SessionOptions RunOptions::session() const {
  SessionOptions own{.grid = grid, .checks = checks};
  own.shake = shake;
  own.transport = transport;
  own.chip = chip;
  own.deadlock_json = json;
  return own;
}

report::Value Workload::work_of(int) const { return report::Object(); }

std::string Workload::line() const {
  std::string text = name();
  for (std::size_t i = 0; i < own_flags_; ++i) {
    const Flag& flag = flags().all()[i];
    if (flag.fact && !flag.fact().is_null()) text += fmt::format(" {} {}", flag.key, report::to_json_line(flag.fact()));
  }
  return text;
}

void Workload::describe(report::Document& document) const { document.add("flags", line()); }

void Workload::judge(std::span<const double> expected, std::span<const float> result, double gate) {
  double wrong = 0, all = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = result[i] - expected[i];
    wrong += difference * difference;
    all += expected[i] * expected[i];
  }
  const double distance = std::sqrt(wrong / all);
  passed = distance < gate;
  mismatch = fmt::format("relative L2 {:.4g}, not below {:.3g}", distance, gate);
  judgement = {{"relative_l2", distance}, {"gate", gate}, {"passed", *passed}};
}

Flags& Workload::flags() {
  if (flags_.all().empty()) {
    declare(flags_);
    own_flags_ = flags_.all().size();
    add_common_flags(flags_, options);
  }
  return flags_;
}

void Workload::settle() {
  naming_flags(flags(), [&] { settle_options(), check(); });
}

void Workload::settle_options() {
  if (options.log == "-") throw UsageError("`log` -: the log goes to a file only");
  if (!options.device_time) {
    flags_.refuse(flags_.names_of([](const Flag& flag) { return flag.replay; }), "does not go with `no_device_time`");
  }
  const report::ChosenArchitecture chosen = report::choose_architecture(options.arch, options.sets);
  options.chip = chosen.parameters;
  if (options.device_time) options.architecture = chosen;
  if (options.grid.cores() == 0) options.grid = options.chip.workers();
  options.chip.check_grid(options.grid, "`grid`");
  traces::check(options.traces, options.grid);
  const std::vector<std::string> replayed = report::metric_names(false);
  if (!options.device_time && std::find(replayed.begin(), replayed.end(), options.view) != replayed.end()) {
    throw UsageError(fmt::format("`view` {}: does not go with `no_device_time`", options.view));
  }
  if (options.dry_run) {
    flags_.refuse(flags_.names_of([](const Flag& flag) { return flag.data; }),
                  "a dry run has no numbers, `dry_run` goes without", {"off"});
  }
  static_cast<void>(print_filter(options.print, options.grid));  // refuses what is not there
}

void Workload::save(const std::function<void()>& write) {
  try {
    write();
  } catch (const UsageError& error) {
    if (failure_.empty()) failure_ = error.message();
  }
}

void Workload::save_tensor(const std::string& path, const std::vector<std::int64_t>& shape, std::span<const float> values) {
  if (!path.empty()) save([&] { save_npy(path, shape, values); });
}

std::vector<float> Workload::load_matrix(const std::string& flag, const std::string& path, int& rows, int& columns) {
  NpyArray array = load(flag, path, {2, 2, "two dimensions are expected"});
  rows = static_cast<int>(array.shape[0]);
  columns = static_cast<int>(array.shape[1]);
  return std::move(array.values);
}

NpyArray Workload::load(const std::string& flag, const std::string& path, const DimensionRule& rule) {
  NpyArray array = load_input(flag, path, rule);
  // "--in x=" is followed by the path at once.
  if (!array.note.empty()) conversions_.push_back({flag + (flag.ends_with('=') ? "" : " ") + path, array.note});
  return array;
}

}  // namespace tilegrid::workloads
