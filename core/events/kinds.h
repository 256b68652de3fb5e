// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "core/ids.h"
#include "core/matrix_unit.h"
#include "core/packer.h"
#include "core/types.h"
#include "core/vector_unit.h"

namespace tilegrid {

/// What a kernel did. Logs store the numbers: new kinds go to the end. Each has a struct below that says what is known of
/// it.
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
  zone,
  work,
  scope,
};
inline constexpr int event_kind_count = count_to(EventKind::scope);
template <>
inline constexpr int enum_size<EventKind> = event_kind_count;
[[nodiscard]] const char* name_of(EventKind kind);

/// Whether it moves data, or orders what several RISCs or transfers do.
[[nodiscard]] constexpr bool moves_or_orders(EventKind kind) {
  return kind >= EventKind::cb_reserve && kind <= EventKind::semaphore_wait;
}

/// How a transfer is issued.
enum class TransferForm : std::uint8_t {
  full,      ///< all registers of the command buffer are written
  stateful,  ///< the registers that *_set_state wrote are used again
  inlined,   ///< the data is in the command itself: noc_inline_dw_write
};
template <>
inline constexpr int enum_size<TransferForm> = count_to(TransferForm::inlined);

/// What a call configures.
enum class Configuration : std::uint8_t { startup, matmul, format, pack_format, l1_accumulate, relu, unpack_to_dst };
template <>
inline constexpr int enum_size<Configuration> = count_to(Configuration::unpack_to_dst);

/// What a kernel says of a zone that it names (events::Scope).
enum class ScopeMark : std::uint8_t {
  begin,
  end,
  sum_begin,  ///< of a zone whose times are to be added up
  sum_end,
  value,  ///< no zone: a number, noted when it was reached
};
template <>
inline constexpr int enum_size<ScopeMark> = count_to(ScopeMark::value);
[[nodiscard]] const char* name_of(ScopeMark mark);

/// The structs of events, one for each kind. `fields` pairs the members of a struct with bytes, for all directions at once:
/// what packs, what unpacks and what tests are the three links of namespace detail.
///
/// Nodes are NoC 0 coordinates. An offset in a DRAM peer is within its bank; `local` is the L1 offset of the own side, where
/// the log keeps these (EventLog::keep_local), else 0. A tile operation's `dst` is the first slot of its result.
///
/// Ids (a CB, a slot, a transaction id) are as wide here as those who call have them. The bytes hold 8 bits of an id and 16
/// of a block's side: the emulated units have refused what is longer before it comes to an event.
namespace events {

/// An event without anything to say.
template <EventKind K>
struct PlainEvent {
  static constexpr EventKind kind = K;
  template <class Link, class Bits, class Self>
  static constexpr void fields(const Link&, Bits&, Self&) {}
  friend bool operator==(const PlainEvent&, const PlainEvent&) = default;
};
using KernelStart = PlainEvent<EventKind::kernel_start>;
using KernelEnd = PlainEvent<EventKind::kernel_end>;
using DstAcquire = PlainEvent<EventKind::dst_acquire>;
using DstCommit = PlainEvent<EventKind::dst_commit>;
using DstWait = PlainEvent<EventKind::dst_wait>;
using DstRelease = PlainEvent<EventKind::dst_release>;

template <EventKind K>
struct CbEvent {
  static constexpr EventKind kind = K;
  std::uint32_t cb = 0;
  std::uint32_t pages = 0;
  template <class Link, class Bits, class Self>
  static constexpr void fields(const Link& link, Bits& bits, Self& self) {
    link(bits.a, self.cb);
    link(bits.count, self.pages);
  }
  friend bool operator==(const CbEvent&, const CbEvent&) = default;
};
using CbReserve = CbEvent<EventKind::cb_reserve>;
using CbPush = CbEvent<EventKind::cb_push>;
using CbWait = CbEvent<EventKind::cb_wait>;
using CbPop = CbEvent<EventKind::cb_pop>;

/// A read or write of one peer.
template <EventKind K>
struct UnicastEvent {
  static constexpr EventKind kind = K;
  NocId noc{};
  std::uint32_t trid = 0;  ///< transaction id
  TransferForm form{};
  std::uint32_t bytes = 0;
  PhysicalCore peer{};
  std::uint32_t local = 0;
  std::uint32_t offset = 0;  ///< at the peer
  std::uint32_t word = 0;    ///< what a write of 4 bytes to L1 wrote
  template <class Link, class Bits, class Self>
  static constexpr void fields(const Link& link, Bits& bits, Self& self) {
    link(bits.op, self.noc);
    link(bits.a, self.trid);
    link(bits.b, self.form);
    link(bits.c, self.word);
    link(bits.count, self.bytes);
    link(bits.x, self.peer);
    link(bits.y, self.local);
    link(bits.address, self.offset);
  }
  friend bool operator==(const UnicastEvent&, const UnicastEvent&) = default;
};
using NocRead = UnicastEvent<EventKind::noc_read>;
using NocWrite = UnicastEvent<EventKind::noc_write>;

/// A transfer of this size to L1 may set a semaphore, so that the log holds its value: what the replay and the race finder
/// go by.
inline constexpr std::uint32_t word_bytes = 4;

/// A write to all cores of a rectangle.
struct NocMulticast {
  static constexpr EventKind kind = EventKind::noc_multicast;
  NocId noc{};
  bool linked = false;    ///< the next multicast uses the same path
  bool loopback = false;  ///< the sender is among the receivers
  std::uint32_t bytes = 0;
  PhysicalCore first{}, last{};  ///< corners of the rectangle
  std::uint32_t offset = 0;
  std::uint32_t word = 0;   ///< what a multicast of 4 bytes wrote
  std::uint32_t local = 0;  ///< of any other
  template <class Link, class Bits, class Self>
  static constexpr void fields(const Link& link, Bits& bits, Self& self) {
    link(bits.op, self.noc);
    link(bits.a, self.linked);
    link(bits.b, self.loopback);
    link(bits.count, self.bytes);
    link(bits.c, self.bytes == word_bytes ? self.word : self.local);
    link(bits.x, self.first);
    link(bits.y, self.last);
    link(bits.address, self.offset);
  }
  friend bool operator==(const NocMulticast&, const NocMulticast&) = default;
};

/// A wait for transfers: for those of one transaction id, or for all.
template <EventKind K>
struct BarrierEvent {
  static constexpr EventKind kind = K;
  NocId noc{};
  std::optional<std::uint32_t> trid{};
  template <class Link, class Bits, class Self>
  static constexpr void fields(const Link& link, Bits& bits, Self& self) {
    link(bits.op, self.noc);
    link(bits.a, self.trid);
  }
  friend bool operator==(const BarrierEvent&, const BarrierEvent&) = default;
};
using ReadBarrier = BarrierEvent<EventKind::read_barrier>;
using WriteBarrier = BarrierEvent<EventKind::write_barrier>;
using WritesFlushed = BarrierEvent<EventKind::writes_flushed>;
using AtomicBarrier = BarrierEvent<EventKind::atomic_barrier>;

/// A semaphore of the own core gets a value by a store.
struct SemaphoreSet {
  static constexpr EventKind kind = EventKind::semaphore_set;
  std::uint32_t value = 0;
  PhysicalCore node{};
  std::uint32_t offset = 0;
  template <class Link, class Bits, class Self>
  static constexpr void fields(const Link& link, Bits& bits, Self& self) {
    link(bits.count, self.value);
    link(bits.x, self.node);
    link(bits.address, self.offset);
  }
  friend bool operator==(const SemaphoreSet&, const SemaphoreSet&) = default;
};

struct SemaphoreInc {
  static constexpr EventKind kind = EventKind::semaphore_inc;
  NocId noc{};
  std::uint32_t delta = 0;
  PhysicalCore peer{};
  std::uint32_t offset = 0;  ///< at the peer
  template <class Link, class Bits, class Self>
  static constexpr void fields(const Link& link, Bits& bits, Self& self) {
    link(bits.op, self.noc);
    link(bits.count, self.delta);
    link(bits.x, self.peer);
    link(bits.address, self.offset);
  }
  friend bool operator==(const SemaphoreInc&, const SemaphoreInc&) = default;
};

/// A wait until a semaphore of the own core has a value, or at least this.
struct SemaphoreWait {
  static constexpr EventKind kind = EventKind::semaphore_wait;
  bool at_least = false;
  std::uint32_t value = 0;
  PhysicalCore node{};
  std::uint32_t offset = 0;
  template <class Link, class Bits, class Self>
  static constexpr void fields(const Link& link, Bits& bits, Self& self) {
    link(bits.op, self.at_least);
    link(bits.count, self.value);
    link(bits.x, self.node);
    link(bits.address, self.offset);
  }
  friend bool operator==(const SemaphoreWait&, const SemaphoreWait&) = default;
};

/// `steps` steps over k of a block of rows x columns tile products.
struct Matmul {
  static constexpr EventKind kind = EventKind::matmul;
  Fidelity fidelity = Fidelity::lofi;
  std::uint32_t in0 = 0, in1 = 0;  ///< CBs
  bool transpose = false;          ///< of in1
  std::uint32_t steps = 0;
  std::uint32_t rows = 0, columns = 0;
  std::uint32_t dst = 0;
  template <class Link, class Bits, class Self>
  static constexpr void fields(const Link& link, Bits& bits, Self& self) {
    link(bits.op, self.fidelity);
    link(bits.a, self.in0);
    link(bits.b, self.in1);
    link(bits.c, self.transpose);
    link(bits.count, self.steps);
    link.halves(bits.x, self.rows, self.columns);
    link(bits.y, self.dst);
  }
  friend bool operator==(const Matmul&, const Matmul&) = default;
};

struct Eltwise {
  static constexpr EventKind kind = EventKind::eltwise;
  EltwiseOp op{};
  std::uint32_t cb_a = 0, cb_b = 0;
  Broadcast broadcast{};
  std::uint32_t tiles = 0;
  Fidelity fidelity = Fidelity::lofi;
  std::uint32_t dst = 0;
  template <class Link, class Bits, class Self>
  static constexpr void fields(const Link& link, Bits& bits, Self& self) {
    link(bits.op, self.op);
    link(bits.a, self.cb_a);
    link(bits.b, self.cb_b);
    link(bits.c, self.broadcast);
    link(bits.count, self.tiles);
    link(bits.x, self.fidelity);
    link(bits.y, self.dst);
  }
  friend bool operator==(const Eltwise&, const Eltwise&) = default;
};

/// An element-wise operation of a DST tile, which the result replaces, and a tile of a CB.
struct DestReuse {
  static constexpr EventKind kind = EventKind::dest_reuse;
  EltwiseOp op{};
  std::uint32_t cb = 0;
  bool dst_is_a = false;
  std::uint32_t tiles = 0;
  Fidelity fidelity = Fidelity::lofi;
  std::uint32_t dst = 0;
  template <class Link, class Bits, class Self>
  static constexpr void fields(const Link& link, Bits& bits, Self& self) {
    link(bits.op, self.op);
    link(bits.a, self.cb);
    link(bits.c, self.dst_is_a);
    link(bits.count, self.tiles);
    link(bits.x, self.fidelity);
    link(bits.y, self.dst);
  }
  friend bool operator==(const DestReuse&, const DestReuse&) = default;
};

struct Reduce {
  static constexpr EventKind kind = EventKind::reduce;
  Pool pool{};
  ReduceDim dim{};
  std::uint32_t cb = 0, scaler = 0;
  std::uint32_t tiles = 0;
  Fidelity fidelity = Fidelity::lofi;
  std::uint32_t dst = 0;
  template <class Link, class Bits, class Self>
  static constexpr void fields(const Link& link, Bits& bits, Self& self) {
    link(bits.op, self.pool);
    link(bits.a, self.cb);
    link(bits.b, self.scaler);
    link(bits.c, self.dim);
    link(bits.count, self.tiles);
    link(bits.x, self.fidelity);
    link(bits.y, self.dst);
  }
  friend bool operator==(const Reduce&, const Reduce&) = default;
};

/// Tiles of a CB to DST: a copy, with or without broadcast, or a transpose.
template <EventKind K>
struct MoveEvent {
  static constexpr EventKind kind = K;
  std::uint32_t cb = 0;
  Broadcast broadcast{};
  std::uint32_t tiles = 0;
  std::uint32_t dst = 0;
  template <class Link, class Bits, class Self>
  static constexpr void fields(const Link& link, Bits& bits, Self& self) {
    link(bits.a, self.cb);
    link(bits.c, self.broadcast);
    link(bits.count, self.tiles);
    link(bits.y, self.dst);
  }
  friend bool operator==(const MoveEvent&, const MoveEvent&) = default;
};
using Copy = MoveEvent<EventKind::copy>;
using Transpose = MoveEvent<EventKind::transpose>;

/// An operation of the vector unit. One with several operands reads the slots first, second and third, as many as it has;
/// copy_dst reads second.
struct Vector {
  static constexpr EventKind kind = EventKind::vector;
  VectorOp op{};
  VectorMode mode{};
  std::uint32_t dst = 0;
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  std::uint32_t third = 0;
  std::uint32_t tiles = 0;
  bool checked = false;  ///< inputs are tested for their range first
  template <class Link, class Bits, class Self>
  static constexpr void fields(const Link& link, Bits& bits, Self& self) {
    link(bits.op, self.op);
    link(bits.a, self.dst);
    link(bits.b, self.second);
    link(bits.c, self.mode);
    link(bits.count, self.tiles);
    link.halves(bits.x, self.first, self.third);
    link(bits.y, self.checked);
  }
  friend bool operator==(const Vector&, const Vector&) = default;
};

struct Pack {
  static constexpr EventKind kind = EventKind::pack;
  bool accumulate = false;  ///< adds to what is in L1
  std::uint32_t cb = 0;
  ReluMode relu{};
  std::uint32_t tiles = 0;
  std::uint32_t dst = 0;
  template <class Link, class Bits, class Self>
  static constexpr void fields(const Link& link, Bits& bits, Self& self) {
    link(bits.op, self.accumulate);
    link(bits.a, self.cb);
    link(bits.b, self.relu);
    link(bits.count, self.tiles);
    link(bits.y, self.dst);
  }
  friend bool operator==(const Pack&, const Pack&) = default;
};

struct Configure {
  static constexpr EventKind kind = EventKind::configure;
  Configuration what{};
  std::uint32_t first = 0, second = 0;  ///< CBs, or the setting
  template <class Link, class Bits, class Self>
  static constexpr void fields(const Link& link, Bits& bits, Self& self) {
    link(bits.op, self.what);
    link(bits.a, self.first);
    link(bits.b, self.second);
  }
  friend bool operator==(const Configure&, const Configure&) = default;
};

/// A RISC filled pages of a CB by ordinary stores.
struct Generate {
  static constexpr EventKind kind = EventKind::generate;
  std::uint32_t cb = 0;
  std::uint32_t bytes = 0;
  template <class Link, class Bits, class Self>
  static constexpr void fields(const Link& link, Bits& bits, Self& self) {
    link(bits.a, self.cb);
    link(bits.count, self.bytes);
  }
  friend bool operator==(const Generate&, const Generate&) = default;
};

/// What follows belongs to a phase of the program, until the next zone. Phase i is the program's i-th name, from 1 on
/// (LaunchLog::phases); 0 is none.
struct Zone {
  static constexpr EventKind kind = EventKind::zone;
  std::uint8_t phase = 0;
  template <class Link, class Bits, class Self>
  static constexpr void fields(const Link& link, Bits& bits, Self& self) {
    link(bits.op, self.phase);
  }
  friend bool operator==(const Zone&, const Zone&) = default;
};

/// Work of a kernel between its calls, which no other event tells of.
struct Work {
  static constexpr EventKind kind = EventKind::work;
  bool vector = false;      ///< instructions of the vector unit, of 32 lanes each; else basic blocks of a RISC
  std::uint32_t steps = 0;  ///< how many
  template <class Link, class Bits, class Self>
  static constexpr void fields(const Link& link, Bits& bits, Self& self) {
    link(bits.op, self.vector);
    link(bits.count, self.steps);
  }
  friend bool operator==(const Work&, const Work&) = default;
};

/// A zone that a kernel names itself begins or ends (DeviceZoneScopedN), or it notes a number (DeviceTimestampedData): for
/// timelines and profiles. Takes no time. Of the compute kernel each of the three TRISCs passes it, at its own time.
struct Scope {
  static constexpr EventKind kind = EventKind::scope;
  ScopeMark mark{};
  std::uint32_t name = 0;           ///< of one of LaunchLog::scopes
  std::uint32_t low = 0, high = 0;  ///< of the number
  template <class Link, class Bits, class Self>
  static constexpr void fields(const Link& link, Bits& bits, Self& self) {
    link(bits.op, self.mark);
    link(bits.c, self.name);
    link(bits.x, self.low);
    link(bits.y, self.high);
  }
  [[nodiscard]] constexpr std::uint64_t value() const { return std::uint64_t{high} << 32U | low; }
  friend bool operator==(const Scope&, const Scope&) = default;
};

}  // namespace events
}  // namespace tilegrid
