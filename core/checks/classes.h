// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cereal/types/array.hpp>
#include <cstddef>
#include <cstdint>

#include "core/ids.h"

/// Checks of kernels: mistakes that an emulator could overlook and silicon punishes (tensix.md 1.3, 1.5, 4.1, 7).
namespace tilegrid::checks {

/// One kind of mistake, which can be set to off, warn or error. What there is to say of a class is in its row of class_rows,
/// and everything else - names, defaults, help, who looks for it, what a dry run leaves out - follows from there.
enum class Class : std::uint8_t {
  read_barrier,
  read_target,
  write_flush,
  kernel_end,
  linked_open,
  multicast_count,
  multicast_lone,
  alignment,
  cb_window,
  cb_owner,
  cb_count,
  cb_unknown,
  noc_target,
  kernel_argument,
  remote_slot,
  semaphore_state,
  semaphore_race,
  semaphore_passed,
  race,
  uninitialised_l1,
  uninitialised_dram,
  uninitialised_dst,
  dst_order,
  dst_dirty,
  format_reconfig,
  l1_acc_left,
  print_slice,
  end,
};
inline constexpr std::size_t class_count = to_underlying(Class::end);

enum class Severity : std::uint8_t {
  off,
  warn,   ///< the run goes on, what was found is printed at its end
  error,  ///< the run ends with exit code 2
};
[[nodiscard]] const char* name_of(Severity severity);

/// Where a class is seen; some are in several places.
enum Sees : std::uint8_t {
  by_unit = 1,   ///< by the emulated unit that is called: CB, DST, endpoint
  in_calls = 2,  ///< by what is remembered of earlier calls of the same RISC (core/checks/checker.h)
  in_logs = 4,   ///< in the logs of all cores, when the program is over (runtime/checks/races.h)
};

struct ClassRow {
  Class id{};
  const char* name = nullptr;
  Severity severity{};  ///< unless the user says otherwise: error for what silicon would corrupt or hang on
  unsigned sees = 0;    ///< of Sees
  bool needs_data = false;
  const char* summary = nullptr;
  /// A dry run moves no data, and keeps in its logs no place of what moved.
  [[nodiscard]] constexpr bool left_out_of_dry_runs() const { return needs_data || (sees & in_logs) != 0; }
};

inline constexpr std::array<ClassRow, class_count> class_rows = [] {
  using enum Severity;
  return std::array<ClassRow, class_count>{{
      {Class::read_barrier, "read-barrier", error, in_calls, false,
       "data of a read is pushed or sent on before noc_async_read_barrier"},
      {Class::read_target, "read-target", error, in_calls, true,
       "the target of a read is stored to, or waited on, before the barrier (plain loads of it are not seen)"},
      {Class::write_flush, "write-flush", error, in_calls, false,
       "the source of a write is popped, overwritten or changed before it is flushed"},
      {Class::kernel_end, "kernel-end", error, in_calls, false,
       "a kernel ends with reads, writes or atomics that no barrier has waited for"},
      {Class::linked_open, "linked-open", error, in_calls, false,
       "a linked multicast is not ended by an unlinked one, or a unicast comes in between"},
      {Class::multicast_count, "multicast-count", error, by_unit, false,
       "the number of destinations is not that of the cores which acknowledge"},
      {Class::multicast_lone, "multicast-lone", warn, by_unit, false,
       "a loopback multicast to the sender alone, or a multicast that leaves nobody: silicon may hang"},
      {Class::alignment, "alignment", error, by_unit, false,
       "source and destination of a transfer differ modulo 16 (32 for reads of DRAM)"},
      {Class::cb_window, "cb-window", error, in_calls, false,
       "push without reserve, pop without wait, access outside of the reserved or waited pages"},
      {Class::cb_owner, "cb-owner", error, in_calls, false, "two producers or two consumers of one circular buffer"},
      {Class::cb_count, "cb-count", error, by_unit, false,
       "more pages are pushed than are free, or popped than are held: the counters run away"},
      {Class::cb_unknown, "cb-unknown", error, by_unit, false, "a circular buffer is used that the host has not configured"},
      {Class::noc_target, "noc-target", error, by_unit, false,
       "a NoC address that leads to a node without memory that is emulated (a warning for kernels from files only)"},
      {Class::kernel_argument, "kernel-argument", error, by_unit, false,
       "a kernel reads an argument that the host has not set (a warning for kernels from files only)"},
      {Class::remote_slot, "remote-slot", error, in_logs, false,
       "a write into a CB slot of another core that its owner has not reserved"},
      {Class::semaphore_state, "semaphore-state", warn, in_calls, false,
       "a semaphore does not end with the value that it began with"},
      {Class::semaphore_race, "semaphore-race", error, in_logs, false,
       "a semaphore is set while an increment or another set may be under way"},
      {Class::semaphore_passed, "semaphore-passed", error, in_calls | in_logs, false,
       "a wait for one value that a later increment may pass before it is seen"},
      {Class::race, "race", error, in_logs, false, "two accesses to the same L1 bytes, one a write, that nothing orders"},
      {Class::uninitialised_l1, "uninitialised-l1", error, in_calls, true, "bytes of L1 are used that nobody has written"},
      {Class::uninitialised_dram, "uninitialised-dram", error, in_calls, true,
       "bytes of DRAM are read that nobody has written"},
      {Class::uninitialised_dst, "uninitialised-dst", error, by_unit, false,
       "the vector unit reads a DST slot that nothing wrote in this section"},
      {Class::dst_order, "dst-order", error, by_unit, false,
       "acquire, commit, wait and release out of order; DST used outside of its section"},
      {Class::dst_dirty, "dst-dirty", warn, by_unit, false,
       "matmul, or a multiplication, adds to what another operation left in the slot"},
      {Class::format_reconfig, "format-reconfig", error, in_calls, false,
       "unpacker or packer are set to another format than that of the CB"},
      {Class::l1_acc_left, "l1-acc-left", warn, in_calls, false, "a kernel ends with the packer's L1 accumulation on"},
      {Class::print_slice, "print-slice", warn, by_unit, false,
       "a kernel prints a part of a tile that it has neither waited for nor reserved"},
  }};
}();
static_assert(
    [] {
      for (std::size_t i = 0; i < class_count; ++i) {
        const ClassRow& row = class_rows[i];
        if (to_underlying(row.id) != i || row.name == nullptr || row.sees == 0 || row.summary == nullptr) return false;
      }
      return true;
    }(),
    "every class has a row, in the order of the enumeration");

[[nodiscard]] constexpr const ClassRow& row_of(Class c) { return class_rows[to_underlying(c)]; }
[[nodiscard]] constexpr const char* name_of(Class c) { return row_of(c).name; }

/// The severity of every class.
class Config {
 public:
  Config();  ///< the defaults
  [[nodiscard]] static Config all(Severity severity) {
    Config config;
    config.severities_.fill(severity);
    return config;
  }
  /// For programs of others, which silicon runs as they are: what it forgives is a warning, what it corrupts or hangs on an
  /// error as it always is. Memory that nobody wrote is left alone: it holds what the program or the host left there.
  [[nodiscard]] static Config wild();
  [[nodiscard]] Severity of(Class c) const { return severities_[to_underlying(c)]; }
  [[nodiscard]] bool on(Class c) const { return of(c) != Severity::off; }
  /// Whether a class is on that is seen there.
  [[nodiscard]] bool any(Sees there) const {
    return std::any_of(class_rows.begin(), class_rows.end(),
                       [&](const ClassRow& row) { return (row.sees & there) != 0 && on(row.id); });
  }
  /// For a run that moves no data.
  [[nodiscard]] Config without_data() const {
    Config config = *this;
    for (const ClassRow& row : class_rows) {
      if (row.needs_data) config.set(row.id, Severity::off);
    }
    return config;
  }
  Config& set(Class c, Severity severity) {
    severities_[to_underlying(c)] = severity;
    return *this;
  }

 private:
  std::array<Severity, class_count> severities_{};
};

}  // namespace tilegrid::checks
