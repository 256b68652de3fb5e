// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/checks/reporter.h"
#include "core/circular_buffer.h"
#include "core/format.h"

namespace tilegrid {
struct Core;
}  // namespace tilegrid

namespace tilegrid::checks {

/// A source register of the matrix unit, each with an unpacker and its format (tensix.md 2.1).
enum class Source : std::uint8_t { a, b };

/// What the checks must remember of a core between calls: transfers under way, who uses which circular buffer, the formats
/// that unpacker and packer are set to. A core has a Checker only when a class that needs it is on (Core::checker); the
/// kernel API calls it before it acts.
///
/// A finding here follows from the calls of one RISC alone, in their order, and so does not depend on how kernels are
/// scheduled. What several RISCs or cores do to each other is found in the logs afterwards (runtime/checks/).
class Checker {
 public:
  explicit Checker(Core& core);

  /// Whether a class that needs it is on.
  [[nodiscard]] static bool needed(const Config& config) { return config.any(in_calls); }

  // ---- Transfers (checker_transfers.cpp). L1 offsets and bytes of the own side.
  void read(Risc risc, NocId noc, unsigned trid, std::uint32_t offset, std::uint32_t bytes);
  void write(Risc risc, NocId noc, unsigned trid, std::uint32_t offset, std::uint32_t bytes);
  /// A write whose data is in the command itself.
  void write_word(Risc risc, NocId noc, unsigned trid);
  void multicast(Risc risc, NocId noc, unsigned trid, std::uint32_t offset, std::uint32_t bytes, bool linked);
  void atomic(Risc risc, NocId noc, unsigned trid);
  /// The data of reads is about to land at their barrier; then they have. Without `trid`: of all transaction ids.
  void reads_landing(Risc risc, NocId noc, std::optional<unsigned> trid = {});
  /// A part of a read is about to land before its barrier.
  void lands_early(Risc risc, std::uint32_t offset, std::uint32_t bytes);
  /// Barriers have completed.
  void reads_done(Risc risc, NocId noc, std::optional<unsigned> trid = {});
  void writes_flushed(Risc risc, NocId noc, std::optional<unsigned> trid = {});
  void writes_done(Risc risc, NocId noc, std::optional<unsigned> trid = {});
  void atomics_done(Risc risc, NocId noc, std::optional<unsigned> trid = {});
  void kernel_end(Risc risc);
  /// The program ends while the kernel is in the call `in`: what its next barrier or its end would have found.
  void stopped(const Place& in);

  // ---- Circular buffers (checker_buffers.cpp). Before the buffer's counters move.
  void reserve(Risc risc, const CircularBuffer& cb);
  void push(Risc risc, const CircularBuffer& cb, std::uint32_t pages);
  void wait(Risc risc, const CircularBuffer& cb);
  void pop(Risc risc, const CircularBuffer& cb, std::uint32_t pages);

  // ---- Compute (checker_compute.cpp)
  void set_unpack(DataFormat a, DataFormat b) { unpack_ = {a, b}; }
  void set_pack(DataFormat format) { pack_ = format; }
  /// All three: of both unpackers, then of the packer; none: not set yet.
  using Formats = std::array<std::optional<DataFormat>, 3>;
  [[nodiscard]] Formats formats() const { return {unpack_[0], unpack_[1], pack_}; }
  void set_formats(const Formats& formats) {
    unpack_ = {formats[0], formats[1]};
    pack_ = formats[2];
  }
  /// The unpacker takes a tile of the buffer to a source register.
  void unpack(Source source, const CircularBuffer& cb, const char* who);
  /// What is in `bytes` of L1 from `address` on is used.
  void use(std::uint32_t address, std::uint32_t bytes, const char* who) {
    if (looks_at_memory_) look_at(address, bytes, who);
  }
  /// As above for tile `index` from the front of a buffer, which lies at `address`. What was pushed once is looked at once,
  /// however often it is used until it is popped.
  void use_tile(const CircularBuffer& cb, std::uint32_t index, std::uint32_t address, const char* who) {
    if (looks_at_memory_ && !looked_at(cb, index)) look_at(address, cb.page_bytes(), who);
  }
  void pack(const CircularBuffer& cb, std::uint32_t address, bool accumulate);

  // ---- Semaphores: the last call that used one, for a finding at the end of the program.
  /// Before it gets its value.
  void set_semaphore(Risc risc, std::uint32_t offset, std::uint32_t value);
  /// `exact`: until it has this value and no other.
  void wait_semaphore(Risc risc, std::uint32_t offset, std::optional<std::uint32_t> exact);
  /// What the RISC's last wait was for, if it was for one value only.
  [[nodiscard]] std::optional<std::uint32_t> exact_wait(Risc risc) const { return riscs_[risc].exact; }
  [[nodiscard]] Place last_use_of_semaphore(int id) const { return semaphores_.at(id); }

 private:
  /// Of bytes of L1; equal for equal bytes, and made longer as more bytes come.
  class Sum {
   public:
    void add(const std::byte* memory, std::size_t bytes);
    /// Whether add() may go on: whole stripes so far.
    [[nodiscard]] static bool may_go_on(std::size_t bytes) { return bytes % sizeof sums_ == 0; }
    friend bool operator==(const Sum&, const Sum&) = default;

   private:
    std::array<std::uint64_t, 8> sums_{};  ///< simd::StripeSums, whose header is not installed
    std::uint64_t stripes_ = 0;
  };
  struct Transfer {
    std::uint32_t first = 0;  ///< L1 offsets
    std::uint32_t end = 0;
    NocId noc{};
    unsigned trid = 0;
    Sum sum;                ///< of a write's source or a read's target, when it was issued
    bool compared = false;  ///< its target may have changed rightly since
    Place at;
    [[nodiscard]] bool is_of(NocId of_noc, std::optional<unsigned> of_trid) const {
      return noc == of_noc && (!of_trid || trid == *of_trid);
    }
  };
  /// The transfers of a kind that one RISC has under way, and the range that holds them all.
  struct UnderWay {
    std::vector<Transfer> list;
    std::uint32_t first = ~0U;
    std::uint32_t end = 0;
    void add(const Transfer& transfer);
    void remove(NocId noc, std::optional<unsigned> trid);
    [[nodiscard]] const Transfer* overlapping(std::uint32_t from, std::uint32_t to) const;
  };
  /// Transfers of a NoC and a transaction id that are not acknowledged, and the last of them.
  struct Unacknowledged {
    std::uint64_t count = 0;
    Place last;
  };
  static constexpr std::size_t trids = 16;  // tensix.md 4.1
  using ByNoc = EnumArray<NocId, std::array<Unacknowledged, trids>>;
  struct OfRisc {
    UnderWay reads;
    UnderWay sources;  ///< of writes that are not flushed
    ByNoc writes;
    ByNoc atomics;
    EnumArray<NocId, Place> linked;  ///< the multicast that keeps its path, line 0: none
    std::optional<std::uint32_t> exact;
  };
  struct User {
    bool known = false;
    bool moved = false;  ///< pushed or popped, and not waited only
    Place at;
  };
  struct Users {
    User producer;
    User consumer;
  };

  void look_at(std::uint32_t address, std::uint32_t bytes, const char* who);
  /// Whether this tile was asked for before since it was pushed; never so of tiles that nobody has waited for.
  [[nodiscard]] bool looked_at(const CircularBuffer& cb, std::uint32_t index);
  [[nodiscard]] OfRisc& of(Risc risc) { return riscs_[risc]; }
  static void begin(ByNoc& under_way, NocId noc, unsigned trid, const Place& at);
  static void acknowledge(ByNoc& under_way, NocId noc, std::optional<unsigned> trid);
  void check_linked(OfRisc& own, NocId noc, const char* what);
  void add_write(Risc risc, NocId noc, unsigned trid, std::uint32_t offset, std::uint32_t bytes);
  /// Whether the bytes of a transfer are no longer those that were there when it was issued.
  [[nodiscard]] bool changed(const Transfer& transfer) const;
  [[nodiscard]] Fault source_changed(const Transfer& write, const std::string& until);
  [[nodiscard]] Fault target_changed(const Transfer& read, const std::string& until);
  void check_source(const Transfer& write);
  void check_target(Transfer& read);
  void check_word(Risc risc, std::uint32_t offset, const char* call, std::optional<std::uint32_t> value);
  void check_landed(const Transfer& read);
  void end_with(Class c, const Place& issued, const char* what, const char* barrier);
  void check_user(User& user, Risc risc, bool moves, const CircularBuffer& cb, bool producer);
  /// The buffer that has all of these bytes, null when none has.
  [[nodiscard]] const CircularBuffer* buffer_at(std::uint32_t offset, std::uint32_t bytes);
  void check_window(Risc risc, std::uint32_t offset, std::uint32_t bytes, bool producer, const char* who);
  [[nodiscard]] Sum sum_of(std::uint32_t first, std::uint32_t end) const;
  void use_semaphore(std::uint32_t offset);

  Core& core_;
  Reporter& reporter_;
  bool looks_at_memory_;  ///< uninitialised-l1 is on
  EnumArray<Risc, OfRisc> riscs_;
  std::vector<Users> users_;  ///< by CB
  std::size_t last_buffer_ = 0;
  std::vector<std::vector<std::uint64_t>> looked_;  ///< by CB and page: pages pushed until with the one that was looked at
  std::array<std::optional<DataFormat>, 2> unpack_;
  std::optional<DataFormat> pack_;
  std::array<Place, 16> semaphores_{};
};

}  // namespace tilegrid::checks
