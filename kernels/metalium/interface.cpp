// SPDX-License-Identifier: Apache-2.0
// What is common to all calls of kernels from files: the meter of their own work, their output, and the table of functions.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "core/checks/reporter.h"
#include "core/error.h"
#include "kernels/api/debug.h"
#include "kernels/metalium/calls.h"

namespace tilegrid::metalium {
namespace {

/// Blocks between two calls that count as part of the calls: what is charged for a call has its loop in it.
constexpr std::uint64_t blocks_of_a_call = 32;
/// So often the meter looks whether a kernel computes or waits.
constexpr std::int64_t blocks_between_looks = 1024;
/// Host time of that many, for who serves other ranks meanwhile.
constexpr std::uint32_t look_ns = 4000;

/// Another one for every call of every kernel, with many bits other than in the last.
std::uint64_t next_turn() {
  static std::uint64_t turn = 0;
  return turn += 0x9E3779B97F4A7C15U;
}

void restart_meter(ForeignKernel& kernel) {
  kernel.meter.left = blocks_between_looks;
  kernel.meter.changed = 0;
  kernel.meter.turn = next_turn();
  if (!kernel.looked) return;
  kernel.looked = false;
  kernel.counted = kernel.changed_at = 0;
}

void charge(KernelContext& kernel) {
  const ForeignKernel& foreign = *kernel.foreign;
  const std::uint64_t blocks = foreign.counted + static_cast<std::uint64_t>(blocks_between_looks - foreign.meter.left);
  if (blocks <= blocks_of_a_call) return;
  constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
  kernel.core->log.append(kernel.risc, events::Work{.steps = static_cast<std::uint32_t>(std::min(blocks, most))});
}

/// Others get their turn. The object's comparisons remember for this kernel alone, as others may run the same code.
void give_way(KernelContext& kernel) {
  ForeignKernel& foreign = *kernel.foreign;
  tilegrid_device::Meter& meter = foreign.meter;
  const std::string seen(meter.seen, meter.seen_end);
  const std::uint64_t turn = meter.turn;
  kernel.noc->flush();
  kernel.core->scheduler.spin(std::exchange(foreign.progressed, false));
  std::copy(seen.begin(), seen.end(), meter.seen);
  meter.turn = turn;
}

/// The meter's alarm. A kernel whose comparisons saw new values computes, and goes on. One whose comparisons have long seen
/// the same ones waits for memory to change: others get their turn. How often it looked depends on the schedule, so that is
/// not charged.
void slow(const void* pc) {
  auto* fiber = current_fiber();
  if (fiber == nullptr) return;
  auto& kernel = *static_cast<KernelContext*>(fiber->local());
  ForeignKernel& foreign = *kernel.foreign;
  tilegrid_device::Meter& meter = foreign.meter;
  const bool computes = !std::exchange(foreign.looked, true) || meter.changed != 0;
  if (meter.changed != 0) {
    foreign.changed_at = foreign.counted + static_cast<std::uint64_t>(blocks_between_looks - meter.changed);
  }
  foreign.counted += static_cast<std::uint64_t>(blocks_between_looks);
  if (computes) {
    foreign.progressed = true;
    kernel.core->scheduler.tick(look_ns);
  } else {
    foreign.counted = foreign.changed_at;
    foreign.spins_at = pc;
    give_way(kernel);
    foreign.spins_at = nullptr;
  }
  meter.left = blocks_between_looks;
  meter.changed = 0;
}

// ---- Mailboxes

constexpr std::uint32_t brisc_thread = 3;

/// Until `ready`: others get their turn, and PACK goes on as far as it can.
template <class Ready>
void wait_for_mail(KernelContext& kernel, const void* pc, const Ready& ready) {
  ForeignKernel& foreign = *kernel.foreign;
  foreign.progressed = true;
  while (!ready()) {
    foreign.packs.drain();
    foreign.spins_at = pc;
    give_way(kernel);
    foreign.spins_at = nullptr;
  }
}

void mailbox_write(std::uint32_t thread, std::uint32_t value, Line at) {
  KernelContext& kernel = enter(at);
  Mailboxes& boxes = *kernel.foreign->mailboxes;
  if (kernel.risc == Risc::trisc && thread != brisc_thread) return boxes.within_compute.push_back(value);
  const bool to_compute = kernel.risc != Risc::trisc;
  std::deque<std::uint32_t>& box = to_compute ? boxes.to_compute : boxes.to_brisc;
  const std::size_t room = to_compute ? 3 * Mailboxes::room : Mailboxes::room;
  wait_for_mail(kernel, __builtin_return_address(0), [&] { return box.size() < room; });
  box.push_back(value);
}

std::uint32_t mailbox_read(std::uint32_t thread, Line at) {
  KernelContext& kernel = enter(at);
  Mailboxes& boxes = *kernel.foreign->mailboxes;
  const bool compute = kernel.risc == Risc::trisc;
  const bool within = compute && thread != brisc_thread;
  std::deque<std::uint32_t>& box = within ? boxes.within_compute : compute ? boxes.to_compute : boxes.to_brisc;
  if (within && box.empty()) {
    throw Fault("not supported", "mailbox_read of a word that UNPACK, MATH or PACK writes later",
                "the three are one program here: the line that writes must stand before the one that reads");
  }
  wait_for_mail(kernel, __builtin_return_address(0), [&] { return !box.empty(); });
  const std::uint32_t value = box.front();
  box.pop_front();
  return value;
}

void refuse(const char* what, const char* why, Line at) {
  enter(at);
  throw Fault("not supported", what, why);
}

std::uint32_t scope(int mark, const char* name, std::uint64_t value, Line at) {
  const std::uint32_t id = api::detail::scope_name(name, here(at));
  api::detail::scope(static_cast<ScopeMark>(mark), id, value);
  return id;
}
void scope_end(int mark, std::uint32_t id) { api::detail::scope(static_cast<ScopeMark>(mark), id); }

bool print_wanted(int thread) { return tilegrid_device::print_wanted(thread); }

/// PACK may be behind: what it prints comes after its calls that come before.
PackQueue& packs_of_running_kernel() { return api::running_kernel().foreign->packs; }

void print(int thread, const char* text, std::size_t length) {
  PackQueue& packs = packs_of_running_kernel();
  if (thread != 2 || packs.empty()) return tilegrid_device::print_text(thread, text, length);
  packs.print([thread, kept = std::string(text, length)] { tilegrid_device::print_text(thread, kept.data(), kept.size()); });
}

void print_slice(int thread, const tilegrid_device::Slice& slice) {
  if (thread != 2) return tilegrid_device::print_slice(thread, slice);
  packs_of_running_kernel().print([thread, slice] { tilegrid_device::print_slice(thread, slice); });
}

void assertion_failed(const char* condition, Line at) { api::detail::assertion_failed(condition, here(at)); }
void waypoint(const char* name) { api::detail::waypoint(name); }

}  // namespace

KernelContext& enter(const Line& at) {
  KernelContext& kernel = api::context(here(at));
  charge(kernel);
  restart_meter(*kernel.foreign);
  return kernel;
}

bool configured(KernelContext& kernel, std::uint32_t cb, const char* who) {
  Core& core = *kernel.core;
  if (cb < core.cbs.size() && core.cbs[cb].configured()) return true;
  if (cb >= core.cbs.size()) static_cast<void>(core.cb(cb));  // faults
  core.reporter.found(checks::Class::cb_unknown, [&] {
    return checks::fault_of(checks::Class::cb_unknown,
                            fmt::format("{} of CB {}, which the program does not configure", who, cb),
                            "circular buffers are configured by the host")
        .hint("create a circular buffer with this index on the kernel's cores");
  });
  return false;
}

const Interface& interface() {
  static const Interface table = [] {
    Interface made{};
    made.slow = slow;
    made.refuse = refuse;
    made.mailbox_write = mailbox_write;
    made.mailbox_read = mailbox_read;
    made.print_wanted = print_wanted;
    made.print = print;
    made.print_slice = print_slice;
    made.assertion_failed = assertion_failed;
    made.waypoint = waypoint;
    made.scope = scope;
    made.scope_end = scope_end;
    fill_data_calls(made);
    fill_compute_calls(made);
    fill_vector_calls(made);
    return made;
  }();
  return table;
}

void begin(ForeignKernel& kernel) { restart_meter(kernel); }

void finish(ForeignKernel& kernel) {
  charge(kernel.kernel);
  restart_meter(kernel);
  kernel.packs.finish();
}

}  // namespace tilegrid::metalium
