// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

namespace tilegrid::noc {

/// Bytes of a DRAM bank: 12 channels of 1 GiB (tensix.md 4.3).
inline constexpr std::uint64_t dram_bank_bytes = std::uint64_t{1} << 30U;
/// DRAM reads and buffer pages are aligned to this (tensix.md 4.1).
inline constexpr std::uint32_t dram_alignment = 32;
inline constexpr std::uint32_t l1_alignment = 16;
/// Largest NoC packet's payload (tensix.md 4.1).
inline constexpr std::uint32_t max_packet_bytes = 8192;
/// Transaction ids of a NIU, and how many packets of one may be outstanding (tensix.md 4.1).
inline constexpr std::uint32_t transaction_ids = 16;
inline constexpr std::uint32_t max_outstanding = 255;

/// The DRAM banks that live on this rank. Address space is taken at once, memory when it is touched.
class DramBanks {
 public:
  DramBanks() = default;
  ~DramBanks();
  DramBanks(const DramBanks&) = delete;
  DramBanks& operator=(const DramBanks&) = delete;
  void add(int bank);
  [[nodiscard]] bool holds(int bank) const { return banks_.contains(bank); }
  [[nodiscard]] std::byte* at(int bank, std::uint64_t offset) { return banks_.at(bank).memory + offset; }
  /// Marks what nobody has written below `end`, in one bank or all of this rank (core/checks/poison.h).
  void mark_unwritten(int bank, std::uint64_t end);
  void mark_unwritten(std::uint64_t end);

 private:
  struct Bank {
    std::byte* memory = nullptr;
    std::uint64_t marked = 0;  ///< below it lies what was written or marked
  };
  std::map<int, Bank> banks_;
};

}  // namespace tilegrid::noc
