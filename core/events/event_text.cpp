// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/events/event_log.h"

namespace tilegrid {
namespace {

std::string node_text(PhysicalCore node) { return fmt::format("{}-{}", node.x, node.y); }

const char* text_of(EltwiseOp op) {
  constexpr EnumArray<EltwiseOp, const char*> names{"add", "sub", "mul"};
  return names[op];
}

const std::string& find_scope(std::span<const ScopeName> scopes, std::uint32_t id) {
  static const std::string unknown = "?";
  const auto found = std::lower_bound(scopes.begin(), scopes.end(), id,
                                      [](const ScopeName& scope, std::uint32_t wanted) { return scope.id < wanted; });
  return found != scopes.end() && found->id == id ? found->name : unknown;
}

/// What comes after the name of the kind, with a space before it.
struct Details {
  std::span<const std::string> phases;
  std::span<const ScopeName> scopes;

  template <EventKind K>
  std::string operator()(const events::PlainEvent<K>&) const {
    return {};
  }
  template <EventKind K>
  std::string operator()(const events::CbEvent<K>& e) const {
    return fmt::format(" cb {} pages {}", e.cb, e.pages);
  }
  template <EventKind K>
  std::string operator()(const events::UnicastEvent<K>& e) const {
    std::string text =
        fmt::format(" noc {} {} bytes node {} offset {}", to_underlying(e.noc), e.bytes, node_text(e.peer), e.offset);
    if (e.trid != 0) text += fmt::format(" trid {}", e.trid);
    if (e.form == TransferForm::stateful) text += " stateful";
    if (e.form == TransferForm::inlined) text += " inline";
    if (e.local != 0) text += fmt::format(" local {}", e.local);
    if (e.word != 0) text += fmt::format(" value {}", e.word);
    return text;
  }
  std::string operator()(const events::NocMulticast& e) const {
    const std::string text =
        fmt::format(" noc {} {} bytes nodes {} to {} offset {}{}{}", to_underlying(e.noc), e.bytes, node_text(e.first),
                    node_text(e.last), e.offset, e.linked ? " linked" : "", e.loopback ? " loopback" : "");
    if (e.word != 0) return text + fmt::format(" value {}", e.word);
    return e.local != 0 ? text + fmt::format(" local {}", e.local) : text;
  }
  template <EventKind K>
  std::string operator()(const events::BarrierEvent<K>& e) const {
    return fmt::format(" noc {}{}", to_underlying(e.noc), e.trid ? fmt::format(" trid {}", *e.trid) : "");
  }
  std::string operator()(const events::SemaphoreSet& e) const {
    return fmt::format(" {} node {} offset {}", e.value, node_text(e.node), e.offset);
  }
  std::string operator()(const events::SemaphoreInc& e) const {
    return fmt::format(" {} node {} offset {}", e.delta, node_text(e.peer), e.offset);
  }
  std::string operator()(const events::SemaphoreWait& e) const {
    return fmt::format(" {} {} offset {}", e.at_least ? ">=" : "==", e.value, e.offset);
  }
  std::string operator()(const events::Matmul& e) const {
    return fmt::format(" {}x{} tiles, {} k steps, in0 cb {} in1 cb {}{} fidelity {} dst {}", e.rows, e.columns, e.steps,
                       e.in0, e.in1, e.transpose ? " transposed" : "", to_underlying(e.fidelity), e.dst);
  }
  std::string operator()(const events::Eltwise& e) const {
    return fmt::format(" {} cb {} cb {} broadcast {} tiles {} dst {}", text_of(e.op), e.cb_a, e.cb_b,
                       to_underlying(e.broadcast), e.tiles, e.dst);
  }
  std::string operator()(const events::DestReuse& e) const {
    return fmt::format(" {} cb {} tiles {} dst {}", text_of(e.op), e.cb, e.tiles, e.dst);
  }
  std::string operator()(const events::Reduce& e) const {
    return fmt::format(" {} dim {} cb {} scaler cb {} tiles {} dst {}", e.pool == Pool::max ? "max" : "sum",
                       to_underlying(e.dim), e.cb, e.scaler, e.tiles, e.dst);
  }
  template <EventKind K>
  std::string operator()(const events::MoveEvent<K>& e) const {
    const std::string broadcast =
        e.broadcast != Broadcast::none ? fmt::format(" broadcast {}", to_underlying(e.broadcast)) : "";
    return fmt::format(" cb {}{} tiles {} dst {}", e.cb, broadcast, e.tiles, e.dst);
  }
  std::string operator()(const events::Vector& e) const {
    std::string operands;
    if (e.op == VectorOp::copy_dst) operands = fmt::format(" of {}", e.second);
    if (operands_of(e.op) >= 2) operands = fmt::format(" of {}, {}", e.first, e.second);
    if (operands_of(e.op) == 3) operands += fmt::format(", {}", e.third);
    return fmt::format(" {} dst {}{} mode {}", name_of(e.op), e.dst, operands, to_underlying(e.mode));
  }
  std::string operator()(const events::Pack& e) const {
    return fmt::format(" cb {} tiles {} dst {}{}", e.cb, e.tiles, e.dst, e.accumulate ? " l1 accumulate" : "");
  }
  std::string operator()(const events::Configure& e) const {
    return fmt::format(" {} cb {} cb {}", to_underlying(e.what), e.first, e.second);
  }
  std::string operator()(const events::Generate& e) const { return fmt::format(" cb {} {} bytes", e.cb, e.bytes); }
  std::string operator()(const events::Work& e) const {
    return fmt::format(" {} {}", e.steps, e.vector ? "vector instructions" : "blocks");
  }
  std::string operator()(const events::Zone& e) const {
    if (e.phase == 0) return " none";
    return e.phase <= phases.size() ? " " + phases[e.phase - std::size_t{1}] : " ?";
  }
  std::string operator()(const events::Scope& e) const {
    const std::string text = fmt::format(" {} {}", name_of(e.mark), find_scope(scopes, e.name));
    return e.mark == ScopeMark::value ? text + fmt::format(" = {}", e.value()) : text;
  }
};

}  // namespace

const char* name_of(EventKind kind) {
  constexpr EnumArray<EventKind, const char*> names = {
      "kernel_start",   "kernel_end",    "cb_reserve",    "cb_push",        "cb_wait",       "cb_pop",
      "noc_read",       "noc_write",     "noc_multicast", "read_barrier",   "write_barrier", "writes_flushed",
      "atomic_barrier", "semaphore_set", "semaphore_inc", "semaphore_wait", "dst_acquire",   "dst_commit",
      "dst_wait",       "dst_release",   "matmul",        "eltwise",        "dest_reuse",    "reduce",
      "copy",           "transpose",     "vector",        "pack",           "configure",     "generate",
      "zone",           "work",          "scope"};
  return names[kind];
}

const char* name_of(ScopeMark mark) {
  constexpr EnumArray<ScopeMark, const char*> names = {"begin", "end", "sum_begin", "sum_end", "value"};
  return names[mark];
}

std::string to_text(const Event& event, std::span<const std::string> phases, std::span<const ScopeName> scopes) {
  return name_of(event.kind()) + events::visit(event, Details{phases, scopes});
}

const std::string& LaunchLog::scope_name(std::uint32_t id) const { return find_scope(scopes, id); }

bool events::is_known(const EventBits& bits) {
  if (static_cast<int>(bits.kind) >= event_kind_count) return false;
  bool good = true;
  visit(Event(bits), [&]<class Fields>(const Fields& fields) { Fields::fields(detail::Testing{good}, bits, fields); });
  return good;
}

}  // namespace tilegrid
