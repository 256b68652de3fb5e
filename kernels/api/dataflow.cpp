// SPDX-License-Identifier: Apache-2.0
#include "kernels/api/dataflow.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/error.h"

namespace tilegrid::api {
namespace {

NocId noc_of(const KernelContext& kernel, std::uint8_t noc) {
  return noc == default_noc ? kernel.default_noc : static_cast<NocId>(noc % noc_count);
}

std::uint32_t address_of(volatile std::uint32_t* pointer) {
  return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(pointer));
}

PhysicalCore own_node(const KernelContext& kernel) { return kernel.core->chip.places().physical_of(kernel.core->logical); }

void check_packet(std::uint32_t bytes, const char* who) {
  const std::uint32_t most = running_kernel().core->chip.memory().packet_bytes;
  if (bytes <= most) return;
  throw Fault("NoC packet size", fmt::format("{} of {} bytes", who, bytes),
              fmt::format("a packet carries at most {} bytes", most))
      .numbers(bytes, most, "bytes")
      .hint("use the call without _one_packet, which splits");
}

/// Checked here, where the call's own name is known.
std::optional<std::uint32_t> transaction(std::optional<std::uint32_t> trid, const char* who) {
  if (trid) noc::check_trid(*trid, who);
  return trid;
}

void read_with_state(const char* who, std::uint32_t source_address, std::uint32_t l1_destination, std::uint32_t bytes,
                     std::optional<std::uint32_t> trid, std::uint8_t noc, Here at) {
  KernelContext& kernel = context(at);
  const auto peer = kernel.noc->read_state(noc_of(kernel, noc), source_address, bytes, who);
  kernel.noc->read(noc_of(kernel, noc), peer.address, l1_destination, peer.bytes,
                   {TransferForm::stateful, transaction(trid, who)});
}

void write_with_state(const char* who, std::uint32_t l1_source, std::uint32_t destination_address, std::uint32_t bytes,
                      std::optional<std::uint32_t> trid, std::uint8_t noc, Here at) {
  KernelContext& kernel = context(at);
  const auto peer = kernel.noc->write_state(noc_of(kernel, noc), destination_address, bytes, who);
  kernel.noc->write(noc_of(kernel, noc), l1_source, peer.address, peer.bytes,
                    {TransferForm::stateful, transaction(trid, who)});
}

void multicast(std::uint32_t l1_source, std::uint64_t destination, std::uint32_t bytes, const noc::MulticastForm& form,
               std::uint8_t noc, Here at) {
  KernelContext& kernel = context(at);
  kernel.noc->end_write_state(noc_of(kernel, noc));
  kernel.noc->multicast(noc_of(kernel, noc), l1_source, destination, bytes, form);
}

/// Semaphore multicasts leave at once, in order with the data before them, and have a command buffer of their own.
void set_multicast(std::uint32_t l1_source, std::uint64_t semaphore, const noc::MulticastForm& form, std::uint8_t noc,
                   Here at) {
  KernelContext& kernel = context(at);
  const NocId on = noc_of(kernel, noc);
  kernel.noc->multicast(on, l1_source, semaphore, sizeof(std::uint32_t), form);
  kernel.noc->flush(on);
}

void wait_for(volatile std::uint32_t* semaphore, std::uint32_t value, bool at_least, Here at) {
  KernelContext& kernel = context(at);
  Core& core = *kernel.core;
  const std::uint32_t address = address_of(semaphore);
  core.check_l1(address, sizeof(std::uint32_t), "noc_semaphore_wait");
  core.scheduler.preempt();
  const std::uint32_t offset = l1_offset_of(address);
  core.log.append(kernel.risc,
                  events::SemaphoreWait{.at_least = at_least, .value = value, .node = own_node(kernel), .offset = offset});
  if (core.checker) {
    core.checker->wait_semaphore(kernel.risc, offset, at_least ? std::nullopt : std::optional(value));
  }
  while (at_least ? *semaphore < value : *semaphore != value) {
    kernel.noc->flush();
    Fiber* self = current_fiber();
    core.semaphore_waiters.push_back({offset, self, value, at_least});
    core.scheduler.block({BlockReason::semaphore, offset, value});
    std::erase_if(core.semaphore_waiters, [self](const auto& waiter) { return waiter.fiber == self; });
  }
  const Core::SemaphoreSources* sources = core.sources_at(offset);
  if (at_least && *semaphore > value && sources != nullptr && sources->several) ++core.counters.ambiguous_waits;
}

}  // namespace

std::uint32_t my_x(Here at) { return context(at).core->logical.x + noc::virtual_base; }
std::uint32_t my_y(Here at) { return context(at).core->logical.y + noc::virtual_base; }

std::uint64_t get_noc_addr(std::uint32_t x, std::uint32_t y, std::uint32_t address) {
  return noc::make_address(x, y, x >= noc::virtual_base ? l1_offset_of(address) : address);
}
std::uint64_t get_noc_addr(std::uint32_t address, Here at) { return get_noc_addr(my_x(at), my_y(at), address); }
std::uint64_t get_noc_multicast_addr(std::uint32_t x_start, std::uint32_t y_start, std::uint32_t x_end, std::uint32_t y_end,
                                     std::uint32_t address) {
  return noc::multicast_address(x_start, y_start, x_end, y_end, l1_offset_of(address));
}

std::uint64_t InterleavedAddrGen::get_noc_addr(std::uint32_t page) const {
  const Places& places = running_kernel().core->chip.places();
  const std::uint32_t banks = places.banks();
  return noc::dram_address(places, page % banks, bank_base_address + static_cast<std::uint64_t>(page / banks) * page_size);
}

void noc_async_read(std::uint64_t source, std::uint32_t l1_destination, std::uint32_t bytes, std::uint8_t noc, Here at) {
  KernelContext& kernel = context(at);
  kernel.noc->end_read_state(noc_of(kernel, noc));
  kernel.noc->read(noc_of(kernel, noc), source, l1_destination, bytes);
}
void noc_async_read_page(std::uint32_t page, const InterleavedAddrGen& buffer, std::uint32_t l1_destination,
                         std::uint8_t noc, Here at) {
  noc_async_read(buffer.get_noc_addr(page), l1_destination, buffer.page_size, noc, at);
}
void noc_async_write(std::uint32_t l1_source, std::uint64_t destination, std::uint32_t bytes, std::uint8_t noc, Here at) {
  KernelContext& kernel = context(at);
  kernel.noc->end_write_state(noc_of(kernel, noc));
  kernel.noc->write(noc_of(kernel, noc), l1_source, destination, bytes);
}
void noc_async_write_page(std::uint32_t page, const InterleavedAddrGen& buffer, std::uint32_t l1_source, std::uint8_t noc,
                          Here at) {
  noc_async_write(l1_source, buffer.get_noc_addr(page), buffer.page_size, noc, at);
}
void noc_async_read_one_packet(std::uint64_t source, std::uint32_t l1_destination, std::uint32_t bytes, std::uint8_t noc,
                               Here at) {
  static_cast<void>(context(at));
  check_packet(bytes, "noc_async_read_one_packet");
  noc_async_read(source, l1_destination, bytes, noc, at);
}
void noc_async_write_one_packet(std::uint32_t l1_source, std::uint64_t destination, std::uint32_t bytes, std::uint8_t noc,
                                Here at) {
  static_cast<void>(context(at));
  check_packet(bytes, "noc_async_write_one_packet");
  noc_async_write(l1_source, destination, bytes, noc, at);
}
void noc_async_write_multicast(std::uint32_t l1_source, std::uint64_t destination, std::uint32_t bytes,
                               std::uint32_t destinations, bool linked, std::uint8_t noc, Here at) {
  multicast(l1_source, destination, bytes, {"noc_async_write_multicast", destinations, false, linked}, noc, at);
}
void noc_async_write_multicast_loopback_src(std::uint32_t l1_source, std::uint64_t destination, std::uint32_t bytes,
                                            std::uint32_t destinations, bool linked, std::uint8_t noc, Here at) {
  multicast(l1_source, destination, bytes, {"noc_async_write_multicast_loopback_src", destinations, true, linked}, noc, at);
}
void noc_async_write_multicast_one_packet(std::uint32_t l1_source, std::uint64_t destination, std::uint32_t bytes,
                                          std::uint32_t destinations, bool linked, std::uint8_t noc, Here at) {
  static_cast<void>(context(at));
  check_packet(bytes, "noc_async_write_multicast_one_packet");
  multicast(l1_source, destination, bytes, {"noc_async_write_multicast_one_packet", destinations, false, linked}, noc, at);
}

void noc_async_read_set_state(std::uint64_t source, std::uint8_t noc, Here at) {
  KernelContext& kernel = context(at);
  kernel.noc->set_read_state(noc_of(kernel, noc), source, 0);
}
void noc_async_read_with_state(std::uint32_t source_address, std::uint32_t l1_destination, std::uint32_t bytes,
                               std::uint8_t noc, Here at) {
  if (bytes != 0) read_with_state("noc_async_read_with_state", source_address, l1_destination, bytes, {}, noc, at);
}
void noc_async_read_one_packet_set_state(std::uint64_t source, std::uint32_t bytes, std::uint8_t noc, Here at) {
  KernelContext& kernel = context(at);
  check_packet(bytes, "noc_async_read_one_packet_set_state");
  kernel.noc->set_read_state(noc_of(kernel, noc), source, bytes);
}
void noc_async_read_one_packet_with_state(std::uint32_t source_address, std::uint32_t l1_destination, std::uint8_t noc,
                                          Here at) {
  read_with_state("noc_async_read_one_packet_with_state", source_address, l1_destination, 0, {}, noc, at);
}
void noc_async_write_one_packet_set_state(std::uint64_t destination, std::uint32_t bytes, std::uint8_t noc, Here at) {
  KernelContext& kernel = context(at);
  check_packet(bytes, "noc_async_write_one_packet_set_state");
  kernel.noc->set_write_state(noc_of(kernel, noc), destination, bytes);
}
void noc_async_write_one_packet_with_state(std::uint32_t l1_source, std::uint32_t destination_address, std::uint8_t noc,
                                           Here at) {
  write_with_state("noc_async_write_one_packet_with_state", l1_source, destination_address, 0, {}, noc, at);
}

void noc_async_read_set_trid(std::uint32_t trid, std::uint8_t noc, Here at) {
  KernelContext& kernel = context(at);
  kernel.noc->set_read_trid(noc_of(kernel, noc), trid);
}
void noc_async_read_one_packet_with_state_with_trid(std::uint32_t source_base, std::uint32_t source_address,
                                                    std::uint32_t l1_destination, std::uint32_t trid, std::uint8_t noc,
                                                    Here at) {
  read_with_state("noc_async_read_one_packet_with_state_with_trid", source_base + source_address, l1_destination, 0, trid,
                  noc, at);
}
void noc_async_write_one_packet_with_trid(std::uint32_t l1_source, std::uint64_t destination, std::uint32_t bytes,
                                          std::uint32_t trid, std::uint8_t noc, Here at) {
  KernelContext& kernel = context(at);
  check_packet(bytes, "noc_async_write_one_packet_with_trid");
  const auto id = transaction(trid, "noc_async_write_one_packet_with_trid");
  kernel.noc->end_write_state(noc_of(kernel, noc));
  kernel.noc->write(noc_of(kernel, noc), l1_source, destination, bytes, {TransferForm::full, id});
}
void noc_async_write_one_packet_with_trid_set_state(std::uint64_t destination, std::uint8_t noc, Here at) {
  KernelContext& kernel = context(at);
  kernel.noc->set_write_state(noc_of(kernel, noc), destination, 0);
}
void noc_async_write_one_packet_with_trid_with_state(std::uint32_t l1_source, std::uint32_t destination_address,
                                                     std::uint32_t bytes, std::uint32_t trid, std::uint8_t noc, Here at) {
  static_cast<void>(context(at));
  check_packet(bytes, "noc_async_write_one_packet_with_trid_with_state");
  if (bytes == 0) return;
  write_with_state("noc_async_write_one_packet_with_trid_with_state", l1_source, destination_address, bytes, trid, noc, at);
}
void noc_async_read_barrier_with_trid(std::uint32_t trid, std::uint8_t noc, Here at) {
  KernelContext& kernel = context(at);
  kernel.noc->read_barrier(noc_of(kernel, noc), trid);
}
void noc_async_write_barrier_with_trid(std::uint32_t trid, std::uint8_t noc, Here at) {
  KernelContext& kernel = context(at);
  kernel.noc->write_barrier(noc_of(kernel, noc), trid);
}
void noc_async_write_flushed_with_trid(std::uint32_t trid, std::uint8_t noc, Here at) {
  KernelContext& kernel = context(at);
  kernel.noc->writes_flushed(noc_of(kernel, noc), trid);
}

void noc_inline_dw_write(std::uint64_t destination, std::uint32_t value, std::uint8_t byte_enable, std::uint8_t noc,
                         Here at) {
  KernelContext& kernel = context(at);
  if (byte_enable != 0xF) {
    throw Fault("inline byte enable", fmt::format("noc_inline_dw_write with byte enable {:#x}", byte_enable),
                "inline writes are emulated for whole words, 0xf")
        .hint("write the other bytes as they are, or use noc_async_write");
  }
  kernel.noc->write_word(noc_of(kernel, noc), destination, value);
}

void noc_async_read_barrier(std::uint8_t noc, Here at) {
  KernelContext& kernel = context(at);
  kernel.noc->read_barrier(noc_of(kernel, noc));
}
void noc_async_write_barrier(std::uint8_t noc, Here at) {
  KernelContext& kernel = context(at);
  kernel.noc->write_barrier(noc_of(kernel, noc));
}
void noc_async_writes_flushed(std::uint8_t noc, Here at) {
  KernelContext& kernel = context(at);
  kernel.noc->writes_flushed(noc_of(kernel, noc));
}
void noc_async_atomic_barrier(std::uint8_t noc, Here at) {
  KernelContext& kernel = context(at);
  kernel.noc->atomic_barrier(noc_of(kernel, noc));
}
void noc_async_full_barrier(std::uint8_t noc, Here at) {
  noc_async_read_barrier(noc, at);
  noc_async_write_barrier(noc, at);
  noc_async_atomic_barrier(noc, at);
}

std::uint32_t get_semaphore(std::uint32_t id, Here at) {
  KernelContext& kernel = context(at);
  if (id >= max_semaphores) {
    throw Fault("semaphore id", fmt::format("used semaphore {}", id), "a program has 16 semaphores, 0 to 15");
  }
  return kernel.core->l1_base + l1_semaphore_base + id * semaphore_bytes;
}

void noc_semaphore_set(volatile std::uint32_t* semaphore, std::uint32_t value, Here at) {
  KernelContext& kernel = context(at);
  Core& core = *kernel.core;
  const std::uint32_t address = address_of(semaphore);
  core.check_l1(address, sizeof value, "noc_semaphore_set");
  core.scheduler.preempt();
  const std::uint32_t offset = l1_offset_of(address);
  core.log.append(kernel.risc, events::SemaphoreSet{.value = value, .node = own_node(kernel), .offset = offset});
  if (core.checker) core.checker->set_semaphore(kernel.risc, offset, value);
  *semaphore = value;
  if (auto* sources = core.sources_at(offset)) {
    sources->last = -1;
    sources->several = false;
    sources->add_writer({core.index, kernel.risc});
  }
  core.notify_write(offset, sizeof value);
}

void noc_semaphore_wait(volatile std::uint32_t* semaphore, std::uint32_t value, Here at) {
  wait_for(semaphore, value, false, at);
}
void noc_semaphore_wait_min(volatile std::uint32_t* semaphore, std::uint32_t value, Here at) {
  wait_for(semaphore, value, true, at);
}
void noc_semaphore_inc(std::uint64_t semaphore, std::uint32_t delta, std::uint8_t noc, Here at) {
  KernelContext& kernel = context(at);
  kernel.noc->increment(noc_of(kernel, noc), semaphore, delta);
}
void noc_semaphore_inc_multicast(std::uint64_t semaphores, std::uint32_t delta, std::uint32_t destinations, std::uint8_t noc,
                                 Here at) {
  KernelContext& kernel = context(at);
  kernel.noc->increment_multicast(noc_of(kernel, noc), semaphores, delta, destinations);
}
void noc_semaphore_set_remote(std::uint32_t l1_source, std::uint64_t semaphore, std::uint8_t noc, Here at) {
  KernelContext& kernel = context(at);
  const NocId on = noc_of(kernel, noc);
  kernel.noc->write(on, l1_source, semaphore, sizeof(std::uint32_t));
  kernel.noc->flush(on);
}
void noc_semaphore_set_multicast(std::uint32_t l1_source, std::uint64_t semaphore, std::uint32_t destinations, bool linked,
                                 std::uint8_t noc, Here at) {
  set_multicast(l1_source, semaphore, {"noc_semaphore_set_multicast", destinations, false, linked}, noc, at);
}
void noc_semaphore_set_multicast_loopback_src(std::uint32_t l1_source, std::uint64_t semaphore, std::uint32_t destinations,
                                              bool linked, std::uint8_t noc, Here at) {
  set_multicast(l1_source, semaphore, {"noc_semaphore_set_multicast_loopback_src", destinations, true, linked}, noc, at);
}

void note_generated(std::uint32_t cb, std::uint32_t bytes, Here at) {
  KernelContext& kernel = context(at);
  kernel.core->log.append(kernel.risc, events::Generate{.cb = cb, .bytes = bytes});
}

}  // namespace tilegrid::api
