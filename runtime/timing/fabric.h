// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/chip/chip.h"
#include "core/chip/geometry.h"
#include "runtime/timing/agenda.h"
#include "runtime/timing/pool.h"
#include "runtime/timing/routes.h"

namespace tilegrid::timing {

/// A packet as the routers see it.
struct Passage {
  std::uint32_t packet = 0;  ///< the listener's number of the packet
  int noc = 0;
  int from = 0, to = 0;
  std::uint64_t key = 0;
  double flits = 0;          ///< header included
  double cycles = 0;         ///< for which it occupies a port
  double source_cycles = 0;  ///< for which it occupies its source's port; at least `cycles`
  std::uint32_t bytes = 0;
  bool response = false;  ///< of a read: may take any of several virtual channels
};

/// Who hears of packets on their way.
class FabricListener {
 public:
  /// A response will leave the queue of its NIU in this step: what comes to the queue before it has to be there.
  virtual void leaves(std::uint32_t packet, double time, std::uint64_t key) = 0;
  virtual void entered(std::uint32_t packet, double time) = 0;  ///< its head leaves the NIU
  virtual void left(std::uint32_t packet, double time) = 0;     ///< its tail will have left the NIU at `time`
  virtual void arrived(std::uint32_t packet, double time) = 0;  ///< its head is in the NIU of the target at `time`

 protected:
  ~FabricListener() = default;
};

/// The routers and links of both tori, with wormhole switching (tensix.md 4.1). A port sends one packet after another, in
/// the order in which their heads asked for it. A packet that has to wait stays where it is: each router behind its head
/// holds noc_buffer_flits of it, and the rest keeps the ports further back. A virtual channel of a router's input is a
/// queue: what is behind a waiting packet waits too, even if its own way is free. Writes and atomics have one channel
/// (tt-metal's static VC), responses of reads choose among noc_response_channels: measured writes of all cores to DRAM in
/// any order reach about half of what links allow, reads four fifths (tensix.md 4.3), and so do these.
class Fabric {
 public:
  Fabric(const Chip& chip, Routes& routes, Agenda& agenda, FabricListener& listener);

  struct Entry {
    std::uint32_t worm = 0;  ///< the packet's number here, until its head has arrived
    bool at_once = false;    ///< it is in the network already
  };
  /// The packet asks for its NIU.
  Entry enter(const Passage& passage, double time);
  /// Appends another packet of the same way to one that waits in its NIU behind others. False when that one is next or has
  /// entered the network, or when both together would be longer than `most` bytes.
  bool extend(std::uint32_t worm, const Passage& passage, std::uint32_t most);
  /// The head has reached a router, or stands in the NIU that sends it.
  void head(std::uint32_t worm, double time);
  /// This worm's head comes next: what it is should be in the cache by then.
  void expect_head(std::uint32_t worm) const {
    __builtin_prefetch(&worms_[worm]);
    __builtin_prefetch(&worms_[worm].lanes);
  }
  /// The packet before it has left the router's buffer.
  void front(std::uint32_t worm, double time);
  /// A port may be free for those who wait.
  void woken(std::uint16_t port, double time) {
    if (ports_[port].wake <= time) ports_[port].wake = never;
    serve(port, time);
  }
  /// Whether responses stand in the queue of a node's NIU.
  [[nodiscard]] bool responds(int noc, int node) const {
    return sources_[routes_.port(noc, node, Routes::port_inject) * 2 + 1].first != nobody;
  }
  /// Occupies a port for a packet that waits in no queue (a multicast), at the first free time from `time` on. Returns when
  /// that begins.
  double take(std::uint16_t port, double time, double cycles, std::uint32_t bytes);
  [[nodiscard]] double free(std::uint16_t port) const { return ports_[port].free; }
  [[nodiscard]] double busy(std::uint16_t port) const { return ports_[port].busy; }
  [[nodiscard]] std::uint64_t bytes(std::uint16_t port) const { return ports_[port].bytes; }
  /// Cycles from the head's leaving one NIU to its arrival in the other, when nothing is in the way.
  [[nodiscard]] double flight(int links) const { return 2 * niu_ + hop_ * links; }
  [[nodiscard]] double hop_cycles() const { return hop_; }

 private:
  static constexpr double never = std::numeric_limits<double>::infinity();
  static constexpr std::uint32_t nobody = 0xFFFF'FFFF;
  static constexpr int most_channels = 4;
  static constexpr int lanes_of_port = 2 * most_channels;  ///< on both sides of the dateline
  static constexpr int most_hops = max_die_columns_and_rows;

  struct Port {
    double free = 0, busy = 0;
    double wake = never;  ///< time of the next appointment at which waiting packets are looked at
    std::uint64_t bytes = 0;
    std::uint32_t first = nobody, last = nobody;  ///< packets that wait for it, at the front of their buffers
  };
  /// Packets one behind the other: in the buffer of a virtual channel, or in a NIU.
  struct Queue {
    double left = 0;  ///< when the tail of the packet that left last is out
    std::uint32_t first = nobody, last = nobody;
  };
  /// A virtual channel of a port, with its buffer in the next router.
  struct Lane {
    double free = 0;    ///< when the tail of the last packet is through the port; `never` while that is not known
    double behind = 0;  ///< a lower bound of that, for as long as it is not known
    double space = 0;   ///< flits of the buffer that are not taken by packets which fit into it as a whole
    Queue buffer;
  };
  /// Takes two cache lines: what it is, and its way.
  struct alignas(64) Worm {
    std::uint64_t key = 0;
    double cycles = 0, source_cycles = 0;
    float flits = 0;  ///< a whole number
    std::uint32_t bytes = 0;
    std::uint32_t packet = 0;
    std::uint32_t waits_behind = nobody;  ///< next of those that wait for a port
    std::uint32_t comes_behind = nobody;  ///< next in the buffer
    std::uint8_t length = 0;              ///< of the way
    std::uint8_t at = 0;                  ///< hop that the head takes next
    std::uint8_t settled = 0;             ///< hops for which it is known when the tail passes them
    std::uint8_t reach = 0;               ///< routers that the packet reaches back over when it stands still
    bool response = false;
    /// By hop: the lane that was taken, before that the first of its side of the port.
    alignas(64) std::array<std::uint16_t, most_hops> lanes;
  };
  static_assert(sizeof(Worm) == 128);

  /// The hop's port.
  [[nodiscard]] static std::uint16_t port(const Worm& worm, int hop) {
    return static_cast<std::uint16_t>(worm.lanes[hop] / lanes_of_port);
  }
  [[nodiscard]] Lane& lane(const Worm& worm, int hop) { return lanes_[worm.lanes[hop]]; }
  /// The queue in which the packet stands before it takes the hop. A NIU has one queue for requests and one for responses.
  [[nodiscard]] Queue& queue(const Worm& worm, int hop) {
    if (hop == 0) return sources_[port(worm, 0) * 2 + (worm.response ? 1 : 0)];
    return lane(worm, hop - 1).buffer;
  }
  [[nodiscard]] std::uint8_t reach_of(const Worm& worm) const;
  void add(Step step, std::uint32_t number, double time) { agenda_.add(time, worms_[number].key, number, step); }
  [[nodiscard]] bool lets_the_next_go(const Worm& worm) const;
  // Inlined wherever they are called, many millions of times a second.
  [[gnu::always_inline]] inline void ask(std::uint32_t number, double time);
  [[gnu::always_inline]] inline double chance(const Worm& worm, double time, int& channel);
  void serve(std::uint16_t port, double time);
  void wake(std::uint16_t port, double time);
  void go(std::uint32_t number, int channel, double time);
  void hold_back(const Worm& worm, int hop, double end);
  [[gnu::always_inline]] inline void settle(Worm& worm, double time);

  Routes& routes_;
  Agenda& agenda_;
  FabricListener& listener_;
  double hop_, niu_;
  double buffer_, per_buffer_;  ///< flits, and one over them
  int channels_;                ///< of a side of a port: one for writes, the others for responses
  std::vector<Port> ports_;
  std::vector<Lane> lanes_;
  std::vector<Queue> sources_;  ///< of NIUs, by port
  Pool<Worm> worms_;
};

}  // namespace tilegrid::timing
