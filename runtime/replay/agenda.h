// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <queue>
#include <tuple>
#include <vector>

namespace tilegrid::replay {

/// What happens at a point in time to something that several cores share.
enum class Step : std::uint8_t {
  issue,   ///< a data-movement RISC (index: its stream) stands at an event that others can see
  serve,   ///< a packet (index) reaches a DRAM channel
  ready,   ///< the data of a read are there: the packet queues for its NIU
  depart,  ///< the packet enters the network
  land,    ///< a semaphore update (index) takes effect
};

struct Appointment {
  double time = 0;
  std::uint64_t key = 0;  ///< core, RISC, number in its sequence: decides between equal times
  std::uint32_t index = 0;
  Step step{};
};

/// The one queue of a replay: appointments by time, then by core, RISC and sequence number, then by step.
class Agenda {
 public:
  void add(const Appointment& appointment) { queue_.push(appointment); }
  [[nodiscard]] bool empty() const { return queue_.empty(); }
  Appointment next() {
    const Appointment first = queue_.top();
    queue_.pop();
    return first;
  }

 private:
  struct Later {
    bool operator()(const Appointment& a, const Appointment& b) const {
      if (a.time != b.time) return a.time > b.time;
      return std::tie(a.key, a.step, a.index) > std::tie(b.key, b.step, b.index);
    }
  };
  std::priority_queue<Appointment, std::vector<Appointment>, Later> queue_;
};

}  // namespace tilegrid::replay
