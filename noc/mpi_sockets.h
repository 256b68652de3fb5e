// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poll.h>

#include <chrono>
#include <vector>

namespace tilegrid::noc {

/// The sockets by which MPI reaches other hosts, to sleep at until something comes through one: to ask MPI again and again
/// is what a rank that shares its CPU can afford least. MPI does not hand its sockets out; but Open MPI that waits for them
/// by epoll (see ask_for_epoll()) has them, present and future ones, behind descriptors of this process that can be watched
/// in turn. Where there are none, or a network is reached by something else, nothing here tells of messages: who watches has
/// to look now and then all the same.
class MpiSockets {
 public:
  /// To be called before MPI_Init: Open MPI's own choice is poll. What the user has set wins.
  static void ask_for_epoll();

  /// After MPI_Init. `bell`: a descriptor that is watched besides by sleep(), and stays the caller's; -1: none.
  explicit MpiSockets(int bell);

  [[nodiscard]] bool known() const { return watched_.size() > 1; }
  /// Whether there is something that MPI has not taken; it may be nothing that concerns messages.
  [[nodiscard]] bool ready();
  struct Woken {
    bool by_network = false;
    bool by_bell = false;
  };
  /// Sleeps until ready() or the bell, or `limit`: then neither has woken it.
  Woken sleep(std::chrono::microseconds limit);

 private:
  std::vector<pollfd> watched_;  // the bell's first
};

}  // namespace tilegrid::noc
