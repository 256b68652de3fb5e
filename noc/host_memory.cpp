// SPDX-License-Identifier: Apache-2.0
#include "noc/host_memory.h"

#include <atomic>

#include "noc/node.h"
#include "noc/shared_memory.h"

namespace tilegrid::noc {
namespace {

constexpr std::uint64_t page_bytes = 4096;

/// The state in front of a rank's memory: the program that it has begun.
std::atomic_ref<std::uint32_t> epoch_of(std::byte* window) {
  return std::atomic_ref<std::uint32_t>(*reinterpret_cast<std::uint32_t*>(window));
}

}  // namespace

HostMemory::HostMemory(Transport& transport, const Placement& placement, const ChipMemory& memory)
    : rank_(transport.rank()), windows_(transport.size()), banks_(placement.banks), cores_(placement.grid.cores()) {
  for (int rank = 0; rank < transport.size(); ++rank) windows_[rank] = {transport.shared_memory(rank), nullptr, page_bytes};
  for (int bank = 0; bank < placement.banks; ++bank) {
    const int rank = placement.rank_of_bank(bank);
    banks_[bank] = {rank, windows_[rank].bytes};
    windows_[rank].bytes += memory.dram_bank_bytes;
  }
  for (Window& window : windows_) {
    window.bytes = (window.bytes + l1_slot_bytes - 1) / l1_slot_bytes * l1_slot_bytes;
    window.first_slot = window.bytes;
  }
  for (int core = 0; core < placement.grid.cores(); ++core) {
    const int rank = placement.rank_of_core(core);
    cores_[core] = {rank, windows_[rank].bytes};
    windows_[rank].bytes += l1_slot_bytes;
  }
  Window& own = windows_[rank_];
  if (own.memory != nullptr) own.base = own.memory->map(own.bytes);
}

std::byte* HostMemory::own(int bank) const {
  const Place& place = banks_[bank];
  std::byte* base = windows_[rank_].base;
  return place.rank == rank_ && base != nullptr ? base + place.offset : nullptr;
}

L1File HostMemory::own_l1() const {
  const Window& own = windows_[rank_];
  if (own.base == nullptr) return {};
  return {static_cast<int>(own.memory->name().descriptor), own.first_slot};
}

void HostMemory::begin(std::uint32_t epoch) {
  if (std::byte* base = windows_[rank_].base) epoch_of(base).store(epoch, std::memory_order_release);
}

std::byte* HostMemory::at(Target target, std::uint64_t offset, std::uint64_t epoch) {
  const Place& place = target.kind == Target::Kind::dram ? banks_[target.index] : cores_[target.index];
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
