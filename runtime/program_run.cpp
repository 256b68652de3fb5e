// SPDX-License-Identifier: Apache-2.0
#include "runtime/program_run.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <stdexcept>

#include "core/checks/poison.h"
#include "core/cpu_time.h"
#include "core/error.h"
#include "kernels/registry.h"
#include "noc/grid.h"
#include "noc/shaken_traffic.h"
#include "runtime/deadlock/deadlock_report.h"
#include "runtime/memory_fault.h"

namespace tilegrid {
namespace {

/// A rank that is blocked for this long says so to the host. Short waits for an answer are the normal case and far
/// shorter; the value is also how late a deadlock is noticed.
constexpr auto idle_before_report = std::chrono::milliseconds(20);
constexpr auto progress_interval = std::chrono::milliseconds(500);
/// While fibers run, others are served about this often: each look costs, and may give the CPU to another rank.
constexpr auto service_interval = std::chrono::microseconds(100);
constexpr auto longest_wait = std::chrono::milliseconds(10);

double seconds(std::chrono::steady_clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

SourceLine line_of(const KernelContext& kernel, const Fault* fault) {
  return fault != nullptr && fault->line != 0 ? SourceLine{fault->file, fault->line} : kernel.where;
}

std::string place_of(const KernelContext& kernel, const Fault* fault = nullptr) {
  const LogicalCore at = kernel.core->logical;
  const PhysicalCore physical = kernel.core->chip.places().physical_of(at);
  const SourceLine line = line_of(kernel, fault);
  return fmt::format("core ({},{}) [{}-{}] · {} · {} {}:{}", at.x, at.y, physical.x, physical.y, name_of(kernel.risc),
                     kernel.kernel_name, line.file, line.line);
}

/// A fault in the parts of its message.
checks::Finding finding_of(const KernelContext& kernel, const Fault& fault) {
  const SourceLine line = line_of(kernel, &fault);
  return {.error_class = fault.error_class,
          .core = kernel.core->index,
          .risc = name_of(kernel.risc),
          .kernel = kernel.kernel_name,
          .file = line.file,
          .line = line.line,
          .message = details_of(fault)};
}

/// The call that the running kernel is in.
checks::Place running_place() {
  const Fiber* fiber = current_fiber();
  if (fiber == nullptr) return {};
  const auto& kernel = *static_cast<const KernelContext*>(fiber->local());
  return {kernel.kernel_name, kernel.where.file, kernel.where.line, kernel.risc};
}

/// The body of a kernel's fiber.
void run_kernel(KernelContext& kernel, KernelFunction function) {
  EventLog& log = kernel.core->log;
  try {
    log.append(kernel.risc, {.kind = EventKind::kernel_start});
    function();
    if (kernel.core->checker) kernel.core->checker->kernel_end(kernel.risc);
    kernel.noc->finish();
    log.append(kernel.risc, {.kind = EventKind::kernel_end});
  } catch (const Fault& fault) {
    throw KernelError(describe(fault, place_of(kernel, &fault)), {finding_of(kernel, fault)});
  } catch (const Error&) {
    throw;  // of the run, not of the kernel: a rank was lost while it sent
  } catch (const FiberCancelled&) {
    throw;
  } catch (const std::exception& error) {
    throw KernelError(fmt::format("kernel exception · {}: {}", place_of(kernel), error.what()));
  } catch (...) {
    throw KernelError(fmt::format("kernel exception · {}: of an unknown type", place_of(kernel)));
  }
}

}  // namespace

bool TerminationDetector::balanced() const {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  for (const StatusReport& report : reports_) {
    if (!report.idle) return false;
    sent += report.sent;
    received += report.received;
  }
  return sent == received;
}

std::optional<EndReason> TerminationDetector::on_status(int rank, const StatusReport& report) {
  reports_[static_cast<std::size_t>(rank)] = report;
  if (std::all_of(reports_.begin(), reports_.end(), [](const StatusReport& r) { return r.finished; })) {
    return EndReason::finished;
  }
  if (answers_missing_ > 0) {
    moved_ = true;
  } else if (balanced()) {
    probe_requested_ = true;
  }
  return std::nullopt;
}

bool TerminationDetector::take_probe_request() {
  if (!std::exchange(probe_requested_, false)) return false;
  answers_missing_ = static_cast<int>(reports_.size());
  moved_ = false;
  return true;
}

std::optional<EndReason> TerminationDetector::on_probe_answer(int rank, const StatusReport& report) {
  // What one rank says arrives in order: an answer is never older than the report.
  StatusReport& known = reports_[static_cast<std::size_t>(rank)];
  moved_ = moved_ || report != known;
  known = report;
  if (--answers_missing_ > 0) return std::nullopt;
  if (!moved_) return EndReason::deadlock;
  // Ranks that went idle again with new counters have reported or will.
  if (balanced()) probe_requested_ = true;
  return std::nullopt;
}

ProgramRun::ProgramRun(ControlChannel& control, const LaunchCommand& launch, std::function<void(std::uint64_t)> on_progress)
    : control_(control), node_(control.node()), launch_(launch), on_progress_(std::move(on_progress)) {
  const noc::Transport& transport = node_.transport();
  if (transport.rank() == 0) {
    detector_ = std::make_unique<TerminationDetector>(transport.size());
    progress_.resize(static_cast<std::size_t>(transport.size()));
  }
}

void ProgramRun::set_up_core(Core& core) {
  const Program& program = launch_.program;
  std::uint32_t address = core.l1_base + l1_user_base;
  core.cbs = {};
  for (const CircularBufferConfig& cb : program.circular_buffers) {
    core.cbs[static_cast<std::size_t>(cb.id)] = CircularBuffer(cb.id, cb.role, address, cb.pages, cb.page_bytes, cb.format);
    address += static_cast<std::uint32_t>(l1_bytes_of(cb, core.chip));
  }
  for (std::size_t i = 0; i < program.semaphores.size(); ++i) {
    const auto offset = l1_semaphore_base + static_cast<std::uint32_t>(i) * semaphore_bytes;
    std::memcpy(l1_pointer(core.l1_base + offset), &program.semaphores[i], sizeof(std::uint32_t));
  }
  const ComputeConfig& compute = program.compute;
  const int slots =
      compute.dst_capacity > 0 ? compute.dst_capacity : core.chip.dst_slots(compute.dst_fp32, compute.full_sync);
  core.dst = Dst(compute.dst_fp32, compute.full_sync, slots);
  core.matrix = MatrixUnit(program.compute.fidelity, program.compute.dst_fp32);
  core.vector = VectorUnit(program.compute.dst_fp32);
  core.pack = {};
  core.unpack_to_dst = false;
  core.dry = launch_.dry;
  core.log.enable(launch_.record_log || launch_.analyse);
  core.log.keep_local(launch_.analyse);
  core.log.keep_lines(launch_.analyse);
  core.log.use(log_store_);
  set_up_checks(core);
}

void ProgramRun::set_up_checks(Core& core) {
  const Program& program = launch_.program;
  const checks::Config& checks = node_.checks();
  core.reporter.begin(checks, core.index, running_place);
  core.dst.set_checks(&core.reporter);
  for (const CircularBufferConfig& cb : program.circular_buffers) {
    core.cbs[static_cast<std::size_t>(cb.id)].set_checks(&core.reporter, cb.on_buffer);
  }
  if (checks::Checker::needed(checks)) core.checker = std::make_unique<checks::Checker>(core);
  if (!checks.on(checks::Class::uninitialised_l1) || core.dry) return;
  // Bottom-up the circular buffers, top-down the L1 buffers.
  for (const CircularBufferConfig& cb : program.circular_buffers) {
    const CircularBuffer& buffer = core.cbs[static_cast<std::size_t>(cb.id)];
    if (!cb.on_buffer) checks::fill(checks::l1_poison, l1_pointer(buffer.address()), std::size_t{cb.pages} * cb.page_bytes);
  }
}

void ProgramRun::check_semaphores(Core& core) {
  if (!core.reporter.on(checks::Class::semaphore_state)) return;
  for (std::uint32_t id = 0; id < launch_.program.semaphores.size(); ++id) {
    std::uint32_t value = 0;
    std::memcpy(&value, l1_pointer(core.l1_base + l1_semaphore_base + id * semaphore_bytes), sizeof value);
    if (value == launch_.program.semaphores[id]) continue;
    core.reporter.note(checks::Class::semaphore_state, core.checker->last_use_of_semaphore(static_cast<int>(id)),
                       checks::fault_of(checks::Class::semaphore_state,
                                        fmt::format("semaphore {} ends with {}, it began with {}", id, value,
                                                    launch_.program.semaphores[id]),
                                        "a program that is launched again finds what the last one left")
                           .hint("set it back before the kernel ends"));
  }
}

void ProgramRun::start_kernels(Core& core) {
  for (const KernelConfig& config : launch_.program.kernels) {
    if (!config.cores.contains(core.logical)) continue;
    auto context = std::make_unique<KernelContext>();
    context->core = &core;
    context->noc = &node_.endpoint(core.index, config.risc);
    context->grid = launch_.program.grid;
    context->risc = config.risc;
    context->default_noc = config.noc;
    context->kernel_name = config.name.c_str();
    context->compile_args = config.compile_args;
    context->common_args = config.common_args;
    for (const auto& [index, args] : config.runtime_args) {
      if (index == core.index) context->runtime_args = args;
    }
    KernelContext* kernel = context.get();
    core.log.lines().follow(config.risc, &kernel->where);
    contexts_.push_back(std::move(context));
    const KernelFunction function = find_kernel(config.name);
    node_.scheduler().spawn(core.index, config.risc, kernel, &core.host_cost,
                            [kernel, function] { run_kernel(*kernel, function); });
  }
}

/// Waits that nothing can end any more, for one value of a semaphore that holds more.
void ProgramRun::check_blocked_waits() {
  for (const auto& fiber : node_.scheduler().fibers()) {
    if (!fiber->blocked() || fiber->waits_for().reason != BlockReason::semaphore) continue;
    const auto& kernel = *static_cast<const KernelContext*>(fiber->local());
    Core& core = *kernel.core;
    const std::optional<std::uint32_t> wanted =
        core.checker ? core.checker->exact_wait(kernel.risc) : std::optional<std::uint32_t>();
    std::uint32_t value = 0;
    std::memcpy(&value, l1_pointer(core.l1_base + fiber->waits_for().id), sizeof value);
    if (!wanted || value <= *wanted) continue;
    core.reporter.note(
        checks::Class::semaphore_passed, {kernel.kernel_name, kernel.where.file, kernel.where.line, kernel.risc},
        checks::fault_of(checks::Class::semaphore_passed,
                         fmt::format("noc_semaphore_wait for the value {} of a semaphore that holds {}", *wanted, value),
                         "the wait ends at this value only, which has passed")
            .hint("use noc_semaphore_wait_min, or let the other side wait for an answer"));
  }
}

EndReason ProgramRun::run() {
  start_ = last_progress_ = last_poll_ = Clock::now();
  const double cpu_before = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
  const noc::TransportStats before = node_.transport().stats();
  try {
    node_.begin_program(launch_.epoch, launch_.dram_limit);
    if (launch_.shaken) node_.shake(launch_.shake_seed);
    if (!launch_.dry) node_.mark_unwritten_dram();
    for (const auto& core : node_.cores()) set_up_core(*core);
    for (const auto& core : node_.cores()) start_kernels(*core);
    node_.deliver_early_messages();
  } catch (const Error& error) {
    control_.send_value(0, ControlTag::error, ErrorReport{-1, static_cast<int>(error.code()), error.message(), {}});
  }
  const bool alone = node_.transport().size() == 1;
  node_.scheduler().set_service(alone ? std::function<void()>{} : [this] { serve_if_due(); });

  {
    const MemoryFaultGuard guard;
    run_fibers();
  }

  node_.scheduler().set_service({});
  const noc::TransportStats after = node_.transport().stats();
  host_.kernel_seconds = node_.scheduler().kernel_seconds();
  host_.wall_seconds = seconds(Clock::now() - start_);
  host_.serving_seconds = std::max(0.0, cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_before - host_.kernel_seconds);
  host_.waiting_seconds = std::max(0.0, host_.wall_seconds - host_.kernel_seconds - host_.serving_seconds);
  host_.messages = after.messages_sent - before.messages_sent;
  host_.bytes = after.bytes_sent - before.bytes_sent;
  return *ended_;
}

// Invariants of the loop: fibers run only here (and while they run they call serve() now and then); control messages are
// handled only here, never inside a fiber; after `ended_` no fiber runs. A rank is idle when no fiber is ready and its
// transport has nothing left to send; only what a message brings can change that.
void ProgramRun::run_fibers() {
  Scheduler& scheduler = node_.scheduler();
  const bool alone = node_.transport().size() == 1;
  bool failure_reported = false;
  while (true) {
    while (const auto message = control_.next()) handle(*message);
    if (ended_) break;
    if (scheduler.any_ready()) idle_ = false;
    if (!scheduler.failure()) {
      scheduler.run([&] {
        if (alone) report_progress();
        if (!alone) serve_if_due();
        return !control_.pending();
      });
    }
    if (scheduler.failure() && !failure_reported) {
      report_failure();
      failure_reported = true;
    }
    const int delivered = node_.poll();
    if (delivered > 0) idle_ = false;
    if (control_.pending() || (scheduler.any_ready() && !scheduler.failure())) continue;
    if (delivered == 0) {
      report_status();
      if (!alone && !control_.pending()) node_.transport().wait(longest_wait);
    }
    last_poll_ = Clock::now();
    report_progress();
  }
}

void ProgramRun::serve_if_due() {
  if (Clock::now() - last_poll_ >= service_interval) serve();
}

void ProgramRun::serve() {
  const auto now = Clock::now();
  const auto gap = std::chrono::duration_cast<std::chrono::microseconds>(now - last_poll_).count();
  host_.longest_gap_us = std::max(host_.longest_gap_us, static_cast<std::uint64_t>(gap));
  last_poll_ = now;
  node_.poll();
}

StatusReport ProgramRun::status() const {
  const Scheduler& scheduler = node_.scheduler();
  const bool failed = scheduler.failure() != nullptr;
  StatusReport report;
  report.finished = scheduler.all_finished() && !failed;
  const bool under_way = scheduler.any_ready() || (node_.shaken() != nullptr && node_.shaken()->any());
  report.idle = (failed || !under_way) && node_.transport().sends_done();
  report.sent = node_.program_messages_sent();
  report.received = node_.program_messages_received();
  return report;
}

void ProgramRun::report_status() {
  const StatusReport now = status();
  if (!now.idle) return;
  if (!idle_) {
    idle_ = true;
    idle_since_ = Clock::now();
  }
  const bool alone = node_.transport().size() == 1;
  const bool waited = alone || Clock::now() - idle_since_ > idle_before_report;
  if (now == last_status_ || (!now.finished && !waited)) return;
  // After an end that was reported only the counters matter, and those to the detection of a deadlock alone.
  if (now.finished && last_status_.finished && !waited) return;
  last_status_ = now;
  control_.send_value(0, ControlTag::status, now);
}

void ProgramRun::report_progress() {
  if (Clock::now() - last_progress_ < progress_interval) return;
  last_progress_ = Clock::now();
  std::uint64_t done = 0;
  for (const auto& core : node_.cores()) done += core->counters.tiles[TileOp::matmul];
  control_.send_value(0, ControlTag::progress, done);
}

void ProgramRun::report_failure() {
  ErrorReport report;
  try {
    std::rethrow_exception(node_.scheduler().failure());
  } catch (const Error& error) {
    report.text = error.message();
    report.exit_code = static_cast<int>(error.code());
    if (const auto* of_kernel = dynamic_cast<const KernelError*>(&error)) report.findings = of_kernel->findings();
  }
  for (const auto& fiber : node_.scheduler().fibers()) {
    if (fiber->failed()) report.core = fiber->core();
  }
  errors_.push_back(report);
  control_.send_value(0, ControlTag::error, report);
}

void ProgramRun::handle(const ControlMessage& message) {
  switch (message.tag) {
    case ControlTag::end:
      ended_ = from_bytes<EndReason>(message.bytes);
      break;
    case ControlTag::probe: {
      const StatusReport now = status();
      // The host then knows something else than the last report: even that would be news.
      if (now != last_status_) last_status_ = {};
      control_.send_value(0, ControlTag::probe_answer, now);
      break;
    }
    default:
      handle_on_host(message);
      break;
  }
}

void ProgramRun::handle_on_host(const ControlMessage& message) {
  if (!detector_) throw std::logic_error("a host's control message reached a rank that is not the host");
  switch (message.tag) {
    case ControlTag::status: {
      const auto reason = detector_->on_status(message.source, from_bytes<StatusReport>(message.bytes));
      if (reason) end(*reason);
      break;
    }
    case ControlTag::probe_answer: {
      const auto reason = detector_->on_probe_answer(message.source, from_bytes<StatusReport>(message.bytes));
      if (reason) end(*reason);
      break;
    }
    case ControlTag::error: {
      const auto report = from_bytes<ErrorReport>(message.bytes);
      if (report.core < 0) errors_.push_back(report);
      end(EndReason::failed);
      break;
    }
    case ControlTag::progress: {
      progress_[static_cast<std::size_t>(message.source)] = from_bytes<std::uint64_t>(message.bytes);
      if (on_progress_) on_progress_(std::accumulate(progress_.begin(), progress_.end(), std::uint64_t{0}));
      break;
    }
    default:
      throw std::logic_error("an unexpected control message arrived during a program");
  }
  if (!end_sent_ && detector_->take_probe_request()) control_.broadcast(ControlTag::probe, {});
}

void ProgramRun::end(EndReason reason) {
  if (std::exchange(end_sent_, true)) return;
  control_.broadcast(ControlTag::end, to_bytes(reason));
}

RankResult ProgramRun::take_result() {
  RankResult result;
  if (ended_ == EndReason::deadlock) check_blocked_waits();
  for (const auto& core : node_.cores()) {
    CoreResult& out = result.cores.emplace_back();
    CoreCounters& counters = core->counters;
    counters.dst_peak_slots = static_cast<std::uint32_t>(core->dst.peak());
    counters.dst_capacity = static_cast<std::uint32_t>(core->dst.capacity());
    counters.l1_used_bytes = static_cast<std::uint32_t>(l1_bytes_needed(launch_.program));
    for (std::size_t i = 0; i < core->cbs.size(); ++i) {
      const CircularBuffer& cb = core->cbs[i];
      counters.cbs[i] = {cb.pages(), cb.page_bytes(), cb.high_water(), cb.received()};
    }
    out.counters = counters;
    out.host = core->host_cost;
    if (ended_ == EndReason::finished) check_semaphores(*core);
    for (checks::Finding& finding : core->reporter.take_findings()) result.findings.push_back(std::move(finding));
    if (launch_.record_log || launch_.analyse) result.logs.cores.push_back(std::exchange(core->log, {}));
  }
  if (ended_ == EndReason::deadlock) result.blocked = blocked_kernels(node_, launch_.program);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  host_.resident_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
  result.host = host_;
  result.errors = errors_;
  node_.end_program();
  for (const auto& core : node_.cores()) core->log.clear();
  return result;
}

}  // namespace tilegrid
