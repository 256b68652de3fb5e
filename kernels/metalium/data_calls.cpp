// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <iterator>
#include <span>

#include "core/error.h"
#include "kernels/api/dataflow.h"
#include "kernels/metalium/calls.h"

namespace tilegrid::metalium {
namespace {

// ---- Circular buffers. PACK's calls of a compute kernel go through its queue.

void cb_reserve_back(std::uint32_t cb, std::uint32_t pages, Line at) {
  KernelContext& kernel = enter(at);
  static_cast<void>(kernel.core->cb(cb));
  if (kernel.risc != Risc::trisc) return api::cb_reserve_back(cb, pages, here(at));
  kernel.foreign->packs.reserve(cb, pages, here(at));
}

void cb_push_back(std::uint32_t cb, std::uint32_t pages, Line at) {
  KernelContext& kernel = enter(at);
  if (!configured(kernel, cb, "cb_push_back")) return;
  if (kernel.risc != Risc::trisc) return api::cb_push_back(cb, pages, here(at));
  kernel.foreign->packs.submit([=] { api::cb_push_back(cb, pages, here(at)); }, here(at));
}

/// UNPACK waits; meanwhile PACK goes on as far as it can.
void cb_wait_front(std::uint32_t cb, std::uint32_t pages, Line at) {
  KernelContext& kernel = enter(at);
  PackQueue& packs = kernel.foreign->packs;
  packs.drain();
  while (!packs.empty() && !kernel.core->cb(cb).can_wait(pages)) {
    CircularBuffer& buffer = kernel.core->cb(cb);
    CircularBuffer* full = packs.full_buffer();
    buffer.waiting_consumer = current_fiber();
    if (full != nullptr) full->waiting_producer = current_fiber();
    kernel.where = here(at);
    kernel.core->scheduler.block({BlockReason::cb_empty, cb, pages});
    buffer.waiting_consumer = nullptr;
    if (full != nullptr) full->waiting_producer = nullptr;
    packs.drain();
  }
  api::cb_wait_front(cb, pages, here(at));
}

void cb_pop_front(std::uint32_t cb, std::uint32_t pages, Line at) {
  KernelContext& kernel = enter(at);
  if (!configured(kernel, cb, "cb_pop_front")) return;
  api::cb_pop_front(cb, pages, here(at));
  kernel.foreign->packs.drain();
}

std::uint32_t cb_fact(std::uint32_t cb, int what, Line at) {
  KernelContext& kernel = enter(at);
  if (!configured(kernel, cb, "a question")) return 0;
  const CircularBuffer& buffer = kernel.core->cb(cb);
  // Who asks where to write stores there by himself: not before there is room.
  PackQueue& packs = kernel.foreign->packs;
  if (what == 1) packs.drain();
  while (what == 1 && packs.full_buffer() == &buffer) packs.block_for_first();
  switch (what) {
    case 0:
      return buffer.read_pointer();
    case 1:
      return buffer.write_pointer();
    case 2:
      return buffer.page_bytes();
    case 3:
      return buffer.pages();
    case 4:
      return buffer.address();
    case 5:
      return to_underlying(buffer.format());
    case 6:
      return static_cast<std::uint32_t>(buffer.received());
    default:
      return static_cast<std::uint32_t>(buffer.acked());
  }
}

const std::uint32_t* arg_address(bool common, std::uint32_t index, Line at) {
  const KernelContext& kernel = enter(at);
  return (common ? kernel.common_args : kernel.runtime_args).data() + index;
}

/// Whether the host has set it. Published kernels read arguments that they do not use: unless check kernel-argument is an
/// error, which the call throws, what is not there is 0.
bool is_set(const KernelContext& kernel, std::span<const std::uint32_t> args, std::uint32_t index, const char* kind) {
  constexpr checks::Class argument = checks::Class::kernel_argument;
  checks::Reporter& reporter = kernel.core->reporter;
  if (index < args.size() || reporter.config().of(argument) == checks::Severity::error) return true;
  reporter.found(argument, [&] {
    return checks::fault_of(argument, fmt::format("read {} argument {}, which is 0 here", kind, index),
                            "the host sets the arguments")
        .numbers(std::int64_t{index} + 1, std::ssize(args), "arguments");
  });
  return false;
}

// ---- Places

std::uint32_t place(int what) {
  const KernelContext& kernel = api::running_kernel();
  const Core& core = *kernel.core;
  const std::array<int, 8> facts{core.logical.x + noc::virtual_base,
                                 core.logical.y + noc::virtual_base,
                                 core.logical.x,
                                 core.logical.y,
                                 kernel.grid.x,
                                 kernel.grid.y,
                                 static_cast<int>(core.chip.places().banks()),
                                 kernel.grid.cores()};
  return what == 8 ? core.l1_base : static_cast<std::uint32_t>(facts.at(what));
}

/// Bank b of L1 is the b-th worker, row by row.
std::uint64_t bank_address(bool dram, std::uint32_t bank, std::uint32_t offset, Line at) {
  const KernelContext& kernel = enter(at);
  const Places& places = kernel.core->chip.places();
  const std::uint32_t banks = dram ? places.banks() : kernel.grid.cores();
  if (bank >= banks) {
    throw Fault("NoC target", fmt::format("used {} bank {}", dram ? "DRAM" : "L1", bank),
                fmt::format("there are {}, from 0 on", banks));
  }
  if (dram) return noc::dram_address(places, bank, offset);
  const LogicalCore core = kernel.grid.core(bank);
  return noc::make_address(core.x + noc::virtual_base, core.y + noc::virtual_base, l1_offset_of(offset));
}

// ---- Transfers

/// Nodes of the chip without memory that is emulated (Ethernet, PCIe, ARC): on silicon they answer, with nothing of use.
/// Unless check noc-target is an error, which the endpoint throws, a transfer with one moves nothing.
bool leads_nowhere(KernelContext& kernel, std::uint64_t address, const char* who) {
  const Places& places = kernel.core->chip.places();
  const int x = noc::address_x(address);
  const int y = noc::address_y(address);
  if (x >= places.die().x || y >= places.die().y || places.bank_at(x, y) >= 0) return false;
  constexpr checks::Class target = checks::Class::noc_target;
  if (kernel.core->reporter.config().of(target) == checks::Severity::error) return false;
  kernel.core->reporter.found(target, [&] {
    return checks::fault_of(target, fmt::format("{} addressed NoC node {}-{}", who, x, y),
                            "only workers and DRAM endpoints have memory here: nothing moves");
  });
  return true;
}

void multicast(std::uint32_t l1, std::uint64_t destination, std::uint32_t bytes, std::uint32_t destinations, bool loopback,
               bool linked, bool one_packet, std::uint8_t noc, Line at) {
  KernelContext& kernel = enter(at);
  const std::uint32_t source = in_slot(kernel, l1);
  const auto call = loopback     ? api::noc_async_write_multicast_loopback_src
                    : one_packet ? api::noc_async_write_multicast_one_packet
                                 : api::noc_async_write_multicast;
  call(source, destination, bytes, destinations, linked, noc, here(at));
}

void barrier(int what, int trid, std::uint8_t noc, Line at) {
  enter(at);
  if (trid >= 0) {
    const auto id = static_cast<std::uint32_t>(trid);
    if (what == 0) return api::noc_async_read_barrier_with_trid(id, noc, here(at));
    if (what == 1) return api::noc_async_write_barrier_with_trid(id, noc, here(at));
    return api::noc_async_write_flushed_with_trid(id, noc, here(at));
  }
  constexpr std::array<void (*)(std::uint8_t, api::Here), 5> calls{
      api::noc_async_read_barrier, api::noc_async_write_barrier, api::noc_async_writes_flushed,
      api::noc_async_atomic_barrier, api::noc_async_full_barrier};
  calls.at(what)(noc, here(at));
}

void fill_transfers(Interface& table) {
  table.read = [](std::uint64_t source, std::uint32_t l1, std::uint32_t bytes, bool one_packet, std::uint8_t noc, Line at) {
    KernelContext& kernel = enter(at);
    const std::uint32_t target = in_slot(kernel, l1);
    if (leads_nowhere(kernel, source, "noc_async_read")) return;
    (one_packet ? api::noc_async_read_one_packet : api::noc_async_read)(source, target, bytes, noc, here(at));
  };
  table.write = [](std::uint32_t l1, std::uint64_t target, std::uint32_t bytes, bool one_packet, std::uint8_t noc, Line at) {
    KernelContext& kernel = enter(at);
    const std::uint32_t source = in_slot(kernel, l1);
    if (leads_nowhere(kernel, target, "noc_async_write")) return;
    (one_packet ? api::noc_async_write_one_packet : api::noc_async_write)(source, target, bytes, noc, here(at));
  };
  table.multicast = multicast;
  table.read_set_state = [](std::uint64_t source, std::uint32_t bytes, std::uint8_t noc, Line at) {
    enter(at);
    if (bytes == 0) return api::noc_async_read_set_state(source, noc, here(at));
    api::noc_async_read_one_packet_set_state(source, bytes, noc, here(at));
  };
  table.read_with_state = [](std::uint32_t source, std::uint32_t l1, std::uint32_t bytes, std::uint8_t noc, Line at) {
    const std::uint32_t target = in_slot(enter(at), l1);
    if (bytes != 0) return api::noc_async_read_with_state(source, target, bytes, noc, here(at));
    api::noc_async_read_one_packet_with_state(source, target, noc, here(at));
  };
  table.read_with_state_trid = [](std::uint32_t base, std::uint32_t source, std::uint32_t l1, std::uint32_t trid,
                                  std::uint8_t noc, Line at) {
    const std::uint32_t target = in_slot(enter(at), l1);
    api::noc_async_read_one_packet_with_state_with_trid(base, source, target, trid, noc, here(at));
  };
  table.write_set_state = [](std::uint64_t destination, std::uint32_t bytes, std::uint8_t noc, Line at) {
    enter(at);
    api::noc_async_write_one_packet_set_state(destination, bytes, noc, here(at));
  };
  table.write_with_state = [](std::uint32_t l1, std::uint32_t destination, std::uint8_t noc, Line at) {
    api::noc_async_write_one_packet_with_state(in_slot(enter(at), l1), destination, noc, here(at));
  };
  table.write_with_trid = [](std::uint32_t l1, std::uint64_t destination, std::uint32_t bytes, std::uint32_t trid,
                             std::uint8_t noc, Line at) {
    api::noc_async_write_one_packet_with_trid(in_slot(enter(at), l1), destination, bytes, trid, noc, here(at));
  };
  table.write_trid_set_state = [](std::uint64_t destination, std::uint8_t noc, Line at) {
    enter(at);
    api::noc_async_write_one_packet_with_trid_set_state(destination, noc, here(at));
  };
  table.write_trid_with_state = [](std::uint32_t l1, std::uint32_t destination, std::uint32_t bytes, std::uint32_t trid,
                                   std::uint8_t noc, Line at) {
    api::noc_async_write_one_packet_with_trid_with_state(in_slot(enter(at), l1), destination, bytes, trid, noc, here(at));
  };
  table.read_set_trid = [](std::uint32_t trid, std::uint8_t noc, Line at) {
    enter(at);
    api::noc_async_read_set_trid(trid, noc, here(at));
  };
  table.write_word = [](std::uint64_t target, std::uint32_t value, std::uint8_t byte_enable, std::uint8_t noc, Line at) {
    enter(at);
    api::noc_inline_dw_write(target, value, byte_enable, noc, here(at));
  };
  table.barrier = barrier;
}

// ---- Semaphores

volatile std::uint32_t* word_in_slot(const KernelContext& kernel, volatile std::uint32_t* word) {
  const auto address = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(word));
  return api::semaphore_pointer(in_slot(kernel, address));
}

/// Silicon's cores begin at once: what a kernel does first, which often is to set its own semaphores, is done before another
/// core's word can reach it. Here kernels begin one after the other, so the first signal of each to others waits until all
/// have come to theirs, or to where they block.
KernelContext& enter_to_signal(const Line& at) {
  KernelContext& kernel = enter(at);
  if (!std::exchange(kernel.foreign->signalled, true)) kernel.core->scheduler.yield();
  return kernel;
}

void fill_semaphores(Interface& table) {
  table.semaphore = [](std::uint32_t id, Line at) {
    enter(at);
    return api::get_semaphore(id, here(at));
  };
  table.semaphore_set = [](volatile std::uint32_t* semaphore, std::uint32_t value, Line at) {
    KernelContext& kernel = enter(at);
    api::noc_semaphore_set(word_in_slot(kernel, semaphore), value, here(at));
  };
  table.semaphore_wait = [](volatile std::uint32_t* semaphore, std::uint32_t value, bool at_least, Line at) {
    KernelContext& kernel = enter(at);
    (at_least ? api::noc_semaphore_wait_min : api::noc_semaphore_wait)(word_in_slot(kernel, semaphore), value, here(at));
  };
  table.semaphore_inc = [](std::uint64_t semaphore, std::uint32_t delta, std::uint8_t noc, Line at) {
    enter_to_signal(at);
    api::noc_semaphore_inc(semaphore, delta, noc, here(at));
  };
  table.semaphore_inc_multicast = [](std::uint64_t semaphores, std::uint32_t delta, std::uint32_t destinations,
                                     std::uint8_t noc, Line at) {
    enter_to_signal(at);
    api::noc_semaphore_inc_multicast(semaphores, delta, destinations, noc, here(at));
  };
  table.semaphore_set_remote = [](std::uint32_t l1, std::uint64_t semaphore, std::uint8_t noc, Line at) {
    api::noc_semaphore_set_remote(in_slot(enter_to_signal(at), l1), semaphore, noc, here(at));
  };
  table.semaphore_multicast = [](std::uint32_t l1, std::uint64_t semaphore, std::uint32_t destinations, bool loopback,
                                 bool linked, std::uint8_t noc, Line at) {
    const std::uint32_t source = in_slot(enter_to_signal(at), l1);
    const auto call = loopback ? api::noc_semaphore_set_multicast_loopback_src : api::noc_semaphore_set_multicast;
    call(source, semaphore, destinations, linked, noc, here(at));
  };
}

}  // namespace

void fill_data_calls(Interface& table) {
  table.cb_reserve_back = cb_reserve_back;
  table.cb_push_back = cb_push_back;
  table.cb_wait_front = cb_wait_front;
  table.cb_pop_front = cb_pop_front;
  table.cb_pages_available = [](std::uint32_t cb, std::uint32_t pages, Line at) {
    enter(at);
    return api::cb_pages_available_at_front(cb, pages, here(at));
  };
  table.cb_pages_reservable = [](std::uint32_t cb, std::uint32_t pages, Line at) {
    enter(at);
    return api::cb_pages_reservable_at_back(cb, pages, here(at));
  };
  table.cb_fact = cb_fact;
  table.runtime_arg = [](std::uint32_t index, Line at) {
    const KernelContext& kernel = enter(at);
    return is_set(kernel, kernel.runtime_args, index, "runtime") ? api::get_runtime_word(index, here(at)) : 0;
  };
  table.common_arg = [](std::uint32_t index, Line at) {
    const KernelContext& kernel = enter(at);
    return is_set(kernel, kernel.common_args, index, "common") ? api::get_common_word(index, here(at)) : 0;
  };
  table.arg_address = arg_address;
  table.place = place;
  table.noc_address = [](std::uint32_t x, std::uint32_t y, std::uint32_t address) {
    return api::get_noc_addr(x, y, address);
  };
  table.multicast_address = api::get_noc_multicast_addr;
  table.bank_address = bank_address;
  fill_transfers(table);
  fill_semaphores(table);
}

}  // namespace tilegrid::metalium
