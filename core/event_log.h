// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "core/types.h"

namespace tilegrid {

/// What a kernel did, in the terms that the device-time replay needs. The table says what the fields of Event hold.
///
///   kind             op            a         b         c          count     x               y            address
///   kernel_start     -             -         -         -          -         -               -            -
///   cb_reserve/push  -             cb        -         -          pages     -               -            -
///   cb_wait/pop      -             cb        -         -          pages     -               -            -
///   noc_read         noc           -         -         -          bytes     peer node       -            offset there
///   noc_write        noc           -         -         -          bytes     peer node       -            offset there
///   noc_multicast    noc           linked    loopback  -          bytes     first corner    last corner  offset there
///   read_barrier     noc           -         -         -          -         -               -            -
///   write_barrier, writes_flushed, atomic_barrier: as read_barrier
///   semaphore_set    -             -         -         -          value     own node        -            offset
///   semaphore_inc    noc           -         -         -          delta     peer node       -            offset there
///   semaphore_wait   0 ==, 1 >=    -         -         -          value     own node        -            offset
///   dst_*            -             -         -         -          -         -               -            -
///   matmul           fidelity      in0 cb    in1 cb    transpose  k steps   rt | ct << 16   first dst    -
///   eltwise          EltwiseOp     cb a      cb b      Broadcast  tiles     fidelity        dst          -
///   dest_reuse       EltwiseOp     cb        -         dst is a   tiles     fidelity        dst          -
///   reduce           Pool          cb in     cb scale  ReduceDim  tiles     fidelity        dst          -
///   copy, transpose  -             cb        -         Broadcast  tiles     -               dst          -
///   vector           VectorOp      dst       other     VectorMode tiles     operands        -            -
///   pack             0, 1 l1 acc   cb        relu      -          tiles     -               dst          -
///   configure        what          cb        cb        -          -         -               -            -
///   generate         -             cb        -         -          bytes     -               -            -
/// (generate: a RISC filled L1 by ordinary stores. vector: an operation of several DST tiles reads other, its second operand
/// or the source of copy_dst, and the operands first | third << 16)
///
/// Nodes are NoC 0 coordinates, x | y << 8. A DRAM peer's offset is within its bank.
enum class EventKind : std::uint8_t {
  kernel_start,
  kernel_end,
  cb_reserve,
  cb_push,
  cb_wait,
  cb_pop,
  noc_read,
  noc_write,
  noc_multicast,
  read_barrier,
  write_barrier,
  writes_flushed,
  atomic_barrier,
  semaphore_set,
  semaphore_inc,
  semaphore_wait,
  dst_acquire,
  dst_commit,
  dst_wait,
  dst_release,
  matmul,
  eltwise,
  dest_reuse,
  reduce,
  copy,
  transpose,
  vector,
  pack,
  configure,
  generate,
};
inline constexpr int event_kind_count = static_cast<int>(EventKind::generate) + 1;

struct Event {
  EventKind kind{};
  std::uint8_t op = 0;
  std::uint8_t a = 0;
  std::uint8_t b = 0;
  std::uint8_t c = 0;
  std::uint8_t unused[3] = {};
  std::uint32_t count = 0;
  std::uint32_t x = 0;
  std::uint32_t y = 0;
  std::uint32_t address = 0;
  friend bool operator==(const Event&, const Event&) = default;
};
static_assert(sizeof(Event) == 24);

[[nodiscard]] const char* name_of(EventKind kind);

/// The events of one core: one sequence for each of BRISC, NCRISC and the compute kernel (its three TRISCs share one
/// sequence in program order; the kind says which of them an event concerns).
class EventLog {
 public:
  void enable(bool on) { enabled_ = on; }
  [[nodiscard]] bool enabled() const { return enabled_; }
  void append(Risc risc, const Event& event) {
    if (enabled_) sequences_[static_cast<std::size_t>(risc)].push_back(event);
  }
  [[nodiscard]] const std::vector<Event>& sequence(Risc risc) const { return sequences_[static_cast<std::size_t>(risc)]; }
  [[nodiscard]] std::vector<Event>& sequence(Risc risc) { return sequences_[static_cast<std::size_t>(risc)]; }
  void clear() {
    for (auto& sequence : sequences_) sequence.clear();
  }

 private:
  bool enabled_ = true;
  std::array<std::vector<Event>, risc_count> sequences_;
};

/// All logs of a run, with what names them: what `--log FILE` stores.
struct RunLog {
  GridSize grid;
  std::string program;          ///< one line that describes the run
  std::vector<EventLog> cores;  ///< by core index
};

/// cereal portable binary with a magic word and a format version. Throws UsageError with the file's name on failure.
void save_log(const RunLog& log, const std::string& path);
/// Throws UsageError when the file is missing, not a log, of another version, cut short, or holds an unknown event.
[[nodiscard]] RunLog load_log(const std::string& path);
/// Checks what must hold in any complete log: kernels start and end, no CB has more pops than pushes,
/// acquire/commit/wait/release alternate, barriers close transfers. Returns one line per violation, none for a good log.
[[nodiscard]] std::vector<std::string> check_log(const RunLog& log);
/// One readable line for an event.
[[nodiscard]] std::string to_text(const Event& event);

}  // namespace tilegrid
