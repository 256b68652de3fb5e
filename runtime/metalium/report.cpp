// SPDX-License-Identifier: Apache-2.0
#include "runtime/metalium/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <utility>

#include "core/fidelity_name.h"
#include "runtime/launches.h"
#include "runtime/report/checks_report.h"
#include "runtime/report/numerics_report.h"
#include "runtime/report/print.h"
#include "runtime/timing/costs.h"

namespace tilegrid::metalium {
namespace {

using report::Value;

std::string plural(std::uint64_t count, const std::string& what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : what.ends_with("ch") ? "es" : "s");
}

/// Launches one after the other.
void add(timing::DeviceTime& sum, timing::DeviceTime&& more) {
  const double cycles = sum.cycles + more.cycles;
  if (cycles > 0) sum.peak_share = (sum.peak_share * sum.cycles + more.peak_share * more.cycles) / cycles;
  sum.cycles = cycles;
  sum.seconds += more.seconds;
  sum.flops += more.flops;
  sum.tflops = sum.seconds > 0 ? sum.flops / sum.seconds / 1e12 : 0;
  sum.events += more.events;
  std::move(more.launches.begin(), more.launches.end(), std::back_inserter(sum.launches));
}

std::uint64_t noc_bytes(const report::RunOutcome& outcome) {
  std::uint64_t bytes = 0;
  for (const CoreCounters& core : outcome.result.cores) {
    for (const auto& noc : core.transfers) {
      for (const auto& kind : noc) bytes += kind.bytes;
    }
  }
  return bytes;
}

/// Cycles that the replay charges for a processor's own code between calls, of the one that has most.
double most_loop_cycles(const LaunchLog& launch) {
  double most = 0;
  for (const EventLog& core : launch.cores) {
    for (const Risc risc : each<Risc>) {
      double cycles = 0;
      for (const Event& event : core.sequence(risc)) {
        if (event.kind() != EventKind::work) continue;
        const auto work = events::get<events::Work>(event);
        if (!work.vector) cycles += timing::Costs::work(work);
      }
      most = std::max(most, cycles);
    }
  }
  return most;
}

std::uint64_t busy_cores(const report::RunOutcome& outcome) {
  std::uint64_t cores = 0;
  for (const CoreHostCost& core : outcome.result.core_hosts) {
    if (std::any_of(core.kernel_seconds.begin(), core.kernel_seconds.end(), [](double seconds) { return seconds > 0; })) {
      ++cores;
    }
  }
  return cores;
}

}  // namespace

Report::Report(const Settings& settings, GridSize grid, int ranks, bool mpi, const Chip& chip)
    : kind_(settings.report),
      log_path_(settings.log),
      traces_(settings.traces),
      time_(settings.time && settings.report != "off"),
      mpi_(mpi),
      numerics_(settings.numerics) {
  architecture_.parameters = chip;
  outcome_.grid = grid;
  outcome_.ranks = ranks;
  outcome_.transport = mpi ? "MPI messages" : "in process";
  outcome_.result.chip = chip;
  log_.grid = grid;
  log_.program = fmt::format("TT-Metalium program {}", program_invocation_short_name);
}

void Report::compiled(const std::vector<jit::Object>& objects) {
  for (const jit::Object& object : objects) {
    ++compiled_;
    from_cache_ += object.from_cache ? 1 : 0;
    compile_seconds_ += object.seconds;
  }
}

void Report::launched(const Program& program, RunResult result) {
  ++launches_;
  tilegrid::add(outcome_.known_faults, faults_relied_on(program, result));
  tilegrid::add(outcome_.numerics, tilegrid::numerics_of(program, result));
  for (const CircularBufferConfig& cb : program.circular_buffers) {
    const auto same = [&](const CircularBufferConfig& other) { return other.id == cb.id; };
    auto& known = outcome_.circular_buffers;
    if (std::none_of(known.begin(), known.end(), same)) known.push_back(cb);
  }
  // Traces are of all launches: they are replayed together, at the end.
  if (time_ && !traces_.any()) add_time({outcome_.grid, program.name, {result.log}});
  if (keeps_logs()) log_.launches.push_back(std::move(result.log));
  result.log = {};
  if (launches_ == 1) {
    outcome_.result = std::move(result);
  } else {
    tilegrid::add(outcome_.result, std::move(result));
  }
}

void Report::add_time(const RunLog& log, timing::Observer* observer) {
  report::DeviceReport report = report::replay_run(log, architecture_, false, observer, zones_.get());
  replay_seconds_ += report.replay_seconds;
  for (const LaunchLog& launch : log.launches) loop_cycles_ += most_loop_cycles(launch);
  if (device_time_) {
    add(*device_time_, std::move(report.time));
  } else {
    device_time_ = std::move(report.time);
  }
}

void Report::failed(const Error& error) {
  if (error_.empty()) error_ = error.message();
  if (const auto* deadlock = dynamic_cast<const DeadlockError*>(&error)) deadlock_ = deadlock->json();
}

std::string Report::summary(int code) const {
  std::string text =
      fmt::format("{} of {} on {} of {}x{} cores ({}), {}", plural(static_cast<std::uint64_t>(launches_), "launch"),
                  plural(static_cast<std::uint64_t>(compiled_), "kernel"), busy_cores(outcome_), outcome_.grid.x,
                  outcome_.grid.y, outcome_.result.chip.name(), plural(static_cast<std::uint64_t>(outcome_.ranks), "rank"));
  std::vector<std::string> lines{text};
  if (device_time_) {
    lines.push_back(
        fmt::format("device time {:.0f} cycles, {:.3f} us (modelled)", device_time_->cycles, device_time_->seconds * 1e6));
    if (loop_cycles_ > 0) {
      lines.push_back(
          fmt::format("up to {:.0f} of these cycles are plain code of one RISC between calls, counted in basic "
                      "blocks: right within a factor of about 2",
                      loop_cycles_));
    }
  } else if (launches_ > 0) {
    lines.push_back("device time was not asked for (TILEGRID_TIME)");
  }
  if (launches_ > 0) {
    lines.push_back(fmt::format("DRAM {} bytes read, {} written; NoC {} bytes",
                                report::bytes_of(outcome_, TransferKind::dram_read),
                                report::bytes_of(outcome_, TransferKind::dram_write), noc_bytes(outcome_)));
    std::uint64_t warnings = 0;
    for (const checks::Finding& finding : outcome_.result.findings) warnings += finding.count;
    lines.push_back(fmt::format("host time {:.3f} s in launches, {:.3f} s compiling ({} of {} kernels from the cache)",
                                outcome_.result.wall_seconds, compile_seconds_, from_cache_, compiled_));
    for (const KnownFault* fault : outcome_.known_faults) {
      lines.push_back(fmt::format("warning: {}: {}; on {}; {} ({})", fault->id, fault->summary, fault->chip, fault->advice,
                                  fault->source));
    }
    for (const std::string& line : report::numerics_lines(outcome_.numerics)) lines.push_back(line);
    lines.push_back(fmt::format("checks: {}; verified: tilegrid does not know, the program ended with {}",
                                warnings == 0 ? "nothing found" : plural(warnings, "warning"), code));
  }
  std::string all;
  for (const std::string& line : lines) all += fmt::format("tilegrid: {}\n", line);
  return all;
}

Value Report::document(const Device& device, int code) const {
  report::RunOutcome outcome = outcome_;
  if (device_time_) {
    report::DeviceReport time{
        "", architecture_.parameters.name(), outcome.grid, architecture_, *device_time_, {}, replay_seconds_};
    time.summary = timing::summarise(time.time.launches);
    time.zones = zones_->sums();
    outcome.device = std::move(time);
  }
  Value document{{"config",
                  {{"grid", fmt::format("{}x{}", outcome.grid.x, outcome.grid.y)},
                   {"chip", outcome.result.chip.name()},
                   {"numerics", name_of(numerics_)},
                   {"ranks", outcome.ranks},
                   {"transport", outcome.transport}}},
                 {"exit", code},
                 {"verified", Value()},
                 {"error", report::text_or_null(error_)},
                 {"warnings", report::faults_of(outcome_.known_faults)},
                 {"numerics", report::numerics_of(outcome_.numerics)},
                 {"deadlock", deadlock_.empty() ? Value() : report::from_json(deadlock_)},
                 {"launches", launches_},
                 {"plain_code", {{"most_cycles_of_a_risc", loop_cycles_}, {"within_factor", 2}}},
                 {"compile", {{"kernels", compiled_}, {"from_cache", from_cache_}, {"seconds", compile_seconds_}}}};
  if (launches_ > 0) {
    outcome.result.findings = device.warnings();
    const Value figures = report::run_figures(outcome, "none", [](std::size_t) { return Value(); });
    for (const report::Member& figure : figures.members()) document[figure.name] = figure.value;
  }
  return document;
}

void Report::finish(const Device& device, int code, const std::function<void(const std::function<void()>&)>& save) {
  // A program that never ran anything has nothing to report.
  if (launches_ == 0 && error_.empty()) return;
  std::unique_ptr<traces::Traces> traces;
  if (traces_.any() && launches_ > 0) {
    save([&] {
      auto all = std::make_unique<traces::Traces>(traces_, log_);
      add_time(log_, all->observer());
      traces = std::move(all);
    });
  }
  if (kind_ == "summary") std::fputs(summary(code).c_str(), stderr);
  if (!log_path_.empty()) save([&] { save_log(log_, log_path_); });
  if (traces) traces->finish(save);
  if (kind_ != "summary" && kind_ != "off") {
    save([&] { report::print_json(kind_, report::versioned(document(device, code))); });
  }
}

}  // namespace tilegrid::metalium
