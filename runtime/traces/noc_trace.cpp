// SPDX-License-Identifier: Apache-2.0
#include "runtime/traces/noc_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace tilegrid::traces {

using timing::Lane;

NocTrace::NocTrace(std::string path, const RunLog& log) : file_(std::move(path)), grid_(log.grid), cores_(grid_.cores()) {}

void NocTrace::started(const timing::Start& launch) {
  offset_ = launch.cycles;
  places_ = launch.chip.places();
}

void NocTrace::called(const timing::Call& call) {
  const EventKind kind = call.event.kind();
  const bool of_kernel = kind == EventKind::kernel_start || kind == EventKind::kernel_end;
  const bool of_noc = kind >= EventKind::noc_read && kind <= EventKind::semaphore_wait;
  if (!of_kernel && !of_noc) return;
  const auto at = [&](double cycles) { return std::llround(offset_ + cycles); };
  cores_[call.core][call.lane].push_back({call.event, at(call.begin), at(call.end)});
}

void NocTrace::put_line(std::string line) {
  file_.write(first_ ? "[\n" : ",\n");
  file_.write(line);
  first_ = false;
}

/// `place` is the part that all entries of a RISC share. Types are those that tt-npe simulates: a call with state or with a
/// transaction id is a plain one there, since the log has its target and size anyway.
void NocTrace::put(const std::string& place, const Entry& entry) {
  using namespace events;
  const auto noc = [](NocId id) { return id == NocId::noc0 ? "NOC_0" : "NOC_1"; };
  const auto transfer = [&](NocId id, PhysicalCore peer, const char* type, std::uint32_t bytes) {
    put_line(
        fmt::format("{},\"dx\":{},\"dy\":{},\"noc\":\"{}\",\"vc\":-1,\"type\":\"{}\",\"num_bytes\":{},\"timestamp\":{}}}",
                    place, peer.x, peer.y, noc(id), type, bytes, entry.begin));
  };
  const auto wait = [&](NocId id, const std::string& type, std::int64_t time) {
    put_line(fmt::format("{},\"noc\":\"{}\",\"vc\":-1,\"type\":\"{}\",\"num_bytes\":0,\"timestamp\":{}}}", place, noc(id),
                         type, time));
  };
  const auto barrier = [&](const auto& call, const std::string& type) {
    if (call.trid) return wait(call.noc, type + "_WITH_TRID", entry.begin);
    wait(call.noc, type + "_START", entry.begin);
    wait(call.noc, type + "_END", entry.end);
  };
  visit(entry.event,
        Cases{[&](const NocRead& call) { transfer(call.noc, call.peer, "READ", call.bytes); },
              [&](const NocWrite& call) {
                transfer(call.noc, call.peer, call.form == TransferForm::inlined ? "WRITE_INLINE" : "WRITE_", call.bytes);
              },
              [&](const NocMulticast& call) {
                const bool swapped = call.noc == NocId::noc1;  // as its registers want the corners
                const PhysicalCore first = swapped ? call.last : call.first;
                const PhysicalCore last = swapped ? call.first : call.last;
                put_line(
                    fmt::format("{},\"mcast_start_x\":{},\"mcast_start_y\":{},\"mcast_end_x\":{},\"mcast_end_y\":{},"
                                "\"noc\":\"{}\",\"vc\":-1,\"type\":\"WRITE_MULTICAST\",\"num_bytes\":{},\"timestamp\":{}}}",
                                place, first.x, first.y, last.x, last.y, noc(call.noc), call.bytes, entry.begin));
              },
              [&](const SemaphoreInc& call) { transfer(call.noc, call.peer, "SEMAPHORE_INC", 4); },
              [&](const SemaphoreSet&) { wait(NocId::noc0, "SEMAPHORE_SET", entry.begin); },
              [&](const SemaphoreWait&) { wait(NocId::noc0, "SEMAPHORE_WAIT", entry.begin); },
              [&](const ReadBarrier& call) { barrier(call, "READ_BARRIER"); },
              [&](const WriteBarrier& call) { barrier(call, "WRITE_BARRIER"); },
              [&](const AtomicBarrier& call) { wait(call.noc, "ATOMIC_BARRIER", entry.begin); },
              [&](const WritesFlushed& call) { wait(call.noc, "WRITE_FLUSH", entry.begin); }, [](const auto&) {}});
}

void NocTrace::finish() {
  std::vector<std::pair<PhysicalCore, int>> order;
  order.reserve(cores_.size());
  for (int core = 0; core < grid_.cores(); ++core) order.emplace_back(places_.physical_of(grid_.core(core)), core);
  std::sort(order.begin(), order.end(),
            [](const auto& a, const auto& b) { return std::pair(a.first.x, a.first.y) < std::pair(b.first.x, b.first.y); });
  for (const auto& [node, core] : order) {
    for (const Lane lane : {Lane::brisc, Lane::ncrisc}) {
      const char* name = timing::name_of(lane);
      const std::string place = fmt::format("{{\"proc\":\"{}\",\"sx\":{},\"sy\":{}", name, node.x, node.y);
      const auto zone = [&](const char* phase, std::int64_t time) {
        put_line(
            fmt::format("{},\"zone\":\"{}-KERNEL\",\"zone_phase\":\"{}\",\"timestamp\":{}}}", place, name, phase, time));
      };
      for (const Entry& entry : cores_[core][lane]) {
        if (entry.event.kind() == EventKind::kernel_start) zone("ZONE_START", entry.begin);
        if (entry.event.kind() == EventKind::kernel_end) zone("ZONE_END", entry.end);
        put(place, entry);
      }
    }
  }
  file_.write(first_ ? "[]\n" : "\n]\n");
  file_.finish();
}

}  // namespace tilegrid::traces
