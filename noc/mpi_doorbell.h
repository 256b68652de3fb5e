// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mpi.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "noc/shared_memory.h"

namespace tilegrid::noc {

/// Lets ranks of one host sleep until a neighbour has sent them something. A futex wakes one sleeper in about 10 us even
/// when 80 ranks share two cores, where polling costs every idle rank a turn on the CPU (distsim.md 0.5).
///
/// Each bell also counts the messages that neighbours post to its rank, each just before it is posted. A rank that has
/// taken as many has nothing to look for, and need not ask MPI, whose progress costs and may hide a message behind other
/// traffic for a while.
///
/// Use by the sleeper: arm(), compare posted() with what it took, then sleep() or disarm(). A sender announces its message,
/// posts it, and rings. Either the sleeper sees the count or the ring finds the sleeper: none is lost.
///
/// A rank that watches sockets besides can't sleep at a futex: open_socket() gives it a bell that is a socket, too.
class MpiDoorbell {
 public:
  /// Collective over `host`, a communicator of ranks that can share memory. When there is no shared memory to be had, all
  /// ranks agree on it and sleep() becomes a nap of at most `nap`.
  explicit MpiDoorbell(MPI_Comm host);
  MpiDoorbell(const MpiDoorbell&) = delete;
  MpiDoorbell& operator=(const MpiDoorbell&) = delete;
  ~MpiDoorbell();

  /// Collective. Where sockets can't be had, or do not reach all ranks, all agree on it, and sleepers are at futexes only.
  void open_socket(MPI_Comm host);
  /// Readable when a ring came for one who armed with `at_socket`; -1: none.
  [[nodiscard]] int socket() const { return socket_; }
  /// Empties it. A ring may come late, for a sleep that is over: it ends the next one early.
  void take_rings();

  /// Collective. Without it the page stays until the process ends.
  void release();

  [[nodiscard]] bool shared() const { return bells_ != nullptr; }

  /// Counts a message that is about to be posted to the rank. To be followed by ring(), after it or some more messages.
  void announce(int host_rank);
  /// Messages announced to the own rank so far; wraps.
  [[nodiscard]] std::uint32_t posted() const { return own_->posted.load(std::memory_order_seq_cst); }

  /// Wakes the rank if it sleeps. `host_rank` counts within the host's communicator.
  void ring(int host_rank);

  /// Announces sleep; the result is for sleep(). `at_socket`: it will be at socket(), and ends with disarm().
  std::uint32_t arm(bool at_socket = false);
  void disarm();
  /// Sleeps until a ring that came after arm(), or `limit`. Disarms.
  void sleep(std::uint32_t armed, std::chrono::microseconds limit);

  /// Longest sleep where nobody can ring.
  static constexpr std::chrono::microseconds nap{150};

 private:
  /// An address that the system chose, as it is sent to others.
  struct Address {
    std::array<char, 16> name{};
    std::uint32_t length = 0;
  };
  enum Sleeping : std::uint32_t { awake, at_futex, at_socket };

  bool send_ring(int host_rank);
  [[nodiscard]] void* map_file(MPI_Comm host, int rank, std::size_t bytes);
  [[nodiscard]] void* open_window(MPI_Comm host, int rank, int size);

  static constexpr std::size_t line = 64;  // bytes: one rank's bell must not share a cache line with another's
  struct alignas(line) Bell {
    std::atomic<std::uint32_t> rings;
    std::atomic<std::uint32_t> sleeping;  // a Sleeping
    std::atomic<std::uint32_t> posted;
  };
  static_assert(sizeof(Bell) == line && std::atomic<std::uint32_t>::is_always_lock_free);

  Bell* bells_ = nullptr;  // one for each rank of the host, in shared memory
  Bell* own_ = nullptr;
  SharedMemory memory_;            // where they lie,
  MPI_Win window_ = MPI_WIN_NULL;  // or here
  int socket_ = -1;
  std::vector<Address> addresses_;  // by rank of the host
};

}  // namespace tilegrid::noc
