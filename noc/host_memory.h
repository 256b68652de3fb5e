// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/chip/chip.h"
#include "core/l1.h"
#include "noc/address.h"

namespace tilegrid::noc {

struct Placement;
class SharedMemory;
class Transport;

/// The DRAM banks and L1s of all ranks of this host, in memory that they share where the transport gives it: then a rank
/// copies from them, and to a bank, without asking their owner. Only from and to a rank that has begun the same program:
/// before, it has not marked what nobody has written, nor set its semaphores.
class HostMemory {
 public:
  HostMemory(Transport& transport, const Placement& placement, const ChipMemory& memory);

  /// Where a bank of this rank lies; null: it is shared with nobody.
  [[nodiscard]] std::byte* own(int bank) const;
  /// What the L1s of this rank are to be mapped from.
  [[nodiscard]] L1File own_l1() const;
  /// This rank has begun a program: others that are in it may use its memory.
  void begin(std::uint32_t epoch);
  /// Where `offset` of a target of another rank is; null: its owner has to be asked. `epoch` 0 is the host's, between
  /// programs.
  [[nodiscard]] std::byte* at(Target target, std::uint64_t offset, std::uint64_t epoch);

 private:
  /// The memory of a rank: a page for its state, one bank after the other, then the slots of its cores.
  struct Window {
    SharedMemory* memory = nullptr;
    std::byte* base = nullptr;
    std::uint64_t bytes = 0;
    std::uint64_t first_slot = 0;
  };
  struct Place {
    int rank = 0;
    std::uint64_t offset = 0;  ///< in its window
  };

  int rank_;
  std::vector<Window> windows_;  // by rank
  std::vector<Place> banks_;
  std::vector<Place> cores_;
};

}  // namespace tilegrid::noc
