// SPDX-License-Identifier: Apache-2.0
#include "core/l1.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "core/checks/poison.h"
#include "core/error.h"
#include "core/huge_pages.h"

namespace tilegrid {
namespace {

constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;

void* pointer_to(std::uintptr_t address) {
  return reinterpret_cast<void*>(address);  // NOLINT(performance-no-int-to-ptr)
}

/// Takes address space without access; null when something is there.
void* take(std::uintptr_t address, std::size_t bytes) {
  void* got = mmap(pointer_to(address), bytes, PROT_NONE, flags, -1, 0);
  if (got == MAP_FAILED) return nullptr;
  if (got != pointer_to(address)) {  // kernels before 4.17 take the address as a hint
    munmap(got, bytes);
    return nullptr;
  }
  return got;
}

/// Zeroes the pages that have been touched, which cost more to give back and get again; the others are zero.
void zero_touched(std::uintptr_t start, std::size_t bytes) {
  const std::size_t page_bytes = sysconf(_SC_PAGESIZE);
  std::vector<unsigned char> touched(bytes / page_bytes + 1);
  if (mincore(pointer_to(start), bytes, touched.data()) != 0) {
    madvise(pointer_to(start), bytes, MADV_DONTNEED);
    return;
  }
  for (std::size_t at = 0; at < bytes; at += page_bytes) {
    if ((touched[at / page_bytes] & 1U) != 0) std::memset(pointer_to(start + at), 0, std::min(page_bytes, bytes - at));
  }
}

/// Whether no page of it has been touched yet, all of them zero.
bool untouched(std::uintptr_t start, std::size_t bytes) {
  std::vector<unsigned char> touched(bytes / sysconf(_SC_PAGESIZE));
  if (mincore(pointer_to(start), bytes, touched.data()) != 0) return false;
  return std::none_of(touched.begin(), touched.end(), [](unsigned char page) { return (page & 1U) != 0; });
}

/// Puts new pages there that are marked as never written.
bool mark_new_pages(std::uintptr_t start, std::size_t bytes) {
  static HugePages source;  // of all arenas: what is left of a huge page is for the next core
  std::byte* pages = source.take(bytes);
  if (pages == nullptr) return false;
  checks::fill(checks::l1_poison, pages, bytes);
  return source.move(pages, bytes, pointer_to(start));
}

/// The same in a file in memory, where a page that is written by a call need not be zeroed before, and is found in the page
/// tables with its neighbours.
bool mark_in_file(int file, std::int64_t offset, std::size_t bytes) {
  static const std::vector<std::byte> marks = [] {
    std::vector<std::byte> filled(std::size_t{1} << 16U);
    checks::fill(checks::l1_poison, filled.data(), filled.size());
    return filled;
  }();
  bytes -= bytes % checks::poison_bytes;
  while (bytes > 0) {
    const ssize_t written = pwrite(file, marks.data(), std::min(bytes, marks.size()), offset);
    if (written <= 0 || written % checks::poison_bytes != 0) return false;
    offset += written;
    bytes -= written;
  }
  return true;
}

}  // namespace

L1Arena::L1Arena(int cores, std::uint32_t l1_bytes, L1File shared) : cores_(cores), l1_bytes_(l1_bytes), file_(shared) {
  if (cores <= 0) return;
  constexpr int most_cores = (0xF000'0000 - 0x1000'0000) / l1_slot_bytes;
  if (cores > most_cores) {
    throw UsageError(
        fmt::format("{} cores in one process: at most {} have room below 4 GiB; start more ranks", cores, most_cores));
  }
  if (cores == 1) {
    mapped_bytes_ = l1_bytes - l1_mapped_base;
    mapping_ = take(l1_mapped_base, mapped_bytes_);
    if (mapping_ != nullptr && open_l1(0)) {
      // A rank that is one core will use its memory: better now than page by page while kernels run. Kernels before 5.14
      // do not know the request, and nothing is lost.
      madvise(mapping_, mapped_bytes_, MADV_POPULATE_WRITE);
      return;
    }
  }
  // Slots: try a few places below 4 GiB; the true offset may be taken by a non-PIE executable.
  mapped_bytes_ = static_cast<std::size_t>(cores) * l1_slot_bytes;
  for (std::uint64_t first = 0x1000'0000; mapping_ == nullptr && first + mapped_bytes_ <= 0xF000'0000;
       first += 0x1000'0000) {
    mapping_ = take(first, mapped_bytes_);
    first_ = static_cast<std::uint32_t>(first);
  }
  bool open = mapping_ != nullptr;
  for (int core = 0; open && core < cores; ++core) open = open_l1(core);
  if (open) return;
  throw Error(ExitCode::kernel,
              fmt::format("can't map {} cores' L1 ({} bytes) below 4 GiB: {}", cores, mapped_bytes_, std::strerror(errno)));
}

/// Opens the L1 of a core; what lies around it stays closed, so that stray pointers are caught.
bool L1Arena::open_l1(int core) const {
  void* start = pointer_to(base(core) + l1_mapped_base);
  const std::size_t bytes = l1_bytes_ - l1_mapped_base;
  if (file_.descriptor < 0) return mprotect(start, bytes, PROT_READ | PROT_WRITE) == 0;
  return mmap(start, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, file_.descriptor,
              in_file(base(core) + l1_mapped_base)) != MAP_FAILED;
}

std::int64_t L1Arena::in_file(std::uint32_t address) const {
  return static_cast<std::int64_t>(file_.offset) + (address - first_);
}

L1Arena* L1Arena::windowed_ = nullptr;

L1Arena::~L1Arena() {
  if (windowed_ == this) {
    windowed_ = nullptr;
    munmap(pointer_to(l1_mapped_base), l1_bytes_ - l1_mapped_base);
  }
  if (own_file_) close(file_.descriptor);
  if (mapping_ != nullptr) munmap(mapping_, mapped_bytes_);
}

std::uint32_t L1Arena::base(int core) const { return first_ + core * (first_ == 0 ? 0 : l1_slot_bytes); }

void L1Arena::open_window() {
  if (first_ == 0 || windowed_ != nullptr) return;
  // When something is there, such pointers stay memory faults.
  if (take(l1_mapped_base, l1_bytes_ - l1_mapped_base) == nullptr) return;
  if (file_.descriptor < 0) move_to_file();
  windowed_ = this;
}

void L1Arena::move_to_file() {
  const std::size_t window_bytes = l1_bytes_ - l1_mapped_base;
  file_.descriptor = memfd_create("tilegrid L1", MFD_CLOEXEC);
  own_file_ = file_.descriptor >= 0;
  if (!own_file_ || ftruncate(file_.descriptor, mapped_bytes_) != 0) {
    throw Error(ExitCode::kernel,
                fmt::format("can't make {} bytes of shared memory: {}", mapped_bytes_, std::strerror(errno)));
  }
  const std::size_t page_bytes = sysconf(_SC_PAGESIZE);
  std::vector<unsigned char> resident(window_bytes / page_bytes + 1);
  for (int core = 0; core < cores_; ++core) {
    const std::uint32_t start = base(core) + l1_mapped_base;
    if (mincore(pointer_to(start), window_bytes, resident.data()) != 0) resident.assign(resident.size(), 1);
    for (std::size_t page = 0; page * page_bytes < window_bytes; ++page) {
      if ((resident[page] & 1U) == 0) continue;
      const std::size_t at = page * page_bytes;
      if (pwrite(file_.descriptor, pointer_to(start + at), page_bytes, in_file(start) + at) < 0) break;
    }
    if (!open_l1(core)) {
      throw Error(ExitCode::kernel, fmt::format("can't map L1 from shared memory: {}", std::strerror(errno)));
    }
  }
}

bool L1Arena::show(std::uintptr_t address, std::uint32_t l1_base) noexcept {
  L1Arena* arena = windowed_;
  if (arena == nullptr || address < l1_mapped_base || address >= arena->l1_bytes_ || arena->shown_ == l1_base) return false;
  const void* got = mmap(pointer_to(l1_mapped_base), arena->l1_bytes_ - l1_mapped_base, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_FIXED, arena->file_.descriptor, arena->in_file(l1_base + l1_mapped_base));
  if (got == MAP_FAILED) return false;
  arena->shown_ = l1_base;
  return true;
}

void L1Arena::switch_to(std::uint32_t l1_base) noexcept {
  if (shown_ < 0 || shown_ == l1_base) return;
  // Over a mapping of its own: that can't fail.
  static_cast<void>(mmap(pointer_to(l1_mapped_base), l1_bytes_ - l1_mapped_base, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0));
  shown_ = -1;
}

void L1Arena::mark_unwritten(int core, std::uint32_t first, std::uint32_t end) const {
  const std::uintptr_t page = sysconf(_SC_PAGESIZE);
  const std::uintptr_t start = base(core) + first;
  const std::uintptr_t stop = base(core) + end;
  const std::uintptr_t first_page = (start + page - 1) / page * page;
  const std::uintptr_t last_page = stop / page * page;
  const std::uintptr_t around = start / page * page;
  auto* const memory = static_cast<std::byte*>(pointer_to(start));
  const bool fresh = first_ != 0 && first_page < last_page && untouched(first_page, last_page - first_page);
  if (fresh && file_.descriptor < 0 && mark_new_pages(first_page, last_page - first_page)) {
    checks::fill(checks::l1_poison, memory, first_page - start);
    // Patterns begin at multiples of 16, as buffers do.
    checks::fill(checks::l1_poison, static_cast<std::byte*>(pointer_to(last_page)), stop - last_page);
    return;
  }
  if (fresh && file_.descriptor >= 0 && mark_in_file(file_.descriptor, in_file(base(core) + first), end - first)) {
    madvise(pointer_to(around), stop - around, MADV_POPULATE_READ);
    return;
  }
  // All of it will be written at once: better all pages in one call than one fault after the other. Kernels before 5.14 do
  // not know the request, and nothing is lost.
  madvise(pointer_to(around), stop - around, MADV_POPULATE_WRITE);
  checks::fill(checks::l1_poison, memory, end - first);
}

void L1Arena::reset() {
  if (mapping_ == nullptr) return;
  if (first_ == 0) {
    std::memset(mapping_, 0, mapped_bytes_);
  } else if (own_file_) {
    fallocate(file_.descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, mapped_bytes_);
  } else {
    for (int core = 0; core < cores_; ++core) zero_touched(base(core) + l1_mapped_base, l1_bytes_ - l1_mapped_base);
  }
}

}  // namespace tilegrid
