// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/checks/checker.h"
#include "core/chip/chip.h"
#include "core/circular_buffer.h"
#include "core/counters.h"
#include "core/dst.h"
#include "core/events/event_log.h"
#include "core/fiber.h"
#include "core/l1.h"
#include "core/matrix_unit.h"
#include "core/number_watch.h"
#include "core/packer.h"
#include "core/types.h"
#include "core/vector_unit.h"

namespace tilegrid {

inline constexpr int max_circular_buffers = 32;

/// One emulated Tensix core: its L1, circular buffers, DST, units, counters and log. The kernel API acts on it.
struct Core {
  Core(int core_index, LogicalCore at, std::uint32_t l1_base_address, Scheduler& rank_scheduler, Chip of_chip = {})
      : index(core_index), logical(at), l1_base(l1_base_address), scheduler(rank_scheduler), chip(std::move(of_chip)) {}

  int index;
  LogicalCore logical;
  std::uint32_t l1_base;  ///< 32-bit address of L1 offset 0
  Scheduler& scheduler;
  Chip chip;

  std::array<CircularBuffer, max_circular_buffers> cbs;
  Dst dst{false, false};
  MatrixUnit matrix{Fidelity::hifi2, false};
  VectorUnit vector{false};
  PackConfig pack;
  bool unpack_to_dst = false;  ///< fp32 copies bypass the source registers
  bool dry = false;            ///< a dry run: units compute nothing and the NoC moves no data (kernels/api/context.h)
  CoreCounters counters;
  CoreHostCost host_cost;
  EventLog log;
  checks::Reporter reporter;                 ///< what the checks found
  std::unique_ptr<checks::Checker> checker;  ///< null when no class needs it
  std::unique_ptr<NumberWatch> numbers;      ///< null when nobody asked for it

  /// Fibers that wait for a semaphore of this core, with its L1 offset.
  struct SemaphoreWaiter {
    std::uint32_t offset = 0;
    Fiber* fiber = nullptr;
    std::uint32_t value = 0;
    bool at_least = false;
  };
  std::vector<SemaphoreWaiter> semaphore_waiters;

  /// Where a semaphore's value comes from. When several cores have incremented it and a wait finds more than it asked for,
  /// which increments it saw depends on the schedule: such waits are counted (CoreCounters::ambiguous_waits).
  struct SemaphoreSources {
    int last = -1;                  ///< core of the last increment since the semaphore was set; -1: none
    bool several = false;           ///< increments since then are of several cores
    std::vector<Issuer> writers{};  ///< who wrote or incremented it since the program began, each once, in no order
    void add_writer(Issuer writer);
  };
  std::array<SemaphoreSources, max_semaphores> semaphore_sources;
  /// The sources of the semaphore at an L1 offset; null when the offset is no semaphore.
  [[nodiscard]] SemaphoreSources* sources_at(std::uint32_t offset);

  /// Faults ("CB id") for an id beyond 31 or a buffer that the program did not configure.
  [[nodiscard]] CircularBuffer& cb(std::uint32_t id) {
    if (id >= cbs.size() || !cbs[id].configured()) refuse_cb(id);
    return cbs[id];
  }

  /// Checks that [address, address + bytes) lies in this core's L1 above the unmapped area; faults "L1 range".
  void check_l1(std::uint32_t address, std::uint64_t bytes, const char* who) const;

  /// `writer` wrote L1 offsets [offset, offset + bytes): notes it for the semaphores among them.
  void note_writer(std::uint32_t offset, std::uint64_t bytes, Issuer writer);

  /// Something wrote L1 offsets [offset, offset + bytes) from outside of a CB: wakes waiters for semaphores in it.
  void notify_write(std::uint32_t offset, std::uint64_t bytes);

  /// Wakes who waits for a value that its semaphore has: kernels may change semaphores by ordinary stores, which notify
  /// nobody. True when there was one.
  bool look_again();

  void count(TileOp op, std::uint64_t tiles = 1) { counters.tiles[op] += tiles; }

 private:
  [[noreturn]] static void refuse_cb(std::uint32_t id);
};

}  // namespace tilegrid
