// SPDX-License-Identifier: Apache-2.0
#include "runtime/device.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "core/checks/poison.h"
#include "core/error.h"
#include "core/l1.h"
#include "core/say.h"
#include "core/stopwatch.h"
#include "kernels/registry.h"
#include "noc/host_port.h"
#include "runtime/checks/findings.h"
#include "runtime/checks/races.h"
#include "runtime/deadlock/deadlock_report.h"
#include "runtime/status_view.h"
#include "runtime/task.h"

namespace tilegrid {
namespace {

/// What of the program lies in a core's L1.
races::Layout::Memory memory_of(const Program& program, const std::vector<std::uint32_t>& offsets, LogicalCore core) {
  races::Layout::Memory memory{{}, semaphores_of(program, core)};
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    const CircularBufferConfig& cb = program.circular_buffers[i];
    if (cb.on(core)) memory.buffers.push_back({cb.id, cb.pages, cb.page_bytes, offsets[i], cb.role, cb.on_buffer});
  }
  std::stable_sort(memory.buffers.begin(), memory.buffers.end(),
                   [](const auto& a, const auto& b) { return a.offset < b.offset; });
  return memory;
}

/// What the race finder must know of the program.
races::Layout layout_of(const Program& program) {
  races::Layout layout{program.grid, program.chip.places(), {}, {}, {}};
  const std::vector<std::uint32_t> offsets = l1_offsets_of(program);
  for (int core = 0; core < program.grid.cores(); ++core) {
    races::Layout::Memory memory = memory_of(program, offsets, program.grid.core(core));
    const auto found = std::find(layout.memories.begin(), layout.memories.end(), memory);
    layout.memory_of.push_back(static_cast<int>(found - layout.memories.begin()));
    if (found == layout.memories.end()) layout.memories.push_back(std::move(memory));
  }
  for (const KernelConfig& kernel : program.kernels) {
    for (const CoreRange& cores : kernel.cores.ranges) {
      layout.kernels.push_back({kernel.name, kernel.risc, cores.first, cores.last});
    }
  }
  return layout;
}

void check_size(const Buffer& buffer, std::size_t size, const char* who) {
  if (size == buffer.bytes()) return;
  throw UsageError(fmt::format("Device::{} of {} bytes, the buffer has {}", who, size, buffer.bytes()));
}

}  // namespace

Buffer Device::create_buffer(std::uint64_t bytes, std::uint32_t page_bytes) {
  const ChipMemory& memory = chip().memory();
  const std::uint64_t banks = chip().places().banks();
  if (page_bytes == 0 || page_bytes % memory.dram_alignment != 0) {
    throw UsageError(
        fmt::format("a DRAM page of {} bytes: pages are multiples of {} bytes", page_bytes, memory.dram_alignment));
  }
  const std::uint64_t pages = (bytes + page_bytes - 1) / page_bytes;
  const std::uint64_t in_bank = (pages + banks - 1) / banks * page_bytes;
  if (dram_used_ + in_bank > memory.dram_bank_bytes) {
    throw UsageError(fmt::format("a buffer of {} bytes needs {} bytes in each of {} DRAM banks; {} of {} are free", bytes,
                                 in_bank, banks, memory.dram_bank_bytes - dram_used_, memory.dram_bank_bytes));
  }
  const Buffer buffer{static_cast<std::uint32_t>(dram_used_), page_bytes, pages};
  dram_used_ += in_bank;
  return buffer;
}

void Device::transfer_pages(const Buffer& buffer, std::uint64_t first, std::size_t size, const char* who,
                            const std::function<void(noc::Target, std::uint64_t, std::uint64_t)>& transfer) {
  const std::uint64_t pages = size / buffer.page_bytes;
  if (size % buffer.page_bytes != 0 || first > buffer.pages || pages > buffer.pages - first) {
    throw UsageError(
        fmt::format("Device::{} of {} bytes from page {} on, the buffer has {}", who, size, first, buffer.bytes()));
  }
  // Bank by bank: neighbouring pages of a bank go to the same rank and share messages.
  const std::uint64_t banks = chip().places().banks();
  for (std::uint64_t bank = 0; bank < banks; ++bank) {
    const noc::Target target{noc::Target::Kind::dram, static_cast<std::int32_t>(bank)};
    for (std::uint64_t page = first + (bank + banks - first % banks) % banks; page < first + pages; page += banks) {
      transfer(target, buffer.address + page / banks * buffer.page_bytes, (page - first) * buffer.page_bytes);
    }
  }
  control_.node().host_port().finish();
}

void Device::write(const Buffer& buffer, std::span<const std::byte> data) {
  check_size(buffer, data.size(), "write");
  write_pages(buffer, 0, data);
}

void Device::write_pages(const Buffer& buffer, std::uint64_t first, std::span<const std::byte> data) {
  transfer_pages(buffer, first, data.size(), "write", [&](noc::Target target, std::uint64_t offset, std::uint64_t at) {
    control_.node().host_port().write(target, offset, data.subspan(at, buffer.page_bytes));
  });
}

void Device::read(const Buffer& buffer, std::span<std::byte> data) {
  check_size(buffer, data.size(), "read");
  transfer_pages(buffer, 0, data.size(), "read", [&](noc::Target target, std::uint64_t offset, std::uint64_t at) {
    control_.node().host_port().read(target, offset, data.subspan(at, buffer.page_bytes));
  });
  // DRAM that nobody has written holds a pattern for the checks; the host reads zeros there.
  if (control_.node().checks().on(checks::Class::uninitialised_dram)) {
    checks::clear(checks::dram_poison, data.data(), data.size());
  }
}

void Device::check_memory(noc::Target target, std::uint64_t offset, std::uint64_t size, const char* who) const {
  const bool core = target.kind == noc::Target::Kind::core;
  const int targets = core ? grid().cores() : chip().places().banks();
  const std::uint64_t bytes = core ? chip().memory().l1_bytes : chip().memory().dram_bank_bytes;
  // The first pages of L1 are no memory of this process, and the firmware's on the chip.
  const std::uint64_t first = core ? l1_mapped_base : 0;
  if (target.index < 0 || target.index >= targets) {
    throw UsageError(
        fmt::format("Device::{}: there is no {} {} of {}", who, core ? "core" : "DRAM bank", target.index, targets));
  }
  if (offset < first || offset > bytes || size > bytes - offset) {
    throw UsageError(fmt::format("Device::{} of {} bytes at {}: {} has the bytes from {} to {}", who, size, offset,
                                 core ? "the L1 of a core" : "a DRAM bank", first, bytes));
  }
}

void Device::start_write(noc::Target target, std::uint64_t offset, std::span<const std::byte> data) {
  check_memory(target, offset, data.size(), "write");
  control_.node().host_port().write(target, offset, data);
}

void Device::start_read(noc::Target target, std::uint64_t offset, std::span<std::byte> data) {
  check_memory(target, offset, data.size(), "read");
  control_.node().host_port().read(target, offset, data);
}

void Device::finish() { control_.node().host_port().finish(); }

void Device::use_dram(std::uint64_t bytes) {
  if (bytes > chip().memory().dram_bank_bytes) {
    throw UsageError(
        fmt::format("buffers need {} bytes in each DRAM bank; there are {}", bytes, chip().memory().dram_bank_bytes));
  }
  dram_used_ = bytes;
}

void Device::write_l1(LogicalCore core, std::uint32_t offset, std::span<const std::byte> data) {
  if (!grid().contains(core)) {
    throw UsageError(fmt::format("Device::write_l1: the grid has no core ({},{})", core.x, core.y));
  }
  start_write({noc::Target::Kind::core, grid().index(core)}, offset, data);
  finish();
}

void Device::read_l1(LogicalCore core, std::uint32_t offset, std::span<std::byte> data) {
  if (!grid().contains(core)) {
    throw UsageError(fmt::format("Device::read_l1: the grid has no core ({},{})", core.x, core.y));
  }
  start_read({noc::Target::Kind::core, grid().index(core)}, offset, data);
  finish();
}

Device::WorkerCoordinates Device::worker_core(LogicalCore core) {
  return {static_cast<std::uint32_t>(core.x + noc::virtual_base), static_cast<std::uint32_t>(core.y + noc::virtual_base)};
}

/// Warnings are kept for the end of the run; an error ends it, with `more` after its line and `behind` after the errors.
void Device::keep_findings(const std::vector<checks::Finding>& findings, const std::string& more,
                           const std::vector<checks::Finding>& behind) {
  std::vector<checks::Finding> errors;
  for (const checks::Finding& finding : findings) {
    (finding.severity == checks::Severity::error ? errors : warnings_).push_back(finding);
  }
  if (errors.empty()) return;
  const std::string line = error_line(errors, grid(), chip()) + more;
  errors.insert(errors.end(), behind.begin(), behind.end());
  errors.insert(errors.end(), warnings_.begin(), warnings_.end());
  throw checks::FoundError(line, std::move(errors));
}

LaunchCommand Device::command_for(const Program& program, const LaunchOptions& options) {
  validate(program);
  if (program.grid != grid()) {
    throw UsageError(fmt::format("the program is for a {}x{} grid, the session has {}x{}", program.grid.x, program.grid.y,
                                 grid().x, grid().y));
  }
  if (!program.chip.same_as(chip())) {
    throw UsageError(
        fmt::format("program {} is for chip {}, the session has {}", program.name, program.chip.name(), chip().name()));
  }
  for (const KernelConfig& kernel : program.kernels) {
    if (kernel.object.empty()) static_cast<void>(find_kernel(kernel.name));
  }
  LaunchCommand command{program, ++epoch_, dram_used_, options.record_log, options.dry};
  for (KernelObject& object : command.program.objects) {
    if (!sent_objects_.insert(object.key).second) object.bytes.reset();
  }
  const std::optional<std::uint64_t> seed = options.shake ? options.shake : shake_;
  command.shaken = seed.has_value();
  command.shake_seed = seed.value_or(0);
  command.print = print_;
  command.watch_numbers = options.watch_numbers && !options.dry;
  command.analyse = !options.dry && races::wanted(control_.node().checks());
  return command;
}

void Device::find_races(const LaunchCommand& command, RunResult& result) {
  const std::vector<checks::Finding> races =
      races::find(layout_of(command.program), result.log.cores, control_.node().checks());
  result.findings.insert(result.findings.end(), races.begin(), races.end());
  keep_findings(races);
  if (!command.record_log) result.log.cores.clear();
}

/// What was found comes first: it may be why the program hangs. Other cores' part in it is in the logs, as far as they go.
void Device::end_in_deadlock(const LaunchCommand& command, Launch& launch, std::vector<checks::Finding> findings) {
  const std::vector<BlockedReport> blocked = launch.blocked();
  const std::string text = deadlock_text(blocked, grid());
  LaunchLog log = launch.take_result().log;
  if (command.analyse) {
    const std::vector<checks::Finding> races =
        races::find(layout_of(command.program), log.cores, control_.node().checks(), false);
    findings.insert(findings.end(), races.begin(), races.end());
  }
  if (command.record_log) cut_log_ = std::move(log);
  keep_findings(findings, "\n" + text);
  throw DeadlockError(text, deadlock_json(blocked, grid()));
}

void Device::set_output(PrintFilter filter, std::function<void(std::string_view)> sink) {
  print_ = std::move(filter);
  sink_ = std::move(sink);
}

void Device::print(const std::string& output) const {
  if (sink_) return sink_(output);
  put(output);
  flush_output();
}

RunResult Device::launch(const Program& program, const LaunchOptions& options) {
  const Stopwatch watch;
  const LaunchCommand command = command_for(program, options);
  Launch launch(control_, command);
  StatusView view(grid(), program.name);
  cut_log_.reset();
  const EndReason reason = launch.run({.on_progress = options.on_progress,
                                       .look_seconds = watch_seconds_,
                                       .on_look = [&](const std::vector<BlockedReport>& cores) { view.show(cores); }});
  view.clear();
  if (const std::string output = launch.take_output(); !output.empty()) print(output);
  std::vector<checks::Finding> findings = launch.take_findings();
  if (reason == EndReason::deadlock) end_in_deadlock(command, launch, std::move(findings));
  if (reason == EndReason::failed) {
    const ErrorReport first = launch.first_error();
    const bool begun = first.core >= 0;  // on all ranks
    if (begun && command.record_log) cut_log_ = launch.take_result().log;
    keep_findings(findings, "\n" + first.text, first.findings);
    launch.throw_first_error(warnings_);
  }
  keep_findings(findings);
  RunResult result = launch.take_result();
  result.findings = std::move(findings);
  if (command.analyse) find_races(command, result);
  result.wall_seconds = watch.seconds();
  return result;
}

std::vector<std::vector<std::byte>> Device::map(const std::string& task, const std::vector<std::vector<std::byte>>& inputs) {
  if (std::ssize(inputs) != ranks()) {
    throw std::logic_error(fmt::format("a task for {} ranks on {}", inputs.size(), ranks()));
  }
  const TaskFunction own = find_task(task);  // before any rank is asked
  for (int rank = 1; rank < ranks(); ++rank) {
    control_.send_value(rank, ControlTag::task, TaskCommand{task, inputs[rank]});
  }
  // Before this rank does its own part: inputs that are still queued for lack of credits would keep the other ranks
  // waiting.
  noc::Transport& transport = control_.node().transport();
  while (!transport.sends_done()) {
    if (control_.node().poll() == 0) transport.wait(std::chrono::milliseconds(1));
  }
  std::vector<std::vector<std::byte>> outputs(inputs.size());
  outputs[0] = own(inputs[0]);
  for (int missing = ranks() - 1; missing > 0;) {
    ControlMessage message = control_.wait_next();
    if (message.tag != ControlTag::task_result) continue;
    outputs[message.source] = std::move(message.bytes);
    --missing;
  }
  return outputs;
}

}  // namespace tilegrid
