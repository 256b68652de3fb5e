// SPDX-License-Identifier: Apache-2.0
#include "kernels/api/circular_buffer.h"

#include <fmt/format.h>

#include "core/error.h"

namespace tilegrid::api {
namespace {

/// A point at which a shaken run may let other fibers go first; then the log's entry.
template <class CbEvent>
void log_cb(KernelContext& kernel, std::uint32_t cb, std::uint32_t pages) {
  static_cast<void>(kernel.core->cb(cb));  // faults come before events
  kernel.core->scheduler.preempt();
  kernel.core->log.append(kernel.risc, CbEvent{.cb = cb, .pages = pages});
  if (kernel.rehearsal == nullptr) return;
  kernel.rehearsal->note({CbEvent::kind, cb, pages, kernel.where});
}

std::uint32_t argument(std::span<const std::uint32_t> args, std::uint32_t index, const char* kind) {
  if (index < args.size()) return args[index];
  throw Fault("kernel argument", fmt::format("read {} argument {}", kind, index), "the host sets the arguments")
      .numbers(index + 1, count_of<std::int64_t>(args), "arguments");
}

/// A kernel may ask in a loop: it yields, or those whom it waits for would never run.
bool probe(KernelContext& kernel, bool answer) {
  ++kernel.core->counters.ambiguous_waits;
  if (!answer) {
    kernel.noc->flush();
    kernel.core->scheduler.yield();
  }
  return answer;
}

}  // namespace

namespace detail {

void reserve_back(KernelContext& kernel, std::uint32_t cb, std::uint32_t pages) {
  CircularBuffer& buffer = kernel.core->cb(cb);
  if (kernel.core->checker) kernel.core->checker->reserve(kernel.risc, buffer);
  while (!buffer.can_reserve(pages)) {
    kernel.noc->flush();
    buffer.waiting_producer = current_fiber();
    kernel.core->scheduler.block({BlockReason::cb_full, cb, pages});
    buffer.waiting_producer = nullptr;
  }
  buffer.reserve(pages);
  buffer.reserved_by = kernel.risc;
}

void push_back(KernelContext& kernel, std::uint32_t cb, std::uint32_t pages) {
  CircularBuffer& buffer = kernel.core->cb(cb);
  if (kernel.core->checker) kernel.core->checker->push(kernel.risc, buffer, pages);
  buffer.push(pages);
  buffer.pushed_by |= static_cast<std::uint8_t>(1U << to_underlying(kernel.risc));
  kernel.core->scheduler.wake(buffer.waiting_consumer);
}

void wait_front(KernelContext& kernel, std::uint32_t cb, std::uint32_t pages) {
  CircularBuffer& buffer = kernel.core->cb(cb);
  if (kernel.core->checker) kernel.core->checker->wait(kernel.risc, buffer);
  while (!buffer.can_wait(pages)) {
    kernel.noc->flush();
    buffer.waiting_consumer = current_fiber();
    kernel.core->scheduler.block({BlockReason::cb_empty, cb, pages});
    buffer.waiting_consumer = nullptr;
  }
  buffer.wait(pages);
  buffer.waited_by = kernel.risc;
}

void pop_front(KernelContext& kernel, std::uint32_t cb, std::uint32_t pages) {
  CircularBuffer& buffer = kernel.core->cb(cb);
  if (kernel.core->checker) kernel.core->checker->pop(kernel.risc, buffer, pages);
  buffer.pop(pages);
  buffer.popped_by |= static_cast<std::uint8_t>(1U << to_underlying(kernel.risc));
  kernel.core->scheduler.wake(buffer.waiting_producer);
}

}  // namespace detail

void cb_reserve_back(std::uint32_t cb, std::uint32_t pages, Here at) {
  KernelContext& kernel = context(at);
  log_cb<events::CbReserve>(kernel, cb, pages);
  detail::reserve_back(kernel, cb, pages);
}

void cb_push_back(std::uint32_t cb, std::uint32_t pages, Here at) {
  KernelContext& kernel = context(at);
  log_cb<events::CbPush>(kernel, cb, pages);
  detail::push_back(kernel, cb, pages);
}

void cb_wait_front(std::uint32_t cb, std::uint32_t pages, Here at) {
  KernelContext& kernel = context(at);
  log_cb<events::CbWait>(kernel, cb, pages);
  detail::wait_front(kernel, cb, pages);
}

void cb_pop_front(std::uint32_t cb, std::uint32_t pages, Here at) {
  KernelContext& kernel = context(at);
  log_cb<events::CbPop>(kernel, cb, pages);
  detail::pop_front(kernel, cb, pages);
}

bool cb_pages_available_at_front(std::uint32_t cb, std::uint32_t pages, Here at) {
  KernelContext& kernel = context(at);
  return probe(kernel, kernel.core->cb(cb).can_wait(pages));
}

bool cb_pages_reservable_at_back(std::uint32_t cb, std::uint32_t pages, Here at) {
  KernelContext& kernel = context(at);
  return probe(kernel, kernel.core->cb(cb).can_reserve(pages));
}

std::uint32_t get_read_ptr(std::uint32_t cb, Here at) { return context(at).core->cb(cb).read_pointer(); }
std::uint32_t get_write_ptr(std::uint32_t cb, Here at) { return context(at).core->cb(cb).write_pointer(); }
std::uint32_t get_tile_size(std::uint32_t cb, Here at) { return context(at).core->cb(cb).page_bytes(); }
DataFormat get_dataformat(std::uint32_t cb, Here at) { return context(at).core->cb(cb).format(); }

std::uint32_t get_runtime_word(std::uint32_t index, Here at) { return argument(context(at).runtime_args, index, "runtime"); }
std::uint32_t get_common_word(std::uint32_t index, Here at) { return argument(context(at).common_args, index, "common"); }
std::uint32_t get_compile_time_arg_val(std::uint32_t index, Here at) {
  return argument(context(at).compile_args, index, "compile-time");
}

}  // namespace tilegrid::api
