// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tilegrid::noc {

struct Placement;
class SharedMemory;
class Transport;

/// The DRAM banks of all ranks of this host, in memory that they share where the transport gives it: then a rank copies from
/// and to a bank itself, without asking its owner. Only banks whose owner has begun the same program: before, it has not
/// marked what nobody has written.
class HostBanks {
 public:
  HostBanks(Transport& transport, const Placement& placement, std::uint64_t bank_bytes);

  /// Where a bank of this rank lies; null: it is shared with nobody.
  [[nodiscard]] std::byte* own(int bank) const;
  /// This rank has begun a program: others that are in it may use its banks.
  void begin(std::uint32_t epoch);
  /// Where `offset` of a bank of another rank is; null: its owner has to be asked. `epoch` 0 is the host's, between
  /// programs.
  [[nodiscard]] std::byte* at(int bank, std::uint64_t offset, std::uint64_t epoch);

 private:
  /// The banks of a rank: a page for their state, then one bank after the other.
  struct Window {
    SharedMemory* memory = nullptr;
    std::byte* base = nullptr;
    std::uint64_t bytes = 0;
  };
  struct Place {
    int rank = 0;
    std::uint64_t offset = 0;  ///< in its window
  };

  int rank_;
  std::vector<Window> windows_;  // by rank
  std::vector<Place> places_;    // by bank
};

}  // namespace tilegrid::noc
