// SPDX-License-Identifier: Apache-2.0
#include "runtime/workloads/driver.h"

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "core/error.h"
#include "core/say.h"
#include "core/simd/dispatch.h"
#include "core/stopwatch.h"
#include "runtime/flags/command_line.h"
#include "runtime/launches.h"
#include "runtime/page/report_page.h"
#include "runtime/page/timeline.h"
#include "runtime/progress.h"
#include "runtime/report/checks_report.h"
#include "runtime/report/numerics_report.h"
#include "runtime/report/print.h"
#include "runtime/report/table.h"
#include "runtime/timing/replay.h"

namespace tilegrid::workloads {
namespace {

using report::RunOutcome;
using report::Value;

void launch(Device& device, const Workload& workload, const std::vector<Program>& programs, RunOutcome& outcome,
            bool record_log) {
  for (const Program& program : programs) {
    outcome.circular_buffers.insert(outcome.circular_buffers.end(), program.circular_buffers.begin(),
                                    program.circular_buffers.end());
  }
  // What --watch shows stands where the line would.
  const bool line = workload.options.progress && !workload.options.print.watch;
  Progress progress(workload.name(), outcome.expected_matmul_tiles, line);
  LaunchOptions options;
  options.dry = workload.options.dry_run;
  options.record_log = record_log;
  options.watch_numbers = workload.options.diagnostics;
  options.on_progress = [&](std::uint64_t done) { progress.update(done); };
  Launches launches = launch_in_order(device, programs, options);
  outcome.result = std::move(launches.result);
  outcome.earlier_logs = std::move(launches.earlier_logs);
  outcome.known_faults = std::move(launches.known_faults);
  outcome.numerics = launches.numerics;
  outcome.conversions = workload.conversions();
}

/// Saves and replays the event logs, as far as the options say, and drops them unless they are to be kept.
void use_logs(Workload& workload, RunOutcome& outcome, bool keep_logs) {
  const RunOptions& options = workload.options;
  if (options.log.empty() && !options.architecture) return;
  RunLog log{outcome.grid, workload.line(), std::move(outcome.earlier_logs)};
  log.launches.push_back(std::move(outcome.result.log));
  log.useful_flops = workload.useful_flops();
  if (!options.log.empty()) workload.save([&] { save_log(log, options.log); });
  if (options.architecture) {
    page::Timeline timeline;
    traces::Traces traces(options.traces, log);
    timing::Observers all;
    if (!options.report.empty()) all.add(timeline);
    if (traces.observer() != nullptr) all.add(*traces.observer());
    outcome.device = report::replay_run(log, *options.architecture, options.progress, all.empty() ? nullptr : &all);
    outcome.timeline = timeline.figures();
    traces.finish([&](const std::function<void()>& write) { workload.save(write); });
  }
  outcome.result.log = keep_logs ? std::move(log.launches.back()) : LaunchLog{};
  log.launches.pop_back();
  outcome.earlier_logs = keep_logs ? std::move(log.launches) : std::vector<LaunchLog>{};
}

/// After an error: traces of what ran until then, where they are wanted. What goes wrong here is said, and loses nothing.
void trace_cut_short(const Device& device, const Workload& workload) {
  const RunOptions& options = workload.options;
  if (!options.traces.any() || !options.architecture || !device.cut_log()) return;
  try {
    const RunLog log{options.grid, workload.line(), {*device.cut_log()}};
    traces::Traces traces(options.traces, log);
    timing::replay_cut_short(log, options.architecture->parameters, *traces.observer());
    const std::string failure = traces.finish();
    say_error(failure.empty() ? "the traces show what ran until the error that follows" : failure);
  } catch (const Error& error) {
    say_error(error.message());
  }
}

/// Kernels' output goes where the options say while this lives.
class OutputOfKernels {
 public:
  OutputOfKernels(Device& device, const RunOptions& options) : device_(device), target_(options.print, options.json == "-") {
    PrintFilter filter = print_filter(options.print, options.grid);
    if (options.json == "-") filter.descriptor = STDERR_FILENO;
    device.set_output(std::move(filter), [this](std::string_view text) { target_.put(text); });
    if (options.print.watch) device.set_watch(watch_seconds(std::getenv("TILEGRID_WATCH")));
  }
  ~OutputOfKernels() {
    device_.set_output({.riscs = PrintFilter::all_riscs, .cores = {}});
    device_.set_watch(0);
  }
  OutputOfKernels(const OutputOfKernels&) = delete;
  OutputOfKernels& operator=(const OutputOfKernels&) = delete;
  void finish() { target_.finish(); }

 private:
  Device& device_;
  PrintTarget target_;
};

RunOutcome take_steps(const Session& session, Device& device, Workload& workload, bool keep_logs) {
  // The allocator gives large blocks back to the system when they are freed; by default it stops doing so after the first,
  // and the memory of tensors that are gone would count on.
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  const Stopwatch watch;
  const RunOptions& options = workload.options;
  workload.flags().check_paths();
  RunOutcome outcome;
  outcome.grid = options.grid;
  outcome.ranks = device.ranks();
  outcome.shake = options.shake;
  outcome.diagnostics = options.diagnostics;
  outcome.transport = session.uses_mpi() ? "MPI messages" : "in process";
  workload.prepare(device);
  outcome.expected_matmul_tiles = workload.matmul_tiles();
  const std::vector<Program> programs = workload.programs(device);
  if (!options.dry_run) workload.upload(device);
  malloc_trim(0);  // the messages of the upload
  OutputOfKernels output(device, options);
  try {
    launch(device, workload, programs, outcome, keep_logs || !options.log.empty() || options.architecture.has_value());
  } catch (const Error&) {
    trace_cut_short(device, workload);
    throw;
  }
  workload.save([&] { output.finish(); });
  use_logs(workload, outcome, keep_logs);
  if (!options.dry_run) workload.finish(device, outcome);
  outcome.total_seconds = watch.seconds();
  return outcome;
}

/// Where to look next; not at files when some could not be written, as the error says which.
std::string more_of(const RunOptions& options, bool saved) {
  const auto offer = [](const std::string& given, std::string_view flag, std::string_view what) {
    return given.empty() ? fmt::format(", {} {}", flag, what) : std::string();
  };
  std::string text = "\nMore: --verbose prints it all" + offer(options.report, "--report DIR", "makes a page of it");
  if (options.device_time) text += offer(options.traces.trace, "--trace FILE", "a timeline for Perfetto");
  text += '\n';
  if (!saved) return text;
  if (!options.report.empty()) text += fmt::format("Look at it: open {} in a browser\n", page::files_of(options.report)[0]);
  if (!options.traces.trace.empty()) text += fmt::format("Timeline: open {} at ui.perfetto.dev\n", options.traces.trace);
  return text;
}

/// When a kernel's error ends `body`, its JSON twin goes where the report would have gone.
int with_json_twin(const RunOptions& options, const std::function<int()>& body) {
  try {
    return body();
  } catch (const checks::FoundError& error) {
    if (options.json.empty() || error.findings().empty()) throw;
    report::print_json(options.json, report::versioned({{"error", error.message()},
                                                        {"checks", report::findings_of(error.findings(), options.grid)}}));
    throw;
  }
}

}  // namespace

RunOutcome execute(const Session& session, Device& device, Workload& workload, bool keep_logs) {
  return naming_flags(workload.flags(), [&] { return take_steps(session, device, workload, keep_logs); });
}

report::Document document_of(const Workload& workload, const RunOutcome& outcome) {
  report::Document document;
  Value config{{"version", report::program_version()}};
  config.add(workload.flags().facts());
  config["ranks"] = outcome.ranks;
  config["transport"] = outcome.transport;
  config["simd"] = simd_target_name();
  document.figures["config"] = std::move(config);
  document.title = workload.name();
  if (!workload.passed) {
    document.verification =
        workload.options.dry_run ? "\nDry run: no numbers\n" : "\nVerification: not verified (--verify off)\n";
  }
  workload.describe(document);
  if (const Value& judged = workload.judgement; !judged.is_null()) {
    document.figures["verify"] = judged;
    document.verification =
        fmt::format("\nVerification against double precision: relative L2 {:.4g} < {:.3g}: {}\n",
                    judged["relative_l2"].number(), judged["gate"].number(), *workload.passed ? "PASS" : "FAIL");
    if (*workload.passed) {
      document.verdict = fmt::format("relative L2 {:.3g} < {:.3g}", judged["relative_l2"].number(), judged["gate"].number());
    }
  }
  for (const report::Conversion& one : outcome.conversions) {
    const bool first = &one == &outcome.conversions.front();
    document.add(first ? "converted" : "", fmt::format("{}: {}", one.input, one.what));
  }
  document.figures["config"]["converted"] = report::conversions_of(outcome.conversions);
  document.add("runs on", fmt::format("{} cores of {}, {} rank{}, {}, SIMD {}{}", report::text_of(outcome.grid),
                                      outcome.result.chip.name(), outcome.ranks, outcome.ranks == 1 ? "" : "s",
                                      outcome.transport, simd_target_name(),
                                      outcome.shake ? fmt::format(", shaken with seed {}", *outcome.shake) : std::string()));
  for (const KnownFault* fault : outcome.known_faults) {
    document.add("warning", fmt::format("{}: {}", fault->id, fault->summary));
    document.add("", fmt::format("on {}; {} ({})", fault->chip, fault->advice, fault->source));
  }
  document.figures["warnings"] = report::faults_of(outcome.known_faults);
  const std::vector<std::string> numerics = report::numerics_lines(outcome.numerics);
  for (std::size_t i = 0; i < numerics.size(); ++i) document.add(i == 0 ? "numerics" : "", numerics[i]);
  document.figures["numerics"] = report::numerics_of(outcome.numerics);
  document.figures.add(
      report::run_figures(outcome, workload.options.view, [&](int core) { return workload.work_of(core); }));
  return document;
}

int run(Session& session, Workload& workload) {
  return guarded(session, [&] {
    const RunOptions& options = workload.options;
    if (std::find(options.check.begin(), options.check.end(), "help") != options.check.end()) {
      if (session.is_host()) put(report::checks_text());
      if (session.is_host()) flush_output();
      return 0;
    }
    workload.settle();
    workload.register_kernels();
    return session.run(options.session(), [&](Device& device) {
      return with_json_twin(options, [&] {
        const RunOutcome outcome = execute(session, device, workload);
        report::Document document = document_of(workload, outcome);
        if (!options.report.empty()) {
          workload.save([&] { page::write(options.report, page::of_run(document, outcome)); });
        }
        document.more = more_of(options, workload.save_failure().empty());
        report::print_report(
            options.json, [&] { return options.verbose ? text_of(document) : first_screen_of(document); },
            [&] { return document.figures; });
        if (!workload.save_failure().empty()) throw UsageError(workload.save_failure());
        return workload.passed.value_or(true) ? static_cast<int>(ExitCode::ok) : mismatch(session, workload.mismatch);
      });
    });
  });
}

Command command_of(Workload& workload) {
  Command command;
  About about = workload.about();
  command.name = std::move(about.name);
  command.summary = std::move(about.summary);
  command.footer = std::move(about.examples);
  command.flags = &workload.flags();
  command.run = [&workload](Session& session, const std::vector<std::string>&) { return run(session, workload); };
  return command;
}

int run_main(int argc, char** argv, const Maker& make) {
  return run_program(argc, argv, [&](Session& session) {
    const std::unique_ptr<Workload> workload = make();
    Command command = command_of(*workload);
    return run_command_line(session, command, argc, argv);
  });
}

int mismatch(const Session& session, const std::string& what) {
  flush_output();
  if (session.is_host()) say_error(fmt::format("verification failed: {}", what));
  return static_cast<int>(ExitCode::mismatch);
}

}  // namespace tilegrid::workloads
