// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/chip/chip.h"
#include "core/events/event_log.h"
#include "noc/grid.h"
#include "runtime/timing/agenda.h"
#include "runtime/timing/device_time.h"
#include "runtime/timing/fabric.h"
#include "runtime/timing/observer.h"
#include "runtime/timing/pool.h"
#include "runtime/timing/routes.h"

namespace tilegrid::timing {

/// A word in a core's L1 that a packet changes.
struct SemaphoreUpdate {
  int core = 0;
  std::uint32_t address = 0;
  std::uint32_t value = 0;
  bool add = false;  ///< otherwise a write
};

/// A packet as a RISC issues it.
struct Request {
  const Event* event = nullptr;  ///< NocRead, NocWrite, NocMulticast or SemaphoreInc
  std::uint64_t key = 0;
  std::uint32_t bytes = 0;  ///< of this packet
  std::uint16_t core = 0;
  std::uint8_t risc = 0;
  std::uint8_t noc = 0;
  Transfer transfer{};
  std::uint8_t trid = 0;
  bool multicast = false;
  bool linked_before = false;  ///< the path of a linked chain is open
  std::int16_t from = 0;       ///< node; set by the network
  std::int16_t peer = 0;       ///< node; none of a multicast
};

/// Is told what the network has done, during issue() or in a later step.
class NetworkListener {
 public:
  /// The packet has entered the network, so the RISC may go on. Not called when issue() has already returned that time.
  virtual void entered(const Request& request, double time) = 0;
  /// A write has left its source entirely at `time`, which may be in the future.
  virtual void departed(const Request& request, double time) = 0;
  /// The transfer is over at `time`, which may be in the future. The waits are cycles that it spent in queues of the
  /// network and of DRAM.
  virtual void completed(const Request& request, double time, double noc_wait, double dram_wait) = 0;
  /// So many packets that travelled in the same train before this one are over as well; their waits are not told.
  virtual void completed_before(const Request& request, std::uint32_t packets) = 0;

 protected:
  ~NetworkListener() = default;
};

class PacketWatch;

/// The NIUs, DRAM channels and the network between. Read requests and acknowledgements are single flits on channels of
/// their own: they take time but no capacity. A multicast reserves the ports of its tree, all at once, and then crosses them
/// in step. A linked chain keeps that reservation, but its tree is one resource: the next packet starts when the last port
/// is free again. Responses of one NIU to another that wait for their turn travel together, as a train that is not much
/// longer than the longest packet. That changes the order among those that wait, not the load of the network, and where the
/// network is full it saves most of the work.
class Network final : private FabricListener {
 public:
  /// The observer may be null: nobody looks.
  Network(const Chip& chip, GridSize grid, Agenda& agenda, NetworkListener& listener, Observer* observer);
  ~Network();

  static constexpr double later = -1;
  /// The packet reaches its NIU at `time`. Returns when it enters the network, which is when the RISC may go on; `later`
  /// when that is not known yet.
  double issue(const Request& request, double time);
  // What the agenda has come to, by the names of the steps.
  void head(std::uint32_t worm, double time) { fabric_.head(worm, time); }
  void expect_head(std::uint32_t worm) const { fabric_.expect_head(worm); }
  void front(std::uint32_t worm, double time) { fabric_.front(worm, time); }
  void wake(std::uint32_t port, double time) { fabric_.woken(static_cast<std::uint16_t>(port), time); }
  void reaches_dram(std::uint32_t packet, double time) {
    packets_[packet].request.transfer == Transfer::read ? fetch(packet, time) : store(packet, time);
  }
  void ready(std::uint32_t packet, double time) {
    if (packets_[packet].bank >= 0) return fetched(packet);
    send(packet, time);
  }
  [[nodiscard]] const SemaphoreUpdate& update(std::uint32_t index) const { return updates_[index]; }
  void forget_update(std::uint32_t index) { updates_.give_back(index); }
  /// When the last transfer so far was over.
  [[nodiscard]] double last_completion() const { return last_completion_; }

  [[nodiscard]] std::uint32_t packet_bytes() const { return packet_bytes_; }
  /// Number of a node, for Request::peer. Throws UsageError for one that the torus does not have.
  [[nodiscard]] std::int16_t node(PhysicalCore place) const { return routes_.node(place); }
  /// Cycles to write the registers of a packet's command.
  template <EventKind K>
  [[nodiscard]] double issue_cycles(const events::UnicastEvent<K>& event) const {
    if (event.form == TransferForm::stateful) return stateful_issue_;
    return K == EventKind::noc_read ? read_issue_ : write_issue_;
  }
  [[nodiscard]] double issue_cycles(const events::NocMulticast&) const { return multicast_issue_; }
  [[nodiscard]] double issue_cycles(const events::SemaphoreInc&) const { return atomic_issue_; }
  double new_target_cycles, barrier_cycles;

  void report(LaunchTime& launch) const;
  /// Links that have carried anything.
  [[nodiscard]] std::vector<LinkTime> links() const;

 private:
  static constexpr std::uint32_t nothing = 0xFFFF'FFFF;
  /// Reads of a DRAM channel whose data are to come over a NoC, in order.
  struct Answers {
    std::uint32_t first = nothing, last = nothing;
    bool awaited = false;  ///< the first is in the agenda
  };
  struct Channel {
    double free = 0, busy = 0;
    std::uint64_t read = 0, written = 0;
    std::array<Answers, noc_count> answers;
  };
  /// Takes one cache line, since tens of thousands of reads may be under way.
  struct alignas(64) Packet {
    Request request;
    double entered = 0;            ///< when it asks for the network; of a train the last one
    double length = 0;             ///< cycles from head to tail
    double wait = 0;               ///< of a read for DRAM, of a write for the network
    std::uint32_t next = nothing;  ///< of the channel while it waits for data, then its worm
    std::int8_t bank = -1;         ///< DRAM bank of the peer
    std::uint8_t there = 0;        ///< links to the peer
    std::uint8_t back = 0;         ///< and from it
    std::uint8_t count = 1;        ///< packets of the train
  };
  static_assert(sizeof(Packet) == 64);

  void leaves(std::uint32_t index, double time, std::uint64_t key) override;
  void entered(std::uint32_t index, double time) override;
  void left(std::uint32_t index, double time) override;
  void arrived(std::uint32_t index, double time) override;

  [[nodiscard]] double flight(int noc, int from, int to) { return fabric_.flight(routes_.links(noc, from, to)); }
  [[nodiscard]] double flits(std::uint32_t bytes);
  double issue_read(std::uint32_t index, double time);
  double issue_write(std::uint32_t index, double time);
  double issue_multicast(const Request& request, double time);
  bool send(std::uint32_t index, double time);
  void fetch(std::uint32_t index, double time);
  void fetched(std::uint32_t index);
  void await(Answers& answers);
  double serve(const Packet& packet, double time);
  void store(std::uint32_t index, double time);
  bool joins_train(const Packet& packet, const Passage& passage);
  Channel& channel_of(const Packet& packet) { return channels_.at(static_cast<std::uint8_t>(packet.bank)); }
  Answers& answers_of(const Packet& packet) { return channel_of(packet).answers[packet.request.noc]; }
  std::uint32_t& train(const Packet& packet) {
    return trains_[routes_.index_of(packet.request.noc, packet.request.peer, packet.request.from)];
  }
  void land(const Request& request, int core, double time);
  void complete(const Request& request, double time, double noc_wait, double dram_wait);
  std::uint32_t new_packet(const Request& request);
  void add(Step step, std::uint32_t index, double time) { agenda_.add(time, packets_[index].request.key, index, step); }

  Agenda& agenda_;
  NetworkListener& listener_;
  Routes routes_;
  Fabric fabric_;
  std::uint32_t packet_bytes_;
  double flit_bytes_, gap_, read_flit_, write_flit_;
  double l1_access_, l1_commit_, multicast_setup_, multicast_unlinked_, multicast_answer_;
  double dram_rate_, dram_request_, dram_read_, dram_write_;
  double read_issue_, write_issue_, multicast_issue_, atomic_issue_, stateful_issue_;

  std::vector<Channel> channels_;      ///< of DRAM, by bank
  std::vector<std::uint32_t> trains_;  ///< by NoC, source and target: the train that waits, if any
  std::vector<double> chain_free_;     ///< by NoC and node: the tree of its last linked multicast
  Pool<Packet> packets_;
  Pool<SemaphoreUpdate> updates_;
  std::uint32_t flits_of_ = 0;  ///< bytes of the last answer of flits()
  double flits_ = 0;
  std::unique_ptr<PacketWatch> watch_;  ///< null when nobody looks
  bool issuing_ = false;                ///< what enters now does so within issue()
  double last_completion_ = 0;
  double bytes_times_hops_ = 0;
};

}  // namespace tilegrid::timing
