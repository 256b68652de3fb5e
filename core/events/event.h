// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cassert>
#include <concepts>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "core/events/kinds.h"

namespace tilegrid {

/// The 24 bytes that an event is kept in. What they mean depends on the kind, and is known to the structs of namespace
/// events alone: everybody else makes events from these structs, and reads them by events::get and events::visit.
struct EventBits {
  EventKind kind{};
  std::uint8_t op = 0;
  std::uint8_t a = 0;
  std::uint8_t b = 0;
  std::uint32_t c = 0;
  std::uint32_t count = 0;
  std::uint32_t x = 0;
  std::uint32_t y = 0;
  std::uint32_t address = 0;
  friend bool operator==(const EventBits&, const EventBits&) = default;
};
static_assert(sizeof(EventBits) == 24 && std::has_unique_object_representations_v<EventBits>);

namespace events {

template <class T>
concept EventFields = requires {
  { T::kind } -> std::convertible_to<EventKind>;
};

namespace detail {

struct Packing {
  template <class Bits, class Member>
  constexpr void operator()(Bits& bits, const Member& member) const {
    bits = static_cast<Bits>(member);
  }
  template <class Bits>
  constexpr void operator()(Bits& bits, const PhysicalCore& node) const {
    bits = static_cast<Bits>(node.x) | static_cast<Bits>(node.y) << 8U;
  }
  template <class Bits>
  constexpr void operator()(Bits& bits, const std::optional<std::uint32_t>& id) const {
    bits = static_cast<Bits>(id ? *id + 1 : 0);
  }
  constexpr void halves(std::uint32_t& bits, std::uint32_t low, std::uint32_t high) const {
    bits = (low & 0xFFFFU) | high << 16U;
  }
};

struct Unpacking {
  template <class Bits, class Member>
  constexpr void operator()(const Bits& bits, Member& member) const {
    member = static_cast<Member>(bits);
  }
  template <class Bits>
  constexpr void operator()(const Bits& bits, PhysicalCore& node) const {
    node.x = bits & 0xFFU;
    node.y = bits >> 8U & 0xFFU;
  }
  template <class Bits>
  constexpr void operator()(const Bits& bits, std::optional<std::uint32_t>& id) const {
    if (bits != 0) id = bits - 1U;
  }
  constexpr void halves(std::uint32_t bits, std::uint32_t& low, std::uint32_t& high) const {
    low = bits & 0xFFFFU;
    high = bits >> 16U;
  }
};

/// Whether bytes that came from outside hold values that the enumerations have.
struct Testing {
  bool& good;
  template <class Bits, class Member>
  constexpr void operator()(const Bits& bits, const Member&) const {
    if constexpr (std::is_same_v<Member, Fidelity>) {
      good = good && bits >= to_underlying(Fidelity::lofi) && bits <= to_underlying(Fidelity::hifi4);
    } else if constexpr (std::is_enum_v<Member>) {
      good = good && bits < enum_size<Member>;
    } else if constexpr (std::is_same_v<Member, bool>) {
      good = good && bits <= 1;
    }
  }
  constexpr void halves(std::uint32_t, std::uint32_t, std::uint32_t) const {}
};

}  // namespace detail
}  // namespace events

/// One event of a log: made of a struct of namespace events.
class Event {
 public:
  constexpr Event() = default;
  template <events::EventFields Fields>
  constexpr Event(const Fields& fields) {  // NOLINT(google-explicit-constructor): an event is what its struct says
    bits_.kind = Fields::kind;
    Fields::fields(events::detail::Packing{}, bits_, fields);
  }
  /// From what bits() gave, maybe in another process.
  constexpr explicit Event(const EventBits& bits) : bits_(bits) {}

  [[nodiscard]] constexpr EventKind kind() const { return bits_.kind; }
  /// For who stores events, whatever they are.
  [[nodiscard]] constexpr const EventBits& bits() const { return bits_; }
  friend bool operator==(const Event&, const Event&) = default;

 private:
  EventBits bits_;
};

namespace events {

/// The event, which must be of this kind.
template <EventFields Fields>
[[nodiscard]] constexpr Fields get(const Event& event) {
  assert(event.kind() == Fields::kind);
  Fields fields{};
  Fields::fields(detail::Unpacking{}, event.bits(), fields);
  return fields;
}

namespace detail {

/// visit() for what the compute kernel does with its units.
template <class Visitor>
constexpr decltype(auto) visit_compute(const Event& event, Visitor& visitor) {
  switch (event.kind()) {
    case EventKind::dst_acquire:
      return visitor(get<DstAcquire>(event));
    case EventKind::dst_commit:
      return visitor(get<DstCommit>(event));
    case EventKind::dst_wait:
      return visitor(get<DstWait>(event));
    case EventKind::dst_release:
      return visitor(get<DstRelease>(event));
    case EventKind::matmul:
      return visitor(get<Matmul>(event));
    case EventKind::eltwise:
      return visitor(get<Eltwise>(event));
    case EventKind::dest_reuse:
      return visitor(get<DestReuse>(event));
    case EventKind::reduce:
      return visitor(get<Reduce>(event));
    case EventKind::copy:
      return visitor(get<Copy>(event));
    case EventKind::transpose:
      return visitor(get<Transpose>(event));
    case EventKind::vector:
      return visitor(get<Vector>(event));
    case EventKind::pack:
      return visitor(get<Pack>(event));
    case EventKind::configure:
      return visitor(get<Configure>(event));
    case EventKind::generate:
      return visitor(get<Generate>(event));
    case EventKind::zone:
      return visitor(get<Zone>(event));
    case EventKind::work:
      return visitor(get<Work>(event));
    case EventKind::scope:
      return visitor(get<Scope>(event));
    default:
      __builtin_unreachable();  // Event's constructors and load_log see to it
  }
}

}  // namespace detail

/// Calls the visitor with the event's struct.
template <class Visitor>
constexpr decltype(auto) visit(const Event& event, Visitor&& visitor) {
  switch (event.kind()) {
    case EventKind::kernel_start:
      return visitor(get<KernelStart>(event));
    case EventKind::kernel_end:
      return visitor(get<KernelEnd>(event));
    case EventKind::cb_reserve:
      return visitor(get<CbReserve>(event));
    case EventKind::cb_push:
      return visitor(get<CbPush>(event));
    case EventKind::cb_wait:
      return visitor(get<CbWait>(event));
    case EventKind::cb_pop:
      return visitor(get<CbPop>(event));
    case EventKind::noc_read:
      return visitor(get<NocRead>(event));
    case EventKind::noc_write:
      return visitor(get<NocWrite>(event));
    case EventKind::noc_multicast:
      return visitor(get<NocMulticast>(event));
    case EventKind::read_barrier:
      return visitor(get<ReadBarrier>(event));
    case EventKind::write_barrier:
      return visitor(get<WriteBarrier>(event));
    case EventKind::writes_flushed:
      return visitor(get<WritesFlushed>(event));
    case EventKind::atomic_barrier:
      return visitor(get<AtomicBarrier>(event));
    case EventKind::semaphore_set:
      return visitor(get<SemaphoreSet>(event));
    case EventKind::semaphore_inc:
      return visitor(get<SemaphoreInc>(event));
    case EventKind::semaphore_wait:
      return visitor(get<SemaphoreWait>(event));
    default:
      return detail::visit_compute(event, visitor);
  }
}

/// A visitor made of functions; one that takes `const auto&` is for all kinds that no other takes.
template <class... Functions>
struct Cases : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Cases(Functions...) -> Cases<Functions...>;

/// Whether an event from outside is one: its kind and the values of its enumerations are known.
[[nodiscard]] bool is_known(const EventBits& bits);

}  // namespace events
}  // namespace tilegrid
