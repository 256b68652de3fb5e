// SPDX-License-Identifier: Apache-2.0
#include "noc/host_banks.h"

#include <atomic>

#include "noc/node.h"
#include "noc/shared_memory.h"

namespace tilegrid::noc {
namespace {

constexpr std::uint64_t page_bytes = 4096;

/// The state in front of a rank's banks: the program that it has begun.
std::atomic_ref<std::uint32_t> epoch_of(std::byte* window) {
  return std::atomic_ref<std::uint32_t>(*reinterpret_cast<std::uint32_t*>(window));
}

}  // namespace

HostBanks::HostBanks(Transport& transport, const Placement& placement, std::uint64_t bank_bytes)
    : rank_(transport.rank()), windows_(transport.size()), places_(placement.banks) {
  for (int rank = 0; rank < transport.size(); ++rank) windows_[rank] = {transport.shared_memory(rank), nullptr, page_bytes};
  for (int bank = 0; bank < placement.banks; ++bank) {
    const int rank = placement.rank_of_bank(bank);
    places_[bank] = {rank, windows_[rank].bytes};
    windows_[rank].bytes += bank_bytes;
  }
  Window& own = windows_[rank_];
  if (own.memory != nullptr && own.bytes > page_bytes) own.base = own.memory->map(own.bytes);
}

std::byte* HostBanks::own(int bank) const {
  const Place& place = places_[bank];
  std::byte* base = windows_[rank_].base;
  return place.rank == rank_ && base != nullptr ? base + place.offset : nullptr;
}

void HostBanks::begin(std::uint32_t epoch) {
  if (std::byte* base = windows_[rank_].base) epoch_of(base).store(epoch, std::memory_order_release);
}

std::byte* HostBanks::at(int bank, std::uint64_t offset, std::uint64_t epoch) {
  const Place& place = places_[bank];
  Window& window = windows_[place.rank];
  if (window.base == nullptr) {
    if (window.memory == nullptr) return nullptr;
    window.base = window.memory->map(window.bytes);
    if (window.base == nullptr) return nullptr;
  }
  const std::uint32_t begun = epoch_of(window.base).load(std::memory_order_acquire);
  const bool there = epoch == 0 ? begun != 0 : begun == epoch;
  return there ? window.base + place.offset + offset : nullptr;
}

}  // namespace tilegrid::noc
