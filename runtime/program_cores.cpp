// SPDX-License-Identifier: Apache-2.0
#include "runtime/program_cores.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "core/checks/poison.h"
#include "core/chip/known_faults.h"
#include "noc/endpoint.h"
#include "runtime/deadlock/deadlock_report.h"
#include "runtime/jit/loader.h"
#include "runtime/kernel_fiber.h"

namespace tilegrid {
namespace {

std::uint32_t word_at(const Core& core, std::uint32_t offset) {
  std::uint32_t word = 0;
  std::memcpy(&word, l1_pointer(core.l1_base + offset), sizeof word);
  return word;
}

}  // namespace

void ProgramCores::start() {
  jit::Loader::of_process().add(launch_.program.objects);
  for (const auto& core : node_.cores()) set_up(*core);
  for (const auto& core : node_.cores()) start_kernels(*core);
}

void ProgramCores::set_up(Core& core) {
  const Program& program = launch_.program;
  const std::vector<std::uint32_t> offsets = l1_offsets_of(program);
  core.cbs = {};
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    const CircularBufferConfig& cb = program.circular_buffers[i];
    if (!cb.on(core.logical)) continue;
    core.cbs[cb.id] = CircularBuffer(cb.id, cb.role, core.l1_base + offsets[i], cb.pages, cb.page_bytes, cb.format);
  }
  const std::vector<std::uint32_t> semaphores = semaphores_of(program, core.logical);
  for (std::uint32_t id = 0; id < semaphores.size(); ++id) {
    std::memcpy(l1_pointer(core.l1_base + semaphore_offset(id)), &semaphores[id], sizeof semaphores[id]);
  }
  const ComputeConfig& compute = compute_of(program, core.logical);
  const int slots =
      compute.dst_capacity > 0 ? compute.dst_capacity : core.chip.dst_slots(compute.dst_fp32, compute.full_sync);
  core.dst = Dst(compute.dst_fp32, compute.full_sync, slots);
  core.matrix =
      MatrixUnit(compute.fidelity, compute.dst_fp32, compute.numerics, compute.known_faults && has_matrix_fault(core.chip));
  core.vector = VectorUnit(compute.dst_fp32, compute.numerics);
  core.pack = {.precise_blocks = compute.bfp8_pack_precise};
  core.unpack_to_dst = false;
  core.dry = launch_.dry;
  core.numbers = launch_.watch_numbers ? std::make_unique<NumberWatch>() : nullptr;
  // A dry core repeats what another one has rehearsed as blocks of its log, so that it has one even when nobody reads it.
  core.log.enable(launch_.record_log || launch_.analyse || launch_.dry);
  core.log.keep_local(launch_.analyse);
  core.log.keep_lines(launch_.analyse);
  core.log.use(log_store_);
  set_up_checks(core);
}

void ProgramCores::set_up_checks(Core& core) {
  const Program& program = launch_.program;
  const checks::Config checks = core.dry ? node_.checks().without_data() : node_.checks();
  core.reporter.begin(checks, core.index, running_place);
  core.dst.set_checks(&core.reporter);
  for (const CircularBufferConfig& cb : program.circular_buffers) {
    if (cb.on(core.logical)) core.cbs[cb.id].set_checks(&core.reporter, cb.on_buffer);
  }
  if (checks::Checker::needed(checks)) core.checker = std::make_unique<checks::Checker>(core);
  if (!checks.on(checks::Class::uninitialised_l1)) return;
  // Buffers that follow each other are one range.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges;
  for (const CircularBufferConfig& cb : program.circular_buffers) {
    if (cb.on_buffer || cb.address || !cb.on(core.logical)) continue;
    const std::uint32_t first = core.cbs[cb.id].address() - core.l1_base;
    const std::uint32_t end = first + cb.pages * cb.page_bytes;
    if (!ranges.empty() && ranges.back().second == first) {
      ranges.back().second = end;
    } else {
      ranges.emplace_back(first, end);
    }
  }
  for (const auto& [first, end] : ranges) node_.mark_unwritten_l1(core, first, end);
}

std::unique_ptr<KernelContext> ProgramCores::context_of(Core& core, const KernelConfig& config) {
  auto context = std::make_unique<KernelContext>();
  context->core = &core;
  context->noc = &node_.endpoint(core.index, config.risc);
  context->grid = launch_.program.grid;
  context->risc = config.risc;
  context->default_noc = config.noc;
  context->kernel_name = config.name.c_str();
  context->compile_args = config.compile_args;
  context->common_args = config.common_args;
  context->scopes = &scopes_;
  if (const std::uint8_t wanted = launch_.print.of(core.index, config.risc); wanted != 0) {
    printouts_.push_back(std::make_unique<Printout>(core.logical, config.risc, wanted));
    context->printout = printouts_.back().get();
  }
  const bool repeats = launch_.dry && core.log.enabled() && !launch_.analyse && !launch_.shaken && config.object.empty();
  if (repeats) context->rehearsals = &rehearsals_;
  for (const auto& [index, args] : config.runtime_args) {
    if (index == core.index) context->runtime_args = args;
  }
  return context;
}

void ProgramCores::start_kernels(Core& core) {
  const auto mailboxes = std::make_shared<Mailboxes>();
  for (const KernelConfig& config : launch_.program.kernels) {
    if (!config.cores.contains(core.logical)) continue;
    contexts_.push_back(context_of(core, config));
    KernelContext* kernel = contexts_.back().get();
    core.log.lines().follow(config.risc, &kernel->where);
    KernelFunction function = nullptr;
    if (config.object.empty()) {
      function = find_kernel(config.name);
    } else {
      const jit::Loader::Entry entry = jit::Loader::of_process().entry(config.object, core.index);
      function = entry.function;
      foreign_.push_back(std::make_unique<ForeignKernel>(*kernel, *entry.meter, mailboxes));
      kernel->foreign = foreign_.back().get();
    }
    node_.scheduler().spawn(core.index, config.risc, kernel, &core.host_cost,
                            [kernel, function] { run_kernel(*kernel, function); });
  }
}

std::uint64_t ProgramCores::products() const {
  std::uint64_t done = 0;
  for (const auto& core : node_.cores()) done += core->counters.tiles[TileOp::matmul];
  return done;
}

std::vector<BlockedReport> ProgramCores::look() const { return states_of_kernels(node_, launch_.program); }

void ProgramCores::collect_output(RankResult& result) {
  for (const auto& context : contexts_) {
    Printout* printout = context->printout;
    if (printout == nullptr || printout->empty()) continue;
    printout->finish();
    result.printed.push_back({context->core->index, context->risc, printout->lines()});
  }
  printouts_.clear();
  for (const auto& context : contexts_) context->printout = nullptr;
}

void ProgramCores::check_semaphores(Core& core) {
  if (!core.reporter.on(checks::Class::semaphore_state)) return;
  const std::vector<std::uint32_t> initial = semaphores_of(launch_.program, core.logical);
  for (std::uint32_t id = 0; id < initial.size(); ++id) {
    const std::uint32_t value = word_at(core, semaphore_offset(id));
    if (value == initial[id]) continue;
    core.reporter.note(checks::Class::semaphore_state, core.checker->last_use_of_semaphore(id),
                       checks::fault_of(checks::Class::semaphore_state,
                                        fmt::format("semaphore {} ends with {}, it began with {}", id, value, initial[id]),
                                        "a program that is launched again finds what the last one left")
                           .hint("set it back before the kernel ends"));
  }
}

void ProgramCores::check_blocked_waits() {
  for (const auto& fiber : node_.scheduler().fibers()) {
    if (!fiber->blocked() || fiber->waits_for().reason != BlockReason::semaphore) continue;
    const KernelContext& kernel = kernel_of(*fiber);
    Core& core = *kernel.core;
    const std::optional<std::uint32_t> wanted =
        core.checker ? core.checker->exact_wait(kernel.risc) : std::optional<std::uint32_t>();
    const std::uint32_t value = word_at(core, fiber->waits_for().id);
    if (!wanted || value <= *wanted) continue;
    core.reporter.note(
        checks::Class::semaphore_passed, place_in(kernel),
        checks::fault_of(checks::Class::semaphore_passed,
                         fmt::format("noc_semaphore_wait for the value {} of a semaphore that holds {}", *wanted, value),
                         "the wait ends at this value only, which has passed")
            .hint("use noc_semaphore_wait_min, or let the other side wait for an answer"));
  }
}

/// Kernels that never came to their next barrier, or to their end: what would have been found there may be why.
void ProgramCores::check_stopped_kernels() {
  for (const auto& fiber : node_.scheduler().fibers()) {
    if (fiber->finished()) continue;
    const KernelContext& kernel = kernel_of(*fiber);
    if (kernel.core->checker) kernel.core->checker->stopped(place_in(kernel));
  }
}

void ProgramCores::collect(EndReason reason, RankResult& result) {
  if (reason != EndReason::finished) check_stopped_kernels();
  if (reason == EndReason::deadlock) check_blocked_waits();
  for (const auto& core : node_.cores()) {
    CoreResult& out = result.cores.emplace_back();
    CoreCounters& counters = core->counters;
    counters.dst_peak_slots = core->dst.peak();
    counters.dst_capacity = core->dst.capacity();
    counters.longest_sum = core->dst.longest_sum();
    counters.faults_struck = has_matrix_fault(core->chip) ? core->matrix.faults_struck() : 0;
    counters.l1_used_bytes = static_cast<std::uint32_t>(l1_bytes_needed(launch_.program));
    for (std::size_t i = 0; i < core->cbs.size(); ++i) {
      const CircularBuffer& cb = core->cbs[i];
      counters.cbs[i] = {cb.pages(), cb.page_bytes(), cb.high_water(), cb.received()};
    }
    if (core->numbers) counters.numbers = core->numbers->take();
    out.counters = counters;
    out.host = core->host_cost;
    if (reason == EndReason::finished) check_semaphores(*core);
    for (checks::Finding& finding : core->reporter.take_findings()) result.findings.push_back(std::move(finding));
    if (launch_.record_log || launch_.analyse) result.logs.cores.push_back(std::exchange(core->log, {}));
  }
  result.scopes = scopes_.list();
  collect_output(result);
  if (reason == EndReason::deadlock) result.blocked = states_of_kernels(node_, launch_.program);
}

}  // namespace tilegrid
