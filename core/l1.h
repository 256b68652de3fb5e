// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace tilegrid {

/// Firmware, mailboxes and tables end at 32,752; a kernel-configuration ring of 69 KiB follows; user L1 begins at the next
/// multiple of 32 (tensix.md 1.1; the ring's default size is unverified there).
inline constexpr std::uint32_t l1_user_base = 103'424;
/// Semaphores lie 16 bytes apart inside the reserved area (tensix.md 4.1), above the lowest address that Linux lets us map.
inline constexpr std::uint32_t l1_semaphore_base = 65'536;
inline constexpr std::uint32_t semaphore_bytes = 16;
inline constexpr int max_semaphores = 16;
[[nodiscard]] constexpr std::uint32_t semaphore_offset(std::uint32_t id) { return l1_semaphore_base + id * semaphore_bytes; }
/// The semaphore that an L1 offset belongs to, none for other words.
[[nodiscard]] constexpr std::optional<std::uint32_t> semaphore_at(std::uint32_t offset) {
  if (offset < l1_semaphore_base || offset >= semaphore_offset(max_semaphores)) return std::nullopt;
  return (offset - l1_semaphore_base) / semaphore_bytes;
}
/// First address that is backed by memory: nothing below may be mapped by an ordinary process.
inline constexpr std::uint32_t l1_mapped_base = 65'536;

/// A core's L1 slot: 2 MiB apart, so that the low 21 bits of an address are the offset within L1.
inline constexpr std::uint32_t l1_slot_bytes = 1U << 21U;
[[nodiscard]] constexpr std::uint32_t l1_offset_of(std::uint32_t address) { return address & (l1_slot_bytes - 1); }

/// Memory that other processes see, too: core i of an arena has the slot at `offset` + i * l1_slot_bytes. Who makes it keeps
/// it open for as long as the arena lives.
struct L1File {
  int descriptor = -1;  ///< -1: none
  std::uint64_t offset = 0;
};

/// The L1 memories of the cores that this process holds. With one core its L1 is at its true offset, so that a kernel's
/// 32-bit address equals the hardware's; with more they lie in 2 MiB slots below 4 GiB. Pages are backed when touched.
class L1Arena {
 public:
  /// `l1_bytes`: of a core, a multiple of 4096, at most l1_slot_bytes. `shared`: where it lies, else in memory of this
  /// process alone. Throws Error when the address range is taken.
  L1Arena(int cores, std::uint32_t l1_bytes, L1File shared = {});
  ~L1Arena();
  L1Arena(const L1Arena&) = delete;
  L1Arena& operator=(const L1Arena&) = delete;

  /// 32-bit address of L1 offset 0 of a core: 0, or its slot.
  [[nodiscard]] std::uint32_t base(int core) const;
  [[nodiscard]] int cores() const { return cores_; }
  /// Zeroes all L1, which keeps its pages. L1 is zero when the arena is made.
  void reset();
  /// Marks L1 offsets [first, end) of a core as never written (core/checks/poison.h).
  void mark_unwritten(int core, std::uint32_t first, std::uint32_t end) const;

  /// From now on a kernel may use an L1 offset that it got from the host as a pointer, although several cores share the
  /// process: the memory becomes a file in memory, which can be seen at a second place, the window at the true offsets. The
  /// window is closed until a kernel reaches for it; the signal handler shows it the running core then, and a switch to a
  /// fiber of another core closes it again. Programs that never do this pay nothing. No-op with one core.
  void open_window();
  /// Whether the address is in the window of an arena of this process, and has been shown now; called by signal handlers.
  [[nodiscard]] static bool show(std::uintptr_t address, std::uint32_t l1_base) noexcept;
  /// A fiber of this core runs next: what the window shows of others is closed.
  void switch_to(std::uint32_t l1_base) noexcept;

 private:
  [[nodiscard]] bool open_l1(int core) const;
  [[nodiscard]] std::int64_t in_file(std::uint32_t address) const;
  void move_to_file();

  int cores_ = 0;
  std::uint32_t l1_bytes_ = 0;
  std::uint32_t first_ = 0;
  void* mapping_ = nullptr;
  std::size_t mapped_bytes_ = 0;
  L1File file_;               ///< behind the slots, if any
  bool own_file_ = false;     ///< made for the window
  std::int64_t shown_ = -1;   ///< l1_base of the core that the window shows; -1: none
  static L1Arena* windowed_;  ///< that has the window
};

/// A 32-bit L1 address as a pointer.
[[nodiscard]] inline std::byte* l1_pointer(std::uint32_t address) {
  return reinterpret_cast<std::byte*>(static_cast<std::uintptr_t>(address));  // NOLINT(performance-no-int-to-ptr)
}

}  // namespace tilegrid
