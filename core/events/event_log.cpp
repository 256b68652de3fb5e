// SPDX-License-Identifier: Apache-2.0
#include "core/events/event_log.h"

#include <fmt/format.h>

#include <map>

#include "core/matrix_unit.h"
#include "core/vector_unit.h"

namespace tilegrid {
namespace {

std::string node_text(std::uint32_t node) { return fmt::format("{}-{}", node & 0xFFU, (node >> 8U) & 0xFFU); }

const char* eltwise_name(std::uint8_t op) {
  constexpr const char* names[] = {"add", "sub", "mul"};
  return op < 3 ? names[op] : "?";
}

std::string vector_text(const Event& event) {
  const auto op = static_cast<VectorOp>(event.op);
  const char* name = event.op < vector_op_count ? name_of(op) : "?";
  std::string operands;
  if (op == VectorOp::copy_dst) operands = fmt::format(" of {}", event.b);
  if (operands_of(op) >= 2) operands = fmt::format(" of {}, {}", event.x & 0xFFFFU, event.b);
  if (operands_of(op) == 3) operands += fmt::format(", {}", event.x >> 16U);
  return fmt::format("{} {} dst {}{} mode {}", name_of(event.kind), name, event.a, operands, event.c);
}

}  // namespace

const char* name_of(EventKind kind) {
  constexpr std::array<const char*, event_kind_count> names = {
      "kernel_start",   "kernel_end",    "cb_reserve",    "cb_push",
      "cb_wait",        "cb_pop",        "noc_read",      "noc_write",
      "noc_multicast",  "read_barrier",  "write_barrier", "writes_flushed",
      "atomic_barrier", "semaphore_set", "semaphore_inc", "semaphore_wait",
      "dst_acquire",    "dst_commit",    "dst_wait",      "dst_release",
      "matmul",         "eltwise",       "dest_reuse",    "reduce",
      "copy",           "transpose",     "vector",        "pack",
      "configure",      "generate",      "zone"};
  return names[static_cast<std::size_t>(kind)];
}

const char* name_of(Zone zone) {
  constexpr std::array<const char*, zone_count> names = {"none", "qk",      "mask",      "max",  "exp",  "sum",
                                                         "pv",   "rescale", "normalise", "read", "write"};
  return names[static_cast<std::size_t>(zone)];
}

namespace {

/// Follows one sequence and collects what breaks a rule.
class SequenceCheck {
 public:
  SequenceCheck(std::string place, std::vector<std::string>& findings) : place_(std::move(place)), findings_(findings) {}

  void run(const EventSequence& events) {
    if (events.empty()) return;
    if (events.front().kind != EventKind::kernel_start) report("does not begin with kernel_start");
    if (events.back().kind != EventKind::kernel_end) report("does not end with kernel_end: the kernel did not finish");
    for (const Event& event : events) step(event);
    if (acquired_ || committed_ != 0) report("ends inside a DST section");
    for (std::size_t noc = 0; noc < noc_count; ++noc) {
      report_open(open_reads_[noc], noc, "reads", "without a barrier");
      report_open(open_writes_[noc], noc, "writes", "without a barrier or flush");
    }
  }
  std::map<int, std::int64_t> pushed;
  std::map<int, std::int64_t> popped;

 private:
  void step(const Event& event) {
    const auto noc = static_cast<std::size_t>(event.op % noc_count);
    switch (event.kind) {
      case EventKind::cb_push:
        pushed[event.a] += event.count;
        break;
      case EventKind::cb_pop:
        popped[event.a] += event.count;
        break;
      case EventKind::noc_read:
        ++open_reads_[noc][event.a];
        break;
      case EventKind::noc_write:
        ++open_writes_[noc][event.a];
        break;
      case EventKind::noc_multicast:
        ++open_writes_[noc][0];
        break;
      case EventKind::read_barrier:
        close(open_reads_[noc], event.a);
        break;
      case EventKind::write_barrier:
      case EventKind::writes_flushed:
        close(open_writes_[noc], event.a);
        break;
      case EventKind::dst_acquire:
        if (acquired_) report("dst_acquire inside a section");
        acquired_ = true;
        break;
      case EventKind::dst_commit:
        if (!acquired_) report("dst_commit outside of a section");
        acquired_ = false;
        ++committed_;
        break;
      case EventKind::dst_wait:
        if (committed_ == 0) report("dst_wait with nothing committed");
        break;
      case EventKind::dst_release:
        if (committed_ == 0) report("dst_release with nothing committed");
        --committed_;
        break;
      default:
        break;
    }
  }
  /// Transfers of a NoC by transaction id.
  using Open = std::map<int, int>;
  /// `which` as barriers hold it: transaction id + 1, or 0 for all.
  static void close(Open& open, int which) {
    if (which == 0) {
      open.clear();
    } else {
      open.erase(which - 1);
    }
  }
  void report_open(const Open& open, std::size_t noc, const char* what, const char* how) {
    int count = 0;
    for (const auto& [trid, transfers] : open) count += transfers;
    if (count != 0) report(fmt::format("{} {} on NoC {} {}", count, what, noc, how));
  }
  void report(const std::string& what) { findings_.push_back(place_ + ": " + what); }

  std::string place_;
  std::vector<std::string>& findings_;
  bool acquired_ = false;
  int committed_ = 0;
  std::array<Open, noc_count> open_reads_;
  std::array<Open, noc_count> open_writes_;
};

}  // namespace

namespace {

void check_launch(const LaunchLog& launch, GridSize grid, const std::string& prefix, std::vector<std::string>& findings) {
  for (std::size_t i = 0; i < launch.cores.size(); ++i) {
    const LogicalCore at = grid.core(static_cast<int>(i));
    const std::string core = fmt::format("{}core ({},{})", prefix, at.x, at.y);
    std::map<int, std::int64_t> balance;
    for (int risc = 0; risc < risc_count; ++risc) {
      SequenceCheck check(fmt::format("{} {}", core, name_of(static_cast<Risc>(risc))), findings);
      check.run(launch.cores[i].sequence(static_cast<Risc>(risc)));
      for (const auto& [cb, pages] : check.pushed) balance[cb] += pages;
      for (const auto& [cb, pages] : check.popped) balance[cb] -= pages;
    }
    for (const auto& [cb, pages] : balance) {
      if (pages < 0) findings.push_back(fmt::format("{}: CB {} has {} more pops than pushes", core, cb, -pages));
    }
  }
}

}  // namespace

std::vector<std::string> check_log(const RunLog& log) {
  std::vector<std::string> findings;
  for (const LaunchLog& launch : log.launches) {
    check_launch(launch, log.grid, log.launches.size() > 1 ? launch.name + ": " : "", findings);
  }
  return findings;
}

namespace {

std::string transfer_text(const Event& event) {
  std::string text = fmt::format("{} noc {} {} bytes ", name_of(event.kind), event.op, event.count);
  const bool multicast = event.kind == EventKind::noc_multicast;
  if (multicast) {
    text += fmt::format("nodes {} to {} offset {}{}{}", node_text(event.x), node_text(event.y), event.address,
                        event.a != 0 ? " linked" : "", event.b != 0 ? " loopback" : "");
  } else {
    text += fmt::format("node {} offset {}", node_text(event.x), event.address);
    if (event.a != 0) text += fmt::format(" trid {}", event.a);
    if (event.b == static_cast<std::uint8_t>(TransferForm::stateful)) text += " stateful";
    if (event.b == static_cast<std::uint8_t>(TransferForm::inlined)) text += " inline";
    if (event.y != 0) text += fmt::format(" local {}", event.y);
  }
  const std::uint32_t extra = extra_of(event);
  if (event.kind == EventKind::noc_read || extra == 0) return text;
  return text + fmt::format(" {} {}", event.count == sizeof extra ? "value" : "local", extra);
}

}  // namespace

std::string to_text(const Event& event) {
  const char* kind = name_of(event.kind);
  switch (event.kind) {
    case EventKind::cb_reserve:
    case EventKind::cb_push:
    case EventKind::cb_wait:
    case EventKind::cb_pop:
      return fmt::format("{} cb {} pages {}", kind, event.a, event.count);
    case EventKind::noc_read:
    case EventKind::noc_write:
    case EventKind::noc_multicast:
      return transfer_text(event);
    case EventKind::read_barrier:
    case EventKind::write_barrier:
    case EventKind::writes_flushed:
    case EventKind::atomic_barrier:
      return fmt::format("{} noc {}{}", kind, event.op, event.a != 0 ? fmt::format(" trid {}", event.a - 1) : "");
    case EventKind::semaphore_set:
    case EventKind::semaphore_inc:
      return fmt::format("{} {} node {} offset {}", kind, event.count, node_text(event.x), event.address);
    case EventKind::semaphore_wait:
      return fmt::format("{} {} {} offset {}", kind, event.op == 0 ? "==" : ">=", event.count, event.address);
    case EventKind::matmul:
      return fmt::format("{} {}x{} tiles, {} k steps, in0 cb {} in1 cb {}{} fidelity {} dst {}", kind, event.x & 0xFFFFU,
                         event.x >> 16U, event.count, event.a, event.b, event.c != 0 ? " transposed" : "", event.op,
                         event.y);
    case EventKind::eltwise:
      return fmt::format("{} {} cb {} cb {} broadcast {} tiles {} dst {}", kind, eltwise_name(event.op), event.a, event.b,
                         event.c, event.count, event.y);
    case EventKind::dest_reuse:
      return fmt::format("{} {} cb {} tiles {} dst {}", kind, eltwise_name(event.op), event.a, event.count, event.y);
    case EventKind::reduce:
      return fmt::format("{} {} dim {} cb {} scaler cb {} tiles {} dst {}", kind, event.op == 0 ? "max" : "sum", event.c,
                         event.a, event.b, event.count, event.y);
    case EventKind::copy:
    case EventKind::transpose:
      return fmt::format("{} cb {}{} tiles {} dst {}", kind, event.a,
                         event.c != 0 ? fmt::format(" broadcast {}", event.c) : "", event.count, event.y);
    case EventKind::vector:
      return vector_text(event);
    case EventKind::pack:
      return fmt::format("{} cb {} tiles {} dst {}{}", kind, event.a, event.count, event.y,
                         event.op != 0 ? " l1 accumulate" : "");
    case EventKind::configure:
      return fmt::format("{} {} cb {} cb {}", kind, event.op, event.a, event.b);
    case EventKind::generate:
      return fmt::format("{} cb {} {} bytes", kind, event.a, event.count);
    case EventKind::zone:
      return fmt::format("{} {}", kind, event.op < zone_count ? name_of(static_cast<Zone>(event.op)) : "?");
    default:
      return kind;
  }
}

}  // namespace tilegrid
