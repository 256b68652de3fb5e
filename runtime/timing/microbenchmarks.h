// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "core/chip/chip.h"
#include "core/events/event_log.h"

namespace tilegrid::timing {

/// Logs of the vendor's data-movement tests (tensix.md 4.4, 4.5), made without running anything, on all workers of a
/// chip, and on NoC 0 where nothing else is said.
class Microbenchmarks {
 public:
  explicit Microbenchmarks(Chip chip = {}) : chip_(std::move(chip)), grid_(chip_.workers()) {}
  [[nodiscard]] GridSize grid() const { return grid_; }

  /// `count` reads of `bytes` by `core` from the L1 of `from`, then one barrier.
  [[nodiscard]] RunLog l1_read(LogicalCore core, LogicalCore from, std::uint32_t bytes, int count = 1) const;
  [[nodiscard]] RunLog l1_write(LogicalCore core, LogicalCore to, std::uint32_t bytes, int count = 1) const;
  /// Pages of `bytes` in DRAM banks one after the other, from `bank` on; `banks` 1 stays at one bank ("sharded").
  [[nodiscard]] RunLog dram_read(LogicalCore core, int bank, std::uint32_t bytes, int count = 1, int banks = 1) const;
  [[nodiscard]] RunLog dram_write(LogicalCore core, int bank, std::uint32_t bytes, int count = 1, int banks = 1) const;
  /// `core` writes `bytes` to each other core of the first `columns` x `rows` of the grid.
  [[nodiscard]] RunLog one_to_all(LogicalCore core, GridSize part, std::uint32_t bytes) const;
  /// `core` reads `bytes` from each other core of the part.
  [[nodiscard]] RunLog one_from_all(LogicalCore core, GridSize part, std::uint32_t bytes) const;
  /// Each core of the part reads or writes (`kind`: noc_read or noc_write) `count` pages of `bytes` on `noc`, then waits.
  /// Pages lie in banks at random, the same on every call.
  [[nodiscard]] RunLog dram_by_all(GridSize part, NocId noc, EventKind kind, std::uint32_t bytes, int count) const;
  /// For each bank the worker to its right reads (on NoC 0) or writes (on NoC 1) `count` of its pages, then waits.
  [[nodiscard]] RunLog dram_beside(EventKind kind, std::uint32_t bytes, int count) const;
  /// Each core of the part writes `bytes` to each other, starting behind itself.
  [[nodiscard]] RunLog all_to_all(GridSize part, std::uint32_t bytes) const;
  /// `count` multicasts of `bytes` from `core` to the rectangle; `linked` leaves the path open until the last.
  [[nodiscard]] RunLog multicast(LogicalCore core, LogicalCore first, LogicalCore last, std::uint32_t bytes, bool linked,
                                 int count = 1, bool loopback = false) const;

 private:
  [[nodiscard]] RunLog empty(const char* name) const;
  [[nodiscard]] RunLog repeated(const char* name, LogicalCore core, const Event& event, int count,
                                const Event& barrier) const;
  [[nodiscard]] PhysicalCore node_of(LogicalCore core) const;
  [[nodiscard]] std::vector<Event> to_banks(EventKind kind, int bank, std::uint32_t bytes, int count, int banks) const;
  void add_kernel(RunLog& log, LogicalCore core, const std::vector<Event>& events, const Event& barrier) const;
  void write_to_others(RunLog& log, LogicalCore core, GridSize part, std::uint32_t bytes) const;
  void add_pages(RunLog& log, LogicalCore core, NocId noc, EventKind kind, std::uint32_t bytes,
                 const std::vector<int>& banks) const;

  Chip chip_;
  GridSize grid_;
};

/// Cycles from the start of the first kernel to the end of the last, without launch overhead: what the tests measure.
[[nodiscard]] double kernel_cycles(const RunLog& log, const Chip& chip);

}  // namespace tilegrid::timing
