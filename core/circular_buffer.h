// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/format.h"
#include "core/types.h"

namespace tilegrid {

class Fiber;
namespace checks {
class Reporter;
}

/// One circular buffer: a FIFO of pages in L1 between one producer and one consumer (tensix.md 1.5).
///
/// This class never blocks: the kernel API waits until can_reserve() or can_wait() holds, then calls reserve() or wait().
/// Rules that surprise:
/// - A push or pop may not go past the end of the buffer and on at its beginning: one has to end exactly there.
/// - wait(n) asks for n pages at the front altogether, not for n more than the last wait.
/// - A kernel that is consumer and producer of a full buffer may pop all pages, reserve them again and then read the old
///   tiles by index: nobody else can have written there.
class CircularBuffer {
 public:
  CircularBuffer() = default;
  /// `address` of the first page; `pages` up to 65,535, since hardware compares 16-bit counters.
  CircularBuffer(int id, std::string role, std::uint32_t address, std::uint32_t pages, std::uint32_t page_bytes,
                 DataFormat format);
  /// From now on violations of class cb-window go to `reporter`, which throws them, notes them or drops them as the user
  /// chose; without a reporter they are thrown. Faults are thrown in any case.
  /// `on_buffer`: the pages are those of a sharded L1 buffer and hold data from the beginning: pops need no wait.
  void set_checks(checks::Reporter* reporter, bool on_buffer) {
    reporter_ = reporter;
    on_buffer_ = on_buffer;
  }

  [[nodiscard]] bool configured() const { return pages_ != 0; }
  [[nodiscard]] int id() const { return id_; }
  [[nodiscard]] const std::string& role() const { return role_; }
  [[nodiscard]] std::uint32_t pages() const { return pages_; }
  [[nodiscard]] std::uint32_t page_bytes() const { return page_bytes_; }
  [[nodiscard]] DataFormat format() const { return format_; }
  [[nodiscard]] std::uint32_t address() const { return address_; }
  /// Pushed and not popped. Hardware's counters have 16 bits, which shows once more was popped than pushed.
  [[nodiscard]] std::uint32_t held() const { return static_cast<std::uint16_t>(received_ - acked_); }
  /// As hardware computes it, in 16 bits, too.
  [[nodiscard]] std::uint32_t free() const { return static_cast<std::uint16_t>(pages_ - held()); }
  [[nodiscard]] std::uint64_t received() const { return received_; }
  [[nodiscard]] std::uint64_t acked() const { return acked_; }
  [[nodiscard]] std::uint32_t high_water() const { return high_water_; }
  [[nodiscard]] std::uint32_t reserved() const { return reserved_; }
  [[nodiscard]] std::uint32_t waited() const { return waited_; }
  [[nodiscard]] bool on_buffer() const { return on_buffer_; }

  /// Faults: more pages than the capacity ("CB capacity").
  [[nodiscard]] bool can_reserve(std::uint32_t count) const;
  [[nodiscard]] bool can_wait(std::uint32_t count) const;
  void reserve(std::uint32_t count);
  void wait(std::uint32_t count);
  /// Violations: more pages than are reserved; more than is free (class cb-count). Fault: past the end of the buffer ("CB
  /// wrap").
  void push(std::uint32_t count);
  /// Violations: more pages than were waited for, not looked for without a reporter; more than held (class cb-count). Fault:
  /// past the end of the buffer ("CB wrap").
  void pop(std::uint32_t count);

  [[nodiscard]] std::uint32_t read_pointer() const { return address_ + read_page_ * page_bytes_; }
  [[nodiscard]] std::uint32_t write_pointer() const { return address_ + write_page_ * page_bytes_; }

  /// Address of tile `index` from the front, for the unpacker. Violation: the tile was neither waited for nor reserved again
  /// after a pop. Fault ("CB window"): it is beyond the end of the buffer.
  [[nodiscard]] std::uint32_t tile_for_read(std::uint32_t index, const char* who) const {
    check_read(index, 1, who);
    return address_ + (read_page_ + index) * page_bytes_;
  }
  /// Address of tile `index` from the write pointer, for the packer. Violation: it was not reserved. Fault as above.
  [[nodiscard]] std::uint32_t tile_for_write(std::uint32_t index, const char* who) const {
    if (index >= reserved_ || std::uint64_t{write_page_} + index >= pages_) report_write(index, who);
    return address_ + (write_page_ + index) * page_bytes_;
  }
  /// Checks a run of tiles at once.
  void check_read(std::uint32_t first, std::uint32_t count, const char* who) const {
    const std::uint64_t end = std::uint64_t{first} + count;
    if (end > waited_ || read_page_ + end > pages_) look_at_read(end, who);
  }

  /// The packer's running tile index in the reserved window; push resets it (tensix.md 1.5).
  [[nodiscard]] std::uint32_t next_pack_index() { return pack_index_++; }
  /// Tiles that the packer has written by that index since the last push.
  [[nodiscard]] std::uint32_t packed() const { return pack_index_; }

  std::uint8_t pushed_by = 0;  ///< bit i: Risc i has pushed
  std::uint8_t popped_by = 0;
  std::optional<Risc> reserved_by, waited_by;  ///< who has done so last

  Fiber* waiting_producer = nullptr;  ///< blocked in reserve; woken by pop
  Fiber* waiting_consumer = nullptr;  ///< blocked in wait; woken by push

 private:
  void check_count(std::uint32_t count, const char* who) const;
  [[nodiscard]] std::string describe() const;
  void look_at_read(std::uint64_t end, const char* who) const;
  void report_write(std::uint32_t index, const char* who) const;

  int id_ = 0;
  std::string role_;
  std::uint32_t address_ = 0;
  std::uint32_t pages_ = 0;
  std::uint32_t page_bytes_ = 0;
  DataFormat format_ = DataFormat::bf16;
  std::uint64_t received_ = 0;  // pages since the program began
  std::uint64_t acked_ = 0;
  std::uint32_t write_page_ = 0;
  std::uint32_t read_page_ = 0;
  std::uint32_t reserved_ = 0;
  std::uint32_t waited_ = 0;
  std::uint32_t pack_index_ = 0;
  std::uint32_t high_water_ = 0;
  checks::Reporter* reporter_ = nullptr;
  bool on_buffer_ = false;
};

}  // namespace tilegrid
