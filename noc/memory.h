// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

namespace tilegrid::noc {

/// L1 reads and writes are aligned to this (tensix.md 4.1); what DRAM reads are aligned to depends on the chip.
inline constexpr std::uint32_t l1_alignment = 16;
/// Transaction ids of a NIU, and how many packets of one may be outstanding (tensix.md 4.1).
inline constexpr std::uint32_t transaction_ids = 16;
inline constexpr std::uint32_t max_outstanding = 255;

/// The DRAM banks that live on this rank. Address space is taken at once, memory when it is touched.
class DramBanks {
 public:
  /// `bank_bytes`: of each bank.
  explicit DramBanks(std::uint64_t bank_bytes) : bank_bytes_(bank_bytes) {}
  ~DramBanks();
  DramBanks(const DramBanks&) = delete;
  DramBanks& operator=(const DramBanks&) = delete;
  /// `memory`: where it lies, for as long as *this lives; null: in memory of its own.
  void add(int bank, std::byte* memory = nullptr);
  [[nodiscard]] bool holds(int bank) const { return banks_.contains(bank); }
  [[nodiscard]] std::byte* at(int bank, std::uint64_t offset) { return banks_.at(bank).memory + offset; }
  /// Marks what nobody has written below `end`, in all banks of this rank (core/checks/poison.h).
  void mark_unwritten(std::uint64_t end);
  /// The same before a write to [first, end) of a bank, but for what it is about to cover.
  void mark_around(int bank, std::uint64_t first, std::uint64_t end);

 private:
  struct Bank {
    std::byte* memory = nullptr;
    bool own = true;
    std::uint64_t marked = 0;  ///< everything below this offset has been written or marked; whole patterns
  };
  void mark(Bank& bank, std::uint64_t end) const;

  std::uint64_t bank_bytes_;
  std::map<int, Bank> banks_;
};

}  // namespace tilegrid::noc
