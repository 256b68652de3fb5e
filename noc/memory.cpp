// SPDX-License-Identifier: Apache-2.0
#include "noc/memory.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/checks/poison.h"
#include "core/error.h"
#include "noc/address.h"

namespace tilegrid::noc {

DramBanks::~DramBanks() {
  for (const auto& [index, bank] : banks_) {
    if (bank.own) munmap(bank.memory, bank_bytes_);
  }
}

void DramBanks::add(int bank, std::byte* shared) {
  if (shared != nullptr) {
    banks_[bank] = {shared, false};
    return;
  }
  void* memory = mmap(nullptr, bank_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    throw Error(ExitCode::kernel, fmt::format("can't reserve {} bytes of address space for DRAM bank {}: {}", bank_bytes_,
                                              bank, std::strerror(errno)));
  }
  banks_[bank].memory = static_cast<std::byte*>(memory);
}

// Marks are whole patterns of poison_bytes: the next write may begin within the last one, and must not have it filled in
// later over what it wrote.
void DramBanks::mark(Bank& bank, std::uint64_t end) const {
  if (end <= bank.marked) return;
  end = std::min((end + checks::poison_bytes - 1) / checks::poison_bytes * checks::poison_bytes, bank_bytes_);
  // All of it will be written at once: better all pages in one call than one fault after the other. Kernels before 5.14 do
  // not know the request, and nothing is lost.
  const std::uint64_t page_bytes = sysconf(_SC_PAGESIZE);
  const std::uint64_t first_page = bank.marked / page_bytes * page_bytes;
  if (end - first_page > page_bytes) madvise(bank.memory + first_page, end - first_page, MADV_POPULATE_WRITE);
  checks::fill(checks::dram_poison, bank.memory + bank.marked, end - bank.marked);
  bank.marked = end;
}

void DramBanks::mark_unwritten(std::uint64_t end) {
  for (auto& [index, bank] : banks_) mark(bank, end);
}

void DramBanks::mark_around(int bank, std::uint64_t first, std::uint64_t end) {
  Bank& one = banks_.at(bank);
  if (end <= one.marked) return;
  mark(one, first);
  one.marked = std::max(one.marked, end / checks::poison_bytes * checks::poison_bytes);
  mark(one, end);
}

NocAddress dram_address(const Places& places, int bank, std::uint64_t offset) {
  const PhysicalCore endpoint = places.dram_endpoint(bank);
  return make_address(endpoint.x, endpoint.y, offset);
}

}  // namespace tilegrid::noc
