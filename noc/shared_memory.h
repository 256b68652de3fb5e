// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace tilegrid::noc {

/// Memory that one rank owns and others of its host may map: a file without a name (memfd), which they open through the
/// owner's entry in /proc. No limit of /dev/shm applies, and nothing is left behind, whatever ends the processes.
class SharedMemory {
 public:
  /// By which others find it; plain data, so that it can be sent to them.
  struct Name {
    std::int64_t process = -1;
    std::int64_t descriptor = -1;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
  };

  SharedMemory() = default;
  /// That of somebody else.
  explicit SharedMemory(const Name& name) : name_(name) {}
  /// One's own, still empty. Throws std::system_error where the system gives none.
  [[nodiscard]] static SharedMemory make();
  ~SharedMemory();
  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&& other) noexcept;
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  [[nodiscard]] const Name& name() const { return name_; }
  /// The owner's: takes `bytes` of address space; pages are backed when touched. False when the limit of file sizes
  /// (ulimit -f) is below.
  [[nodiscard]] bool resize(std::uint64_t bytes);
  /// Maps its first `bytes` bytes, for as long as *this lives; null when the owner's file is shorter so far, or can't be
  /// opened or mapped: see failure().
  [[nodiscard]] std::byte* map(std::uint64_t bytes);
  /// Whether it can be opened; else failure() says why not.
  [[nodiscard]] bool reachable();
  /// Why it will never be mapped; empty: it may be.
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  [[nodiscard]] std::optional<int> open();
  void fail(const char* call);

  Name name_;
  int own_ = -1;  // the owner's descriptor
  std::byte* memory_ = nullptr;
  std::uint64_t mapped_ = 0;
  std::string failure_;
};

}  // namespace tilegrid::noc
