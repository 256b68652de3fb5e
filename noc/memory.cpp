// SPDX-License-Identifier: Apache-2.0
#include "noc/memory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "noc/address.h"

namespace tilegrid::noc {

DramBanks::~DramBanks() {
  for (const auto& [bank, memory] : banks_) munmap(memory, dram_bank_bytes);
}

void DramBanks::add(int bank) {
  void* memory = mmap(nullptr, dram_bank_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    throw Error(ExitCode::kernel, fmt::format("can't reserve {} bytes of address space for DRAM bank {}: {}",
                                              dram_bank_bytes, bank, std::strerror(errno)));
  }
  banks_[bank] = static_cast<std::byte*>(memory);
}

NocAddress dram_address(int bank, std::uint64_t offset) {
  const PhysicalCore endpoint = dram_endpoint(bank);
  return make_address(static_cast<std::uint32_t>(endpoint.x), static_cast<std::uint32_t>(endpoint.y), offset);
}

}  // namespace tilegrid::noc
