// SPDX-License-Identifier: Apache-2.0
#include "noc/shared_memory.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace tilegrid::noc {

SharedMemory SharedMemory::make() {
  SharedMemory made;
  made.own_ = memfd_create("tilegrid", MFD_CLOEXEC);
  struct stat facts {};
  if (made.own_ < 0 || fstat(made.own_, &facts) != 0)
    throw std::system_error(errno, std::generic_category(), "memfd_create");
  made.name_ = {getpid(), made.own_, facts.st_dev, facts.st_ino};
  return made;
}

SharedMemory::~SharedMemory() {
  if (memory_ != nullptr) munmap(memory_, mapped_);
  if (own_ >= 0) close(own_);
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : name_(other.name_),
      own_(std::exchange(other.own_, -1)),
      memory_(std::exchange(other.memory_, nullptr)),
      mapped_(std::exchange(other.mapped_, 0)),
      failure_(std::move(other.failure_)) {}

SharedMemory& SharedMemory::operator=(SharedMemory&& other) noexcept {
  std::swap(name_, other.name_);
  std::swap(own_, other.own_);
  std::swap(memory_, other.memory_);
  std::swap(mapped_, other.mapped_);
  std::swap(failure_, other.failure_);
  return *this;
}

bool SharedMemory::resize(std::uint64_t bytes) {
  // Beyond the limit the system would end the process by a signal.
  rlimit limit{};
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < bytes) {
    failure_ = fmt::format("files are limited to {} bytes (ulimit -f), {} are wanted", limit.rlim_cur, bytes);
    return false;
  }
  if (ftruncate(own_, bytes) == 0) return true;
  fail("ftruncate");
  return false;
}

void SharedMemory::fail(const char* call) { failure_ = fmt::format("{}: {}", call, std::strerror(errno)); }

std::optional<int> SharedMemory::open() {
  if (own_ >= 0) return own_;
  const std::string path = fmt::format("/proc/{}/fd/{}", name_.process, name_.descriptor);
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) {
    fail(path.c_str());
    return std::nullopt;
  }
  // Ranks that are in containers of their own have numbers of their own for processes: then it is somebody else's file.
  struct stat facts {};
  if (fstat(descriptor, &facts) == 0 && facts.st_dev == name_.device && facts.st_ino == name_.inode) return descriptor;
  failure_ = fmt::format("{} is another file: the ranks have process numbers of their own", path);
  close(descriptor);
  return std::nullopt;
}

bool SharedMemory::reachable() {
  const std::optional<int> descriptor = open();
  if (descriptor && *descriptor != own_) close(*descriptor);
  return descriptor.has_value();
}

std::byte* SharedMemory::map(std::uint64_t bytes) {
  if (memory_ != nullptr || !failure_.empty()) return memory_;
  const std::optional<int> descriptor = open();
  if (!descriptor) return nullptr;
  struct stat facts {};
  const bool there = fstat(*descriptor, &facts) == 0 && static_cast<std::uint64_t>(facts.st_size) >= bytes;
  if (there) {
    void* got = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, *descriptor, 0);
    if (got == MAP_FAILED) {
      fail("mmap");
    } else {
      memory_ = static_cast<std::byte*>(got);
      mapped_ = bytes;
    }
  }
  if (*descriptor != own_) close(*descriptor);
  return memory_;
}

}  // namespace tilegrid::noc
