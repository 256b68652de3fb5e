// SPDX-License-Identifier: Apache-2.0
#include "core/huge_pages.h"

#include <sys/mman.h>

#include <algorithm>

#include "core/cpu_time.h"

namespace tilegrid {
namespace {

constexpr std::size_t huge_page_bytes = std::size_t{2} << 20U;
/// As long as 512 small pages take. A virtual machine whose host has to find the memory first needs several times that.
constexpr double slow_seconds = 0.8e-3;
constexpr std::size_t stretch_bytes = 16 * huge_page_bytes;  ///< of address space, taken at once

void* page_at(std::uintptr_t address) {
  return reinterpret_cast<void*>(address);  // NOLINT(performance-no-int-to-ptr)
}

std::uintptr_t up(std::uintptr_t value) { return (value + huge_page_bytes - 1) / huge_page_bytes * huge_page_bytes; }

}  // namespace

HugePages::~HugePages() { give_back(); }

void HugePages::give_back() {
  if (at_ < end_) munmap(page_at(at_), end_ - at_);
  at_ = end_ = 0;
}

std::byte* HugePages::take(std::size_t bytes) {
  if (slow_) return nullptr;
  if (bytes > end_ - at_) {
    give_back();
    const std::size_t wanted = up(std::max(bytes, stretch_bytes)) + huge_page_bytes;
    void* got = mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (got == MAP_FAILED) return nullptr;
    const auto start = reinterpret_cast<std::uintptr_t>(got);
    at_ = up(start);
    end_ = start + wanted;
    if (at_ > start) munmap(got, at_ - start);
    madvise(page_at(at_), end_ - at_, MADV_HUGEPAGE);  // a system without them gives small ones
  }
  // Kernels before 5.14 do not know the request, and nothing is lost.
  const double start = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
  madvise(page_at(at_), bytes, MADV_POPULATE_WRITE);
  slow_ = cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - start > slow_seconds;
  return static_cast<std::byte*>(page_at(at_));
}

bool HugePages::move(std::byte* pages, std::size_t bytes, void* to) {
  if (mremap(pages, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED) return false;
  at_ += bytes;
  return true;
}

}  // namespace tilegrid
