// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "runtime/timing/network_model.h"
#include "runtime/timing/observer.h"
#include "runtime/timing/routes.h"

namespace tilegrid::timing {

/// Remembers of packets under way what their observer wants to know at the end, by the network's numbers of them.
class PacketWatch {
 public:
  PacketWatch(Observer& observer, const Routes& routes) : observer_(observer), routes_(routes) {}

  void issued(std::uint32_t index, const Request& request, double time) {
    if (index >= seen_.size()) seen_.resize(index + std::size_t{1});
    Seen& seen = seen_[index];
    seen.self = {request, time};
    seen.departed = 0;
    seen.joined.clear();
  }
  /// The response has become part of another packet's train.
  void joins(std::uint32_t index, std::uint32_t leader) { seen_[leader].joined.push_back(seen_[index].self); }
  void departed(std::uint32_t index, double time) { seen_[index].departed = time; }
  /// It is over, with what travelled with it.
  void over(std::uint32_t index, double arrived, double completed) {
    const Seen& seen = seen_[index];
    tell(seen.self, seen.departed, arrived, completed);
    for (const One& other : seen.joined) tell(other, seen.departed, arrived, completed);
  }
  void multicast(const Request& request, const Tree& tree, double issued, double departed, double arrived,
                 double completed) {
    const int from = routes_.node_of_core(request.core);
    Movement movement = movement_of({request, issued}, routes_.place(from), {});
    for (const Tree::Leaf& leaf : tree.leaves) movement.receivers.push_back(leaf.core);
    movement.target = routes_.place(routes_.node_of_core(movement.receivers.front()));
    set_times(movement, departed, arrived, completed);
    observer_.moved(movement);
  }

 private:
  struct One {
    Request request;
    double issued = 0;
  };
  struct Seen {
    One self;
    double departed = 0;
    std::vector<One> joined;
  };

  static Movement movement_of(const One& one, PhysicalCore source, PhysicalCore target) {
    const Request& request = one.request;
    return {.event = *request.event,
            .transfer = request.transfer,
            .core = request.core,
            .lane = request.risc == 0 ? Lane::brisc : Lane::ncrisc,
            .noc = static_cast<NocId>(request.noc),
            .bytes = request.bytes,
            .source = source,
            .target = target,
            .issued = one.issued};
  }
  static void set_times(Movement& movement, double departed, double arrived, double completed) {
    movement.departed = departed;
    movement.arrived = arrived;
    movement.completed = completed;
  }
  void tell(const One& one, double departed, double arrived, double completed) {
    const Request& request = one.request;
    const PhysicalCore own = routes_.place(routes_.node_of_core(request.core));
    const PhysicalCore peer = routes_.place(request.peer);
    const bool reads = request.transfer == Transfer::read;
    Movement movement = movement_of(one, reads ? peer : own, reads ? own : peer);
    movement.bank = routes_.bank_at(request.peer);
    const int receiver = reads ? request.core : routes_.core_at(request.peer);
    if (receiver >= 0) movement.receivers.push_back(receiver);
    set_times(movement, departed, arrived, completed);
    observer_.moved(movement);
  }

  Observer& observer_;
  const Routes& routes_;
  std::vector<Seen> seen_;
};

}  // namespace tilegrid::timing
