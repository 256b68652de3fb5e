// SPDX-License-Identifier: Apache-2.0
#include "runtime/program_run.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "core/cpu_time.h"
#include "core/error.h"
#include "runtime/endless_kernel.h"
#include "runtime/host_memory.h"
#include "runtime/memory_fault.h"
#include "runtime/print_rescue.h"

namespace tilegrid {
namespace {

constexpr auto progress_interval = std::chrono::milliseconds(500);
/// While its fibers run, a rank serves the others about this often. Not more often: each look costs time, and may give the
/// CPU to another rank.
constexpr auto service_interval = std::chrono::microseconds(100);
constexpr auto longest_wait = std::chrono::milliseconds(10);

double seconds(std::chrono::steady_clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

ProgramRun::ProgramRun(ControlChannel& control, const LaunchCommand& launch, HostHooks hooks)
    : control_(control),
      node_(control.node()),
      launch_(launch),
      alone_(node_.transport().size() == 1),
      cores_(node_, launch),
      tree_{node_.transport().rank(), node_.transport().size()},
      idle_(node_),
      status_(tree_.children()),
      look_(tree_.children().size()) {
  if (node_.transport().rank() == 0) host_ = std::make_unique<ProgramHost>(control, std::move(hooks));
}

EndReason ProgramRun::run() {
  const Clock::time_point start_time = last_progress_ = last_poll_ = Clock::now();
  const double cpu_before = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
  const noc::TransportStats before = node_.transport().stats();
  start();
  node_.scheduler().set_service(alone_ ? std::function<void()>{} : [this] { serve_if_due(); });
  node_.scheduler().set_look_again([this] {
    bool found = false;
    for (const auto& core : node_.cores()) found = core->look_again() || found;
    return found;
  });
  {
    const PrintRescue rescue(cores_.printouts(), launch_.print.descriptor);
    const MemoryFaultGuard guard;
    const std::vector<KernelConfig>& kernels = launch_.program.kernels;
    const EndlessKernelGuard watch(
        std::any_of(kernels.begin(), kernels.end(), [](const KernelConfig& kernel) { return !kernel.object.empty(); }));
    run_fibers();
  }
  node_.scheduler().set_service({});
  const noc::TransportStats after = node_.transport().stats();
  cost_.kernel_seconds = node_.scheduler().kernel_seconds();
  cost_.wall_seconds = seconds(Clock::now() - start_time);
  cost_.serving_seconds = std::max(0.0, cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_before - cost_.kernel_seconds);
  cost_.waiting_seconds = std::max(0.0, cost_.wall_seconds - cost_.kernel_seconds - cost_.serving_seconds);
  cost_.messages = after.messages_sent - before.messages_sent;
  cost_.bytes = after.bytes_sent - before.bytes_sent;
  cost_.shared_bytes = node_.shared_bytes();
  return *ended_;
}

void ProgramRun::start() {
  try {
    node_.begin_program(launch_.epoch, launch_.dram_limit, launch_.program.keep_l1);
    if (launch_.shaken) node_.shake(launch_.shake_seed);
    if (!launch_.dry) node_.mark_unwritten_dram();
    if (!launch_.program.objects.empty()) node_.open_l1_window();
    cores_.start();
    node_.deliver_early_messages();
  } catch (const Error& error) {
    control_.send_value(0, ControlTag::error, ErrorReport{-1, to_underlying(error.code()), error.message(), {}});
  }
}

// Invariants of the loop: fibers run only here (and while they run they call serve_if_due() now and then); control messages
// are handled only here, never inside a fiber; after `ended_` no fiber runs. A rank is idle when no fiber is ready and its
// transport has nothing left to send; only what a message brings can change that.
void ProgramRun::run_fibers() {
  Scheduler& scheduler = node_.scheduler();
  bool failure_reported = false;
  while (true) {
    if (control_.pending()) report_progress();
    while (const auto message = control_.next()) handle(*message);
    if (ended_) break;
    if (scheduler.any_ready()) idle_.active();
    if (!scheduler.failure()) {
      scheduler.run([&] {
        if (alone_) report_progress();
        if (!alone_) serve_if_due();
        if (host_) host_->look_if_due(Clock::now());
        return !control_.pending();
      });
    }
    if (scheduler.failure() && !failure_reported) {
      report_failure();
      failure_reported = true;
    }
    const int delivered = node_.poll();
    if (delivered > 0) scheduler.happened();
    if (control_.pending() || (scheduler.any_ready() && !scheduler.failure())) continue;
    if (delivered == 0) {
      report_status();
      if (!alone_ && !control_.pending()) node_.transport().wait(longest_wait);
    }
    last_poll_ = Clock::now();
    report_progress();
    if (host_) host_->look_if_due(last_poll_);
  }
}

void ProgramRun::serve_if_due() {
  const auto now = Clock::now();
  if (now - last_poll_ < service_interval) return;
  const auto gap = std::chrono::duration_cast<std::chrono::microseconds>(now - last_poll_).count();
  cost_.longest_gap_us = std::max<std::uint64_t>(cost_.longest_gap_us, gap);
  last_poll_ = now;
  if (node_.poll() > 0) node_.scheduler().happened();
}

void ProgramRun::report_status() {
  const StatusReport own = idle_.status();
  if (const auto status = status_.report(own, idle_.waited(own))) {
    control_.send_value(tree_.parent(), ControlTag::status, *status);
  }
}

void ProgramRun::answer_probe() {
  if (const auto answer = status_.answer(idle_.status())) {
    control_.send_value(tree_.parent(), ControlTag::probe_answer, *answer);
  }
}

void ProgramRun::answer_look() {
  if (const auto answer = look_.take()) control_.send_value(tree_.parent(), ControlTag::look_answer, *answer);
}

void ProgramRun::report_progress() {
  if (Clock::now() - last_progress_ < progress_interval) return;
  last_progress_ = Clock::now();
  const std::uint64_t done = progress_.sum(cores_.products());
  if (done != std::exchange(told_progress_, done)) control_.send_value(tree_.parent(), ControlTag::progress, done);
}

void ProgramRun::report_failure() {
  ErrorReport report;
  try {
    std::rethrow_exception(node_.scheduler().failure());
  } catch (const Error& error) {
    report.text = error.message();
    report.exit_code = to_underlying(error.code());
    if (const auto* of_kernel = dynamic_cast<const checks::FoundError*>(&error)) report.findings = of_kernel->findings();
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
      control_.hand_on(message);
      ended_ = from_bytes<EndReason>(message.bytes);
      break;
    case ControlTag::probe:
      control_.hand_on(message);
      status_.ask();
      answer_probe();
      break;
    case ControlTag::look:
      control_.hand_on(message);
      look_.ask(from_bytes<std::uint32_t>(message.bytes), cores_.look());
      answer_look();
      break;
    default:
      // What rank 0 sends to itself are the reports of all ranks together; errors come straight from where they are.
      if (message.source != node_.transport().rank() && message.tag != ControlTag::error) {
        hear(message);
      } else if (host_) {
        host_->handle(message);
      } else {
        throw std::logic_error("a host's control message reached a rank that is not the host");
      }
      break;
  }
}

void ProgramRun::hear(const ControlMessage& message) {
  switch (message.tag) {
    case ControlTag::status:
      status_.hear(message.source, from_bytes<StatusReport>(message.bytes));
      break;
    case ControlTag::probe_answer:
      status_.hear_answer(message.source, from_bytes<StatusReport>(message.bytes));
      answer_probe();
      break;
    case ControlTag::progress:
      progress_.hear(message.source, from_bytes<std::uint64_t>(message.bytes));
      break;
    case ControlTag::look_answer:
      look_.hear(from_bytes<LookAnswer>(message.bytes));
      answer_look();
      break;
    default:
      throw std::logic_error("an unexpected control message arrived during a program");
  }
}

RankResult ProgramRun::take_result() {
  RankResult result;
  cores_.collect(*ended_, result);
  cost_.resident_bytes = resident_high_water();
  result.host = cost_;
  result.errors = errors_;
  if (host_) result.errors.insert(result.errors.end(), host_->errors().begin(), host_->errors().end());
  node_.end_program();
  for (const auto& core : node_.cores()) core->log.clear();
  return result;
}

}  // namespace tilegrid
