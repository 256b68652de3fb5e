// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/event_log.h"
#include "noc/grid.h"
#include "runtime/replay/agenda.h"
#include "runtime/replay/architecture.h"
#include "runtime/replay/device_time.h"
#include "runtime/replay/link.h"

namespace tilegrid::replay {

enum class Transfer : std::uint8_t { read, write, atomic };
inline constexpr int transfer_count = 3;

/// A word in a core's L1 that a packet changes.
struct SemaphoreUpdate {
  int core = 0;
  std::uint32_t address = 0;
  std::uint32_t value = 0;
  bool add = false;  ///< otherwise a write, of a value that the log does not have
};

/// A packet as a RISC issues it.
struct Request {
  int core = 0;
  int risc = 0;
  int noc = 0;
  Transfer transfer{};
  bool multicast = false;
  bool linked_before = false;  ///< the path of a linked chain is open
  std::uint32_t bytes = 0;     ///< of this packet, at most one packet's
  std::uint64_t key = 0;
  const Event* event = nullptr;
};

/// Who hears what the network has done.
class NetworkListener {
 public:
  virtual void completed(int core, int risc, Transfer transfer, int noc, double time, double noc_wait, double dram_wait) = 0;

 protected:
  ~NetworkListener() = default;
};

/// Both tori, the NIUs and the DRAM channels. Each link, NIU port and channel serves in the order of the agenda (but see
/// Link); a packet occupies a link for its flits. One that has to wait further on does not hold up others behind it. So
/// simple, the model meets measured all-to-all writes and DRAM reads and writes of all cores (tensix.md 4.3, 4.5) better
/// than with wormhole blocking. Read requests and acknowledgements are single flits on channels of their own: they take
/// time but no capacity.
class Network {
 public:
  Network(const Architecture& architecture, GridSize grid, Agenda& agenda, NetworkListener& listener);

  /// The packet reaches its NIU at `time`. Returns when it leaves, which is when the RISC may go on.
  double issue(const Request& request, double time);
  /// When the packet issued last has left its source entirely.
  [[nodiscard]] double departed() const { return departed_; }
  void handle(const Appointment& appointment);
  [[nodiscard]] const SemaphoreUpdate& update(std::uint32_t index) const { return updates_[index]; }
  void forget_update(std::uint32_t index) { free_updates_.push_back(index); }

  [[nodiscard]] std::uint32_t packet_bytes() const { return packet_bytes_; }
  [[nodiscard]] double issue_cycles(EventKind kind) const;
  double new_target_cycles, barrier_cycles;

  void report(LaunchTime& launch) const;

 private:
  static constexpr int nodes = noc::noc_size.x * noc::noc_size.y;
  /// Ports of a node: links by noc::Direction, then from and to its NIU.
  static constexpr int port_inject = 4, port_eject = 5, ports = 6;
  struct Channel {
    double free = 0, busy = 0;
    std::uint64_t read = 0, written = 0;
  };
  /// The links that a multicast takes, each once: the union of the routes to its destinations.
  struct Tree {
    struct Branch {
      std::uint16_t link = 0;
      std::int16_t hop = 0;  ///< links before this one
    };
    struct Leaf {
      int core = 0;
      int hops = 0;
    };
    std::vector<Branch> branches;
    std::vector<Leaf> leaves;
    int farthest = 0;     ///< hops to the last leaf
    double way_back = 0;  ///< longest flight of an acknowledgement
  };
  struct Packet {
    Request request;
    int from = 0, peer = 0;
    int bank = -1;  ///< DRAM bank of the peer
    double noc_wait = 0, dram_wait = 0;
    double length = 0;  ///< cycles from head to tail
    double tail = 0;
    const Tree* tree = nullptr;
  };
  struct Arrival {
    double head = 0, wait = 0;
  };

  [[nodiscard]] static std::size_t port(int noc, int node, int port) {
    return static_cast<std::size_t>((noc * nodes + node) * ports + port);
  }
  [[nodiscard]] int node_of(std::uint32_t packed) const;
  std::span<const std::uint16_t> route(int noc, int from, int to);
  [[nodiscard]] double flight(int noc, int from, int to);
  const Tree& tree(const Request& request, int from);
  [[nodiscard]] double flits(std::uint32_t bytes) const;
  double inject(Packet& packet, int node, double time, double length);
  Arrival travel(int noc, int from, int to, double start, double occupied, std::uint32_t bytes, bool dynamic);
  double serve(Packet& packet, double time);
  void serve_write(std::uint32_t index, double time);
  void ready(std::uint32_t index, double time);
  void depart(std::uint32_t index, double time);
  void depart_read(Packet& packet, double time);
  void depart_write(std::uint32_t index, double time);
  void depart_multicast(Packet& packet, double time);
  void land(const Packet& packet, int core, double time);
  void complete(std::uint32_t index, double time);
  void complete(const Packet& packet, double time);
  void add(Step step, std::uint32_t index, double time);
  std::uint32_t new_packet(const Request& request);

  Agenda& agenda_;
  NetworkListener& listener_;
  GridSize grid_;
  std::uint32_t packet_bytes_;
  double flit_bytes_, hop_, niu_, gap_, read_flit_, write_flit_;
  double l1_access_, l1_commit_, multicast_setup_, multicast_unlinked_;
  double dram_rate_, dram_request_, dram_read_, dram_write_;
  std::array<double, event_kind_count> issue_{};

  std::vector<Link> ports_;
  std::array<Channel, noc::dram_banks> channels_{};
  std::vector<int> core_of_node_, bank_of_node_;
  std::vector<int> node_of_core_;
  struct Route {
    std::uint32_t first = 0;
    std::int16_t length = -1;  ///< -1: not asked for yet
  };
  std::vector<Route> routes_;
  std::vector<std::uint16_t> route_links_;
  std::unordered_map<std::uint64_t, Tree> trees_;  ///< by NoC, source and rectangle
  std::vector<Packet> packets_;
  std::vector<std::uint32_t> free_packets_;
  std::vector<SemaphoreUpdate> updates_;
  std::vector<std::uint32_t> free_updates_;
  double departed_ = 0;
  double bytes_times_hops_ = 0;
};

}  // namespace tilegrid::replay
