// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mpi.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "noc/mpi_doorbell.h"
#include "noc/transport.h"

namespace tilegrid::noc {

/// CPUs that the ranks of a host may use together. Collective over `host`.
[[nodiscard]] int cpus_of_host(MPI_Comm host);

/// Two-sided messages over one private communicator with one tag, received with Improbe/Mrecv: the only receive style that
/// kept the order per source in measurements (distsim.md 0.3).
///
/// Flow control: `window` messages per ordered pair may be without credit; the receiver gives back `credit_batch` at a time.
/// Eager messages that nobody receives would otherwise pile up at the receiver without bound (distsim.md 2.3).
/// Credits are not part of stats(), which counts what callers sent and got.
///
/// Errors of MPI become Error(ExitCode::lost_rank); a message out of sequence, to the own rank, without a receiver or above
/// max_payload is a std::logic_error.
class MpiTransport final : public Transport {
 public:
  static constexpr int window = 64;
  static constexpr int credit_batch = 32;

  /// Collective over `parent`, whose ranks keep their numbers.
  explicit MpiTransport(MPI_Comm parent);
  /// Collective, and drops what arrives meanwhile. While an exception unwinds the stack it leaves all to the end of the
  /// process instead, as the other ranks will not come.
  ~MpiTransport() override;
  MpiTransport(const MpiTransport&) = delete;
  MpiTransport& operator=(const MpiTransport&) = delete;

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return static_cast<int>(peers_.size()); }
  void send(int destination_rank, Message message, bool more = false) override;
  int poll(MessageSink& sink, int budget) override;
  void wait(std::chrono::microseconds limit) override;
  [[nodiscard]] bool sends_done() const override { return held_ == 0 && requests_.empty(); }
  [[nodiscard]] TransportStats stats() const override { return stats_; }

 private:
  struct Peer {
    std::uint32_t next_out = 0;  // sequence numbers
    std::uint32_t next_in = 0;
    int credits = window;      // messages that may go out before the peer gives more
    int owed = 0;              // messages received and not yet credited
    int host_rank = -1;        // on this host, -1 if elsewhere
    std::deque<Message> held;  // in order, waiting for credits
  };
  struct Outgoing {
    int destination = 0;
    Message message;
  };

  void find_neighbours(MPI_Comm host);
  Peer& peer(int rank) { return peers_[static_cast<std::size_t>(rank)]; }
  void post(int destination, Message message, bool more);
  void ring(int destination);
  void reap();
  bool receive_one(MessageSink& sink, int& delivered);
  void take_credit(int source, std::uint64_t credits);
  void give_credit(int source);
  [[nodiscard]] bool arrived();
  [[nodiscard]] bool look(int times, bool was_sending);
  void drain();
  void abandon_sends();

  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0;
  std::vector<Peer> peers_;
  std::unique_ptr<MpiDoorbell> doorbell_;  // none where ranks have a core each: they spin
  bool remote_peers_ = false;
  std::vector<MPI_Request> requests_;  // incomplete sends, and at the same index what they send
  std::vector<Outgoing> outgoing_;
  std::vector<int> finished_;
  std::vector<std::byte> incoming_;
  int unreturned_ = 0;      // upper estimate of fragments of own sends still to come back
  std::uint64_t held_ = 0;  // over all peers
  bool polling_ = false;
  int exceptions_;
  TransportStats stats_;
};

}  // namespace tilegrid::noc
