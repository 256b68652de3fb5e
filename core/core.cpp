// SPDX-License-Identifier: Apache-2.0
#include "core/core.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/error.h"

namespace tilegrid {

void Core::refuse_cb(std::uint32_t id) {
  if (id >= max_circular_buffers) {
    throw Fault("CB id", fmt::format("used CB {}", id), "a core has 32 circular buffers, 0 to 31").numbers(id, 31, "as id");
  }
  throw Fault("CB id", fmt::format("used CB {}, which the program does not configure", id),
              "circular buffers are declared by the host")
      .hint("add a CircularBufferConfig with this id");
}

void Core::check_l1(std::uint32_t address, std::uint64_t bytes, const char* who) const {
  const std::uint64_t offset = std::uint64_t{address} - l1_base;
  const std::uint32_t l1_bytes = chip.memory().l1_bytes;
  if (address >= l1_base && offset >= l1_mapped_base && offset + bytes <= l1_bytes) return;
  throw Fault("L1 range",
              fmt::format("{} used L1 bytes {} to {}", who, std::int64_t{address} - l1_base,
                          std::int64_t{address} - l1_base + static_cast<std::int64_t>(bytes)),
              fmt::format("L1 ends at {} and its first {} bytes are the firmware's", l1_bytes, l1_mapped_base))
      .hint("check the address and the size of the transfer");
}

Core::SemaphoreSources* Core::sources_at(std::uint32_t offset) {
  const auto id = semaphore_at(offset);
  return id ? &semaphore_sources[*id] : nullptr;
}

void Core::SemaphoreSources::add_writer(Issuer writer) {
  if (std::find(writers.rbegin(), writers.rend(), writer) == writers.rend()) writers.push_back(writer);
}

void Core::note_writer(std::uint32_t offset, std::uint64_t bytes, Issuer writer) {
  if (offset >= semaphore_offset(max_semaphores) || offset + bytes <= l1_semaphore_base) return;
  for (std::uint32_t id = 0; id < max_semaphores; ++id) {
    const std::uint32_t word = semaphore_offset(id);
    if (word < offset + bytes && offset < word + sizeof(std::uint32_t)) semaphore_sources[id].add_writer(writer);
  }
}

void Core::notify_write(std::uint32_t offset, std::uint64_t bytes) {
  for (const SemaphoreWaiter& waiter : semaphore_waiters) {
    if (waiter.offset + sizeof(std::uint32_t) > offset && waiter.offset < offset + bytes) scheduler.wake(waiter.fiber);
  }
}

bool Core::look_again() {
  bool found = false;
  for (const SemaphoreWaiter& waiter : semaphore_waiters) {
    std::uint32_t value = 0;
    std::memcpy(&value, l1_pointer(l1_base + waiter.offset), sizeof value);
    if (waiter.at_least ? value < waiter.value : value != waiter.value) continue;
    scheduler.wake(waiter.fiber);
    found = true;
  }
  return found;
}

}  // namespace tilegrid
